"""Keys: one int64 per voxel, in the order of (batch, x, y, z), that no offset can make ambiguous.

A key is a mixed-radix number over the extent of the cloud itself, not a field of fixed bits: a
cloud 5 km across at 1 cm fits, wherever its origin lies. Each axis is widened by a halo on both
sides, so that ``key(c) + delta(d) == key(c + d)`` holds for every voxel and every offset within the
halo, and a neighbour beyond the border can never be mistaken for a voxel of the next line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from pcseg.errors import DataError

Array = TypeVar("Array", np.ndarray, Tensor)

Triple = tuple[int, int, int]

HALO = 32
"""Default width of the halo in voxels; levels asked for a wider kernel make wider keys."""

_LIMIT = 2**63


@dataclass(frozen=True)
class KeySpace:
    """The box in which keys are unique.

    Attributes:
        origin: the smallest coordinate that has a key, halo included.
        extent: number of voxels of the box along x, y, z, halo included.
        halo: width of the halo on each side, in voxels, along x, y, z.
        num_batches: number of samples.
    """

    origin: Triple
    extent: Triple
    halo: Triple
    num_batches: int

    def keys(self, coords: Array) -> Array:
        """(V,) int64 keys of (V, 4) integer coordinates [batch, x, y, z] inside the box."""
        key = _int64(coords[:, 0])
        for axis in range(3):
            key = key * self.extent[axis] + (_int64(coords[:, axis + 1]) - self.origin[axis])
        return key

    def delta(self, offset: Sequence[int]) -> int:
        """What to add to a key to step by `offset` (x, y, z)."""
        dx, dy, dz = offset
        return (dx * self.extent[1] + dy) * self.extent[2] + dz

    def coords(self, keys: Array) -> Array:
        """(V, 4) int32 coordinates [batch, x, y, z] of (V,) keys: the inverse of `keys`."""
        columns = []
        for axis in (2, 1, 0):
            columns.append(keys % self.extent[axis] + self.origin[axis])
            keys = keys // self.extent[axis]
        columns.append(keys)
        columns.reverse()
        if isinstance(keys, Tensor):
            return torch.stack(columns, 1).to(torch.int32)  # type: ignore[arg-type]
        return np.stack(columns, 1).astype(np.int32)

    def contains(self, coords: Array) -> Array:
        """(V,) bool: which coordinates lie inside the box and so have a key of their own."""
        inside = (coords[:, 0] >= 0) & (coords[:, 0] < self.num_batches)
        for axis in range(3):
            column = _int64(coords[:, axis + 1]) - self.origin[axis]
            inside = inside & (column >= 0) & (column < self.extent[axis])
        return inside


def fit_keys(coords: Array, halo: Sequence[int] = (HALO, HALO, HALO)) -> KeySpace:
    """The smallest key space that holds `coords` (V, 4) and a halo around them.

    Raises:
        DataError: for a negative batch index, or if the box has more than 2^63 voxels.
    """
    low, high = _bounds(coords)
    if low[0] < 0:
        raise DataError(f"the batch index of voxels starts at 0, but one voxel has {low[0]}.")
    reach: Triple = (halo[0], halo[1], halo[2])
    extent = tuple(high[a + 1] - low[a + 1] + 1 + 2 * reach[a] for a in range(3))
    if (high[0] + 1) * math.prod(extent) >= _LIMIT:
        raise DataError(
            f"the voxels span {extent[0]} x {extent[1]} x {extent[2]} cells in {high[0] + 1} "
            "samples, more than 64-bit keys can number. Remove far outliers from the points, or "
            "use larger voxels or fewer samples in a batch."
        )
    return KeySpace(
        origin=(low[1] - reach[0], low[2] - reach[1], low[3] - reach[2]),
        extent=(extent[0], extent[1], extent[2]),
        halo=reach,
        num_batches=high[0] + 1,
    )


def _bounds(coords: Any) -> tuple[list[int], list[int]]:
    if len(coords) == 0:
        return [0, 0, 0, 0], [0, 0, 0, 0]
    if isinstance(coords, Tensor):
        # One transfer for both bounds: on a GPU each costs a synchronisation.
        low, high = torch.stack(torch.aminmax(coords, dim=0)).tolist()
        return low, high
    return coords.min(0).tolist(), coords.max(0).tolist()


def _int64(column: Any) -> Any:
    return column.to(torch.int64) if isinstance(column, Tensor) else column.astype(np.int64)
