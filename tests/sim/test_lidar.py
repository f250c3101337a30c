"""A sweep over a bare plane, where every figure can be computed by hand; and over a street."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sim_samples import exact, level_pose, plane_world

from pcseg.data import Scan, label_set
from pcseg.sim import Lidar, World, list_sensors, scan, sensor
from pcseg.sim.classes import GROUND, MOVING, ROAD, fine_to_semantickitti
from pcseg.sim.mesh import pose
from pcseg.sim.radiometry import Surface, detection_probability
from pcseg.sim.rays import blocked
from pcseg.sim.shapes.primitives import box
from pcseg.sim.world import Mover, Track


def test_plane_is_flat_and_at_the_mount_height(rng: np.random.Generator) -> None:
    device = exact(sensor("hdl64e_s3").thinned(4))
    seen = scan(plane_world(), device, level_pose(1.73), 0.0, rng)
    assert len(seen) > 5000
    np.testing.assert_allclose(seen.xyz[:, 2], -1.73, atol=2e-4)
    assert set(seen.raw_labels.tolist()) == {ROAD}
    assert not seen.instances.any()


def test_scans_say_that_they_are_simulated_and_when(rng: np.random.Generator) -> None:
    seen = scan(plane_world(), sensor("vlp16").thinned(16), level_pose(1.73), 2.5, rng)
    assert seen.meta["simulated"] is True
    assert seen.meta["time"] == 2.5


def test_range_noise_and_quantum(rng: np.random.Generator) -> None:
    from dataclasses import replace

    device = replace(sensor("vlp16"), range_sigma_m=0.03, range_quantum_m=0.004)
    wall = box((0.2, 60, 60), (210.1, 0, 0), "plaster")
    seen = scan(plane_world([wall]), device, level_pose(1.8), 0.0, rng)
    ahead = np.abs(np.arctan2(seen.xyz[:, 1], seen.xyz[:, 0])) < 0.6
    ahead &= seen.xyz[:, 2] > -1.5
    reach = np.linalg.norm(seen.xyz[ahead].astype(float), axis=1)
    true = reach * 10.0 / seen.xyz[ahead, 0]  # along the same ray to the wall 10 m ahead
    error = reach - true
    assert ahead.sum() > 3000
    assert abs(error.mean()) < 0.002
    assert 0.027 < error.std() < 0.033
    steps = reach / 0.004
    assert np.abs(steps - np.rint(steps)).max() < 0.01


@pytest.mark.parametrize("what", ["range", "incidence", "reflectivity"])
def test_detection_is_monotone(what: str) -> None:
    device = sensor("hdl64e_s3")
    values = np.linspace(0.02, 1.0, 50, dtype=np.float32)
    ones = np.ones(50, np.float32)
    surface = Surface(
        distance=120 * values if what == "range" else 60 * ones,
        cosine=values if what == "incidence" else 0.3 * ones,
        material=np.zeros(50, np.uint8),
        tint=ones,
        place=np.zeros((50, 3), np.float32),
    )
    chance = detection_probability(
        device, surface, values if what == "reflectivity" else 0.3 * ones
    )
    step = np.diff(chance)
    assert (step <= 1e-7).all() if what == "range" else (step >= -1e-7).all()
    assert np.ptp(chance) > 0.5
    assert (chance >= 0).all() and (chance <= 1).all()


def test_rated_target_is_seen_half_of_the_time_at_maximum_range() -> None:
    device = sensor("pandar64")
    surface = Surface(
        distance=np.array([device.range_max_m], np.float32),
        cosine=np.ones(1, np.float32),
        material=np.zeros(1, np.uint8),
        tint=np.ones(1, np.float32),
        place=np.zeros((1, 3), np.float32),
    )
    chance = detection_probability(device, surface, np.array([0.1], np.float32))
    assert chance[0] == pytest.approx(0.495, abs=0.01)


def test_far_ground_drops_out_in_scans(rng: np.random.Generator) -> None:
    device = exact(sensor("vls128").thinned(4))
    seen = scan(plane_world(), device, level_pose(1.8), 0.0, rng)
    counts = np.bincount(seen.attrs["ring"], minlength=device.rows) / device.columns
    down = np.degrees(np.arcsin(device.directions[:, 0, 2]))
    shares = [
        counts[(down < high) & (down > low)].mean()
        for low, high in ((-9, -5), (-3, -2), (-1.2, -0.7))
    ]
    assert shares[0] > 0.97 and shares[0] > shares[1] > shares[2]
    assert shares[2] < 0.8


def test_rays_into_the_carrier_are_lost_and_never_hit_it(rng: np.random.Generator) -> None:
    device = sensor("hdl64e_s3")
    hidden = blocked(device)
    assert not hidden[:40].any()
    assert 0.05 < hidden[-1].mean() < 0.6  # bonnet and boot, not the sides
    left = np.argmin(
        np.abs(np.arctan2(device.directions[-1, :, 1], device.directions[-1, :, 0]) - np.pi / 2)
    )
    assert not hidden[-1, left]
    seen = scan(plane_world(), device, level_pose(1.73), 0.0, rng)
    assert np.linalg.norm(seen.xyz, axis=1).min() > 2.5


def test_the_carrier_hides_rays_of_sensors_wherever_they_are_mounted() -> None:
    device = sensor("hdl64e_s3")
    level = pose((0.0, 0.0, 1.83))
    high = replace(device, mount_height_m=1.83)
    assert np.array_equal(blocked(device, level), blocked(high))
    # At the front edge of the roof the way ahead is free, and the roof lies behind.
    ahead = blocked(device, pose((0.85, 0.0, 1.83)))
    forward = np.abs(np.arctan2(device.directions[-1, :, 1], device.directions[-1, :, 0])) < 0.3
    assert not ahead[-1, forward].any() and blocked(high)[-1, forward].all()
    assert ahead[-1, ~forward].any()
    # With its nose down more rays meet the bonnet, with its nose up none does.
    assert blocked(device, pose((0.0, 0.0, 1.83), pitch=-0.2))[:, forward].sum() > (
        blocked(high)[:, forward].sum()
    )
    assert not blocked(device, pose((0.0, 0.0, 1.83), pitch=0.3))[:, forward].any()


def test_motion_of_the_sensor_is_compensated(rng: np.random.Generator) -> None:
    device = exact(sensor("hdl64e_s3").thinned(4))
    wall = box((0.2, 200, 30), (215.1, 0, 0), "plaster")
    moving = scan(
        plane_world([wall]), device, level_pose(1.73), 0.0, rng, velocity=[20.0, 0, 0], yaw_rate=0.3
    )
    face = moving.xyz[
        (moving.xyz[:, 0] > 10) & (moving.xyz[:, 2] > -1.5) & (np.abs(moving.xyz[:, 1]) < 50)
    ]
    assert len(face) > 500
    np.testing.assert_allclose(face[:, 0], 15.0, atol=2e-3)


def test_moving_objects_shear_with_their_speed(rng: np.random.Generator) -> None:
    """A wide wall that drives away at 20 m/s is met later on its right than on its left."""
    world = plane_world()
    wall = box((0.2, 24, 4), (0, 0, 2), "plaster").labelled(MOVING[10], 7)
    track = Track(world.path, 210.0, 20.0, 0.0)
    world = plane_world(movers=(Mover((wall,), track, 1.0, 7),))
    device = exact(sensor("vlp16"))
    seen = scan(world, device, level_pose(1.8), 0.0, rng)
    on = seen.instances == 7
    assert on.sum() > 1000
    assert set(seen.raw_labels[on].tolist()) == {252}
    expected = 9.9 + 20.0 * seen.attrs["time"][on]
    front = seen.xyz[on, 0] < expected + 0.1
    np.testing.assert_allclose(seen.xyz[on, 0][front], expected[front], atol=0.01)
    left, right = seen.xyz[on, 1] > 8, seen.xyz[on, 1] < -8
    assert seen.xyz[on, 0][right].mean() - seen.xyz[on, 0][left].mean() > 0.3


def test_points_lie_ring_after_ring_counter_clockwise(full_scan: Scan) -> None:
    ring = full_scan.attrs["ring"]
    assert (np.diff(ring) >= 0).all()
    azimuth = np.arctan2(full_scan.xyz[:, 1], full_scan.xyz[:, 0]) % (2 * np.pi)
    assert (np.diff(azimuth)[np.diff(ring) == 0] >= 0).all()
    # So that counting wraps of the azimuth gives the rings back, as readers of the data set do.
    wraps = np.concatenate([[0], np.cumsum(np.diff(azimuth) < -np.pi)])
    occupied = np.unique(ring, return_inverse=True)[1]
    assert (wraps == occupied).mean() > 0.999


def test_full_scan_is_like_a_genuine_one(full_scan: Scan) -> None:
    assert 80_000 < len(full_scan) < 131_000
    distance = np.linalg.norm(full_scan.xyz, axis=1)
    assert distance.min() > 0.9 and distance.max() < 120.0
    ground = np.isin(full_scan.raw_labels, GROUND) & (distance < 8)
    assert ground.sum() > 10_000
    assert abs(np.median(full_scan.xyz[ground, 2]) + 1.73) < 0.15
    brightness = full_scan.attrs["intensity"]
    assert brightness.min() >= 0 and brightness.max() <= 1
    np.testing.assert_allclose(brightness * 100, np.rint(brightness * 100), atol=1e-4)
    assert full_scan.pose is not None
    np.testing.assert_allclose(
        full_scan.pose[:3, :3] @ full_scan.pose[:3, :3].T, np.eye(3), atol=1e-12
    )


def test_same_chance_same_scan(light: Lidar) -> None:
    first, second, other = (
        next(light.drive([1.0], [np.random.default_rng(seed)])) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first.xyz, second.xyz)
    assert len(first) != len(other) or not np.array_equal(first.xyz, other.xyz)


def test_instances_keep_label_and_place(street: World, drive: list[Scan]) -> None:
    labels: dict[int, set[int]] = {}
    places: dict[int, list[np.ndarray]] = {}
    moving = set(MOVING.values())
    for seen in drive:
        world = seen.xyz @ seen.pose[:3, :3].T + seen.pose[:3, 3]
        for number in np.unique(seen.instances[seen.instances > 0]):
            mine = seen.instances == number
            labels.setdefault(int(number), set()).update(seen.raw_labels[mine].tolist())
            places.setdefault(int(number), []).append(world[mine].mean(0))
    assert len(labels) > 40
    assert all(len(found) == 1 for found in labels.values())
    movers = {mover.instance for mover in street.movers}
    for number, found in labels.items():
        assert (found <= moving) == (number in movers)
        if number not in movers and len(places[number]) > 1:
            assert np.ptp(np.array(places[number]), axis=0).max() < 12.0  # it stays where it is
    travelled = [
        np.ptp(np.array(places[n])[:, :2], axis=0).max()
        for n in movers
        if len(places.get(n, [])) > 5
    ]
    assert max(travelled) > 15


@pytest.mark.parametrize("name", list_sensors())
def test_every_sensor_sees_the_street(light: Lidar, name: str, rng: np.random.Generator) -> None:
    device = sensor(name)
    device = device.thinned(max(1, device.columns // 200), max(1, device.rows // 32))
    seen = next(light.with_sensor(device).drive([2.0], [rng]))
    assert seen.meta["sensor"] == name
    rays = device.rows * device.columns
    assert 0.1 * rays < len(seen) < rays
    assert len(np.unique(seen.raw_labels)) >= 6
    distance = np.linalg.norm(seen.xyz, axis=1)
    # Ranges are measured from where the moving beam started, up to half a sweep away.
    assert distance.min() > device.range_min_m and distance.max() < device.range_max_m + 0.7
    road = (seen.raw_labels == ROAD) & (distance < 15)
    assert abs(np.median(seen.xyz[road, 2]) + device.mount_height_m) < 0.4
    label_set("semantic_kitti/sk19").encode(fine_to_semantickitti(seen.raw_labels))  # all known
