"""The incremental map holds what a map rebuilt for each scan would hold, in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcseg.errors import DataError
from pcseg.methods.labelprop.voxel_map import VoxelMap, group_cells
from tests.methods.labelprop.brute import RebuiltMap, in_steps


def rows(xyz: np.ndarray, labels: np.ndarray, confidence: np.ndarray) -> list[tuple[float, ...]]:
    """The points in an order that does not depend on the map."""
    return sorted(zip(*xyz.T.tolist(), labels.tolist(), confidence.tolist(), strict=True))


def same(ours: VoxelMap, plain: RebuiltMap) -> None:
    alive = ours.alive()
    assert len(ours) == len(plain.xyz)
    assert rows(alive.xyz, alive.labels, alive.confidence) == rows(
        plain.xyz, plain.labels, plain.confidence
    )


def linked(ours: VoxelMap) -> int:
    """Points in the lists of cells, walked from their heads; back links checked on the way."""
    count = 0
    for entry in np.flatnonzero(ours.cells >= 0):
        before, slot = -1, ours.heads[entry]
        while slot >= 0:
            assert ours.points[slot]["previous"] == before
            before, slot = slot, ours.points[slot]["next"]
            count += 1
    return count


@given(
    st.lists(st.sampled_from(["add", "add", "add", "newest", "old", "far"]), max_size=14),
    st.integers(0, 2**32 - 1),
)
def test_any_history_equals_a_rebuilt_map(history: list[str], seed: int) -> None:
    rng = np.random.default_rng(seed)
    ours, plain = VoxelMap(0.5, 1.0), RebuiltMap(0.5)
    place, stamp = np.zeros(2), 0
    for what in history:
        if what == "add":
            stamp += 1
            place = place + rng.uniform(-2, 2, 2)
            xyz = rng.normal(0, 3, (60, 3)) + np.array([*place, 0.0])
            xyz = xyz.astype(np.float32)
            labels = rng.integers(-1, 4, 60)
            confidence = in_steps(rng.uniform(0, 1, 60))
            ours.add(stamp, xyz, labels, confidence, xyz[:, :2].mean(0, dtype=np.float64))
            plain.add(stamp, xyz, labels, confidence)
        elif what == "newest" and len(plain.xyz):
            ours.drop_newest()
            if (plain.stamps == stamp).any():
                plain.drop_newest()
            stamp -= 1
        elif what == "old":
            ours.drop_until(stamp - 3)
            plain.drop_until(stamp - 3)
        elif what == "far":
            ours.drop_far(place, 4.0)
            plain.drop_far(place, 4.0)
        same(ours, plain)
        assert linked(ours) == int((plain.confidence > 0.5).sum())


def test_the_oldest_point_of_a_voxel_stays_until_it_leaves() -> None:
    past, center = VoxelMap(0.5, 1.0), np.zeros(2)
    one, other = np.array([[0.1, 0.1, 0.1]], "f4"), np.array([[0.2, 0.2, 0.2]], "f4")
    sure = np.ones(1)
    assert len(past.add(0, one, np.array([3]), sure, center)) == 1
    assert len(past.add(1, other, np.array([4]), sure, center)) == 0
    assert past.alive().labels.tolist() == [3]
    past.drop_until(0)
    assert len(past) == 0
    past.add(2, other, np.array([4]), sure, center)
    assert past.alive().labels.tolist() == [4]


def test_memory_stays_flat_over_two_hundred_scans() -> None:
    rng = np.random.default_rng(0)
    past = VoxelMap(0.1, 0.3)
    sizes = []
    for stamp in range(200):
        past.drop_until(stamp - 10)
        xyz = (rng.uniform(-20, 20, (3500, 3)) * [1, 1, 0.05] + [stamp, 0, 0]).astype(np.float32)
        past.drop_far(xyz[:, :2].mean(0, dtype=np.float64), 25.0)
        labels = rng.integers(0, 5, 3500)
        past.add(stamp, xyz, labels, np.ones(3500), xyz[:, :2].mean(0, dtype=np.float64))
        sizes.append(past.bytes)
    assert len(past) <= 35_000
    assert max(sizes[60:]) <= 1.02 * max(sizes[:60])  # tables have doubled for the last time
    assert linked(past) == len(past)


def test_a_city_fits_and_a_broken_pose_is_named() -> None:
    past = VoxelMap(0.05, 0.3)
    far = np.array([[20_000.0, -20_000.0, 100.0]], "f4")
    assert len(past.add(0, far, np.array([1]), np.ones(1), far[0, :2])) == 1
    with pytest.raises(DataError, match="reaches 52 km"):
        past.add(1, far * 10, np.array([1]), np.ones(1), far[0, :2])


def test_cells_are_grouped_in_order_of_appearance() -> None:
    xyz = np.array([[0.1, 0, 0], [5, 0, 0], [0.2, 0, 0], [-0.1, 0, 0]], "f4")
    order, starts, cell_of = group_cells(xyz, (1.0, 1.0, 1.0))
    assert order.tolist() == [0, 2, 1, 3]
    assert starts.tolist() == [0, 2, 3, 4]
    assert cell_of.tolist() == [0, 1, 0, 2]
