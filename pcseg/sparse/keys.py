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

    def keys(self, coords: Array, scale: Triple = (1, 1, 1)) -> Array:
        """(V,) int64 keys of (V, 4) integer coordinates [batch, x, y, z] inside the box.

        Args:
            coords: before `scale`.
            scale: what to multiply x, y, z by.
        """
        key = _int64(coords[:, 0])
        for axis in range(3):
            column = _int64(coords[:, axis + 1]) * scale[axis]
            key = key * self.extent[axis] + (column - self.origin[axis])
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

    def with_halo(self, halo: Sequence[int]) -> KeySpace:
        """The same box with another halo.

        Raises:
            DataError: if the box has more than 2^63 voxels.
        """
        return _space(*self._box(), self.num_batches, halo)

    def coarser(self, stride: Triple) -> KeySpace:
        """The box of the voxels ``floor(c / stride)``, with the same halo around it."""
        low, high = self._box()
        low = [a // s for a, s in zip(low, stride, strict=True)]
        high = [a // s for a, s in zip(high, stride, strict=True)]
        return _space(low, high, self.num_batches, self.halo)

    def _box(self) -> tuple[list[int], list[int]]:
        """The smallest and the largest x, y, z without the halo."""
        low = [o + h for o, h in zip(self.origin, self.halo, strict=True)]
        high = [o + e - 1 - h for o, e, h in zip(self.origin, self.extent, self.halo, strict=True)]
        return low, high

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
    return _fitted(low, high, halo)


def number_voxels(coords: Tensor) -> tuple[KeySpace, Tensor, bool]:
    """Fit a key space, number the voxels in it, and see if they are in order, in one go.

    On a CUDA device the host waits once for all three. Coordinates that are out of order cost
    `Level` a second wait: sorted, they are searched for repeated ones.

    Args:
        coords: (V, 4) int32.

    Returns:
        The key space with the default halo, (V,) int64 keys in the order of the rows, and whether
        each is larger than the one before.

    Raises:
        DataError: for a negative batch index, or if the box has more than 2^63 voxels.
    """
    if len(coords) == 0:
        return fit_keys(coords), coords.new_empty(0, dtype=torch.int64), True
    if coords.device.type != "cpu":
        return _number_on_device(coords)
    # NumPy starts no threads: for so little work they cost more than they gain.
    array = coords.numpy()
    space = fit_keys(array)
    keys = space.keys(array)
    return space, torch.from_numpy(keys), bool((keys[1:] > keys[:-1]).all())


def _number_on_device(coords: Tensor) -> tuple[KeySpace, Tensor, bool]:
    """`number_voxels` of at least one voxel, with all that the host must know in one transfer."""
    low, high = (bound.to(torch.int64) for bound in torch.aminmax(coords, dim=0))
    # The formula of `KeySpace.keys` with numbers that the host does not know yet.
    extent = high - low + (1 + 2 * HALO)
    keys = coords[:, 0].to(torch.int64)
    for axis in (1, 2, 3):
        keys = keys * extent[axis] + (coords[:, axis].to(torch.int64) - (low[axis] - HALO))
    rising = (keys.diff() > 0).all()
    facts = torch.cat([low, high, rising[None].to(torch.int64)]).tolist()
    return _fitted(facts[:4], facts[4:8], (HALO,) * 3), keys, bool(facts[8])


def _fitted(low: list[int], high: list[int], halo: Sequence[int]) -> KeySpace:
    """The key space of the bounds [batch, x, y, z] of some voxels."""
    if low[0] < 0:
        raise DataError(f"the batch index of voxels starts at 0, but one voxel has {low[0]}.")
    return _space(low[1:], high[1:], high[0] + 1, halo)


def _space(low: list[int], high: list[int], num_batches: int, halo: Sequence[int]) -> KeySpace:
    extent = [b - a + 1 + 2 * h for a, b, h in zip(low, high, halo, strict=True)]
    if num_batches * math.prod(extent) >= _LIMIT:
        raise DataError(
            f"the voxels span {extent[0]} x {extent[1]} x {extent[2]} cells in {num_batches} "
            "samples, more than 64-bit keys can number. Remove far outliers from the points, or "
            "use larger voxels or fewer samples in a batch."
        )
    return KeySpace(
        origin=(low[0] - halo[0], low[1] - halo[1], low[2] - halo[2]),
        extent=(extent[0], extent[1], extent[2]),
        halo=(halo[0], halo[1], halo[2]),
        num_batches=num_batches,
    )


def _bounds(coords: Any) -> tuple[list[int], list[int]]:
    if len(coords) == 0:
        return [0, 0, 0, 0], [0, 0, 0, 0]
    if isinstance(coords, Tensor):
        # One transfer for both bounds: on a GPU each costs a synchronisation.
        low, high = torch.stack(torch.aminmax(coords, dim=0)).tolist()
        return low, high
    columns = np.ascontiguousarray(coords.T)  # ten times as fast as along the short rows
    return columns.min(1).tolist(), columns.max(1).tolist()


def _int64(column: Any) -> Any:
    return column.to(torch.int64) if isinstance(column, Tensor) else column.astype(np.int64)
