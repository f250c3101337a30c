"""NumPy files (.npy, .npz), read without ever unpickling."""

from __future__ import annotations

import ast
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from pcseg.errors import DataError
from pcseg.files import atomic_path
from pcseg.io.columns import LABELS, TRIPLES, from_columns, to_columns
from pcseg.io.layouts import LAYOUTS, Columns, name_table
from pcseg.io.points import PointFile

POINT_KEYS = ("xyz", "points", "coords", "coord", "pos", "data")
"""What the coordinates may be called in an .npz file."""


def read_npy(path: Path, columns: Columns | None = None) -> PointFile:
    """Read a structured array, or an (N, C) array with columns as in `pcseg.io.layouts`.

    Raises:
        DataError: for a truncated file, pickled objects, another shape, or unnameable columns.
    """
    return from_columns(path, _named(path, read_array(path), columns))


def read_npz(path: Path, columns: Columns | None = None) -> PointFile:
    """Read arrays by key: coordinates under one of `POINT_KEYS`, the rest as attributes.

    Arrays with one row a point become attributes, label ids labels, ``faces`` faces; all others
    are kept in ``meta["npz"]``.

    Raises:
        DataError: as `read_npy`, and if there are no coordinates or labels do not fit them.
    """
    arrays = read_arrays(path)
    key = next((key for key in POINT_KEYS if key in arrays), None)
    if key is None and {"x", "y", "z"} <= set(arrays):
        named: dict[str, np.ndarray] = {}
    elif key is None:
        raise DataError(
            f"{path}: no coordinates. Expected one of {', '.join(POINT_KEYS)}; "
            f"found {', '.join(arrays) or 'nothing'}."
        )
    else:
        named = _named(path, arrays.pop(key), columns)
    count = len(named.get("x", arrays.get("x", ())))
    faces = arrays.pop("faces", None)
    other: dict[str, np.ndarray] = {}
    for name, values in arrays.items():
        if name.lower() in LABELS and values.shape == (count, 1):
            values = values[:, 0]
        per_point = values.ndim in (1, 2) and len(values) == count and values.dtype.kind in "fiub"
        if not per_point and name.lower() in LABELS:
            raise DataError(
                f"{path}: '{name}' of shape {values.shape} for {count} points. Labels must be (N,)."
            )
        (named if per_point else other)[name] = values
    _split_triples(named)
    meta = {"npz": other} if other else {}
    points = from_columns(path, named, faces=_faces(path, faces, count), meta=meta)
    scaled = {name: stored for name, stored in points.stored.items() if stored.scale != 1}
    return points.replace(stored=scaled)


def write_npy(path: Path, points: PointFile, columns: Columns | None, encoding: str | None) -> None:
    """Write a plain (N, 3) or (N, 4) array where that says all, else a structured array."""
    named = to_columns(path, points)
    dtypes = {values.dtype for values in named.values()}
    if " ".join(named) in (LAYOUTS[3][0], LAYOUTS[4][0]) and len(dtypes) == 1:
        table = np.stack(list(named.values()), axis=1)
    else:
        table = np.empty(len(points), [(name, values.dtype) for name, values in named.items()])
        for name, values in named.items():
            table[name] = values
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(_Plain(file), table, allow_pickle=False)


def write_npz(path: Path, points: PointFile, columns: Columns | None, encoding: str | None) -> None:
    """Write ``xyz``, each attribute by its name (colours in 0..1), ``labels`` and ``faces``."""
    arrays: dict[str, Any] = {"xyz": points.xyz, **points.attrs, **points.meta.get("npz", {})}
    if points.labels is not None:
        arrays["labels"] = points.labels
    if points.faces is not None:
        arrays["faces"] = points.faces
    write_arrays(path, arrays)


def read_array(path: Path) -> np.ndarray:
    """The array of an .npy file; its kind and size are checked before memory is taken.

    Raises:
        DataError: for a damaged or truncated file, or pickled objects.
    """
    with path.open("rb") as file:
        return _load(path, file, path.stat().st_size)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an .npz file by name; checksums, kinds and sizes are checked.

    Raises:
        DataError: for a damaged file or pickled objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return dict(_members(path, archive))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataError(f"{path}: damaged or no .npz file ({error}). Copy it again.") from error


def write_arrays(path: Path, arrays: Mapping[str, Any], *, compressed: bool = False) -> None:
    """Write an .npz file, whole or not at all; the same arrays give the same bytes."""
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", method) as archive:
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(values), allow_pickle=False)


