"""Label map files: the YAML that states a dataset's facts, ids, label sets and splits."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from pcseg.data.scan import IGNORE
from pcseg.errors import LabelError


def load_map(path: Path) -> dict[str, Any]:
    """Read a label map.

    A map that says ``based_on: <shipped map>`` takes from there what it does not state itself,
    ``facts`` one by one. Its ``sets`` may be a list, which keeps these sets of the other map;
    ``also_ignored`` {raw id: name} adds raw ids that no set scores.

    Returns:
        Plain data, shared with other callers: read it, do not change it.

    Raises:
        LabelError: if the file is missing, not YAML, or lacks ``dataset`` or ``sets``.
    """
    try:
        data = _parsed(Path(path), Path(path).stat().st_mtime_ns)
    except FileNotFoundError as error:
        raise LabelError(f"{path}: this label map does not exist.") from error
    except yaml.YAMLError as error:
        raise LabelError(f"{path}: not valid YAML ({error}).") from error
    if isinstance(data, dict) and "based_on" in data:
        data = _completed(path, data)
    if not isinstance(data, dict) or "dataset" not in data or not data.get("sets"):
        raise LabelError(f"{path}: a label map needs 'dataset' and 'sets'.")
    if not isinstance(data["sets"], dict):
        raise LabelError(f"{path}: 'sets' must be a mapping of names to label sets.")
    return data


def find_map(name: str) -> tuple[Path, str | None]:
    """The file of ``"<map>"`` or ``"<map>/<set>"`` (or a path in place of the map), and the set.

    Raises:
        LabelError: if no map of that name is shipped, naming those that are.
    """
    file = re.fullmatch(r"(.+\.ya?ml)(?:/([^/]+))?", name)
    if file is not None:
        return Path(file[1]), file[2]
    map_name, _, set_name = name.partition("/")
    shipped = shipped_maps()
    if map_name not in shipped:
        raise LabelError(
            f"there is no label map '{map_name}'. Shipped: {', '.join(sorted(shipped))}; "
            "or give the path of a YAML file."
        )
    return shipped[map_name], set_name or None


def shipped_maps() -> dict[str, Path]:
    """The files of the maps that come with pcseg, by name."""
    folder = Path(str(files("pcseg.data") / "labelmaps"))
    return {path.stem: path for path in folder.glob("*.yaml")}


def concepts() -> dict[str, str]:
    """The kinds of things that maps say their ids cover (``concepts``), and what each means."""
    words: dict[str, str] = parse_yaml(Path(str(files("pcseg.data") / "concepts.yaml")))
    return words


def parse_yaml(path: Path) -> Any:
    """The content of a YAML file as plain data; no object but dicts, lists, text and numbers."""
    return yaml.load(path.read_text(encoding="utf-8"), _LOADER)


@lru_cache(maxsize=64)
def _parsed(path: Path, changed: int) -> Any:
    """The content of a file as it was when last `changed`; one map is asked for many times."""
    return parse_yaml(path)


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times faster where PyYAML was built with libyaml; as safe."""


def _completed(path: Path, data: dict[str, Any]) -> dict[str, Any]:
    """A map with what it leaves out taken from the shipped map it is based on."""
    base = shipped_maps().get(str(data["based_on"]))
    if base is None or base.stem == path.stem:
        raise LabelError(
            f"{path}: based_on '{data['based_on']}' is not another shipped label map. "
            f"Shipped: {', '.join(sorted(shipped_maps()))}."
        )
    for key in ("facts", "also_ignored"):
        if not isinstance(data.get(key, {}), dict):
            raise LabelError(f"{path}: '{key}' must be a mapping, not {data[key]!r}.")
    whole = load_map(base)
    made = {**whole, **data, "facts": {**whole.get("facts", {}), **data.get("facts", {})}}
    if isinstance(made["sets"], list):
        missing = [name for name in made["sets"] if name not in whole["sets"]]
        if missing:
            raise LabelError(
                f"{path}: label map '{base.stem}' has no set '{missing[0]}'. "
                f"It has: {', '.join(whole['sets'])}."
            )
        made["sets"] = {name: whole["sets"][name] for name in made["sets"]}
    extra = made.get("also_ignored")
    return _with_ignored(made, extra) if extra else made


def _with_ignored(data: dict[str, Any], extra: dict[int, str]) -> dict[str, Any]:
    ignored = dict.fromkeys(extra, IGNORE)
    sets = {
        name: {**table, "raw_to_train": {**table["raw_to_train"], **ignored}}
        for name, table in data["sets"].items()
    }
    return {**data, "raw_names": {**data["raw_names"], **extra}, "sets": sets}
