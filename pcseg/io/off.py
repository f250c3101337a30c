"""OFF meshes: vertices, vertex colours (COFF) and normals (NOFF), polygons."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from pcseg.errors import DataError
from pcseg.files import write_text
from pcseg.io.columns import from_columns, to_columns
from pcseg.io.layouts import Columns
from pcseg.io.numbers import Numbers, read_numbers
from pcseg.io.points import PointFile
from pcseg.io.polygons import check_faces, fan


def read(path: Path, columns: Columns | None = None) -> PointFile:
    """Read vertices, their normals and colours, and polygons (as fans of triangles).

    Raises:
        DataError: for a damaged or truncated file, with the line where that is known.
    """
    data = path.read_bytes()
    start = re.match(rb"(?:\s|#[^\n]*\n)*(?P<st>ST)?(?P<c>C)?(?P<n>N)?OFF(?P<next>[^\n]*\n?)", data)
    if start is None or b"BINARY" in start["next"]:
        raise DataError(f"{path}: not a text OFF file (it must begin with OFF).")
    # Some writers, ModelNet's among them, put the counts right behind the word OFF.
    begin = start.start("next")
    numbers = read_numbers(data[begin:], path, 1 + data.count(b"\n", 0, begin))
    if not len(numbers.counts) or numbers.counts[0] < 2:
        raise DataError(f"{path}: the numbers of vertices and faces are missing. Copy it again.")
    num_points, num_faces = (_count(path, value) for value in numbers.values[:2])
    if len(numbers.counts) < 1 + num_points + num_faces:
        raise DataError(
            f"{path}: truncated: its header promises {num_points} vertices and {num_faces} faces, "
            f"but {len(numbers.counts) - 1} lines follow. Copy the file again."
        )
    if not num_points:
        raise DataError(f"{path}: holds no points. Remove the file, or make it again.")
    starts = np.cumsum(numbers.counts) - numbers.counts
    table = _vertices(path, numbers, starts, num_points)
    names = _names(path, table, bool(start["n"]), bool(start["c"]))
    named = {name: table[:, i] for i, name in enumerate(names)}
    faces = _faces(path, numbers, starts, num_points, num_faces) if num_faces else None
    return from_columns(path, named, faces=faces, meta={"off": {}})


def write(path: Path, points: PointFile, columns: Columns | None, encoding: str | None) -> None:
    """Write OFF; with colours (0..255) COFF, with normals NOFF, with both CNOFF."""
    named = to_columns(path, points, byte_colors=True)
    order = ["x", "y", "z"]
    order += ["nx", "ny", "nz"] if "normal" in points.attrs else []
    order += ["red", "green", "blue"] if "rgb" in points.attrs else []
    kind = ("C" if "rgb" in points.attrs else "") + ("N" if "normal" in points.attrs else "")
    if "normal" in points.attrs:
        named.update(zip(("nx", "ny", "nz"), points.attrs["normal"].T, strict=True))
    formats = {"f4": "%.9g", "f8": "%r"}
    line = " ".join(formats.get(named[name].dtype.str[1:], "%d") for name in order) + "\n"
    faces = points.faces if points.faces is not None else np.empty((0, 3), np.int64)
    rows = zip(*(named[name].tolist() for name in order), strict=True)
    vertices = "".join(line % row for row in rows)
    triangles = "".join(f"3 {a} {b} {c}\n" for a, b, c in faces.tolist())
    write_text(path, f"{kind}OFF\n{len(points)} {len(faces)} 0\n{vertices}{triangles}")


def _count(path: Path, value: float) -> int:
    if not 0 <= value < 2**53 or value != int(value):
        raise DataError(f"{path}: {value} is no number of vertices or faces. Copy it again.")
    return int(value)


def _vertices(path: Path, numbers: Numbers, starts: np.ndarray, num_points: int) -> np.ndarray:
    counts = numbers.counts[1 : 1 + num_points]
    uneven = (counts != counts[0]) | (counts < 3)
    if uneven.any():
        row = int(np.argmax(uneven))
        raise DataError(
            f"{path}: line {numbers.lines[1 + row]} has {counts[row]} numbers where a vertex "
            f"has {max(3, counts[0])}. Mend the line."
        )
    width = int(counts[0])
    return numbers.values[starts[1] : starts[1] + num_points * width].reshape(-1, width)


def _names(path: Path, table: np.ndarray, normals: bool, colors: bool) -> list[str]:
    names = ["x", "y", "z"] + (["nx", "ny", "nz"] if normals else [])
    rest = table.shape[1] - len(names)
    if rest in (3, 4) and (colors or not normals):  # colours also stand in files that say only OFF
        names += ["red", "green", "blue", "alpha"][:rest]
    if len(names) != table.shape[1]:
        raise DataError(
            f"{path}: {table.shape[1]} numbers a vertex do not fit its kind of OFF. Make it again."
        )
    return names


def _faces(
    path: Path, numbers: Numbers, starts: np.ndarray, num_points: int, num_faces: int
) -> np.ndarray:
    rows = slice(1 + num_points, 1 + num_points + num_faces)
    corners = numbers.values[starts[rows]]
    short = ~((corners >= 0) & (corners == np.rint(corners)) & (corners < numbers.counts[rows]))
    if short.any():
        line = numbers.lines[rows][int(np.argmax(short))]
        raise DataError(f"{path}: line {line} has fewer corners than it says. Mend the line.")
    counts = corners.astype(np.int64)
    # What follows the corners in a line is the colour of the face, which has no place here.
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    flat = numbers.values[np.repeat(starts[rows] + 1, counts) + within]
    return check_faces(path, fan(flat.astype(np.int64), counts), num_points)
