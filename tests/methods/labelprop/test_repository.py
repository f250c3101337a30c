"""The authors' propagation, against a plain reading of it; and where it differs from the paper."""

from __future__ import annotations

import numpy as np

from pcseg.methods.labelprop.propagation import propagate
from pcseg.methods.labelprop.repository import propagate_as_repository
from pcseg.methods.labelprop.voxel_map import VoxelMap


def plain(past, labels, confidence, xyz, classes, voxel=0.8, radius=0.3):
    """Voxels hung up at the smallest coordinate; the own one twice, then six neighbours."""
    low = np.minimum(past.min(0), xyz.min(0)).astype(np.float64)
    cells = np.floor((past - low) / voxel).astype(int)
    steps = [(0, 0, 0), *(tuple(s * np.eye(3, dtype=int)[a]) for a in range(3) for s in (1, -1))]
    out_labels, out_confidence = np.full(len(xyz), -1), np.zeros(len(xyz))
    for i, point in enumerate(xyz):
        home = np.floor((point - low) / voxel).astype(int)
        rows = [np.flatnonzero((cells == home).all(1))]
        rows += [np.flatnonzero((cells == home + step).all(1)) for step in steps]
        near = np.concatenate(rows)
        squared = ((past[near].astype(float) - point.astype(float)) ** 2).sum(1)
        weights = np.exp(-squared * np.log(2) / radius**2) * confidence[near]
        near, weights = near[weights > 0.5], weights[weights > 0.5]
        sums = np.bincount(labels[near] + 1, weights, classes + 1)
        if len(near):
            out_labels[i] = sums.argmax() - 1
            out_confidence[i] = confidence[near[labels[near] == out_labels[i]]].mean()
    return out_labels, out_confidence


def test_equals_a_plain_reading() -> None:
    rng = np.random.default_rng(0)
    past = (rng.uniform(-2, 2, (3000, 3)) * [1, 1, 0.3]).astype(np.float32)
    labels = rng.integers(-1, 4, 3000)
    confidence = rng.uniform(0.3, 1.0, 3000).astype(np.float32)
    new = (rng.uniform(-2.3, 2.3, (400, 3)) * [1, 1, 0.3]).astype(np.float32)
    found = propagate_as_repository(past, labels.astype(np.int32), confidence, new, 4)
    wanted = plain(past, labels, confidence, new, 4)
    np.testing.assert_array_equal(found[0], wanted[0])
    np.testing.assert_allclose(found[1], wanted[1], atol=1e-6)


def both(past: np.ndarray, labels: list[int], point: list[float]) -> tuple[int, int]:
    sure = np.ones(len(past), np.float32)
    table = np.array(labels, np.int32)
    new = np.array([point], "f4")
    ours = VoxelMap(0.01, 0.3)
    ours.add(0, past, table, sure, np.zeros(2))
    described = propagate(ours, new, 4)[0][0]
    return int(described), int(propagate_as_repository(past, table, sure, new, 4)[0][0])


def test_points_of_the_own_voxel_count_twice() -> None:
    # The grid begins at 0: two neighbours across the border at 0.8 against one on this side.
    past = np.array([[0, 0, 0], [0.75, 0.4, 0.4], [0.85, 0.4, 0.4], [0.85, 0.42, 0.4]], "f4")
    assert both(past, [0, 1, 2, 2], [0.78, 0.4, 0.4]) == (2, 1)


def test_neighbours_across_a_corner_are_missed() -> None:
    past = np.array([[0, 0, 0], [0.85, 0.85, 0.4]], "f4")
    assert both(past, [0, 2], [0.75, 0.75, 0.4]) == (2, -1)
