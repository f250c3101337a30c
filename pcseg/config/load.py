"""YAML files and key=value overrides into a checked `Config`; errors point at the line."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from pcseg.config.schema import Config
from pcseg.errors import ConfigError

Where = dict[tuple[str, ...], str]
"""For each key path, the place it was written at: ``"file.yaml, line 8"`` or ``"command line"``."""


def load_config(name: str, overrides: Sequence[str] = ()) -> Config:
    """Load a configuration by path or by the name of a shipped one, and apply overrides.

    Args:
        name: a path to a YAML file, or a shipped name such as ``"semantickitti/minkunet"``.
        overrides: ``"key.path=value"`` strings; values are read as YAML.

    Raises:
        ConfigError: for unknown files, keys (with a suggestion and the line) and values.
    """
    data, where = _read_with_base(find_config(name))
    return build_config(data, overrides, where)


def build_config(
    data: Mapping[str, Any], overrides: Sequence[str] = (), where: Where | None = None
) -> Config:
    """Validate plain data plus overrides; what `load_config` does after reading the file."""
    merged, places = dict(data), dict(where or {})
    parsed = [(*_parse_override(text), text) for text in overrides]
    # The kind of model first: naming another kind empties the section for the settings of its own.
    for keys, value, text in sorted(parsed, key=lambda p: p[0] != ("model", "name")):
        merged = _merge(merged, _nest(keys, value))
        places[keys] = f"command line ({text})"
    if isinstance(merged.get("model"), Mapping):
        merged["model"] = {"name": Config().model.name, **merged["model"]}
    _check_keys(merged, Config, (), places)
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(error, places)) from None


def find_config(name: str) -> Path:
    """The file of a configuration given by path or shipped name.

    Raises:
        ConfigError: if there is neither, with the closest shipped names.
    """
    return _find(
        name,
        shipped_configs(),
        "configuration",
        "`pcseg ls configs` lists them; `pcseg cp` copies one to change",
    )


def find_plan(name: str) -> Path:
    """The file of a benchmark's plan given by path or shipped name.

    Raises:
        ConfigError: if there is neither, with the closest shipped names.
    """
    return _find(name, shipped_plans(), "plan", "`pcseg benchmark dg --list` lists them")


def _find(name: str, shipped: Mapping[str, Path], what: str, remedy: str) -> Path:
    path = Path(name)
    if path.is_file():
        return path
    if name.removesuffix(".yaml") in shipped:
        return shipped[name.removesuffix(".yaml")]
    close = difflib.get_close_matches(name, shipped, n=3, cutoff=0.4)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    raise ConfigError(f"there is no file and no shipped {what} '{name}'.{hint} {remedy}.")


def shipped_configs() -> dict[str, Path]:
    """Name -> file of all configurations that come with pcseg."""
    return {name: path for name, path in _shipped().items() if not _PLAN.fullmatch(name)}


def shipped_plans() -> dict[str, Path]:
    """Name -> file of all plans of benchmarks that come with pcseg."""
    return {name: path for name, path in _shipped().items() if _PLAN.fullmatch(name)}


_PLAN = re.compile(r"dg/[^/]+")
"""Plans lie in ``configs/dg``, the configurations of their methods in folders below."""


def _shipped() -> dict[str, Path]:
    root = Path(str(files("pcseg.configs")))
    found = sorted(root.rglob("*.yaml"))
    return {path.relative_to(root).with_suffix("").as_posix(): path for path in found}


def parse_settings(words: Sequence[str]) -> dict[str, Any]:
    """Plain ``key=value`` words as a mapping; values are read as YAML, lists become tuples.

    Raises:
        ConfigError: for a word without a key or a value that is no YAML.
    """
    found = {".".join(keys): value for keys, value in map(_parse_override, words)}
    return {k: tuple(v) if isinstance(v, list) else v for k, v in found.items()}


def read_yaml(path: Path) -> tuple[dict[str, Any], Where]:
    """A YAML mapping and the line of each of its keys.

    Raises:
        ConfigError: if the file cannot be read or is not a mapping.
    """
    try:
        text = path.read_text()
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML ({error}).") from error
    if data is None:
        return {}, {}
    if not isinstance(data, dict) or node is None:
        raise ConfigError(f"{path}: a configuration is a mapping of sections, not {type(data)}.")
    return data, _lines(node, path, ())


def _read_with_base(path: Path) -> tuple[dict[str, Any], Where]:
    """The file, laid over the one it names under `base` (one level only: what you see is near)."""
    data, where = read_yaml(path)
    base_name = data.pop("base", None)
    if base_name is None:
        return data, where
    base_path = path.parent / f"{base_name}.yaml"
    base_path = base_path if base_path.is_file() else find_config(str(base_name))
    base, base_where = read_yaml(base_path)
    if "base" in base:
        raise ConfigError(f"{base_path}: is a base itself and must not name another base.")
    return _merge(base, data), {**base_where, **where}


_FRAME_LIST = re.compile(r"0\d|\d+:")
"""Sequences and frames (00, 00:0-7) are text; YAML would make numbers of them."""


def _parse_override(text: str) -> tuple[tuple[str, ...], Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"'{text}' sets nothing: write key=value, for example train.epochs=5.")
    try:
        parsed = value if _FRAME_LIST.match(value) else yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"'{text}': the value cannot be read ({error}).") from error
    return tuple(key.split(".")), parsed


def _nest(keys: Sequence[str], value: Any) -> dict[str, Any]:
    for key in reversed(keys):
        value = {key: value}
    return value  # type: ignore[no-any-return]


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid onto `base`. A section that names another kind (`name:`) replaces the whole."""
    out = dict(base)
    for key, value in over.items():
        old = out.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            kind = old.get("name", Config().model.name)
            other_kind = key == "model" and value.get("name", kind) != kind
            out[key] = dict(value) if other_kind else _merge(old, value)
        else:
            out[key] = value
    return out


