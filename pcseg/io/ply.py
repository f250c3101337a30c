"""Reading PLY files: points, colours, labels and faces; text and binary of both byte orders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pcseg.errors import DataError
from pcseg.io.columns import from_columns
from pcseg.io.layouts import Columns
from pcseg.io.ply_header import parse_header
from pcseg.io.ply_rows import read_rows
from pcseg.io.points import PointFile
from pcseg.io.polygons import check_faces, fan


def read(path: Path, columns: Columns | None = None) -> PointFile:
    """Read the vertices and faces of a PLY file.

    Polygons become fans of triangles. Comments and the encoding are kept in ``meta["ply"]``;
    other elements and face properties are left out.

    Raises:
        DataError: for a damaged or truncated file, absurd counts, or faces without points.
    """
    data = path.read_bytes()
    header = parse_header(path, data)
    elements = read_rows(path, data, header)
    if "vertex" not in elements:
        raise DataError(f"{path}: has no element 'vertex', so no points. Make the file again.")
    vertex = {name: v for name, v in elements["vertex"].items() if isinstance(v, np.ndarray)}
    meta = {"ply": {"encoding": header.encoding, "comments": header.comments}}
    points = from_columns(path, vertex, meta=meta)
    return points.replace(faces=_triangles(path, elements.get("face", {}), len(points)))


def _triangles(path: Path, face: dict[str, Any], num_points: int) -> np.ndarray | None:
    lists = face.get("vertex_indices", face.get("vertex_index"))
    if not isinstance(lists, tuple):
        return None
    corners, counts = lists
    return check_faces(path, fan(corners.astype(np.int64), counts), num_points)
