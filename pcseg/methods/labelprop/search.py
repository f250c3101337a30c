"""Compiled half of propagation: the candidates of a cell are collected once, then weighed fast."""

# mypy: disallow-untyped-defs=False
# (numba infers the types; the docstrings of the public functions name them)
from __future__ import annotations

import numpy as np
from numba import njit

from pcseg.methods.labelprop.kernels import END, STEPS
from pcseg.methods.labelprop.tables import find, key_of

INLINED = "81502967be68a282"
"""Digest of tables.py and kernels.py; see kernels.py."""

LANES = 32
"""Candidates that the loops over them take at a time."""
WEIGHT_ONE, ONE_POINT = 1 << 24, 1 << 32
"""Weights are summed as whole numbers too; and counts above the sums of confidences, in one int64.
"""


@njit(nogil=True, cache=True, error_model="numpy")
def propagate(
    points, cells, heads, xyz, order, starts, first, last, radius, classes, labels, confidence
):
    """Label the points of the groups ``first .. last - 1`` by the map's points near them.

    The candidates of a group (the points of one cell) are collected once, from its cell and the 26
    around it, and only those near the box around the group's points.

    Args:
        points: as for `insert`.
        cells: see there.
        heads: see there.
        xyz: (N, 3) float32 in the frame of the map.
        order: rows of `xyz` by cell, from `group`, as `starts`.
        starts: see there.
        first: group to begin with.
        last: group to stop before.
        radius: d0, the distance at which the kernel is 0.5, and edge of a cell.
        classes: number of classes K.
        labels: (N,) int32, written where something is near.
        confidence: (N,) float32, likewise.
    """
    found_room = 1024  # a multiple of LANES
    near, facts = np.empty((5, found_room), np.float32), np.empty((2, found_room), np.int64)
    room = found_room + LANES * (classes + 1)
    by_label, facts_by_label = np.empty((5, room), np.float32), np.empty((2, room), np.int64)
    borders, present = np.zeros(classes + 2, np.int64), np.zeros(classes + 1, np.int64)
    rate, slack, zero = np.float32(1.0 / (radius * radius)), np.float32(1.001), np.float32(0.0)
    for number in range(first, last):
        rows = order[starts[number] : starts[number + 1]]
        low_x = high_x = xyz[rows[0], 0]
        low_y = high_y = xyz[rows[0], 1]
        low_z = high_z = xyz[rows[0], 2]
        for row in rows:
            low_x, high_x = min(low_x, xyz[row, 0]), max(high_x, xyz[row, 0])
            low_y, high_y = min(low_y, xyz[row, 1]), max(high_y, xyz[row, 1])
            low_z, high_z = min(low_z, xyz[row, 2]), max(high_z, xyz[row, 2])
        home = key_of(low_x, low_y, low_z, radius, radius, radius)
        found = 0
        mixed = False
        for dx in range(-1, 2):
            for dy in range(-1, 2):
                for dz in range(-1, 2):
                    key = home + (dx << 42) + (dy << 21) + dz
                    entry = find(cells, key)
                    if cells[entry] != key:
                        continue
                    slot = heads[entry]
                    while slot != END:
                        point = points[slot]
                        slot = point.next
                        gap_x = max(low_x - point.x, point.x - high_x, zero)
                        gap_y = max(low_y - point.y, point.y - high_y, zero)
                        gap_z = max(low_z - point.z, point.z - high_z, zero)
                        gap = gap_x * gap_x + gap_y * gap_y + gap_z * gap_z
                        if gap > slack * point.reach:  # float32 may be a little off
                            continue
                        if found == near.shape[1]:
                            near, facts = _doubled(near), _doubled(facts)
                            by_label, facts_by_label = _doubled(by_label), _doubled(facts_by_label)
                        near[0, found], near[1, found] = point.x, point.y
                        near[2, found], near[3, found] = point.z, point.reach
                        near[4, found] = point.confidence * WEIGHT_ONE
                        facts[0, found] = ONE_POINT + np.int64(point.confidence * STEPS)
                        facts[1, found] = point.label + 1
                        mixed |= facts[1, 0] != point.label + 1
                        found += 1
        if not found:
            continue
        if not mixed:  # where all agree there is nothing to weigh
            end = _filled_up(near, found)
            for row in rows:
                total = _count(near, facts, 0, end, xyz[row, 0], xyz[row, 1], xyz[row, 2])
                if total:
                    labels[row] = facts[1, 0] - 1
                    confidence[row] = _mean(total)
            continue
        _sort_by_label(near, facts, found, borders, by_label, facts_by_label)
        names = 0
        for name in range(classes + 1):
            if borders[name] < borders[name + 1]:
                present[names] = name
                names += 1
        for row in rows:
            x, y, z = xyz[row, 0], xyz[row, 1], xyz[row, 2]
            best, most = 0, 0
            for name in present[:names]:
                weight = _weigh(by_label, borders[name], borders[name + 1], x, y, z, rate)
                if weight > most:
                    best, most = name, weight
            if most:
                begin, end = borders[best], borders[best + 1]
                labels[row] = best - 1
                confidence[row] = _mean(_count(by_label, facts_by_label, begin, end, x, y, z))


