"""Prediction files: one label per input point, in input order, in the format the input came in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pcseg.data import LabelSet, Prediction, Scan
from pcseg.errors import ConfigError, DataError
from pcseg.evaluate.checks import check_pair
from pcseg.evaluate.formats import FORMATS
from pcseg.files import atomic_path


def write_prediction(
    path: str | os.PathLike[str],
    scan: Scan,
    prediction: Prediction,
    label_set: LabelSet,
    format: str | None = None,
) -> Path:
    """Write what a network says of a scan, atomically; order and count are those of the scan.

    Args:
        path: a file with one of the suffixes of `FORMATS`, or a folder, in which the file is named
            by `prediction_path`.
        scan: what was predicted; its coordinates go into ``.ply`` and ``.las``, with
            ``meta["offset"]`` added back.
        prediction: for each point.
        label_set: turns train ids into the dataset's raw ids, names and colours.
        format: ``".label"`` (uint32 raw ids), ``".ply"`` (points, colours, raw ids, confidence),
            ``".las"`` or ``".laz"`` (classification; everything else of an input las is kept) or
            ``".npz"`` (train ids, raw ids, confidence, class names). By default the suffix of
            `path`, or for a folder what suits the input.

    Returns:
        The path of the file.

    Raises:
        LabelError: if counts differ, or a label cannot be stored in the format.
        ConfigError: for an unknown format, or one that the name contradicts.
        PcsegError: if the disk is full or refuses.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS or path.is_dir():
        path = prediction_path(path, scan.meta, format)
    suffix = _known(path.suffix)
    if format is not None and _known(format) != suffix:
        raise ConfigError(f"{path}: the format {_known(format)} needs a name that ends so.")
    check_pair(scan, prediction)
    _refuse_input(path, scan)
    with atomic_path(path) as temporary:
        FORMATS[suffix].write(temporary, scan, prediction, label_set)
    return path


def read_prediction(path: str | os.PathLike[str], label_set: LabelSet) -> Prediction:
    """Read a prediction file of any of the formats.

    Args:
        path: the file.
        label_set: the classes it was written for.

    Returns:
        The prediction, its confidence NaN where the file has none.

    Raises:
        DataError: if the file is missing or damaged.
        LabelError: if it holds other classes.
    """
    path = Path(path)
    suffix = _known(path.suffix)
    if not path.is_file():
        raise DataError(f"{path}: there is no such prediction. Make it with pcseg predict.")
    return FORMATS[suffix].read(path, label_set)


def prediction_path(
    folder: str | os.PathLike[str],
    meta: Mapping[str, Any],
    format: str | None = None,
    root: str | os.PathLike[str] | None = None,
) -> Path:
    """Where the prediction of a scan belongs in a folder.

    ``.label`` files of scans with a sequence and a frame follow SemanticKITTI's layout,
    ``sequences/SS/predictions/NNNNNN.label``, which the server and `pcseg submit` read. Others are
    named as their input, with its suffix kept where the format differs (``a.pcd`` gives
    ``a.pcd.ply``), so that no two inputs share a prediction.

    Args:
        folder: of the predictions.
        meta: of the scan: ``path``, or ``sequence`` and ``frame``.
        format: a suffix of `FORMATS`; by default what suits the input.
        root: a folder above the input, below which its sub-folders are repeated.
    """
    source = Path(meta["path"]) if meta.get("path") else None
    suffix = _known(format or default_format(source or "scan.bin"))
    sequence, frame = meta.get("sequence"), meta.get("frame")
    if suffix == ".label" and sequence is not None and frame is not None:
        name = frame if isinstance(frame, str) else f"{frame:06d}"
        return Path(folder) / "sequences" / str(sequence) / "predictions" / f"{name}.label"
    if source is None:
        return Path(folder) / f"{sequence or 'scan'}_{frame or 0}{suffix}"
    below = source.parent.relative_to(root) if root and source.is_relative_to(root) else Path()
    own = source.suffix.lower()
    same = own == suffix or (own, suffix) == (".bin", ".label")
    return Path(folder) / below / f"{source.stem if same else source.name}{suffix}"


def find_prediction(
    folder: str | os.PathLike[str],
    meta: Mapping[str, Any],
    root: str | os.PathLike[str] | None = None,
) -> Path | None:
    """The prediction of a scan in a folder, in whatever format it was written, or None.

    The scan may have been predicted together with others: if it is not found by its place below
    `root`, it is looked for by its place below each folder above, the nearest first.
    """
    above = [] if root is None else Path(root).absolute().parents
    candidates = (
        prediction_path(folder, meta, suffix, base) for base in (root, *above) for suffix in FORMATS
    )
    return next((path for path in candidates if path.is_file()), None)


def default_format(path: str | os.PathLike[str]) -> str:
    """The format that a user of this kind of input expects."""
    suffix = Path(path).suffix.lower()
    return _BY_INPUT.get(suffix, ".ply")


def _refuse_input(path: Path, scan: Scan) -> None:
    source = scan.meta.get("path")
    if source and path.exists() and path.resolve() == Path(source).resolve():
        raise ConfigError(
            f"{path}: the prediction would replace its own input. Give another folder or name."
        )


def _known(suffix: str) -> str:
    suffix = suffix.lower() if suffix.startswith(".") else f".{suffix.lower()}"
    if suffix not in FORMATS:
        raise ConfigError(
            f"predictions cannot be written as '{suffix}'. Formats: {', '.join(FORMATS)}."
        )
    return suffix


_BY_INPUT = {".bin": ".label", ".las": ".las", ".laz": ".laz", ".npy": ".npz", ".npz": ".npz"}
"""All other inputs get ``.ply``, which every viewer opens."""