def _check_keys(data: Any, schema: type[BaseModel], at: tuple[str, ...], where: Where) -> None:
    """Refuse unknown keys before any value is looked at, with the closest known one."""
    if not isinstance(data, Mapping):
        name = ".".join(at) or "the configuration"
        raise ConfigError(
            f"config error: {name} is a section with the settings "
            f"{', '.join(schema.model_fields)}; got {data!r}.{_place(at, where)}"
        )
    for key, value in data.items():
        here = (*at, str(key))
        if key not in schema.model_fields:
            raise ConfigError(_unknown(here, schema, where))
        section = _section(schema.model_fields[key].annotation, value)
        if section is not None:
            _check_keys(value, section, here, where)


def _section(annotation: Any, value: Any) -> type[BaseModel] | None:
    """The model class of a section, choosing by `name` among several."""
    options = [annotation]
    if get_origin(annotation) is Annotated:
        options = [get_args(annotation)[0]]
    if get_origin(options[0]) in (Union, types.UnionType):
        options = list(get_args(options[0]))
    models = [o for o in options if isinstance(o, type) and issubclass(o, BaseModel)]
    if len(models) < 2 or not isinstance(value, Mapping):
        return models[0] if models else None
    named = [m for m in models if value.get("name") in get_args(m.model_fields["name"].annotation)]
    return named[0] if named else None


def _unknown(here: tuple[str, ...], schema: type[BaseModel], where: Where) -> str:
    everywhere = _all_keys(Config, ())
    close = difflib.get_close_matches(here[-1], schema.model_fields, n=1, cutoff=0.6)
    if close:
        hint = ".".join((*here[:-1], close[0]))
    else:
        same_name = [k for k in everywhere if k.rpartition(".")[2] == here[-1]]
        near = difflib.get_close_matches(".".join(here), everywhere, n=1, cutoff=0.6)
        hint = (same_name or near or [""])[0]
    known = ", ".join(schema.model_fields)
    guess = f" (did you mean {hint}?)" if hint else f" (known here: {known})"
    return f"config error: {'.'.join(here)} is not a setting{guess}{_place(here, where)}"


def _all_keys(schema: type[BaseModel], at: tuple[str, ...]) -> list[str]:
    keys = []
    for key, info in schema.model_fields.items():
        keys.append(".".join((*at, key)))
        section = _section(info.annotation, {})
        if section is not None:
            keys += _all_keys(section, (*at, key))
    return keys


def _explain(error: ValidationError, where: Where) -> str:
    lines = []
    for problem in error.errors():
        # The union's tag stands in pydantic's path but not in the file.
        path = tuple(str(p) for p in problem["loc"])
        at = path[:1] + path[2:] if path[0] == "model" and len(path) > 2 else path
        value = problem.get("input")
        message = problem["msg"][0].lower() + problem["msg"][1:]
        lines.append(f"config error: {'.'.join(at)} = {value!r}: {message}{_place(at, where)}")
    return "\n".join(lines)


def _place(at: tuple[str, ...], where: Where) -> str:
    for length in range(len(at), 0, -1):
        if at[:length] in where:
            return f"\n  in {where[at[:length]]}"
    return ""


def _lines(node: yaml.Node, path: Path, at: tuple[str, ...]) -> Where:
    if not isinstance(node, yaml.MappingNode):
        return {}
    found: Where = {}
    for key, value in node.value:
        here = (*at, str(key.value))
        found[here] = f"{path}, line {key.start_mark.line + 1}"
        found |= _lines(value, path, here)
    return found
