"""Compiled half of clusters: which cells belong to which clusters, and which points lie in them."""

# mypy: disallow-untyped-defs=False
# (numba infers the types; the docstrings of the public functions name them)
from __future__ import annotations

import math

import numpy as np
from numba import njit

from pcseg.methods.labelprop.kernels import FREE
from pcseg.methods.labelprop.tables import EMPTY, find, pack

INLINED = "81502967be68a282"
"""Digest of tables.py and kernels.py; see kernels.py."""


@njit(nogil=True, cache=True, error_model="numpy")
def mark_cells(xyz, seeds, groups, size, origin, thirds, guarded, table, masks):
    """Mark the cells of each cluster.

    Args:
        xyz: (N, 3) float32.
        seeds: (U,) int32 rows of `xyz`.
        groups: (U,) int32 cluster of each seed.
        size: (3,) edges of a cell.
        origin: (3,) float64 corner of cell 0.
        thirds: (2,) where the outer parts of a cell end and begin, 0..1.
        guarded: leave out the lowest two cells of x and y as neighbours, as the authors' code does.
        table: (T,) of `EMPTY`, written: keys of the cells.
        masks: (T, W) uint64 of zeros, written: a bit for each cluster that has the cell.
    """
    cell, low, high = np.empty(3, np.int64), np.empty(3, np.int64), np.empty(3, np.int64)
    for i in range(len(seeds)):
        for axis in range(3):
            place = (np.float64(xyz[seeds[i], axis]) - origin[axis]) / size[axis]
            cell[axis] = np.int64(math.floor(place))
            inside = place - cell[axis]
            low[axis] = -1 if inside < thirds[0] else 0
            high[axis] = 1 if inside > thirds[1] else 0
            if guarded and axis < 2 and cell[axis] - 1 <= 0:
                low[axis] = 0
        word, bit = groups[i] // 64, np.uint64(1) << np.uint64(groups[i] % 64)
        for dx in range(low[0], high[0] + 1):
            for dy in range(low[1], high[1] + 1):
                for dz in range(low[2], high[2] + 1):
                    key = pack(cell[0] + dx, cell[1] + dy, cell[2] + dz)
                    entry = find(table, key)
                    table[entry] = key
                    masks[entry, word] |= bit


@njit(nogil=True, cache=True, error_model="numpy")
def list_members(points, xyz, size, origin, table, masks, number):
    """List the points in the cells of each cluster.

    Args:
        points: (S,) of `kernels.POINT`: the map.
        xyz: (N, 3) float32 of the new scan.
        size: as for `mark_cells`, like `origin`, `table` and `masks`.
        origin: see there.
        table: see there.
        masks: see there.
        number: of clusters.

    Returns:
        starts: (K + 1,) int64 borders of the clusters.
        members: int32 slots of the map, then S + rows of the scan; rising in each cluster.
    """
    firsts, names = _clusters_of_cells(masks, number)
    slots = len(points)
    entries = np.empty(slots + len(xyz), np.int32)
    starts = np.zeros(number + 1, np.int64)
    for i in range(len(entries)):
        entries[i] = EMPTY
        if i < slots:
            point = points[i]
            if point.label == FREE:
                continue
            x, y, z = point.x, point.y, point.z
        else:
            x, y, z = xyz[i - slots, 0], xyz[i - slots, 1], xyz[i - slots, 2]
        key = pack(
            np.int64(math.floor((np.float64(x) - origin[0]) / size[0])),
            np.int64(math.floor((np.float64(y) - origin[1]) / size[1])),
            np.int64(math.floor((np.float64(z) - origin[2]) / size[2])),
        )
        entry = find(table, key)
        if table[entry] == key:
            entries[i] = entry
            for place in range(firsts[entry], firsts[entry + 1]):
                starts[names[place] + 1] += 1
    for k in range(number):
        starts[k + 1] += starts[k]
    places = starts[:-1].copy()
    members = np.empty(starts[-1], np.int32)
    for i in range(len(entries)):
        if entries[i] != EMPTY:
            for place in range(firsts[entries[i]], firsts[entries[i] + 1]):
                members[places[names[place]]] = i
                places[names[place]] += 1
    return starts, members


@njit(nogil=True, cache=True, error_model="numpy")
def _clusters_of_cells(masks, number):
    """Lists of the clusters of each entry of the table: (T + 1,) borders, and the numbers."""
    firsts = np.zeros(len(masks) + 1, np.int32)
    for entry in range(len(masks)):
        firsts[entry + 1] = firsts[entry]
        for k in range(number):
            if masks[entry, k // 64]:  # most entries are free
                firsts[entry + 1] += _has(masks, entry, k)
    names = np.empty(firsts[-1], np.int32)
    for entry in range(len(masks)):
        place = firsts[entry]
        if place == firsts[entry + 1]:
            continue
        for k in range(number):
            if _has(masks, entry, k):
                names[place] = k
                place += 1
    return firsts, names


@njit(nogil=True, cache=True, error_model="numpy")
def _has(masks, entry, k):
    return np.int64(masks[entry, k // 64] >> np.uint64(k % 64)) & 1
