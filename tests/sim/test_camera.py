"""Pictures: they agree with the LiDAR, with geometry, and with themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sim_samples import plane_world

from pcseg.data import Scan
from pcseg.data.projection import project, visible
from pcseg.data.scan import View
from pcseg.sim import Lidar, World
from pcseg.sim.boxes import objects
from pcseg.sim.camera import Picture, render
from pcseg.sim.classes import BUILDING, CAR, MOVING, ROAD
from pcseg.sim.light import draw_day
from pcseg.sim.rig import Camera, looking
from pcseg.sim.shapes.primitives import box
from pcseg.sim.stage import Stage
from pcseg.sim.world import Mover, Track

CAMERA = looking("ahead", (620, 188), 359.0, (0.27, 0.0, 1.65))


def photograph(world: World, camera: Camera, at: tuple[float, ...] = (200, 0, 0)) -> Picture:
    pose = np.eye(4)
    pose[:3, 3] = at
    return render(Stage(world), camera, pose @ camera.body_from_camera, 0.0)


@pytest.fixture(scope="module")
def pictures(light: Lidar, drive: list[Scan]) -> list[Picture]:
    """At the moments of every third scan of the drive."""
    made = []
    for scan in drive[::3]:
        time = scan.meta["time"]
        body = light.world.body_pose(time)
        made.append(render(light.stage, CAMERA, body @ CAMERA.body_from_camera, time))
    return made


def test_lidar_and_picture_agree(pictures: list[Picture], drive: list[Scan]) -> None:
    """Of the points that nothing hides 95 % and more have the class of their pixel."""
    same = seen = inside = 0
    for picture, scan in zip(pictures, drive[::3], strict=True):
        matrix = np.linalg.inv(picture.pose) @ scan.pose
        view = View(picture.rgb, CAMERA.K, matrix, depth=picture.depth, name="ahead")
        found = project(view, scan.xyz)
        shown = visible(view, found)
        column, row = np.rint(found.uv[shown]).astype(int).T
        agree = picture.labels[row, column] == scan.raw_labels[shown]
        same, seen, inside = same + agree.sum(), seen + shown.sum(), inside + found.inside.sum()
        still = agree & ~np.isin(scan.raw_labels[shown], list(MOVING.values()))
        apart = np.abs(picture.depth[row, column] - found.depth[shown])[still]
        assert np.median(apart / found.depth[shown][still]) < 0.005
    assert inside > 4000
    assert same / seen >= 0.95
    assert seen / inside >= 0.85  # the camera sits beside the LiDAR and sees almost the same


def test_the_picture_is_of_its_kind(pictures: list[Picture]) -> None:
    for picture in pictures:
        assert picture.rgb.shape == (188, 620, 3) and picture.rgb.dtype == np.uint8
        assert picture.depth.dtype == np.float32
        assert picture.labels.dtype == picture.instances.dtype == np.uint16
        sky = picture.labels == 0
        np.testing.assert_array_equal(sky, picture.depth == 0)
        assert 0.02 < sky.mean() < 0.6 and not picture.instances[sky].any()
        assert (
            np.isin(picture.labels[-20:, 250:370], list({ROAD, 60, *MOVING.values()})).mean() > 0.6
        )
        assert len(np.unique(picture.labels)) > 8
        assert 60 < picture.rgb.mean() < 200 and picture.rgb.std() > 25


def test_same_arguments_same_bytes(light: Lidar, pictures: list[Picture]) -> None:
    first = pictures[1]
    for stage in (light.stage, Stage(light.world)):
        again = render(stage, CAMERA, first.pose, first.time)
        for name in ("rgb", "depth", "labels", "instances"):
            np.testing.assert_array_equal(getattr(again, name), getattr(first, name))


def test_movers_are_where_their_boxes_are(light: Lidar, pictures: list[Picture]) -> None:
    tested = 0
    for picture in pictures:
        boxes = {found.instance: found for found in objects(light.world, picture.time)}
        v, u = np.mgrid[: CAMERA.height, : CAMERA.width]
        rays = np.stack([u, v, np.ones_like(u)], -1) @ np.linalg.inv(CAMERA.K).T
        points = (rays * picture.depth[..., None]) @ picture.pose[:3, :3].T + picture.pose[:3, 3]
        for number in np.unique(picture.instances[picture.instances > 0]).tolist():
            mine = picture.instances == number
            assert set(picture.labels[mine].tolist()) == {boxes[number].label}
            if boxes[number].label in MOVING.values() and mine.sum() > 30:
                assert boxes[number].holds(points[mine]).mean() > 0.97
                tested += 1
    assert tested > 12


def test_ground_depth_follows_from_the_height_of_the_camera() -> None:
    camera = looking("flat", (200, 100), 100.0, (0, 0, 1.5))
    picture = photograph(plane_world(), camera)
    row = np.arange(60, 100)
    expected = 1.5 * 100.0 / (row - 49.5)
    np.testing.assert_allclose(picture.depth[60:], np.tile(expected[:, None], 200), rtol=1e-4)
    assert (picture.labels[60:] == ROAD).all() and not picture.labels[:45].any()


@pytest.mark.parametrize("yaw", [0.0, 2.0])
def test_what_stands_left_is_seen_left_whatever_the_camera_looks_at(yaw: float) -> None:
    turn = np.array([np.cos(yaw), np.sin(yaw)])
    left = np.array([-turn[1], turn[0]])
    place = [200, 0] + 20 * turn + 5 * left
    block = box((1, 1, 4), (*place, 2), "plaster").labelled(BUILDING, 3)
    picture = photograph(plane_world([block]), looking("any", (200, 100), 100.0, (0, 0, 1.5), yaw))
    rows, columns = np.nonzero(picture.instances == 3)
    assert abs(columns.mean() - (99.5 - 25)) < 2  # 100 px * 5 m / 20 m to the left
    assert (rows < 49.5).mean() > 0.5
    np.testing.assert_allclose(picture.depth[rows, columns], 20, atol=1)


def test_a_mover_hides_and_is_hidden() -> None:
    body = box((4, 2, 1.5), (0, 0, 0.75), "car_paint").labelled(MOVING[CAR], 9)
    mover = Mover((body,), Track(plane_world().path, 215.0, 0.0, 0.0), 1.0, 9)
    camera = looking("any", (200, 100), 100.0, (0, 0, 1.5))
    behind = box((0.5, 10, 6), (225, 0, 3), "plaster").labelled(BUILDING, 3)
    picture = photograph(plane_world([behind], (mover,)), camera)
    assert picture.instances[53, 100] == 9 and picture.instances[40, 100] == 3
    np.testing.assert_allclose(picture.depth[52:56, 100], 13.0, atol=1e-3)  # the car's rear
    before = box((0.5, 10, 6), (208, 0, 3), "plaster").labelled(BUILDING, 3)
    picture = photograph(plane_world([before], (mover,)), camera)
    assert not (picture.instances == 9).any()


def test_still_and_moving_things_throw_shadows_away_from_the_sun() -> None:
    names = [f"day {k}" for k in range(200)]
    name = next(n for n in names if draw_day(n).sources[0].power[0] > 2.4)  # a clear day
    sun = draw_day(name).sources[0].toward
    camera = looking("down", (160, 160), 100.0, (0, 0, 20.0), 0.0, -np.pi / 2)
    post = box((1, 1, 6), (0, 0, 3), "plaster").labelled(MOVING[CAR], 9)
    world = plane_world()
    still = replace(plane_world([post.moved((200, 0, 0))]), name=name)
    mover = Mover((post,), Track(world.path, 200.0, 0.0, 0.0), 1.0, 9)
    moving = replace(plane_world(movers=(mover,)), name=name)
    empty = photograph(replace(world, name=name), camera).rgb.astype(float)
    for shaded in (still, moving):
        picture = photograph(shaded, camera)
        ground = picture.instances == 0
        darker = ground & (picture.rgb.astype(float).mean(2) < 0.7 * empty.mean(2))
        assert darker.sum() > 100
        v, u = np.nonzero(darker)
        # Straight down: up in the picture is ahead (x), left is left (y); 20 m above the ground.
        x, y = (79.5 - v) * 0.2, (79.5 - u) * 0.2
        away = -sun[:2] / np.linalg.norm(sun[:2])
        assert (np.stack([x, y], 1) @ away > -0.6).all()
        length = (np.stack([x, y], 1) @ away).max()
        assert length == pytest.approx(6 * np.linalg.norm(sun[:2]) / sun[2], abs=1.5)
    two = [photograph(w, camera).rgb for w in (still, moving)]
    assert (np.abs(two[0].astype(int) - two[1]).max(2) > 25).mean() < 0.01


def test_textures_stay_on_the_ground_when_the_camera_moves() -> None:
    """Two pictures from beside each other show the same spots in the same colours."""
    world = replace(plane_world(), name="any day")
    camera = looking("down", (120, 120), 60.0, (0, 0, 3.0), 0.0, -np.pi / 2)
    one = photograph(world, camera).rgb.astype(float)
    two = photograph(world, camera, (200.5, 0, 0)).rgb.astype(float)  # 0.5 m ahead: 10 pixels
    shared = one[:-10].mean(2), two[10:].mean(2)
    same = np.corrcoef(shared[0].ravel(), shared[1].ravel())[0, 1]
    other = np.corrcoef(one.mean(2)[10:].ravel(), two.mean(2)[10:].ravel())[0, 1]
    assert same > 0.8 and same > other + 0.2


def test_streets_differ_in_their_light() -> None:
    camera = looking("ahead", (64, 48), 40.0, (0, 0, 1.6))
    means = [
        photograph(replace(plane_world(), name=f"day {k}"), camera).rgb[:16].mean((0, 1))
        for k in range(8)
    ]
    assert np.ptp(np.array(means), axis=0).max() > 20


def test_smaller_pictures_show_the_same(light: Lidar, pictures: list[Picture]) -> None:
    small = CAMERA.scaled(0.5)
    half = render(light.stage, small, pictures[0].pose, pictures[0].time)
    large = pictures[0].labels[:188, :620]
    assert (half.labels == large[::2, ::2]).mean() > 0.9
    sizes = (half.rgb.shape, half.labels.shape)
    assert sizes == ((94, 310, 3), (94, 310))


def test_bands_leave_no_trace(
    light: Lidar, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pcseg.sim.camera._BAND_PIXELS", 7 * CAMERA.width)
    again = render(light.stage, CAMERA, pictures[0].pose, pictures[0].time)
    np.testing.assert_array_equal(again.labels, pictures[0].labels)
    np.testing.assert_array_equal(again.depth, pictures[0].depth)
    assert np.abs(again.rgb.astype(int) - pictures[0].rgb).max() <= 1


def test_a_camera_that_sees_only_sky() -> None:
    picture = photograph(plane_world(), looking("up", (64, 48), 40.0, (0, 0, 1.6), 0.0, 1.2))
    assert not picture.labels.any() and not picture.depth.any()
    assert picture.rgb.mean() > 60


@pytest.mark.parametrize("seed", range(12))
def test_a_mover_looks_like_the_same_thing_standing_still(seed: int) -> None:
    """Wherever it is: near, far, half outside the picture, beside and around the camera."""
    rng = np.random.default_rng(seed)
    body = box((4, 2, 1.5), (0.3, 0, 0.75), "car_paint").labelled(MOVING[CAR], 9)
    ahead, aside = rng.uniform(-4, 12) * rng.uniform(0.3, 3), rng.uniform(-8, 8)
    mover = Mover((body,), Track(plane_world().path, 200.0 + ahead, 0.0, aside), 1.0, 9)
    camera = looking(
        "any", (120, 80), 60.0, (0, 0, 1.0), rng.uniform(-1, 1), rng.uniform(-0.4, 0.4)
    )
    moving = photograph(plane_world(movers=(mover,)), camera)
    still = photograph(plane_world([body.moved((200 + ahead, aside, 0))]), camera)
    assert (moving.labels != still.labels).mean() < 2e-3  # pixels on the very edge
    both = (moving.labels == 252) & (still.labels == 252)
    np.testing.assert_allclose(moving.depth[both], still.depth[both], rtol=1e-3, atol=1e-3)
