"""The state between scans: what propagates, what does not, and how long things are remembered."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.config.schema import LabelPropConfig
from pcseg.data import Scan
from pcseg.errors import DataError
from pcseg.methods.labelprop.stream import LabelProp
from tests.methods.labelprop import drives

SETTINGS = LabelPropConfig(reach=0.6, thin=0.1)
"""A reach that fits the few points of the tiny sensor."""


def taught(scans: tuple[Scan, ...] | list[Scan], **changes: object) -> tuple[LabelProp, list]:
    """The stream after the true labels of all scans, and what it said of each before."""
    stream = LabelProp(SETTINGS.model_copy(update=changes), drives.LABELS)
    return stream, [stream.teach(scan, scan.labels) for scan in scans]


def test_a_plane_propagates_and_keeps_its_label() -> None:
    scans = drives.drive()
    _, said = taught(scans)
    road = drives.LABELS.names.index("road")
    near = np.linalg.norm(scans[-1].xyz, axis=1) < 12
    plane = (scans[-1].labels == road) & near
    found = said[-1].labels[plane]
    assert plane.sum() > 100
    assert (found >= 0).mean() > 0.9
    assert (found[found >= 0] == road).mean() > 0.99
    assert (said[0].labels == -1).all()


def test_a_moving_box_does_not_propagate() -> None:
    scans = drives.drive()
    _, said = taught(scans)
    seen = 0
    for scan, arrival in zip(scans[1:], said[1:], strict=True):
        moving = scan.instances == drives.DRIVING
        seen += int(moving.sum())
        # The road beneath may lend its label to the box's lowest points, the box itself nothing.
        car = drives.LABELS.names.index("car")
        assert not (arrival.labels[moving] == car).any()
        assert (arrival.labels[moving & (arrival.xyz[:, 2] > 0.3)] == -1).all()
    assert seen > 50


def test_a_parked_car_is_in_the_map_once_however_long_one_waits() -> None:
    scan = drives.drive()[3]
    stream, _ = taught(drives.at_rest(scan, 30))
    assert stream.past.map.numbers().tolist() == [29]
    once, _ = taught([scan])
    assert len(stream.past.map) == len(once.past.map)


def test_movable_classes_are_never_carried_even_when_parked() -> None:
    scan = drives.drive()[3]
    parked = scan.instances == drives.PARKED
    assert parked.sum() > 10
    stream, _ = taught([scan])
    shifted = scan.replace(pose=scan.pose.copy())
    shifted.pose[0, 3] += 0.3  # the next scan, 0.3 m on, of the same points in the world
    moved = scan.xyz - np.array([0.3, 0, 0], np.float32)
    arrival = stream.teach(shifted.replace(xyz=moved), scan.labels)
    high = parked & (arrival.xyz[:, 2] > 0.7)  # lower ones may take the label of the road
    assert (arrival.labels[high] == -1).all() and (arrival.confidence[high] == 0).all()
    trusting = LabelProp(SETTINGS.model_copy(update={"dynamic": ()}), drives.LABELS)
    trusting.teach(scan, scan.labels)
    arrival = trusting.teach(shifted.replace(xyz=moved), scan.labels)
    assert (arrival.labels[parked & (arrival.xyz[:, 2] > 0.7)] >= 0).all()


def positions(stream: LabelProp, scan: Scan, places: list[float]) -> list[list[int]]:
    """Which scans are in the map after each of scans taken at these places along x."""
    held = []
    for place in places:
        pose = np.eye(4)
        pose[0, 3] = place
        stream.teach(scan.replace(pose=pose), scan.labels)
        held.append(stream.past.map.numbers().tolist())
    return held


def test_the_window_grows_at_a_stop_and_shrinks_again() -> None:
    scan = drives.drive()[0]
    stream = LabelProp(SETTINGS.model_copy(update={"window": 3, "min_motion": 0.25}), drives.LABELS)
    held = positions(stream, scan, [0, 1, 2, 3, 3.01, 3.02, 3.03, 4, 5, 6, 7])
    # Four scans from one place, of which the last counts; the window spans six scans of time …
    assert [set(h) for h in held[:7]] == [{0}, {0, 1}, {0, 1, 2}, {1, 2, 3}, {1, 2, 4}, {1, 2, 5}, {1, 2, 6}]  # noqa: E501  # fmt: skip
    # … and three again when the stop is past.
    assert held[-1] == [8, 9, 10]
    assert max(map(len, held)) == 3


def test_the_repository_window_never_shrinks() -> None:
    scan = drives.drive()[0]
    changes = {"window": 3, "min_motion": 0.25, "mode": "repository"}
    stream = LabelProp(SETTINGS.model_copy(update=changes), drives.LABELS)
    held = positions(stream, scan, [0, 1, 2, 3, 3.01, 3.02, 3.03, 4, 5, 6, 7, 8, 9])
    assert stream.past.window == 6
    assert len(held[-1]) == 6


def test_slow_creeping_counts_from_the_last_place_that_was_kept() -> None:
    scan = drives.drive()[0]
    stream = LabelProp(SETTINGS.model_copy(update={"min_motion": 0.25}), drives.LABELS)
    held = positions(stream, scan, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert held[-1] == [2, 5, 6]


def test_points_far_from_the_scan_are_let_go() -> None:
    scans = drives.drive()
    stream, _ = taught(scans, map_range=15.0)
    alive = stream.past.map.alive().xyz
    own = len(scans[-1])  # the newest scan is kept whole
    assert len(alive) > own / 2
    center = stream.teach(scans[-1], scans[-1].labels).center
    stream.past.map.drop_newest()
    away = np.linalg.norm(stream.past.map.alive().xyz[:, :2] - center, axis=1)
    assert away.max() < 15.0


def test_the_repository_forgets_to_reset_the_first_point() -> None:
    scan = drives.drive()[3]
    parked = np.flatnonzero(scan.instances == drives.PARKED)
    scan = scan.select(np.concatenate([parked, np.flatnonzero(scan.instances != drives.PARKED)]))
    stream = LabelProp(SETTINGS.model_copy(update={"mode": "repository"}), drives.LABELS)
    positions(stream, scan, [0.0])
    pose = np.eye(4)
    pose[0, 3] = 0.3
    moved = scan.replace(xyz=scan.xyz - np.array([0.3, 0, 0], np.float32), pose=pose)
    labels = stream.teach(moved, scan.labels).labels
    assert labels[0] == drives.LABELS.names.index("car")
    assert (labels[1 : len(parked)] == -1).all()


@pytest.mark.parametrize("pose", [np.full((4, 4), np.nan), np.eye(3)])
def test_a_pose_that_is_none_is_refused(pose: np.ndarray) -> None:
    with pytest.raises(DataError, match="pose"):
        taught([drives.drive()[0].replace(pose=pose)])


def test_memory_stays_flat_over_a_drive_with_stops() -> None:
    """Two hundred scans; every fourth stretch is a stop at a light."""
    scans = drives.drive()
    stream = LabelProp(SETTINGS, drives.LABELS)
    sizes, place = [], 0.0
    for number in range(200):
        place += 0.0 if number // 20 % 4 == 3 else 0.8
        pose = np.eye(4)
        pose[0, 3] = place
        scan = scans[number % len(scans)].replace(pose=pose)
        stream.teach(scan, scan.labels)
        sizes.append((stream.past.map.bytes, len(stream.past.map.blocks)))
    memory, blocks = zip(*sizes, strict=True)
    assert max(blocks) == SETTINGS.window
    assert max(memory[60:]) <= 1.02 * max(memory[:60])
