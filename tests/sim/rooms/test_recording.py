"""The carried camera: its way, its depth with noise and holes; and the surface it is fused to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pcseg.sim.mesh import join
from pcseg.sim.rig import camera_pose, looking
from pcseg.sim.rooms import Room, build_room
from pcseg.sim.rooms.depth import measure_depth
from pcseg.sim.rooms.fusion import Fusion
from pcseg.sim.rooms.plan import ROOM_KINDS
from pcseg.sim.rooms.rgbd import record
from pcseg.sim.rooms.scannet import CAMERA
from pcseg.sim.rooms.surface import tessellate
from pcseg.sim.rooms.trajectory import hand_held, standing_places
from pcseg.sim.shapes.primitives import box, quads
from pcseg.sim.stage import Stage


def wall(distance: float, of: str = "wall_paint") -> Room:
    """A large wall that faces the camera at the origin, which looks along x."""
    d = distance
    corners = [[d, -20, -20], [d, 20, -20], [d, 20, 20], [d, -20, 20]]
    room = build_room([0], "office")
    return replace(room, static=quads(np.array([corners], float), of).labelled(1, 1))


DEPTH = looking("depth", (160, 120), 144.0, (0, 0, 0))


@pytest.mark.parametrize("distance", [1.0, 3.0])
def test_noise_grows_with_distance_as_published(distance: float) -> None:
    rng = np.random.default_rng(0)
    seen = measure_depth(Stage(wall(distance)), DEPTH, camera_pose(np.zeros(3), 0, 0), rng)
    error = seen[seen > 0] / 1000 - distance
    assert (seen > 0).all()
    assert abs(error.mean()) < 0.0005
    assert error.std() == pytest.approx(0.0012 + 0.0019 * (distance - 0.4) ** 2, rel=0.1)


def test_nothing_comes_back_from_mirrors_nearby_or_far_away() -> None:
    def share(room: Room, yaw: float = 0.0) -> float:
        rng = np.random.default_rng(0)
        return float(
            (measure_depth(Stage(room), DEPTH, camera_pose(np.zeros(3), yaw, 0), rng) > 0).mean()
        )

    assert share(wall(2.0, "mirror_glass")) == pytest.approx(0.1, abs=0.02)
    assert share(wall(0.3)) == share(wall(9.0)) == 0.0
    # To the side the wall is soon farther than 8 m, which is 75.5 degrees from its normal.
    assert share(wall(2.0), np.radians(75)) == pytest.approx(0.5, abs=0.03)


def test_edges_throw_shadows_on_one_side() -> None:
    behind = wall(3.0)
    post = box((0.2, 0.4, 9), (1.5, 0, 0), "wall_paint").labelled(120, 2)
    room = replace(behind, static=join([behind.static, post]))
    seen = measure_depth(
        Stage(room), DEPTH, camera_pose(np.zeros(3), 0, 0), np.random.default_rng(0)
    )
    left, right = (seen[:, :80] == 0).mean(), (seen[:, 80:] == 0).mean()
    assert 0.005 < left < 0.05 and right == 0


@pytest.mark.parametrize("kind", list(ROOM_KINDS))
def test_the_way_is_free_smooth_and_sees_the_room(kind: str) -> None:
    room = build_room([3], kind)
    poses, times = hand_held(room, 120, np.random.default_rng(1))
    turn = poses[:, :3, :3]
    np.testing.assert_allclose(
        turn @ turn.transpose(0, 2, 1), np.tile(np.eye(3), (120, 1, 1)), atol=1e-9
    )
    np.testing.assert_allclose(np.linalg.det(turn), 1)
    assert times[0] == 0 and (np.diff(times) > 0).all()
    place = poses[:, :3, 3]
    steps = np.linalg.norm(np.diff(place, axis=0), axis=1)
    assert steps.max() < 0.6
    assert (place > 0.1).all() and (place[:, :2] < [room.plan.width, room.plan.depth]).all()
    low, high = (
        room.static.vertices[room.static.faces].min(1),
        room.static.vertices[room.static.faces].max(1),
    )
    for point in place:
        apart = np.maximum(np.maximum(low - point, point - high), 0)
        assert np.linalg.norm(apart, axis=1).min() > 0.04  # in nothing
    up = -poses[:, 2, 1]
    assert (up > 0.7).all()  # never upside down


def test_standing_places_are_apart() -> None:
    room = build_room([3], "office")
    places = standing_places(room, 3)
    away = np.linalg.norm(places[:, None] - places[None], axis=2) + 9 * np.eye(3)
    assert away.min() > 0.8
    np.testing.assert_array_equal(places[:1], standing_places(room, 1))


def test_tessellation_keeps_the_surface_and_leaves_no_gaps() -> None:
    solid = box((1.0, 0.3, 0.05), (0, 0, 0), "wood").labelled(4, 1)
    fine = tessellate(solid, 0.07)
    a, b, c = (fine.vertices[fine.faces[:, k]].astype(float) for k in range(3))
    area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    assert area.sum() == pytest.approx(2 * (0.3 + 0.05 + 0.015), rel=1e-5)
    edges = np.sort(fine.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    pairs, count = np.unique(edges, axis=0, return_counts=True)
    assert (count == 2).all()  # closed: every edge has two sides
    assert len(fine) - len(pairs) + len(fine.faces) == 2  # Euler
    longest = np.linalg.norm(fine.vertices[pairs[:, 0]] - fine.vertices[pairs[:, 1]], axis=1).max()
    assert 0.02 < longest <= 0.07 + 1e-6


def test_fusion_leaves_out_what_no_camera_saw() -> None:
    room = build_room([3], "office")
    inside = box((0.2, 0.2, 0.2), (room.plan.width + 3, 1, 1), "wood").labelled(26, 900)
    room = replace(room, static=join([room.static, inside]))
    camera = CAMERA.scaled(0.1)
    fusion = Fusion(tessellate(room.static, 0.15), camera.depth)
    for frame in record(room, camera, 6, 0):
        fusion.add(frame)
    fused = fusion.fused()
    assert 900 in fusion.surface.instance and 900 not in fused.instance
    assert 2000 < len(fused) < len(fusion.surface)
    assert set(np.unique(fused.faces)) == set(range(len(fused)))
    # Faces look to the inside of the room: the floor's up, the ceiling's down.
    a, b, c = (fused.vertices[fused.faces[:, k]] for k in range(3))
    up = np.cross(b - a, c - a)[:, 2]
    label = fused.label[fused.faces[:, 0]]
    assert (up[label == 3] > 0).all() and (up[label == 41] < 0).all()
