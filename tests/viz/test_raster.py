"""The point renderer: each pixel shows the nearest point, at the place geometry says."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.viz.camera import Camera
from pcseg.viz.colors import THEMES
from pcseg.viz.raster import paint, rasterize

AHEAD = Camera((0.0, 0.0, 0.0), 10.0, 180.0, 0.0, 90.0)  # at x = -10, looking along +x


def test_a_point_lands_where_the_pinhole_puts_it() -> None:
    # 5 m left and 2 m up at 10 m: the focal length of 90 degrees is half the height.
    raster = rasterize(np.array([[0, 5, 2]], np.float32), AHEAD, 200, 100, 1e-3, 1.0)
    rows, columns = np.nonzero(raster.index == 0)
    assert rows.mean() + 0.5 == pytest.approx(50 - 50 * 0.2, abs=0.6)
    assert columns.mean() + 0.5 == pytest.approx(100 - 50 * 0.5, abs=0.6)
    assert raster.depth[rows[0], columns[0]] == pytest.approx(10)


def test_the_nearest_point_wins_whatever_the_order() -> None:
    xyz = np.array([[5, 0, 0], [0, 0, 0], [-5, 0, 0]], np.float32)
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        raster = rasterize(xyz[order], AHEAD, 60, 60, 0.5, 2.0)
        assert xyz[order][raster.index[30, 30], 0] == -5


def test_agrees_with_brute_force(rng) -> None:
    xyz = rng.uniform(-6, 6, (400, 3)).astype(np.float32)
    raster = rasterize(xyz, AHEAD, 64, 48, 0.6, 1.0)
    eye, rotation = AHEAD.axes()
    seen = (xyz - eye) @ rotation.T
    scale = 24 / seen[:, 2]  # 90 degrees over 48 pixels
    radius = np.clip(0.3 * scale, 1.0, max(0.012 * 48, 1.0))
    x, y = seen[:, 0] * scale + 32, seen[:, 1] * scale + 24
    columns, rows = np.meshgrid(np.arange(64) + 0.5, np.arange(48) + 0.5)
    away = (columns[..., None] - x) ** 2 + (rows[..., None] - y) ** 2
    depth = np.where(away <= radius**2, seen[:, 2], np.inf)
    expected = np.where(np.isfinite(depth.min(axis=2)), depth.argmin(axis=2), -1)
    # Single against double precision may differ on the rim of a disc.
    assert (raster.index == expected).mean() > 0.999


def test_nothing_behind_the_camera_and_nothing_cut() -> None:
    xyz = np.array([[-20, 0, 0], [0, 0, 1.5]], np.float32)
    assert set(np.unique(rasterize(xyz, AHEAD, 60, 60).index)) == {-1, 1}
    cut = Camera((0.0, 0.0, 0.0), 10.0, 180.0, 0.0, 90.0, cut_above=1.0)
    assert (rasterize(xyz, cut, 60, 60).index == -1).all()


def test_small_things_are_not_too_near() -> None:
    tiny = np.array([[0, 0, 0]], np.float32)
    camera = Camera((0.0, 0.0, 0.0), 0.02, 180.0, 0.0, 90.0)
    assert (rasterize(tiny, camera, 40, 40).index == 0).any()


def test_far_outside_and_empty_are_harmless() -> None:
    wild = np.array([[0, 1e9, 0], [0, -1e9, 1e9], [1e12, 0, 0]], np.float32)
    assert rasterize(wild, AHEAD, 40, 40).index.max() <= 2
    assert (rasterize(np.zeros((0, 3), np.float32), AHEAD, 40, 40).index == -1).all()


def test_edges_of_depth_are_shaded_and_planes_are_not() -> None:
    y, z = np.meshgrid(np.linspace(-8, 8, 300), np.linspace(-8, 8, 300))
    wall = np.c_[np.zeros(y.size), y.ravel(), z.ravel()].astype(np.float32)
    near = wall[np.abs(wall[:, 1:]).max(axis=1) < 1] - np.float32([4, 0, 0])
    raster = rasterize(np.concatenate([wall, near]), AHEAD, 120, 120, 0.1, 1.5, edge_px=2)
    assert raster.shade[20:40, 20:40].min() > 0.95
    border = (raster.depth > 9) & (np.roll(raster.depth, 2, axis=1) < 7)
    assert border.any() and raster.shade[border].max() < 0.8


def test_paint_gives_colours_and_background() -> None:
    raster = rasterize(np.zeros((1, 3), np.float32), AHEAD, 80, 40, 2.0, 3.0)
    theme = THEMES["dark"]
    picture = paint(raster, np.array([[250, 10, 20]], np.uint8), theme, supersample=2)
    assert picture.shape == (20, 40, 3)
    assert tuple(picture[10, 20]) == (250, 10, 20)
    assert tuple(picture[0, 0]) != tuple(picture[-1, 0])
    np.testing.assert_allclose(picture[0, 0].astype(int), theme.top, atol=2)
    np.testing.assert_allclose(picture[-1, 0].astype(int), theme.bottom, atol=2)
