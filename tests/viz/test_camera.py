"""Cameras: rigid, and placed so that what matters is in the picture."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.errors import PcsegError
from pcseg.viz.camera import Camera, camera_for, default_camera, top_camera


@pytest.mark.parametrize("azimuth", [0, 90, 200])
@pytest.mark.parametrize("elevation", [-30, 0, 45, 90])
def test_axes_are_a_rotation_that_looks_at_the_target(azimuth: float, elevation: float) -> None:
    camera = Camera((1.0, 2.0, 3.0), 10.0, azimuth, elevation)
    eye, rotation = camera.axes()
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    np.testing.assert_allclose(rotation @ (np.array(camera.target) - eye), [0, 0, 10], atol=1e-12)


def test_from_behind_forward_is_up_and_left_is_left() -> None:
    _, rotation = Camera((0, 0, 0), 10.0, 180.0, 90.0).axes()
    np.testing.assert_allclose(rotation @ [1, 0, 0], [0, -1, 0], atol=1e-12)  # y is down
    np.testing.assert_allclose(rotation @ [0, 1, 0], [-1, 0, 0], atol=1e-12)  # x is right


def test_a_street_is_seen_from_behind_and_above(street) -> None:
    camera = default_camera(street.xyz)
    eye, _ = camera.axes()
    assert eye[0] < -10 and eye[2] > 5 and camera.cut_above is None


def test_a_room_is_seen_without_its_ceiling(rng) -> None:
    floor = np.c_[rng.uniform(0, 6, (3000, 2)), np.zeros(3000)]
    ceiling = floor + np.array([0, 0, 2.6])
    walls = np.c_[np.zeros(3000), rng.uniform(0, 6, 3000), rng.uniform(0, 2.6, 3000)]
    camera = default_camera(np.concatenate([floor, walls, ceiling]).astype(np.float32))
    assert camera.cut_above is not None and 2.0 < camera.cut_above < 2.6
    assert default_camera(np.concatenate([floor, walls]).astype(np.float32)).cut_above is None


def test_the_plan_shows_all_but_strays(street) -> None:
    camera = top_camera(street.xyz)
    assert camera.elevation_deg == 90 and camera.fov_deg == 0
    assert camera.distance == pytest.approx(62, rel=0.1)


def test_no_points_and_no_such_view() -> None:
    empty = np.zeros((0, 3), np.float32)
    assert default_camera(empty).distance > 0 and top_camera(empty).distance > 0
    with pytest.raises(PcsegError, match=r"no view 'side'. Choose one of: auto, top"):
        camera_for("side", empty)
