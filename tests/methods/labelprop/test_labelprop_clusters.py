"""Clusters: k-means that goes on from the last scan, and cells by the rule of the outer thirds."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.config.schema import LabelPropConfig
from pcseg.methods.labelprop.clusters import Clusterer
from pcseg.methods.labelprop.kernels import POINT
from pcseg.methods.labelprop.kmeans import KMeans
from pcseg.methods.labelprop.voxel_map import VoxelMap

NOTHING = np.zeros(0, POINT)


def by_definition(points: np.ndarray, seeds: np.ndarray, mode: str = "described") -> set[int]:
    """Rows of `points` in the cells of the seeds, cell by cell and point by point."""
    size = np.array([2.0, 2.0, 4.0])
    low, high, origin, guarded = 1 / 3, 2 / 3, np.zeros(3), False
    if mode == "repository":
        low, high, origin, guarded = 0.33, 0.66, points.min(0).astype(float), True
    wanted = set()
    for row in seeds:
        place = (points[row] - origin) / size
        cell = np.floor(place).astype(int)
        ways = []
        for axis in range(3):
            part = place[axis] - cell[axis]
            steps = [0] + [1] * int(part > high)
            if part < low and not (guarded and axis < 2 and cell[axis] - 1 <= 0):
                steps.append(-1)
            ways.append(steps)
        wanted |= {
            (cell[0] + x, cell[1] + y, cell[2] + z)
            for x in ways[0] for y in ways[1] for z in ways[2]
        }  # fmt: skip
    cells = np.floor((points - origin) / size).astype(int)
    return {row for row, cell in enumerate(map(tuple, cells)) if cell in wanted}


@pytest.mark.parametrize("mode", ["described", "repository"])
@pytest.mark.parametrize("seed", range(4))
def test_members_are_all_points_in_the_marked_cells(mode: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    xyz = rng.uniform(-9, 9, (700, 3)).astype(np.float32)
    past, center = VoxelMap(0.01, 0.3), np.zeros(2)
    kept = past.add(0, xyz[:400], np.zeros(400), np.ones(400), center)
    assert len(kept) == 400
    new = xyz[400:]
    seeds = rng.choice(300, 12, replace=False)
    groups = rng.integers(0, 3, 12).astype(np.int32)
    clusters = Clusterer(LabelPropConfig(mode=mode)).members(past.points, new, seeds, groups)
    # Where slots were filled cell by cell: which old point is in which?
    place = {tuple(p): row for row, p in enumerate(xyz[:400].tolist())}
    for cluster in clusters:
        old = {place[tuple(p)] for p in past.take(cluster.past).xyz.tolist()}
        found = old | {400 + int(row) for row in cluster.rows}
        assert found == by_definition(xyz, 400 + seeds[groups == cluster.group], mode)
    assert [cluster.group for cluster in clusters] == [0, 1, 2]


def test_more_groups_than_bits_in_a_word() -> None:
    xyz = np.array([[10.0 * k + d, 0.5, 0.5] for k in range(150) for d in (0.9, 1.1)], "f4")
    seeds = np.arange(0, 300, 2)
    groups = np.arange(150, dtype=np.int32)
    clusters = Clusterer(LabelPropConfig()).members(NOTHING, xyz, seeds, groups)
    assert [c.rows.tolist() for c in clusters] == [[2 * k, 2 * k + 1] for k in range(150)]


def test_clusters_of_one_point_are_left_out() -> None:
    xyz = np.array([[1, 1, 1], [11, 1, 1], [11.5, 1, 1]], "f4")
    groups = np.array([0, 1, 1], np.int32)
    clusters = Clusterer(LabelPropConfig()).members(NOTHING, xyz, np.arange(3), groups)
    assert [c.group for c in clusters] == [1]


def test_tiles_are_squares_of_the_plane() -> None:
    groups = Clusterer(LabelPropConfig(clusters="tiles", tile=10.0)).assign(
        np.array([[1, 1], [9, 9], [11, 1], [-1, 1]], "f4")
    )
    assert groups.tolist() == [1, 1, 2, 0]


def test_kmeans_finds_the_blobs_and_goes_on_from_them() -> None:
    rng = np.random.default_rng(0)
    middles = rng.uniform(-50, 50, (6, 2))
    points = np.concatenate([m + rng.normal(0, 0.3, (80, 2)) for m in middles]).astype(np.float32)
    kmeans = KMeans(6, 20)
    first = kmeans.assign(points)
    truth = np.repeat(np.arange(6), 80)
    assert all(len(np.unique(first[truth == k])) == 1 for k in range(6))
    assert len(np.unique(first)) == 6
    drifted = kmeans.assign(points + np.float32(0.5))
    np.testing.assert_array_equal(drifted, first)  # the same numbers: it began where it ended
    again = KMeans(6, 20)
    np.testing.assert_array_equal(again.assign(points), first)


def test_a_center_that_lost_its_points_goes_where_it_is_needed() -> None:
    kmeans = KMeans(2, 20)
    left = np.array([[0, 0], [0.1, 0], [50, 0], [50.1, 0]], "f4")
    kmeans.assign(left)
    here = np.array([[0, 0], [0.1, 0], [0, 9], [0.1, 9]], "f4")  # nothing at 50 any more
    assert len(np.unique(kmeans.assign(here))) == 2


@pytest.mark.parametrize("count", [0, 1, 3])
def test_kmeans_of_few_points(count: int) -> None:
    points = np.zeros((count, 2), np.float32)
    assert KMeans(20, 20).assign(points).tolist() == [0] * count
