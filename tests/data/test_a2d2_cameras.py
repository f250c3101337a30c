"""A2D2's lenses: hand-worked places, straight lines made straight, and OpenCV where it is there."""

from __future__ import annotations

import pickle
from dataclasses import fields, replace

import numpy as np
import pytest

from pcseg.data.readers.a2d2.cameras import Calibration, rigid

K = np.array([[100.0, 0, 60.0], [0, 110.0, 40.0], [0, 0, 1]])
ORIGINAL = np.array([[90.0, 0, 58.0], [0, 95.0, 42.0], [0, 0, 1]])
SIZE = (80, 120)

TELECAM = Calibration(
    K, ORIGINAL, np.array([-0.26, 0.05, 0.002, -0.003, 0.01]), "Telecam", SIZE, np.eye(4)
)
FISHEYE = replace(TELECAM, lens="Fisheye", distortion=np.array([0.06, -0.02, 0.01, -0.004]))


def test_places_worked_by_hand() -> None:
    # One focal length right of the centre: x = 1, y = 0, r = 1.
    row, column = np.array([40.0]), np.array([160.0])
    only = replace(TELECAM, distortion=np.array([-0.26, 0, 0, 0, 0]))
    np.testing.assert_allclose(only.source(row, column), [[42.0], [58 + 90 * 0.74]])
    # Tangential: p1 moves y by p1 (r² + 2y²) = p1, p2 moves x by p2 (r² + 2x²) = 3 p2.
    tilted = replace(TELECAM, distortion=np.array([0, 0, 0.01, 0.02, 0]))
    np.testing.assert_allclose(tilted.source(row, column), [[42 + 95 * 0.01], [58 + 90 * 1.06]])
    # A fisheye without terms shows the angle itself: 45 degrees.
    bare = replace(FISHEYE, distortion=np.zeros(4))
    np.testing.assert_allclose(bare.source(row, column), [[42.0], [58 + 90 * np.pi / 4]])
    center = np.array([40.0]), np.array([60.0])
    np.testing.assert_allclose(FISHEYE.source(*center), [[42.0], [58.0]])
    none = replace(TELECAM, lens="None")
    np.testing.assert_allclose(none.source(row, column), [[42.0], [148.0]])


def as_taken(lens: Calibration) -> tuple[np.ndarray, np.ndarray]:
    """A picture of a grid through the lens, found by inverting it numerically; and the true one."""
    rows, columns = np.indices(lens.size).astype(float)

    def shade(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        value = 127.5 + 60 * np.sin(row / 6) + 60 * np.cos(column / 7)
        return np.stack([value, 255 - value, value / 2], -1)

    row, column = rows.copy(), columns.copy()
    for _ in range(200):  # fixed point: move by what the lens shifts too little
        found = lens.source(row, column)
        row, column = row + 0.8 * (rows - found[0]), column + 0.8 * (columns - found[1])
    found = lens.source(row, column)
    assert max(np.abs(found[0] - rows).max(), np.abs(found[1] - columns).max()) < 1e-6
    return np.rint(shade(row, column)).astype(np.uint8), shade(rows, columns)


@pytest.mark.parametrize("lens", [TELECAM, FISHEYE])
def test_a_grid_is_straight_again(lens: Calibration) -> None:
    picture, true = as_taken(lens)
    found = lens.undistorted(picture)
    inside = lens.holds(*lens.source(*np.indices(lens.size).astype(float)))
    assert inside.mean() > 0.5
    assert np.abs(found[inside] - true[inside]).max() < 4  # bilinear between steps of 8 bits
    assert np.abs(picture[inside] - true[inside]).mean() > 10  # the lens did bend it
    assert not found[~inside].any()


@pytest.mark.parametrize("lens", [TELECAM, FISHEYE])
def test_ids_are_taken_from_one_pixel_each(lens: Calibration) -> None:
    ids = np.where(np.arange(SIZE[1]) // 8 % 2, 7, 3).astype(np.uint8)[None].repeat(SIZE[0], 0)
    found = lens.undistorted_ids(ids, 0)
    row, column = lens.source(*np.indices(SIZE).astype(float))
    inside = lens.holds(row, column)
    assert set(np.unique(found)) <= {0, 3, 7} and (found[~inside] == 0).all()
    nearest = ids[np.rint(row[inside]).astype(int), np.rint(column[inside]).astype(int)]
    assert np.array_equal(found[inside], nearest)
    copy = pickle.loads(pickle.dumps(lens))  # what was computed for pictures stays behind
    assert vars(copy).keys() == {field.name for field in fields(lens)} < vars(lens).keys()
    assert np.array_equal(copy.undistorted_ids(ids, 0), found)
    with pytest.raises(ValueError, match="a picture of"):
        lens.undistorted_ids(ids[:-1], 0)


def test_opencv_agrees(rng: np.random.Generator) -> None:
    cv2 = pytest.importorskip("cv2")
    picture = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    height, width = SIZE
    for lens, maps in (
        (TELECAM, cv2.initUndistortRectifyMap),
        (FISHEYE, cv2.fisheye.initUndistortRectifyMap),
    ):
        column, row = maps(ORIGINAL, lens.distortion, np.eye(3), K, (width, height), cv2.CV_32FC1)
        mine = lens.source(*np.indices(SIZE).astype(float))
        np.testing.assert_allclose(mine, (row, column), atol=1e-3)
        theirs = cv2.remap(picture, column, row, cv2.INTER_LINEAR).astype(int)
        inside = lens.holds(*mine)
        # OpenCV interpolates in steps of 1/32 pixel.
        assert np.abs(lens.undistorted(picture)[inside] - theirs[inside]).mean() < 2


def test_the_pose_of_a_view() -> None:
    pose = rigid(np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0, 0.0]), np.array([-1.0, 0.5, 0.0]))
    np.testing.assert_allclose(pose[:3, :3], [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-15)
    assert pose[:3, 3].tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="do not span a plane"):
        rigid(np.zeros(3), np.array([1.0, 0, 0]), np.array([-2.0, 0, 0]))
