"""Compiled half of the voxel map: points in slots, voxels taken, lists of points by cell."""

# mypy: disallow-untyped-defs=False
# (numba infers the types; the docstrings of the public functions name them)
from __future__ import annotations

import math

import numpy as np
from numba import njit

from pcseg.methods.labelprop.tables import drop, find, key_of

POINT = np.dtype(
    [
        ("x", "f4"), ("y", "f4"), ("z", "f4"), ("reach", "f4"), ("confidence", "f4"),
        ("label", "i4"), ("next", "i4"), ("previous", "i4"),
    ]
)  # fmt: skip
"""A point of the map in half a cache line: place, squared reach, what is known, list of its cell.

The reach is the distance at which the weight ``c exp(-r² ln 2 / d0²)`` falls to one half:
``r² = d0² (1 + log2 c)``. To compare squares is all it takes where all neighbours agree.
"""

FREE = -9
"""Label of a slot that holds no point."""
UNLINKED, END = -2, -1
"""`previous` of a point in no list, and what stands at both ends of a list."""
SURE = 0.5
"""Neighbours count only with a weight above this, so points of at most this confidence never do."""
STEPS = 1 << 16
"""Confidences are kept in steps of 1 / 65536, so that sums of them are exact in any order."""

INLINED = "7b07890ffcfe7d3a"
"""Digest of tables.py, whose code is compiled into these kernels: numba looks only at this file to
see whether its machine code on disk is up to date. A test tells what to write.
"""


@njit(nogil=True, cache=True, error_model="numpy")
def moved(xyz, matrix):
    """(N, 3) float32 points under a (4, 4) float64 transform, and the mean x and y of them."""
    out = np.empty((len(xyz), 3), np.float32)
    center = np.zeros(2)
    for i in range(len(xyz)):
        x, y, z = np.float64(xyz[i, 0]), np.float64(xyz[i, 1]), np.float64(xyz[i, 2])
        for axis in range(3):
            row = matrix[axis]
            out[i, axis] = row[0] * x + row[1] * y + row[2] * z + row[3]
        center[0] += out[i, 0]
        center[1] += out[i, 1]
    return out, center / max(len(xyz), 1)


@njit(nogil=True, cache=True, error_model="numpy")
def claim(voxels, xyz, size, rows):
    """Occupy the voxels that are empty, in the order of the points: the first one has it.

    Args:
        voxels: table of the keys of occupied voxels.
        xyz: (N, 3) float32.
        size: edge of a voxel.
        rows: (N,) int32, written: the points that have found theirs empty.

    Returns:
        How many those are.
    """
    count = 0
    for i in range(len(xyz)):
        key = key_of(xyz[i, 0], xyz[i, 1], xyz[i, 2], size, size, size)
        entry = find(voxels, key)
        if voxels[entry] != key:
            voxels[entry] = key
            rows[count] = i
            count += 1
    return count


@njit(nogil=True, cache=True, error_model="numpy")
def insert(points, free, state, cells, heads, xyz, labels, confidence, size, rows, slots):
    """Put points into free slots and, if they are sure, into the lists of their cells.

    Args:
        points: (S,) of `POINT`.
        free: (S,) int32 stack of free slots.
        state: (2,) int64: number of free slots; number of cells with a list.
        cells: table of the keys of cells, with the first slot of each list in `heads`.
        heads: see there.
        xyz: (N, 3) float32.
        labels: (N,) int32.
        confidence: (N,) float32, whole numbers of `STEPS`.
        size: (2,) edges of a voxel and of a cell.
        rows: (M,) int32 points to put in, cell by cell: what is searched together lies together.
        slots: (M,) int32, written: where they are.
    """
    for i in range(len(rows)):
        row = rows[i]
        state[0] -= 1
        slot = free[state[0]]
        slots[i] = slot
        point = points[slot]
        point.x, point.y, point.z = xyz[row, 0], xyz[row, 1], xyz[row, 2]
        point.label = labels[row]
        point.confidence = confidence[row]
        point.previous = UNLINKED
        if confidence[row] > SURE:
            point.reach = size[1] * size[1] * (1.0 + math.log2(confidence[row]))
            state[1] += _link(points, slot, cells, heads, size[1])


@njit(nogil=True, cache=True, error_model="numpy")
def remove(points, slots, free, state, voxels, cells, heads, size):
    """Take the points in `slots` (int32) out of the map; other arguments as for `insert`.

    Slots in rising order are handed out again in order, which keeps neighbours together.
    """
    for i in range(len(slots)):
        _remove(points, slots[i], free, state, voxels, cells, heads, size)