def _members(path: Path, archive: zipfile.ZipFile) -> list[tuple[str, np.ndarray]]:
    found = []
    for info in archive.infolist():
        if info.flag_bits & 1:
            raise DataError(f"{path}: is encrypted. Write it again without a password.")
        with archive.open(info) as member:
            try:
                values = _load(path, member, info.file_size)
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise DataError(f"{path}: '{info.filename}' is damaged ({error}).") from error
        found.append((info.filename.removesuffix(".npy"), values))
    return found


def _load(path: Path, file: IO[bytes], size: int) -> np.ndarray:
    """Read one array after its header has been believed: kind and size, before memory is taken."""
    start = file.read(12)
    if start[:6] != b"\x93NUMPY":
        raise DataError(f"{path}: is not a NumPy array; perhaps it {_REFUSED}")
    try:
        length, skip = struct.unpack("<H", start[8:10])[0], 10
        if start[6] > 1:
            length, skip = struct.unpack("<I", start[8:12])[0], 12
        text = (start[skip:] + file.read(min(length, _LONGEST_HEADER) - len(start[skip:]))).decode()
        header = ast.literal_eval(text)
        dtype = np.lib.format.descr_to_dtype(header["descr"])
        shape = tuple(int(n) for n in header["shape"])
        fortran = bool(header["fortran_order"])
    except (struct.error, SyntaxError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise DataError(f"{path}: damaged header ({error}). Copy the file again.") from error
    if dtype.hasobject:
        raise DataError(f"{path}: {_REFUSED}")
    count = 1
    for n in shape:
        count *= n
    expected = skip + length + count * dtype.itemsize
    if min(shape, default=0) < 0 or expected > size:
        raise DataError(
            f"{path}: truncated: {size} bytes, but an array of shape {shape} and type {dtype} "
            f"needs {expected}. Copy the file again."
        )
    data = np.empty(count * dtype.itemsize, np.uint8)
    if _fill(file, data.data):
        raise DataError(f"{path}: truncated in the middle of its data. Copy the file again.")
    return data.view(dtype).reshape(shape, order="F" if fortran else "C")


def _fill(file: IO[bytes], view: memoryview) -> int:
    """Read into the view; the number of bytes that the file lacked."""
    while len(view):
        got = file.readinto(view)  # type: ignore[attr-defined]
        if not got:
            break
        view = view[got:]
    return len(view)


def _named(path: Path, values: np.ndarray, columns: Columns | None) -> dict[str, np.ndarray]:
    if values.dtype.names and values.ndim == 1:
        named = {name: np.ascontiguousarray(values[name]) for name in values.dtype.names}
        _split(named, POINT_KEYS, ("x", "y", "z"))
        _split_triples(named)
        return named
    if values.ndim != 2 or values.shape[1] < 3 or values.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: an array of shape {values.shape} and type {values.dtype} cannot be points. "
            "Save an (N, 3) or wider array of numbers, or a structured array with x, y, z."
        )
    if not len(values):
        raise DataError(f"{path}: holds no points. Remove the file, or make it again.")
    return name_table(path, values, columns)


def _split_triples(named: dict[str, np.ndarray]) -> None:
    _split(named, ("rgb", "color", "colors"), TRIPLES["rgb"][0])
    _split(named, ("normal", "normals"), TRIPLES["normal"][0])


def _split(named: dict[str, np.ndarray], keys: tuple[str, ...], parts: tuple[str, ...]) -> None:
    """The first (N, 3) array of these keys as three columns, as `from_columns` wants them."""
    key = next((key for key in keys if key in named and named[key].shape[1:] == (3,)), None)
    if key is not None and not set(parts) & set(named):
        before = dict(named)
        named.clear()
        for name, values in before.items():
            whole = {name: values}
            named.update({p: values[:, i] for i, p in enumerate(parts)} if name == key else whole)


def _faces(path: Path, faces: np.ndarray | None, count: int) -> np.ndarray | None:
    if faces is None:
        return None
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in "iu":
        raise DataError(f"{path}: faces of shape {faces.shape} {faces.dtype}; expected (M, 3) ids.")
    if faces.size and (faces.min() < 0 or faces.max() >= count):
        raise DataError(
            f"{path}: faces name points {faces.min()} to {faces.max()} of {count}. Mend the faces."
        )
    return faces.astype(np.int64)


class _Plain:
    """A file that NumPy does not know as one.

    It is then written through `write`, which tells a full disk from other errors, and not by C
    calls, which do not.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.write = file.write


_REFUSED = (
    "holds pickled Python objects, which are refused because loading them can run any program. "
    "Save plain number arrays: np.save(path, array, allow_pickle=False)."
)
_LONGEST_HEADER = 1 << 16
