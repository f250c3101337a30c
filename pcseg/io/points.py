"""PointFile: what a file says of its points, in one form for all formats."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from pcseg.errors import DataError, LabelError


class Stored(NamedTuple):
    """How an attribute stood in the file, so that it can be written back the same way.

    Attributes:
        names: of its columns in the file, for example ``("red", "green", "blue")``.
        dtype: of these columns.
        scale: stored value = attribute * scale; 255 for 8-bit colours, 1 where nothing was scaled.
    """

    names: tuple[str, ...]
    dtype: np.dtype
    scale: float = 1.0


@dataclass(frozen=True)
class PointFile:
    """N points in file order. Readers keep every point, also NaN points.

    Attributes:
        xyz: (N, 3) float32 or float64 as stored, in the unit and frame of the file.
        attrs: per-point arrays, (N,) or (N, C). Known names: ``intensity``, ``rgb`` and ``normal``
            (N, 3), ``ring``, ``time``, ``confidence``, ``instance``; others by the file's names.
            8-bit and 16-bit colours and intensities become float32 in 0..1; nothing else is scaled.
        labels: (N,) int64 raw ids as the file holds them, or None.
        faces: (M, 3) int64 triangles (larger polygons are cut into fans), or None.
        stored: how ``"labels"`` and attributes stood in the file (see `Stored`), in its order.
        meta: what belongs to a format alone, under its name: ``"las"``, ``"pcd"``, ``"ply"``…
    """

    xyz: np.ndarray
    attrs: dict[str, np.ndarray] = field(default_factory=dict)
    labels: np.ndarray | None = None
    faces: np.ndarray | None = None
    stored: dict[str, Stored] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.xyz.ndim != 2 or self.xyz.shape[1] != 3 or self.xyz.dtype not in _COORDINATES:
            raise DataError(
                "points must be an (N, 3) float32 or float64 array, "
                f"not {self.xyz.shape} {self.xyz.dtype}. Convert them first."
            )
        for name, values in self.attrs.items():
            if values.ndim not in (1, 2) or len(values) != len(self):
                raise DataError(
                    f"attribute '{name}' has shape {values.shape} for {len(self)} points. "
                    "It must be (N,) or (N, C)."
                )
        if self.labels is not None and self.labels.shape != (len(self),):
            raise LabelError(
                f"labels of shape {self.labels.shape} for {len(self)} points. They must be (N,)."
            )
        if self.labels is not None and self.labels.dtype != np.int64:
            raise LabelError(f"labels must be int64 ids, not {self.labels.dtype}. Convert them.")
        if self.faces is not None and (self.faces.ndim != 2 or self.faces.shape[1] != 3):
            raise DataError(f"faces must be an (M, 3) array, not {self.faces.shape}.")

    def __len__(self) -> int:
        return len(self.xyz)

    def replace(self, **changes: Any) -> PointFile:
        """A copy with some fields changed, for example ``points.replace(labels=predicted)``."""
        return replace(self, **changes)

    def contents(self) -> set[str]:
        """What there is besides coordinates: attribute names, ``"labels"``, ``"faces"``."""
        optional = (("labels", self.labels), ("faces", self.faces))
        return {*self.attrs, *(name for name, value in optional if value is not None)}


_COORDINATES = (np.dtype(np.float32), np.dtype(np.float64))
