"""A frame packed small for the browser: quantised, differenced, compressed, base64 in JSON."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np

from pcseg.viz.layers import ClassLayer, ClassTable, Layer, ScalarLayer
from pcseg.viz.scene import Frame

_LEVELS = 65_535
"""Positions are counted in this many steps per axis: 2 mm for a scan of 130 m."""


class Packer:
    """Packs frames one after the other and collects the class tables they share."""

    def __init__(self, max_points: int) -> None:
        """Prepare for frames of at most `max_points` points; more are thinned out."""
        self.max_points = max_points
        self._tables: dict[int, tuple[int, ClassTable]] = {}

    @property
    def tables(self) -> list[dict[str, Any]]:
        """The class tables met so far, in the order of their numbers."""
        ordered = sorted(self._tables.values(), key=lambda entry: entry[0])
        return [
            {"names": list(table.names), "colors": table.colors.tolist()} for _, table in ordered
        ]

    def pack(self, frame: Frame) -> dict[str, Any]:
        """Plain data of a frame.

        Its ``data`` is base64 of zlib of: for each axis the low and then the high bytes of the
        differences between successive quantised coordinates, then each layer's array as described
        by its entry of ``layers``. A coordinate is ``low + count * step``.
        """
        rows = self._kept_rows(len(frame))
        xyz = frame.xyz if rows is None else frame.xyz[rows]
        notes = list(frame.notes)
        if rows is not None:
            notes.append(f"thinned out: {len(rows):,} of {len(frame):,} points shown")
        low, step, counts = _quantize(xyz)
        blocks, layers = [_differences(counts)], []
        for layer in frame.layers.values():
            block, entry = self._pack_layer(layer, rows)
            blocks.append(block)
            layers.append(entry)
        packed = zlib.compress(b"".join(blocks), level=6)
        return {
            "name": frame.name,
            "count": len(xyz),
            "total": len(frame),
            "low": low.tolist(),
            "step": step.tolist(),
            "layers": layers,
            "notes": notes,
            "data": base64.b64encode(packed).decode("ascii"),
        }

    def _kept_rows(self, count: int) -> np.ndarray | None:
        if count <= self.max_points:
            return None
        # By chance, not every k-th: points come in rings, and a stride would show as a pattern.
        chosen = np.random.default_rng(0).choice(count, self.max_points, replace=False)
        return np.sort(chosen)

    def _pack_layer(self, layer: Layer, rows: np.ndarray | None) -> tuple[bytes, dict[str, Any]]:
        entry: dict[str, Any] = {"name": layer.name}
        if isinstance(layer, ClassLayer):
            wide = len(layer.table.names) > 256
            values = layer.ids.astype("<u2" if wide else np.uint8)
            entry |= {"kind": "class", "bytes": 2 if wide else 1, "table": self._number(layer)}
        elif isinstance(layer, ScalarLayer):
            values = layer.steps
            entry |= {
                "kind": "scalar",
                "low": layer.low,
                "high": layer.high,
                "colormap": layer.colormap,
                "unit": layer.unit,
            }
        else:
            values = layer.colors
            entry |= {"kind": "rgb"}
        return (values if rows is None else values[rows]).tobytes(), entry

    def _number(self, layer: ClassLayer) -> int:
        # The table is kept with its number: an id is only unique while its object lives.
        number, _ = self._tables.setdefault(id(layer.table), (len(self._tables), layer.table))
        return number


def _quantize(xyz: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lowest corner (3,), step (3,) float64, and (N, 3) uint16 counts of steps."""
    if len(xyz) == 0:
        return np.zeros(3), np.ones(3), np.zeros((0, 3), np.uint16)
    low = xyz.min(axis=0).astype(np.float64)
    step = np.maximum((xyz.max(axis=0) - low) / _LEVELS, 1e-9)
    counts = np.clip(np.rint((xyz - low) / step), 0, _LEVELS)
    return low, step, counts.astype(np.uint16)


def _differences(counts: np.ndarray) -> bytes:
    """Neighbours in file order are neighbours in space: their differences compress well."""
    first = np.zeros((1, 3), np.uint16)
    steps = np.diff(counts, axis=0, prepend=first)  # uint16 wraps around, and so does its inverse
    planes = []
    for axis in range(3):
        column = steps[:, axis]
        planes += [(column & 0xFF).astype(np.uint8), (column >> 8).astype(np.uint8)]
    return b"".join(plane.tobytes() for plane in planes)
