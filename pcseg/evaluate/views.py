"""The catalogue of views: every published way to score across datasets, by a name to quote."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from pcseg.data.label_files import parse_yaml
from pcseg.errors import ConfigError
from pcseg.evaluate.house import HOUSE_VIEWS, house_view
from pcseg.evaluate.view import View
from pcseg.hints import did_you_mean

__all__ = ["View", "list_views", "view"]


def list_views() -> list[str]:
    """Names of all views: those of papers first, then those of the house benchmark."""
    return [*_published(), *HOUSE_VIEWS]


def view(name: str) -> View:
    """Look a view up by name, for example ``"3dlabelprop/sk-ns/v1"``.

    A name stands for one set of rules for ever: a change of rules is a new version.

    Raises:
        ConfigError: for an unknown name, with a suggestion.
    """
    if name in HOUSE_VIEWS:
        return house_view(name)
    table = _published()
    if name not in table:
        raise ConfigError(
            f"there is no view '{name}'{did_you_mean(name, list_views())}. "
            "`pcseg ls views` lists them."
        )
    return table[name]


@cache
def _published() -> dict[str, View]:
    """Views stated in ``tables/*.yaml``; what a file gives under ``all`` holds for each of its."""
    found = {}
    for path in sorted(Path(str(files("pcseg.evaluate") / "tables")).glob("*.yaml")):
        data = parse_yaml(path)
        for name, own in data["views"].items():
            found[name] = View.from_dict(name, {**data.get("all", {}), **own})
    return found
