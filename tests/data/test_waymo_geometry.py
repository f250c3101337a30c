"""Waymo's formulas, one by one: angles of pixels, poses of pixels, lenses."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.data.readers.waymo.geometry import (
    column_azimuths,
    euler_angles,
    points_in_vehicle,
    row_inclinations,
)
from pcseg.data.readers.waymo.lens import Straightener

K = np.array([[80.0, 0, 49.5], [0, 90.0, 29.5], [0, 0, 1]])
SIZE = (60, 100)


def rotation(roll: float, pitch: float, yaw: float) -> np.ndarray:
    (cr, cp, cy), (sr, sp, sy) = np.cos([roll, pitch, yaw]), np.sin([roll, pitch, yaw])
    x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return z @ y @ x


def test_rows() -> None:
    stored = np.array([-0.3, -0.1, 0.05])
    np.testing.assert_array_equal(row_inclinations(stored, 0, 0, 3), stored[::-1])  # type: ignore[arg-type]
    assert row_inclinations(stored, 0, 0, 4) is None
    # Without a list: the middles of equal steps between the limits, from the top.
    for absent in (None, np.array([])):
        spaced = row_inclinations(absent, -0.4, 0.4, 4)
        np.testing.assert_allclose(spaced, [0.3, 0.1, -0.1, -0.3])  # type: ignore[arg-type]


def test_columns_turn_clockwise_from_behind() -> None:
    azimuth = column_azimuths(4, 0.0)
    np.testing.assert_allclose(np.degrees(azimuth), [135, 45, -45, -135])
    np.testing.assert_allclose(column_azimuths(4, 0.5), azimuth - 0.5)


def test_a_point_by_hand() -> None:
    """Range 10 m in the column that looks 45 degrees to the left, 30 degrees up."""
    ranges = np.array([[0, 10.0, -1, 0]])
    extrinsic = np.eye(4)
    extrinsic[:3, :3] = rotation(0, 0, 2.0)  # whichever way the LiDAR's own x points
    extrinsic[:3, 3] = (1, 2, 3)
    level = 10 * np.cos(np.pi / 6) * np.sqrt(0.5)
    expected = np.array([1 + level, 2 + level, 3 + 5.0])
    inclination = np.array([np.pi / 6])
    still = points_in_vehicle(ranges, inclination, extrinsic, None, np.eye(4))
    np.testing.assert_allclose(still, [expected], atol=1e-12)
    # The vehicle was elsewhere, and turned, when this pixel was measured.
    frame, pixel = np.eye(4), np.eye(4)
    frame[:3, :3], frame[:3, 3] = rotation(0.01, -0.02, 1.0), (9000.0, -8000.0, 20.0)
    pixel[:3, :3], pixel[:3, 3] = rotation(-0.03, 0.02, 1.1), (9000.5, -8000.25, 20.0)
    pose = np.concatenate([euler_angles(pixel[:3, :3]), pixel[:3, 3]])
    image = np.broadcast_to(pose, (1, 4, 6))
    moved = points_in_vehicle(ranges, inclination, extrinsic, image, frame)
    wanted = np.linalg.inv(frame) @ pixel @ [*expected, 1]
    np.testing.assert_allclose(moved, [wanted[:3]], atol=1e-9)


@pytest.mark.parametrize("angles", [(0.1, -0.2, 3.0), (-1.0, 0.7, -2.0), (0.0, 0.0, 0.0)])
def test_angles_of_rotations(angles: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(euler_angles(rotation(*angles)), angles, atol=1e-12)


def test_a_lens_without_distortion_changes_nothing(rng: np.random.Generator) -> None:
    rgb = rng.integers(0, 256, (*SIZE, 3), np.uint8)
    lens = Straightener(K, (0.0,) * 5, SIZE)
    np.testing.assert_array_equal(lens.colors(rgb), rgb)
    np.testing.assert_array_equal(lens.labels(rgb[..., 0], 7), rgb[..., 0])


@pytest.mark.parametrize("number", range(5))
def test_each_coefficient_of_the_lens(number: int) -> None:
    """Colours tell where a pixel was taken from; OpenCV's formula says where that should be."""
    distortion = tuple(0.04 if k == number else 0.0 for k in range(5))
    u, v = np.meshgrid(np.arange(SIZE[1]), np.arange(SIZE[0]))
    rgb = np.stack([2 * u, 4 * v, 0 * u], -1).astype(np.uint8)
    seen = Straightener(K, distortion, SIZE).colors(rgb)
    for row, column in ((5, 8), (30, 50), (50, 90), (20, 70)):
        x, y = (column - K[0, 2]) / K[0, 0], (row - K[1, 2]) / K[1, 1]
        k1, k2, p1, p2, k3 = distortion
        r2 = x**2 + y**2
        radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
        wanted_u = (x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x**2)) * K[0, 0] + K[0, 2]
        wanted_v = (y * radial + p1 * (r2 + 2 * y**2) + 2 * p2 * x * y) * K[1, 1] + K[1, 2]
        if 0 <= wanted_u <= SIZE[1] - 1 and 0 <= wanted_v <= SIZE[0] - 1:
            assert abs(seen[row, column, 0] - 2 * wanted_u) <= 0.51
            assert abs(seen[row, column, 1] - 4 * wanted_v) <= 0.51


def test_outside_the_lens() -> None:
    lens = Straightener(K, (0.8, 0, 0, 0, 0), SIZE)
    assert (lens.colors(np.full((*SIZE, 3), 9, np.uint8))[0, 0] == 0).all()
    assert lens.labels(np.full(SIZE, 9), -5)[0, 0] == -5