@njit(nogil=True, cache=True, error_model="numpy")
def _mean(total):
    """Mean confidence from the number (times `ONE_POINT`) and the sum of confidences."""
    return (total % ONE_POINT) / (np.float64(STEPS) * (total // ONE_POINT))


@njit(nogil=True, cache=True, error_model="numpy")
def _filled_up(near, found):
    """Fill candidates up to whole vectors with some that reach nothing; how many there are then.

    The loops over them then have no rest, which would cost as much as all before it.
    """
    end = (found + LANES - 1) // LANES * LANES
    for k in range(found, end):
        near[3, k] = -1.0
    return end


@njit(nogil=True, cache=True, error_model="numpy")
def _count(near, facts, first, last, x, y, z):
    """Number (times `ONE_POINT`) and sum of confidences of the candidates that reach a point."""
    total = 0
    for k in range(np.uintp(first), np.uintp(last)):  # an index that may be negative costs a test
        dx, dy, dz = near[0, k] - x, near[1, k] - y, near[2, k] - z
        total += facts[0, k] if dx * dx + dy * dy + dz * dz < near[3, k] else 0
    return total


@njit(nogil=True, cache=True, error_model="numpy")
def _weigh(near, first, last, x, y, z, rate):
    """Sum of the weights of the candidates that reach a point; `rate` is 1 / d0²."""
    total = 0
    for k in range(np.uintp(first), np.uintp(last)):  # an index that may be negative costs a test
        dx, dy, dz = near[0, k] - x, near[1, k] - y, near[2, k] - z
        away = dx * dx + dy * dy + dz * dz
        # Weights from 0.5 to 1 are whole numbers of 2^-24 in float32: nothing is rounded here.
        weight = np.int32(near[4, k] * _half_power(min(away * rate, np.float32(1.0))))
        total += np.int64(weight) if away < near[3, k] else 0
    return total


@njit(nogil=True, cache=True, error_model="numpy")
def _half_power(t):
    """2 to the power of -t for t in 0..1, within 2e-7, without a branch or a call."""
    f32 = np.float32
    p = f32(1.0932892e-04) * t + f32(-1.2755401e-03)
    p = p * t + f32(9.5798600e-03)
    p = p * t + f32(-5.5490932e-02)
    p = p * t + f32(2.4022433e-01)
    p = p * t + f32(-6.9314705e-01)
    return p * t + f32(1.0)


@njit(nogil=True, cache=True, error_model="numpy")
def _sort_by_label(near, facts, found, borders, by_label, facts_by_label):
    """Sort candidates by label, and tell where each label begins; `_filled_up`, label by label."""
    borders[:] = 0
    for k in range(found):
        borders[facts[1, k] + 1] += 1
    for label in range(1, len(borders)):
        borders[label] = borders[label - 1] + (borders[label] + LANES - 1) // LANES * LANES
    by_label[3, : borders[-1]] = -1.0
    for k in range(found):
        label = facts[1, k]
        place = borders[label]
        borders[label] += 1
        for i in range(near.shape[0]):
            by_label[i, place] = near[i, k]
        facts_by_label[0, place] = facts[0, k]
    for label in range(len(borders) - 1, 0, -1):
        borders[label] = (borders[label - 1] + LANES - 1) // LANES * LANES
    borders[0] = 0


@njit(nogil=True, cache=True, error_model="numpy")
def _doubled(rows):
    larger = np.empty((rows.shape[0], 2 * rows.shape[1]), rows.dtype)
    larger[:, : rows.shape[1]] = rows
    return larger
