"""OBJ meshes: vertices, vertex colours and polygons; materials and texture are left out."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from pcseg.errors import DataError
from pcseg.files import write_text
from pcseg.io.columns import from_columns
from pcseg.io.layouts import Columns
from pcseg.io.numbers import Numbers, read_numbers
from pcseg.io.points import PointFile
from pcseg.io.polygons import check_faces, fan


def read(path: Path, columns: Columns | None = None) -> PointFile:
    """Read ``v`` lines (x y z, with w, with r g b in 0..1) and ``f`` lines (as triangles).

    Raises:
        DataError: for lines that are no numbers or differ in length, and for corners that are no
            vertices.
    """
    data = path.read_bytes().replace(b"\\\n", b"  ").replace(b"\\\r\n", b"  ")
    if b"\0" in data:
        raise DataError(f"{path}: is binary, not an OBJ text file.")
    vertices = read_numbers(_only(data, b"v"), path)
    if not len(vertices.counts):
        raise DataError(f"{path}: holds no points (no 'v' line). Remove the file or make it again.")
    width = int(vertices.counts[0])
    uneven = vertices.counts != width
    if uneven.any() or width not in _NAMES:
        row = int(np.argmax(uneven))
        raise DataError(
            f"{path}: line {vertices.lines[row]} has {vertices.counts[row]} numbers; a vertex has "
            f"{width if width in _NAMES else '3, 4, 6 or 7'} in this file. Mend the line."
        )
    table = vertices.values.reshape(-1, width)
    named = {name: table[:, i] for i, name in enumerate(_NAMES[width])}
    faces = _faces(path, data, vertices)
    return from_columns(path, named, faces=faces, meta={"obj": {}})


def write(path: Path, points: PointFile, columns: Columns | None, encoding: str | None) -> None:
    """Write ``v`` lines with colours in 0..1 if there are any, and ``f`` lines."""
    columns_of_file = [points.xyz]
    if "rgb" in points.attrs:
        columns_of_file.append(points.attrs["rgb"])
    line = "v"
    for values in columns_of_file:
        line += (" %.9g" if values.dtype == np.float32 else " %r") * 3
    rows = zip(*(column.tolist() for values in columns_of_file for column in values.T), strict=True)
    text = "".join(f"{line}\n" % row for row in rows)
    faces = [] if points.faces is None else (points.faces + 1).tolist()
    write_text(path, text + "".join(f"f {a} {b} {c}\n" for a, b, c in faces))


def _only(data: bytes, keyword: bytes) -> bytes:
    """The lines of one keyword without it; all others empty, so that line numbers stay."""
    kept = re.compile(rb"[ \t]*" + keyword + rb"[ \t]+(.*)", re.DOTALL)
    matches = (kept.match(line) for line in data.split(b"\n"))
    return b"\n".join(match[1] if match else b"" for match in matches)


def _faces(path: Path, data: bytes, vertices: Numbers) -> np.ndarray | None:
    lines = re.sub(rb"/[^ \t\r\n]*", b"", _only(data, b"f"))  # v/vt/vn: only v is of use here
    numbers = read_numbers(lines, path)
    if not len(numbers.counts):
        return None
    corners = numbers.values.astype(np.int64)
    if (corners != numbers.values).any() or (corners == 0).any():
        raise DataError(f"{path}: a face has a corner that is no whole number from 1. Mend it.")
    if (corners < 0).any():  # counted back from the last vertex above the face
        above = np.repeat(np.searchsorted(vertices.lines, numbers.lines), numbers.counts)
        corners = np.where(corners < 0, above + corners + 1, corners)
    return check_faces(path, fan(corners - 1, numbers.counts), len(vertices.counts))


_RGB = ("red", "green", "blue")
_NAMES = {
    3: ("x", "y", "z"),
    4: ("x", "y", "z", "w"),
    6: ("x", "y", "z", *_RGB),
    7: ("x", "y", "z", "w", *_RGB),
}
