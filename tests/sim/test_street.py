"""Streets: what stands in them, that it stands on the ground, and that seeds differ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pcseg.data import Scan, label_set
from pcseg.sim import Lidar, World, build_street, sensor
from pcseg.sim import street as street_module
from pcseg.sim.boxes import objects
from pcseg.sim.classes import (
    BUS,
    CAR,
    COARSE,
    CONSTRUCTION_VEHICLE,
    GROUND,
    MOVING,
    PICKUP,
    ROAD,
    SIDEWALK,
    STOP_LINE,
    STROLLER,
    TEMPORARY_BARRIER,
    TERRAIN,
    TRAFFIC_CONE,
    TRUCK,
    fine_to_semantickitti,
)
from pcseg.sim.materials import material
from pcseg.sim.mesh import Mesh, join, pose
from pcseg.sim.plan import draw_plan
from pcseg.sim.shapes import (
    buildings,
    cycles,
    furniture,
    people,
    plants,
    roadside,
    vehicles,
    works,
)
from tests import streets

Bounds = tuple[float, float, float, float]
SHAPES: dict[str, tuple[Callable[[np.random.Generator], Mesh], Bounds]] = {
    # what builds it; least and greatest length along x; least and greatest height
    "car": (vehicles.car, (3.4, 5.9, 1.3, 2.3)),
    "truck": (vehicles.truck, (4.9, 10.2, 1.7, 4.0)),
    "bus": (vehicles.bus, (9.0, 12.7, 2.7, 3.2)),
    "trailer": (vehicles.trailer, (3.2, 6.6, 0.8, 2.7)),
    "tractor": (vehicles.tractor, (2.9, 5.4, 2.4, 3.1)),
    "bicycle": (cycles.bicycle, (1.5, 2.0, 0.95, 1.3)),
    "motorcycle": (cycles.motorcycle, (1.4, 2.3, 1.0, 1.4)),
    "bicyclist": (lambda rng: cycles.bicyclist(rng)[2], (1.5, 2.0, 1.2, 2.0)),
    "motorcyclist": (lambda rng: cycles.motorcyclist(rng)[0], (1.4, 2.3, 1.2, 1.9)),
    "walker": (lambda rng: people.walking(people.draw_build(rng), 0.2), (0.3, 1.4, 0.95, 2.7)),
    "stander": (lambda rng: people.standing(people.draw_build(rng), rng), (0.3, 1.4, 0.95, 2.7)),
    "tree": (plants.tree, (0.8, 12.0, 4.0, 15.0)),
    "bush": (plants.bush, (0.4, 4.0, 0.5, 3.0)),
    "lamp": (furniture.lamp_post, (0.1, 0.5, 3.9, 9.6)),
    "sign": (furniture.sign, (0.05, 0.2, 2.5, 3.8)),
    "cone": (works.traffic_cone, (0.3, 0.4, 0.5, 0.75)),
    "barrier": (works.temporary_barrier, (1.8, 2.4, 0.9, 1.1)),
    "jersey": (works.concrete_barrier, (2.0, 4.0, 0.78, 0.86)),
    "works sign": (works.construction_sign, (0.3, 0.5, 1.1, 1.5)),
    "digger": (works.digger, (3.8, 5.0, 2.7, 3.4)),
    "skip": (works.skip, (2.6, 3.6, 1.0, 1.35)),
    "traffic light": (roadside.traffic_light, (0.2, 0.6, 3.2, 6.3)),
    "rack": (roadside.bicycle_rack, (1.8, 3.8, 0.75, 0.95)),
    "scooter": (roadside.kick_scooter, (0.9, 1.2, 1.0, 1.25)),
    "stroller": (roadside.stroller, (0.85, 1.1, 0.85, 1.15)),
    "house": (lambda rng: buildings.house(rng, 12.0), (12.0, 13.5, 4.0, 15.5)),
    "block": (lambda rng: buildings.block(rng, 20.0), (20.0, 21.0, 9.0, 22.0)),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_sound_and_of_their_size(name: str) -> None:
    build, (short, long, low, high) = SHAPES[name]
    meshes = [build(np.random.default_rng(seed)) for seed in range(12)]
    for mesh in meshes:
        assert mesh.faces.min() >= 0 and mesh.faces.max() < len(mesh.vertices)
        assert len(mesh) == len(mesh.label) == len(mesh.material) == len(mesh.tint)
        assert np.isfinite(mesh.vertices).all()
        assert (mesh.areas() > 1e-8).mean() > 0.9
        assert short <= np.ptp(mesh.vertices[:, 0]) <= long
        assert low <= mesh.vertices[:, 2].max() <= high
        assert mesh.vertices[:, 2].min() < 0.12  # nothing floats
        assert (mesh.label > 0).all()
    heights = {round(float(mesh.vertices[:, 2].max()), 3) for mesh in meshes}
    assert len(heights) > 4


@pytest.mark.parametrize("name", ["car", "truck", "bus"])
def test_wheels_stand_out_from_the_flanks(name: str) -> None:
    """Two surfaces in one plane would hide each other by chance, pixel by pixel."""
    for seed in range(12):
        mesh = SHAPES[name][0](np.random.default_rng(seed))
        aside = np.abs(mesh.vertices[mesh.faces][..., 1])
        wheels = aside[mesh.material == material("rubber")].max()
        assert wheels == pytest.approx(aside[mesh.material == material("car_paint")].max() + 0.01)


def test_walk_and_pedals_move() -> None:
    build = people.draw_build(np.random.default_rng(0))
    reach = [np.ptp(people.walking(build, k / 8).vertices[:, 0]) for k in range(8)]
    assert max(reach) > 1.3 * min(reach)
    phases = cycles.bicyclist(np.random.default_rng(0))
    assert len(phases) == cycles.PEDAL_PHASES
    assert not np.array_equal(phases[0].vertices, phases[1].vertices)


def test_poses_and_joins() -> None:
    matrix = pose((1, 2, 3), np.pi / 2, pitch=0.1)
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(matrix[:3, 0], [0, np.cos(0.1), np.sin(0.1)], atol=1e-12)  # nose up
    assert len(join([])) == 0
    car = vehicles.car(np.random.default_rng(0))
    both = join([car.labelled(10, 1), car.moved((5, 0, 0)).labelled(10, 2)])
    assert len(both) == 2 * len(car)
    assert np.ptp(both.vertices[both.faces[both.instance == 2]][..., 0]) == pytest.approx(
        np.ptp(car.vertices[:, 0]), abs=1e-5
    )


@pytest.mark.parametrize("seed", range(4))
def test_plan_has_its_bands_in_order(seed: int) -> None:
    plan = draw_plan(np.random.default_rng(seed), 300.0)
    clear = [
        s for s in np.arange(30.0, 270.0, 5.0) if all(abs(s - c.s) > 20 for c in plan.crossings)
    ]
    assert clear
    for s in clear:
        for side in (1, -1):
            a = np.array([0.5, plan.road_half - 0.2, plan.back(side) - 0.3])
            kind = plan.kind(s, side * a)
            assert kind[0] == kind[1] == ROAD and kind[2] == SIDEWALK
            rise = plan.height(s, side * (plan.walk_start(side) + 0.2)) - plan.height(s, 0.5 * side)
            assert rise == pytest.approx(plan.curb, abs=1e-6)
    for crossing in plan.crossings:
        for side in crossing.sides:
            assert plan.kind(crossing.s, side * (plan.back(side) + 5.0)) == ROAD


@pytest.mark.parametrize("seed", [1, 2])
def test_every_street_has_every_class_near_the_way(seed: int) -> None:
    """At least 14 of the 19 scored classes within 30 m of the sensor, in enough points to learn."""
    world = streets.street([seed, 0, 0], 220.0)
    lidar = Lidar(world, sensor("hdl64e_s3").thinned(8))
    times = np.arange(6) * 2.0
    seen = list(lidar.drive(list(times), [np.random.default_rng(k) for k in range(6)]))
    table = label_set("semantic_kitti/sk19")
    counts = np.zeros(table.num_classes, int)
    for scan in seen:
        near = np.linalg.norm(scan.xyz, axis=1) < 30
        train = table.encode(fine_to_semantickitti(scan.raw_labels[near]))
        counts += np.bincount(train[train >= 0], minlength=table.num_classes)
    present = {table.names[k] for k in np.flatnonzero(counts >= 20)}
    assert len(present) >= 14, sorted(present)
    assert {"bicycle", "motorcycle", "truck", "person", "bicyclist", "traffic-sign"} <= present
    share = counts / counts.sum()
    assert 0.15 < share[table.names.index("road")] < 0.45
    assert share[table.names.index("vegetation")] > 0.02
    moving = {raw for scan in seen for raw in np.unique(scan.raw_labels).tolist()}
    moving -= {raw for raw in moving if raw < 252 or raw >= 300}
    assert {252, 253, 254} <= moving <= set(MOVING.values())


def test_ground_labels_fit_the_height_and_things_stand_on_it(
    street: World, drive: list[Scan]
) -> None:
    for scan in drive:
        world = scan.xyz @ scan.pose[:3, :3].T + scan.pose[:3, 3]
        foot = scan.pose[:3, 3][2] - 1.73
        close = np.linalg.norm(scan.xyz[:, :2], axis=1) < 10
        ground = close & np.isin(scan.raw_labels, GROUND) & (scan.raw_labels != TERRAIN)
        assert np.abs(world[ground, 2] - foot).max() < 1.2
        road = close & (scan.raw_labels == ROAD)
        walk = close & (scan.raw_labels == SIDEWALK)
        if walk.sum() > 200:
            assert np.median(world[walk, 2]) > np.median(world[road, 2]) + 0.03
        assert np.median(world[close & ~np.isin(scan.raw_labels, GROUND), 2]) > foot


def test_movers_stay_on_their_side_and_apart(street: World) -> None:
    for time in (0.0, 7.3, 40.0):
        spots = np.array([mover.track.pose(time)[:3, 3] for mover in street.movers])
        apart = np.linalg.norm(spots[:, None] - spots[None], axis=2)
        np.fill_diagonal(apart, np.inf)
        assert apart.min() > 0.25
        ego = street.ego.pose(time)[:3, 3]
        wheels = [k for k, m in enumerate(street.movers) if m.phases[0].label[0] not in (253, 254)]
        away = np.linalg.norm(spots[wheels] - ego, axis=1)
        assert away.min() > 2.3  # nobody drives through the carrier


def test_tracks_turn_with_their_velocity(street: World) -> None:
    for mover in street.movers[::7]:
        track = mover.track
        before, after = (track.pose(5.0 + dt)[:3, 3] for dt in (-0.05, 0.05))
        if np.linalg.norm(after - before) > 5:
            continue  # it began again at the far end just then
        speed = (after - before) / 0.1
        np.testing.assert_allclose(track.velocity(5.0), speed, atol=0.12)
        forward = track.pose(5.0)[:3, 0]
        assert forward @ speed / np.linalg.norm(speed) > 0.99


def test_seeds_differ_and_repeat() -> None:
    first, other = (streets.street([3, number, 0]) for number in (0, 8))
    again = build_street([3, 0, 0], 160.0)
    np.testing.assert_array_equal(first.static.vertices, again.static.vertices)
    np.testing.assert_array_equal(first.static.label, again.static.label)
    assert len(first.static) != len(other.static)


def test_details_leave_the_rest_of_a_street_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """They draw from a stream of their own, and only paint stop lines on what was there."""
    with_details = streets.street([3, 0, 0])
    monkeypatch.setattr(street_module, "build_details", lambda *_: None)
    without = build_street([3, 0, 0], 160.0)
    count = len(without.static)
    assert len(with_details.static) > count + 1000
    np.testing.assert_array_equal(with_details.static.faces[:count], without.static.faces)
    np.testing.assert_array_equal(with_details.static.instance[:count], without.static.instance)
    changed = with_details.static.label[:count] != without.static.label
    assert set(with_details.static.label[:count][changed].tolist()) <= {STOP_LINE}
    for a, b in zip(with_details.movers, without.movers, strict=True):
        assert a.instance == b.instance
        np.testing.assert_array_equal(a.track.pose(3.0), b.track.pose(3.0))


def test_finer_kinds_and_details_that_stand_free() -> None:
    """What stands is counted one by one, has one class, and is in no parked vehicle."""
    seen: set[int] = set()
    things = (TRAFFIC_CONE, TEMPORARY_BARRIER, CONSTRUCTION_VEHICLE, STROLLER)
    for seed in (2, 10):
        world = streets.street([seed, 0, 0], 220.0)
        static = world.static
        seen |= set(np.unique(static.label).tolist())
        assert (static.instance[np.isin(static.label, things)] > 0).all()
        numbered = np.stack([static.instance, static.label], 1)[static.instance > 0]
        pairs = np.unique(numbered, axis=0)
        assert len(pairs) == len(np.unique(pairs[:, 0]))
        boxes = objects(world, 0.0)
        details = [box for box in boxes if box.label in things]
        centers = np.array([box.center for box in details])
        assert len(centers) > 15
        vehicles_there = [box for box in boxes if box.label in (CAR, BUS, TRUCK, PICKUP)]
        assert not any(box.holds(centers).any() for box in vehicles_there)
        for box in details:  # they stand on the ground
            foot = box.center[2] - box.size[2] / 2
            s = np.argmin(np.linalg.norm(world.path.xyz[:, :2] - box.center[:2], axis=1))
            assert -2.2 < foot - world.path.xyz[s, 2] < 3.5
    assert seen >= COARSE.keys(), sorted(COARSE.keys() - seen)


@pytest.mark.realdata
def test_figures_lie_near_those_of_genuine_scans(realdata, full_scan: Scan) -> None:
    """Point count, ranges and brightness of a street scan against one of SemanticKITTI."""
    folder = realdata / "semantickitti_seq00_genuine/dataset/sequences/00"
    cloud = np.fromfile(folder / "velodyne/000000.bin", "<f4").reshape(-1, 4)
    raw = np.fromfile(folder / "labels/000000.label", "<u4") & 0xFFFF
    assert 0.7 < len(full_scan) / len(cloud) < 1.1
    edges = [0, 5, 10, 20, 40, 120]
    ours, theirs = (
        np.histogram(np.linalg.norm(xyz, axis=1), edges)[0] / len(xyz)
        for xyz in (full_scan.xyz, cloud[:, :3])
    )
    assert np.abs(ours - theirs).sum() < 0.5
    for label in (40, 48, 50, 70):
        mine = np.median(full_scan.attrs["intensity"][full_scan.raw_labels == label])
        assert abs(mine - np.median(cloud[raw == label, 3])) < 0.15