@njit(nogil=True, cache=True, error_model="numpy")
def remove_far(
    points, slots, rings, begin, ring, center, limit, free, state, voxels, cells, heads, size
):
    """Take out of a block what is far away, looking no farther in than a ring.

    Args:
        points: as for `insert`, like `free`, `state`, `cells`, `heads`, `size`.
        slots: (B,) int32 of a block, the outermost ring first; those that stay of the rings looked
            at are moved towards the end.
        rings: (B,) int32 number of each one's ring.
        begin: where the block begins in `slots`.
        ring: the innermost to look at.
        center: (2,) float64.
        limit: metres in the plane; what is at least so far from `center` goes.
        free: see there.
        state: see there.
        voxels: as for `claim`.
        cells: see there.
        heads: see there.
        size: see there.

    Returns:
        Where the block begins afterwards.
    """
    end = begin
    while end < len(slots) and rings[end] >= ring:
        end += 1
    kept = end
    for i in range(end - 1, begin - 1, -1):
        point = points[slots[i]]
        away = (point.x - center[0]) ** 2 + (point.y - center[1]) ** 2
        if away >= limit * limit:
            _remove(points, slots[i], free, state, voxels, cells, heads, size)
        else:
            kept -= 1
            slots[kept], rings[kept] = slots[i], rings[i]
    return kept


@njit(nogil=True, cache=True, error_model="numpy")
def gather(points, slots, rows, xyz):
    """(P + R, 3) float32 places of the points in `slots`, then of the `rows` of `xyz`; their mean.

    Args:
        points: as for `insert`.
        slots: (P,) int32.
        rows: (R,) int32.
        xyz: (N, 3) float32.
    """
    out = np.empty((len(slots) + len(rows), 3), np.float32)
    mean = np.zeros(3)
    for i in range(len(slots)):
        point = points[slots[i]]
        out[i, 0], out[i, 1], out[i, 2] = point.x, point.y, point.z
    for i in range(len(rows)):
        for axis in range(3):
            out[len(slots) + i, axis] = xyz[rows[i], axis]
    for i in range(len(out)):
        for axis in range(3):
            mean[axis] += out[i, axis]
    return out, mean / max(len(out), 1)


@njit(nogil=True, cache=True, error_model="numpy")
def order_by_ring(points, slots, center):
    """Sort slots by the metre of their distance from `center` (2,), the farthest first.

    Returns:
        (B,) int32 slots and (B,) int32 whole metres.
    """
    rings = np.empty(len(slots), np.int32)
    last = 0
    for i in range(len(slots)):
        point = points[slots[i]]
        away = math.sqrt((point.x - center[0]) ** 2 + (point.y - center[1]) ** 2)
        rings[i] = min(away, 65535.0)
        last = max(last, rings[i])
    places = np.zeros(last + 2, np.int64)
    for i in range(len(slots)):
        places[last - rings[i] + 1] += 1
    for ring in range(last + 1):
        places[ring + 1] += places[ring]
    ordered, ordered_rings = np.empty_like(slots), np.empty_like(rings)
    for i in range(len(slots)):
        place = places[last - rings[i]]
        ordered[place], ordered_rings[place] = slots[i], rings[i]
        places[last - rings[i]] += 1
    return ordered, ordered_rings


@njit(nogil=True, cache=True, error_model="numpy")
def _remove(points, slot, free, state, voxels, cells, heads, size):
    point = points[slot]
    key = key_of(point.x, point.y, point.z, size[0], size[0], size[0])
    drop(voxels, heads[:0], find(voxels, key))
    if point.previous != UNLINKED:
        state[1] -= _unlink(points, slot, cells, heads, size[1])
    point.label = FREE
    free[state[0]] = slot
    state[0] += 1


@njit(nogil=True, cache=True, error_model="numpy")
def _link(points, slot, cells, heads, size):
    """Put a point at the head of the list of its cell; 1 if the list is new."""
    point = points[slot]
    key = key_of(point.x, point.y, point.z, size, size, size)
    entry = find(cells, key)
    new = cells[entry] != key
    point.next = END if new else heads[entry]
    point.previous = END
    if not new:
        points[heads[entry]].previous = slot
    cells[entry], heads[entry] = key, slot
    return 1 if new else 0


@njit(nogil=True, cache=True, error_model="numpy")
def _unlink(points, slot, cells, heads, size):
    """Take a point out of the list of its cell; 1 if that was the last one."""
    point = points[slot]
    if point.next != END:
        points[point.next].previous = point.previous
    if point.previous != END:
        points[point.previous].next = point.next
        return 0
    entry = find(cells, key_of(point.x, point.y, point.z, size, size, size))
    if point.next != END:
        heads[entry] = point.next
        return 0
    drop(cells, heads, entry)
    return 1
