"""Reading a plan: a YAML file and key=value changes, with errors that point at the line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from pcseg.benchmark.plan import (
    DataEntry,
    HungerEntry,
    MethodEntry,
    Plan,
    SimulateEntry,
    SourceEntry,
    TargetEntry,
)
from pcseg.config.load import find_plan, parse_settings, read_yaml
from pcseg.errors import ConfigError
from pcseg.hints import did_you_mean

_SECTIONS: tuple[type[BaseModel], ...] = (
    Plan, DataEntry, SimulateEntry, SourceEntry, TargetEntry, MethodEntry, HungerEntry,
)  # fmt: skip


def load_plan(name: str, changes: Sequence[str] = ()) -> Plan:
    """Read a plan.

    Args:
        name: a YAML file, or a shipped plan such as ``dg/sim_quick``.
        changes: ``key=value``, for example ``tier=full`` or ``data.kitti.root=DIR``.

    Raises:
        ConfigError: for a file, key or value that cannot be, with its line.
    """
    path = find_plan(name)
    data, where = read_yaml(path)
    if "methods" not in data:
        raise ConfigError(
            f"{path}: is not a plan: it has no 'methods'. `pcseg benchmark dg --list` "
            "lists plans; a training is started by `pcseg train`."
        )
    for key, value in parse_settings(changes).items():
        _set(data, key.split("."), value)
        where[tuple(key.split("."))] = f"command line ({key}={value})"
    try:
        return Plan.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_explain(error, where, path)) from None


def _set(data: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    for key in keys[:-1]:
        inner = data.setdefault(key, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{'.'.join(keys)}: '{key}' is no section.")
        data = inner
    data[keys[-1]] = value


def _explain(error: ValidationError, where: Mapping[tuple[str, ...], str], path: Path) -> str:
    lines = []
    for problem in error.errors():
        at = tuple(str(part) for part in problem["loc"] if part != "[key]")
        message = problem["msg"].removeprefix("Value error, ")
        message = message[0].lower() + message[1:]
        if problem["type"] == "extra_forbidden":
            known = [key for section in _SECTIONS for key in section.model_fields]
            message = f"is not a setting of a plan{did_you_mean(at[-1], known)}"
        place = next((where[at[:n]] for n in range(len(at), 0, -1) if at[:n] in where), str(path))
        lines.append(f"plan error: {'.'.join(at) or 'plan'}: {message}\n  in {place}")
    return "\n".join(lines)
