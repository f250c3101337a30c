"""Projection: pixels by hand, depth maps, and points that hide each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcseg.data import View
from pcseg.data.projection import project, unhidden, visible

AHEAD = np.array([[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
"""A camera at the sensor that looks along its x."""


def camera(depth: np.ndarray | None = None, width: int = 80, height: int = 60) -> View:
    K = np.array([[50.0, 0, (width - 1) / 2], [0, 50.0, (height - 1) / 2], [0, 0, 1]])
    return View(np.zeros((height, width, 3), np.uint8), K, AHEAD, depth)


def test_pixels_by_hand() -> None:
    points = np.array(
        [[10, 0, 0], [10, 2, 0], [10, 0, 2], [-10, 0, 0], [10, 9, 0], [0.05, 0, 0]], np.float32
    )
    found = project(camera(), points)
    # Left is a smaller u, up a smaller v; 2 m at 10 m are 10 pixels of a focal length of 50.
    assert found.uv[:3].tolist() == [[39.5, 29.5], [29.5, 29.5], [39.5, 19.5]]
    assert found.depth.tolist()[:4] == [10, 10, 10, -10]
    assert found.inside.tolist() == [True, True, True, False, False, False]
    assert len(found.pixels()[0]) == 3


@given(
    st.floats(0.2, 100), st.floats(-1, 1), st.floats(-1, 1), st.integers(5, 200), st.integers(5, 99)
)
def test_inside_means_a_pixel_of_the_picture(
    x: float, y: float, z: float, width: int, height: int
) -> None:
    found = project(camera(None, width, height), np.array([[x, y * x, z * x]], np.float32))
    rows, columns = found.pixels()
    if found.inside[0]:
        assert 0 <= rows[0] < height and 0 <= columns[0] < width


def test_a_depth_map_tells_what_is_hidden() -> None:
    depth = np.full((60, 80), 10.0, np.float32)
    depth[:, :40] = 0  # unknown on the left
    view = camera(depth)
    points = np.array([[10, -1, 0], [10.4, -1, 0], [12, -1, 0], [8, -1, 0], [10, 1, 0]], np.float32)
    assert visible(view, project(view, points)).tolist() == [True, True, False, False, False]
    with pytest.raises(ValueError, match="no depth map"):
        visible(camera(), project(camera(), points))


def test_near_points_hide_far_ones() -> None:
    y, z = (grid.ravel() for grid in np.meshgrid(np.linspace(-2, 2, 40), np.linspace(-2, 2, 40)))
    far = np.column_stack([np.full(1600, 20.0), 2 * y, 2 * z])
    near = np.column_stack([np.full(800, 5.0), y[y > 0][:800] / 2, z[y > 0][:800] / 2])
    points = np.concatenate([far, near]).astype(np.float32)
    found = project(camera(), points)
    shown = unhidden(camera(), found, cell_px=4)
    assert found.inside.all()
    assert shown[1600:].all()
    behind = (points[:1600, 1] > 0.4) & (np.abs(points[:1600, 2]) < 2)
    assert not shown[:1600][behind].any()
    aside = points[:1600, 1] < -3.6  # two cells away from what hides
    assert aside.any() and shown[:1600][aside].all()


def test_nothing_hides_the_floor_ahead() -> None:
    x, y = (grid.ravel() for grid in np.meshgrid(np.linspace(2.5, 5, 300), np.linspace(-1, 1, 30)))
    floor = np.column_stack([x, y, np.full(len(x), -1.7)]).astype(np.float32)
    view = camera(None, 1600, 1200)
    view = replace(view, K=view.K * [[10, 1, 1], [1, 10, 1], [1, 1, 1]])
    found = project(view, floor)
    assert found.inside.sum() > 5000 and unhidden(view, found)[found.inside].all()
