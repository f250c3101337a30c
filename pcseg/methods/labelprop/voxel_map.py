"""VoxelMap: the recent past, one point per small voxel, kept up to date without being rebuilt."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pcseg.errors import DataError
from pcseg.methods.labelprop import kernels, tables

_SLOTS, _TABLE = 1 << 15, 1 << 16
"""Room of a new map, doubled whenever it is needed."""


class MapPoints(NamedTuple):
    """M points of a map, in no particular order but always the same.

    Attributes:
        xyz: (M, 3) float32 in the frame of the map.
        labels: (M,) int32 train ids, -1 for none.
        confidence: (M,) float32 in 0..1.
        intensity: (M,) float32.
    """

    xyz: np.ndarray
    labels: np.ndarray
    confidence: np.ndarray
    intensity: np.ndarray


@dataclass
class _Block:
    """The points of one scan that are in the map, those far from `center` first."""

    stamp: int
    number: int
    slots: np.ndarray
    rings: np.ndarray
    center: np.ndarray
    begin: int = 0


class VoxelMap:
    """Points by voxel and by cell; adding and dropping costs what is added and dropped.

    A voxel keeps the point that came first (methods of thinning in the paper's code), until that
    leaves by age or distance. Points that are surer than `kernels.SURE` are also in the list of
    their cell, where `propagate` finds them.

    Args:
        voxel: edge of a voxel, metres.
        cell: edge of a cell, metres: the reach of propagation.
    """

    def __init__(self, voxel: float, cell: float) -> None:
        self.size = np.array([voxel, cell])
        self.points = np.zeros(_SLOTS, kernels.POINT)
        self.points["label"] = kernels.FREE
        self.intensity = np.zeros(_SLOTS, np.float32)
        self.free = np.arange(_SLOTS, dtype=np.int32)[::-1].copy()
        self.state = np.array([_SLOTS, 0])
        self.voxels = np.full(_TABLE, tables.EMPTY)
        self.cells = np.full(_TABLE, tables.EMPTY)
        self.heads = np.zeros(_TABLE, np.int32)
        self.blocks: deque[_Block] = deque()
        self._added = 0

    def __len__(self) -> int:
        return len(self.points) - int(self.state[0])

    @property
    def bytes(self) -> int:
        """Memory of the arrays."""
        arrays = (self.points, self.intensity, self.free, self.voxels, self.cells, self.heads)
        blocks = sum(block.slots.nbytes + block.rings.nbytes for block in self.blocks)
        return sum(array.nbytes for array in arrays) + blocks

    def add(
        self,
        stamp: int,
        xyz: np.ndarray,
        labels: np.ndarray,
        confidence: np.ndarray,
        center: np.ndarray,
        intensity: np.ndarray | None = None,
    ) -> np.ndarray:
        """Take in a scan; of several points in a voxel the first one counts.

        Args:
            stamp: not smaller than those before.
            xyz: (N, 3) float32, finite.
            labels: (N,) train ids, -1 for none.
            confidence: (N,) in 0..1, kept in steps of 1 / `kernels.STEPS`.
            center: (2,) float64 the middle of the scan in the plane.
            intensity: (N,), 0 by default.

        Returns:
            (M,) int32 rows of the points that found their voxel empty.

        Raises:
            DataError: for a point too far from the map's origin to have a voxel.
        """
        largest = float(np.abs(xyz).max()) if len(xyz) else 0.0
        if not largest < (tables.HALF_AXIS - 2) * self.size.min():
            raise DataError(
                f"a point is {largest:.0f} m from where the sequence began; the map reaches "
                f"{tables.HALF_AXIS * self.size.min() / 1000:.0f} km. Cut the sequence, or mend "
                "its poses."
            )
        self._make_room(len(xyz))
        exact = np.rint(confidence * kernels.STEPS) / kernels.STEPS
        exact = exact.astype(np.float32)
        rows = np.empty(len(xyz), np.int32)
        rows = rows[: kernels.claim(self.voxels, xyz, self.size[0], rows)]
        by_cell = rows[group_cells(xyz[rows], (self.size[1],) * 3)[0]]
        taken = np.empty(len(rows), np.int32)
        kernels.insert(
            self.points, self.free, self.state, self.cells, self.heads,
            xyz, labels.astype(np.int32), exact, self.size, by_cell, taken,
        )  # fmt: skip
        self.intensity[taken] = 0.0 if intensity is None else intensity[by_cell]
        slots, rings = kernels.order_by_ring(self.points, taken, center)
        self.blocks.append(_Block(stamp, self._added, slots, rings, center))
        self._added += 1
        return rows

    def drop_newest(self) -> None:
        """Take out the scan that was added last."""
        if self.blocks:
            self._remove(self.blocks.pop())

    def drop_until(self, stamp: int) -> None:
        """Take out all scans with this stamp or a smaller one."""
        while self.blocks and self.blocks[0].stamp <= stamp:
            self._remove(self.blocks.popleft())

    def drop_far(self, center: np.ndarray, limit: float) -> None:
        """Take out points at least `limit` metres from `center` (2,) float64 in the plane.

        Only those are looked at that were far enough from the middle of their own scan.
        """
        for block in self.blocks:
            moved = float(np.linalg.norm(center - block.center))
            inner = int(max(0.0, np.floor(limit - moved) - 1))  # 1: a millimetre is not lost
            block.begin = kernels.remove_far(
                self.points, block.slots, block.rings, block.begin, inner, center, limit,
                self.free, self.state, self.voxels, self.cells, self.heads, self.size,
            )  # fmt: skip

    def numbers(self) -> np.ndarray:
        """(B,) int32 which of the scans added so far are in the map, the oldest first."""
        return np.array([block.number for block in self.blocks], np.int32)

    def alive(self) -> MapPoints:
        """Copies of all points, the oldest scan first."""
        slots = [block.slots[block.begin :] for block in self.blocks]
        return self.take(np.concatenate(slots) if slots else np.zeros(0, np.int32))

    def take(self, slots: np.ndarray) -> MapPoints:
        """Copies of the points in some slots."""
        chosen = self.points[slots]
        xyz = np.empty((len(slots), 3), np.float32)
        for axis, name in enumerate("xyz"):
            xyz[:, axis] = chosen[name]
        return MapPoints(xyz, chosen["label"], chosen["confidence"], self.intensity[slots])

    def _remove(self, block: _Block) -> None:
        kernels.remove(
            self.points, np.sort(block.slots[block.begin :]), self.free, self.state,
            self.voxels, self.cells, self.heads, self.size,
        )  # fmt: skip

    def _make_room(self, count: int) -> None:
        """Double what would be too small for `count` more points; tables are kept half empty."""
        while self.state[0] < count:
            slots = len(self.points)
            more = np.zeros(slots, kernels.POINT)
            more["label"] = kernels.FREE
            self.points = np.concatenate([self.points, more])
            self.intensity = np.concatenate([self.intensity, np.zeros(slots, np.float32)])
            fresh = np.arange(2 * slots - 1, slots - 1, -1, dtype=np.int32)
            self.free = np.concatenate([fresh, self.free])  # the old ones are taken first
            self.state[0] += slots
        none = np.zeros(0, np.int32)
        self.voxels, _ = _grown(self.voxels, none, len(self) + count)
        self.cells, self.heads = _grown(self.cells, self.heads, int(self.state[1]) + count)


def group_cells(
    xyz: np.ndarray, size: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bring the points of each cell together.

    Args:
        xyz: (N, 3) float32.
        size: edges of a cell, metres.

    Returns:
        order: (N,) int32 rows, cell by cell in order of first appearance.
        starts: (G + 1,) int32 borders of the cells in `order`.
        cell_of: (N,) int32 number of the cell of each row.
    """
    keys = tables.cell_keys_of(xyz, np.array(size))
    room = 1 << max(4, int(2 * max(1, len(xyz)) - 1).bit_length())
    table, numbers = np.full(room, tables.EMPTY), np.empty(room, np.int32)
    return tables.group(keys, table, numbers)  # type: ignore[no-any-return]


def _grown(table: np.ndarray, heads: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The table, or a larger one with the same keys if `count` would fill more than half of it."""
    room = len(table)
    while room < 2 * count:
        room *= 2
    if room == len(table):
        return table, heads
    new = np.full(room, tables.EMPTY)
    new_heads = np.zeros(room if len(heads) else 0, np.int32)
    tables.move_table(table, heads, new, new_heads)
    return new, new_heads
