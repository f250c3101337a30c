"""Writing PLY files: text and binary of both byte orders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pcseg.errors import DataError
from pcseg.files import atomic_path
from pcseg.io.columns import to_columns
from pcseg.io.layouts import Columns
from pcseg.io.ply_header import ORDERS, TYPES
from pcseg.io.points import PointFile

ENCODINGS = {"ascii": "ascii", "binary": "binary_little_endian", **{name: name for name in ORDERS}}
"""What may be asked for on writing, and how PLY calls it."""


def write(path: Path, points: PointFile, columns: Columns | None, encoding: str | None) -> None:
    """Write PLY: binary little endian, the encoding it was read with, or the one given.

    Colours become 8-bit ``red green blue`` unless the points come from a PLY that says otherwise.
    """
    kept = points.meta.get("ply", {})
    encoding = ENCODINGS[encoding] if encoding else kept.get("encoding", ENCODINGS["binary"])
    named = to_columns(path, points, byte_colors=not kept or "rgb" not in points.stored)
    named = {name: _ply_type(path, name, values) for name, values in named.items()}
    header = ["ply", f"format {encoding} 1.0", *kept.get("comments", [])]
    header += [f"element vertex {len(points)}"]
    header += [f"property {_NAMES[v.dtype.str[1:]]} {name}" for name, v in named.items()]
    if points.faces is not None:
        header += [f"element face {len(points.faces)}", "property list uchar int vertex_indices"]
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write("\n".join([*header, "end_header", ""]).encode())
        rows = _rows(named, ORDERS[encoding])
        file.write(_text(rows) if encoding == "ascii" else rows.tobytes())
        if points.faces is not None:
            faces = np.empty(
                len(points.faces), [("n", "u1"), ("corners", ORDERS[encoding] + "i4", 3)]
            )
            faces["n"], faces["corners"] = 3, points.faces
            if encoding == "ascii":
                text = "".join(f"3 {a} {b} {c}\n" for a, b, c in points.faces.tolist())
                file.write(text.encode())
            else:
                file.write(faces.tobytes())


def _ply_type(path: Path, name: str, values: np.ndarray) -> np.ndarray:
    """The same values in a type that PLY has."""
    for dtype in (values.dtype.str[1:], *_STAND_INS.get(values.dtype.str[1:], ())):
        if dtype in _NAMES and np.array_equal(values.astype(dtype), values, equal_nan=True):
            return values.astype(dtype)
    raise DataError(
        f"{path}: PLY has no type that holds '{name}' ({values.dtype}, up to {values.max()}). "
        "Write .npz, or convert the attribute."
    )


def _rows(named: dict[str, np.ndarray], order: str) -> np.ndarray:
    rows = np.empty(len(named["x"]), [(name, order + v.dtype.str[1:]) for name, v in named.items()])
    for name, values in named.items():
        rows[name] = values
    return rows


def _text(rows: np.ndarray) -> bytes:
    formats = {"f4": "%.9g", "f8": "%r"}
    kinds = [rows.dtype[name].str[1:] for name in rows.dtype.names or ()]
    line = " ".join(formats.get(kind, "%d") for kind in kinds) + "\n"
    return "".join(line % row for row in rows.tolist()).encode()


_NAMES = {short: name for name, short in reversed(TYPES.items()) if not name[-1].isdigit()}
_STAND_INS = {"i8": ("i4", "u4", "f8"), "u8": ("u4", "f8"), "b1": ("u1",), "f2": ("f4",)}
