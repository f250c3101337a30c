"""ScanNet's mesh files: binary PLY with colour, and labels on a second copy."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from pcseg.files import write_bytes
from pcseg.sim.rooms.surface import Surface

_VERTEX = [(name, "<f4") for name in "xyz"] + [
    (name, "u1") for name in ("red", "green", "blue", "alpha")
]
_FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])
_TYPES = {"<f4": "float", "u1": "uchar", "<u2": "ushort"}


def write_mesh(path: Path, mesh: Surface, labels: np.ndarray | None = None) -> None:
    """Write a mesh, atomically.

    Args:
        path: to be written.
        mesh: with its colours.
        labels: (V,) uint16, stored as the property ``label``; None for the plain mesh.
    """
    fields = _VERTEX if labels is None else [*_VERTEX, ("label", "<u2")]
    rows = np.empty(len(mesh), fields)
    for axis, name in enumerate("xyz"):
        rows[name] = mesh.vertices[:, axis]
    for channel, name in enumerate(("red", "green", "blue")):
        rows[name] = mesh.rgb[:, channel]
    rows["alpha"] = 255
    if labels is not None:
        rows["label"] = labels
    faces = np.empty(len(mesh.faces), _FACE)
    faces["count"], faces["corners"] = 3, mesh.faces
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(rows)}"]
    header += [f"property {_TYPES[kind]} {name}" for name, kind in fields]
    header += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
    text = "\n".join([*header, "end_header", ""])
    write_bytes(path, text.encode() + rows.tobytes() + faces.tobytes())


def is_whole(path: Path) -> bool:
    """Whether a mesh file is as long as its header says."""
    with path.open("rb") as file:
        start = file.read(1024)
    text, end, _ = start.partition(b"end_header\n")
    counts = re.findall(rb"element \w+ (\d+)", text)
    if not end or len(counts) != 2:
        return False
    vertex = 18 if b"ushort label" in text else 16
    body = vertex * int(counts[0]) + _FACE.itemsize * int(counts[1])
    return path.stat().st_size == len(text) + len(end) + body
