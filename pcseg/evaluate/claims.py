"""Whose predictions a folder holds: noted in it, so that finished files are kept only if they fit.

The note is `predictions.json`: who predicts (weights and settings), the class table, and for each
file the input it was made from. A file that the note does not list is never taken for finished.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pcseg.data import LabelSet
from pcseg.data.readers.generic.files import PREDICTIONS
from pcseg.errors import ConfigError, DataError
from pcseg.files import read_json, write_json


def claim(
    folder: Path,
    maker: Mapping[str, Any],
    classes: LabelSet,
    targets: Sequence[Path],
    inputs: Sequence[Path],
    overwrite: bool = False,
    replace: bool = False,
) -> list[int]:
    """Note that a folder's predictions are made by `maker`, and say which are still to be made.

    What must not be kept is removed before the note is written: an interruption at any moment
    leaves no file that a later call could take for one of this maker.

    Args:
        folder: of the predictions.
        maker: plain data that differs wherever predictions could differ.
        classes: the class table they are made with.
        targets: the file for each input.
        inputs: what is predicted.
        overwrite: make all anew.
        replace: give up what another maker left in the folder instead of refusing it.

    Returns:
        Numbers of the targets that are not there yet.

    Raises:
        ConfigError: if two inputs share a target, a target is an input, or files are in the way
            that another maker, other inputs or someone else put there.
    """
    _refuse_clashes(targets, inputs)
    note = folder / PREDICTIONS
    mine = json.loads(json.dumps({"maker": maker, "label_set": classes.to_dict()}))
    before = _read(note) if note.is_file() else {}
    fits = {key: before.get(key) for key in mine} == mine
    if before and not (fits or overwrite or replace):
        raise ConfigError(
            f"{folder}: holds predictions of other weights or settings ({note}). "
            "Choose another --out, or replace them with --overwrite."
        )
    listed: dict[str, str] = before.get("files", {})
    wanted = {_name(t, folder): str(i.absolute()) for t, i in zip(targets, inputs, strict=True)}
    there = [name for name in wanted if (folder / name).is_file()]
    kept = {n for n in there if fits and not overwrite and listed.get(n) == wanted[n]}
    stale = [name for name in there if name not in kept]
    if stale and not (overwrite or replace):
        raise ConfigError(_in_the_way(folder / stale[0], listed.get(stale[0]), len(stale)))
    if not fits and replace:
        stale += [name for name in listed if name not in wanted and ".." not in Path(name).parts]
    for name in stale:
        (folder / name).unlink(missing_ok=True)
    write_json(note, {**mine, "files": {**(listed if fits else {}), **wanted}})
    return [i for i, name in enumerate(wanted) if name not in kept]


def noted_classes(path: Path) -> LabelSet | None:
    """The class table of predictions, from the note in their folder or in one above it.

    Args:
        path: a folder of predictions, or a file in it.

    Returns:
        The table, or None if there is no note.

    Raises:
        DataError: if the note is damaged.
    """
    for folder in (path, *path.absolute().parents[:4]):  # file, predictions, SS, sequences
        note = folder / PREDICTIONS
        if note.is_file():
            return LabelSet.from_dict(_read(note)["label_set"])
    return None


_DEPTH = 4
"""How far a file is below the note: ``sequences/SS/predictions/NNNNNN.label``."""


def _read(note: Path) -> dict[str, Any]:
    data = read_json(note)
    try:
        LabelSet.from_dict(data["label_set"])
        dict(data["maker"]), dict(data["files"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{note}: does not say who made the predictions here ({type(error).__name__}: {error})."
            " Remove it together with the predictions, or choose another folder."
        ) from error
    result: dict[str, Any] = data
    return result


def _refuse_clashes(targets: Sequence[Path], inputs: Sequence[Path]) -> None:
    sources = {path.resolve() for path in inputs}
    taken: dict[Path, Path] = {}
    for target, source in zip(targets, inputs, strict=True):
        if target in taken:
            raise ConfigError(
                f"{taken[target]} and {source} would share the prediction {target}. "
                "Predict them in two calls, each with its own --out."
            )
        if target.resolve() in sources:
            raise ConfigError(
                f"{target}: the prediction would replace its own input. Give another folder."
            )
        taken[target] = source


def _name(target: Path, folder: Path) -> str:
    return target.relative_to(folder).as_posix()


def _in_the_way(path: Path, made_from: str | None, count: int) -> str:
    what = f"the prediction of {made_from}" if made_from else "not noted as made by these weights"
    more = f", and so are {count - 1} more files" if count > 1 else ""
    return (
        f"{path}: is there already and is {what}{more}. "
        "Choose another --out, or replace such files with --overwrite."
    )
