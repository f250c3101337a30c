"""Which file format is read and written by what: one call for all point files."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pcseg.errors import DataError
from pcseg.files import natural_key
from pcseg.io import raw
from pcseg.io.layouts import parse_columns
from pcseg.io.points import PointFile


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        reader: ``"module:function"``, imported on use.
        writer: the same for writing.
        holds: the attributes it can hold besides coordinates; None for any.
        unnamed: whether its columns may lack names, so that ``columns=`` makes sense.
        encodings: what ``encoding=`` may be on writing.
    """

    reader: str
    writer: str
    holds: frozenset[str] | None = None
    unnamed: bool = False
    encodings: tuple[str, ...] = ()


_TEXT = Format("pcseg.io.text:read", "pcseg.io.text:write", unnamed=True)
_LAS = Format("pcseg.io.las:read", "pcseg.io.las:write")

FORMATS: dict[str, Format] = {
    ".bin": Format("pcseg.io.raw:read", "pcseg.io.raw:write", unnamed=True),
    ".npy": Format("pcseg.io.numpy_files:read_npy", "pcseg.io.numpy_files:write_npy", unnamed=True),
    ".npz": Format("pcseg.io.numpy_files:read_npz", "pcseg.io.numpy_files:write_npz", unnamed=True),
    ".ply": Format(
        "pcseg.io.ply:read",
        "pcseg.io.ply_write:write",
        encodings=("ascii", "binary", "binary_little_endian", "binary_big_endian"),
    ),
    ".pcd": Format(
        "pcseg.io.pcd:read",
        "pcseg.io.pcd:write",
        encodings=("ascii", "binary", "binary_compressed"),
    ),
    ".las": _LAS,
    ".laz": _LAS,
    ".xyz": _TEXT,
    ".txt": _TEXT,
    ".csv": _TEXT,
    ".off": Format(
        "pcseg.io.off:read", "pcseg.io.off:write", frozenset({"rgb", "normal", "faces"})
    ),
    ".obj": Format("pcseg.io.obj:read", "pcseg.io.obj:write", frozenset({"rgb", "faces"})),
}
"""Suffix -> format."""

_HOLD_FACES = (".npz", ".ply", ".off", ".obj")


def read_points(
    path: str | os.PathLike[str], columns: str | Sequence[str] | None = None
) -> PointFile:
    """Read a file of points; its suffix tells the format.

    No point is dropped, moved or reordered; NaN points stay too.

    Args:
        path: the file.
        columns: names of the columns in file order, for formats that may lack them (bin, npy,
            npz, xyz, txt, csv): ``"x y z intensity label"``, where ``_`` skips a column.

    Raises:
        DataError: naming the file and the remedy: if the file is missing, empty, truncated,
            damaged, of unknown format, or holds pickled objects; or if `columns` do not fit.
    """
    path = Path(path)
    form = _format(path)
    if columns is not None and not form.unnamed:
        raise DataError(
            f"{path}: {path.suffix} files name their columns themselves; drop columns=."
        )
    names = parse_columns(columns)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(f"{path}: {what}. Give the path of a point file.")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: is empty (0 bytes). Remove the file, or make it again.")
    try:
        points: PointFile = _load(form.reader)(path, names)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error}). Check permissions and disk.") from error
    return points


def write_points(
    path: str | os.PathLike[str],
    points: PointFile,
    *,
    columns: str | Sequence[str] | None = None,
    encoding: str | None = None,
    lossy: bool = False,
) -> None:
    """Write a file of points, whole or not at all; its suffix tells the format.

    Args:
        path: the file; its folder is made if missing.
        points: what to write. What came from a file of the same format is written back as it
            stood there (types, names, scales); see `PointFile.stored`.
        columns: of a .bin file; ``x y z intensity``, with ``ring`` if named ``.pcd.bin``.
        encoding: of .ply (``ascii``, ``binary``, ``binary_big_endian``) and .pcd (``ascii``,
            ``binary``, ``binary_compressed``); by default as read, else ``binary``.
        lossy: leave out what the format cannot hold, instead of refusing.

    Raises:
        DataError: if there are no points, or the format cannot hold something.
        PcsegError: if the disk is full or refuses; an existing file is then untouched.
    """
    path = Path(path)
    form = _format(path)
    if not len(points):
        raise DataError(f"{path}: there are no points to write.")
    if encoding is not None and encoding not in form.encodings:
        choices = f"Choose from {', '.join(form.encodings)}." if form.encodings else "Drop it."
        raise DataError(
            f"{path}: encoding '{encoding}' does not exist for {path.suffix}. {choices}"
        )
    if columns is not None and path.suffix.lower() != ".bin":
        raise DataError(f"{path}: columns= is for .bin only; other formats hold all attributes.")
    names = parse_columns(columns)
    lost = points.contents() - _holds(path, form, names, points)
    if lost and not lossy:
        raise DataError(
            f"{path}: {path.suffix} cannot hold {', '.join(sorted(lost))}. Write .npz or .ply, "
            "or say lossy=True to leave that out."
        )
    _load(form.writer)(path, _without(points, lost), names, encoding)


def supported_suffixes() -> tuple[str, ...]:
    """All suffixes that can be read and written, with their dot."""
    return tuple(FORMATS)


def point_files(folder: str | os.PathLike[str]) -> list[Path]:
    """The point files directly in a folder, in natural order (2.bin before 10.bin).

    Raises:
        DataError: if the folder does not exist.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: is not a folder. Give a folder of point files.")
    found = (path for path in folder.iterdir() if path.suffix.lower() in FORMATS)
    return sorted(
        (path for path in found if path.is_file() and not path.name.startswith(".")),
        key=lambda path: natural_key(path.name),
    )


def _format(path: Path) -> Format:
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        raise DataError(
            f"{path}: '{path.suffix}' is no known point format. Known: {', '.join(FORMATS)}."
        ) from None


def _load(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _holds(path: Path, form: Format, names: tuple[str, ...] | None, points: PointFile) -> set[str]:
    if path.suffix.lower() == ".bin":
        return raw.holds(path, names)
    if form.holds is not None:
        return set(form.holds)
    return points.contents() - (set() if path.suffix.lower() in _HOLD_FACES else {"faces"})


def _without(points: PointFile, lost: set[str]) -> PointFile:
    return points.replace(
        attrs={name: values for name, values in points.attrs.items() if name not in lost},
        labels=None if "labels" in lost else points.labels,
        faces=None if "faces" in lost else points.faces,
    )
