"""Boxes hold the points of their objects, keep their sizes, and move as they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sim_samples import plane_world

from pcseg.data import Scan
from pcseg.sim import World
from pcseg.sim.boxes import Box, least_rectangle, objects, points_inside
from pcseg.sim.classes import CAR, MOVING
from pcseg.sim.mesh import join
from pcseg.sim.shapes.primitives import box
from pcseg.sim.world import Mover, Track


def in_world(scan: Scan, boxes: dict[int, Box] | None = None) -> np.ndarray:
    """Points in the world; with `boxes` those of movers are where they were at mid-sweep."""
    points = scan.xyz.astype(float) @ scan.pose[:3, :3].T + scan.pose[:3, 3]
    for number, mine in (boxes or {}).items():
        rows = scan.instances == number
        points[rows] -= scan.attrs["time"][rows, None] * mine.velocity
    return points


def test_boxes_hold_the_points_of_their_objects(street: World, drive: list[Scan]) -> None:
    seen, loose, tested = 0, 0, 0
    for scan in drive:
        boxes = {mine.instance: mine for mine in objects(street, scan.meta["time"])}
        points, sharp = in_world(scan), in_world(scan, boxes)
        for number in np.unique(scan.instances[scan.instances > 0]).tolist():
            rows = scan.instances == number
            assert scan.raw_labels[rows][0] == boxes[number].label
            loose += int(boxes[number].holds(points[rows]).sum())
            seen += int(rows.sum())
            if rows.sum() >= 20:
                tested += 1
                assert boxes[number].holds(sharp[rows]).mean() >= 0.95, number
    assert tested > 60
    assert loose / seen >= 0.95  # without making up for the motion during the sweep


def test_every_object_has_one_box_of_its_class_and_a_size_that_stays(street: World) -> None:
    first, later = objects(street, 0.0), objects(street, 2.0)
    numbers = [mine.instance for mine in first]
    still = set(np.unique(street.static.instance).tolist()) - {0}
    assert numbers == sorted(still | {mover.instance for mover in street.movers})
    for a, b in zip(first, later, strict=True):
        np.testing.assert_array_equal(a.size, b.size)
        assert (a.label in MOVING.values()) == (a.instance not in still)
        if a.instance in still:
            np.testing.assert_array_equal(a.center, b.center)
            assert not a.velocity.any()
        if a.label in (CAR, MOVING[CAR]):
            assert 3.4 < a.size[0] < 6.1 and 1.5 < a.size[1] < 2.6 and 1.2 < a.size[2] < 2.6


def test_velocity_is_the_change_of_the_place(street: World) -> None:
    step = 1e-3
    pairs = zip(objects(street, 3.0), objects(street, 3.0 + step), strict=True)
    moved = [(a, (b.center - a.center) / step) for a, b in pairs if a.velocity.any()]
    assert len(moved) > 40
    for mine, speed in moved:
        if np.linalg.norm(speed) < 50:  # not just starting anew at the other end of the street
            assert np.linalg.norm(speed - mine.velocity) < 0.1 + 0.02 * np.linalg.norm(speed)
            ahead = [np.cos(mine.yaw), np.sin(mine.yaw)]
            assert mine.velocity[:2] @ ahead > 0.99 * np.linalg.norm(mine.velocity[:2])


@pytest.mark.parametrize("yaw", [0.0, 0.4, 1.5, 2.6, -0.7])
def test_a_box_without_a_known_heading_is_the_least_rectangle(yaw: float) -> None:
    thing = box((4.0, 1.8, 1.5), (0, 0, 0.75), "car_paint").labelled(CAR, 5)
    world = plane_world([thing.moved((210, 3, 0), yaw)])
    (mine,) = objects(world, 0.0)
    np.testing.assert_allclose(mine.size, [4.1, 1.9, 1.6], atol=1e-4)
    np.testing.assert_allclose(mine.center, [210, 3, 0.75], atol=1e-4)
    assert np.sin(mine.yaw - yaw) == pytest.approx(0.0, abs=1e-4)  # up to half a turn
    (known,) = objects(replace(world, headings={5: yaw + np.pi}), 0.0)
    assert np.cos(known.yaw - yaw) == pytest.approx(-1.0)
    np.testing.assert_allclose(known.size, mine.size, atol=1e-4)


def test_the_least_rectangle_of_degenerate_outlines() -> None:
    assert least_rectangle(np.zeros((3, 2))) == 0.0
    line = np.linspace(0, 1, 9)[:, None] * [1.0, 2.0]
    assert np.tan(least_rectangle(line)) == pytest.approx(2.0)
    cloud = np.random.default_rng(0).uniform(-1, 1, (500, 2)) * [3.0, 1.0]
    turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    assert least_rectangle(cloud @ turn.T) == pytest.approx(0.3, abs=0.03)


def test_corners_and_counts() -> None:
    body = box((2.0, 1.0, 1.0), (0, 0, 0.5), "steel").labelled(MOVING[CAR], 7)
    world = plane_world()
    track = Track(world.path, 210.0, 10.0, 2.0)
    mover = Mover((body, body.moved((0, 0, 0.2))), track, 1.0, 7)
    (mine,) = objects(replace(world, static=join([world.static]), movers=(mover,)), 1.0)
    np.testing.assert_allclose(mine.size, [2.1, 1.1, 1.3], atol=1e-6)  # of both phases
    np.testing.assert_allclose(mine.center, [220, 2, 0.6], atol=1e-6)
    np.testing.assert_allclose(mine.velocity, [10, 0, 0], atol=1e-9)
    corners = mine.corners()
    np.testing.assert_allclose(corners.mean(0), mine.center)
    np.testing.assert_allclose(corners[0], mine.center + np.array([1.05, 0.55, -0.65]), atol=1e-6)
    assert mine.holds(0.999 * (corners - mine.center) + mine.center).all()
    assert not mine.holds(1.001 * (corners - mine.center) + mine.center).any()
    pose = np.eye(4)
    pose[:3, 3] = (210, 0, 1.7)
    points = np.array([[10, 2, -1.0], [10.9, 2.4, -1.0], [11.2, 2, -1.0], [-50, 0, 0]], np.float32)
    scan = Scan(xyz=points, attrs={}, pose=pose)
    assert points_inside([mine, mine], scan).tolist() == [2, 2]
    assert points_inside([], scan).tolist() == []
    with pytest.raises(ValueError, match="without a pose"):
        points_inside([mine], replace(scan, pose=None))
