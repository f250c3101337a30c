"""A software renderer for points: which point each pixel shows, how far, and how shaded."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from pcseg.viz.camera import Camera, point_size
from pcseg.viz.colors import Theme


@dataclass(frozen=True)
class Raster:
    """What a camera sees, before any colour: one raster serves all layers of a frame.

    Attributes:
        index: (H, W) int32 row of the nearest point in each pixel, -1 where there is none.
        depth: (H, W) float32 metres from the camera plane, infinite where there is none.
        shade: (H, W) float32 in 0..1, dark beside edges of depth (eye-dome lighting).
    """

    index: np.ndarray
    depth: np.ndarray
    shade: np.ndarray


def rasterize(
    xyz: np.ndarray,
    camera: Camera,
    width: int,
    height: int,
    point_size_m: float | None = None,
    min_radius_px: float = 1.0,
    edge_px: int = 2,
) -> Raster:
    """Draw round points into a z-buffer.

    Args:
        xyz: (N, 3) float32 metres, finite.
        camera: where the picture is taken from.
        width: of the picture in pixels.
        height: of the picture in pixels.
        point_size_m: diameter of a point; by default what `point_size` advises.
        min_radius_px: far points do not get smaller than this.
        edge_px: how far shading looks for edges.
    """
    columns, rows, depth, radius = _project(xyz, camera, width, height, point_size_m)
    index = np.full((height, width), -1, np.int32)
    nearest = np.full((height, width), np.inf, np.float32)
    largest = 0.012 * height  # near points must not become plates that hide the scene
    radius = np.clip(radius, min_radius_px, max(largest, min_radius_px))
    if camera.cut_above is not None:
        depth = np.where(xyz[:, 2] > camera.cut_above, -1.0, depth)
    too_near = np.float32(min(0.05, 0.01 * camera.distance))
    _splat(columns, rows, depth.astype(np.float32), radius, too_near, index, nearest)
    return Raster(index, nearest, _eye_dome(nearest, edge_px))


def paint(raster: Raster, colors: np.ndarray, theme: Theme, supersample: int = 1) -> np.ndarray:
    """Give a raster the colours of a layer.

    Args:
        raster: of the points whose colours are given.
        colors: (N, 3) uint8 RGB.
        theme: supplies the background.
        supersample: the raster is this many times larger than the picture; H and W divide by it.

    Returns:
        (H / supersample, W / supersample, 3) uint8 RGB.
    """
    share = np.linspace(0, 1, len(raster.index), dtype=np.float32)[:, None]
    top, bottom = np.asarray(theme.top, np.float32), np.asarray(theme.bottom, np.float32)
    sky = top * (1 - share) + bottom * share
    return _blend(raster.index, raster.shade, colors, sky, supersample)


def _project(
    xyz: np.ndarray, camera: Camera, width: int, height: int, point_size_m: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixel column and row, depth, and radius in pixels of each point."""
    eye, rotation = camera.axes()
    seen = (xyz - eye.astype(np.float32)) @ rotation.T.astype(np.float32)
    depth = seen[:, 2]
    if camera.fov_deg > 0:
        focal = 0.5 * height / np.tan(np.radians(camera.fov_deg) / 2)
        scale = focal / np.maximum(depth, 1e-3)
    else:
        scale = np.full(len(xyz), min(width, height) / camera.distance, np.float32)
    size = point_size_m if point_size_m is not None else point_size(len(xyz), camera)
    columns = seen[:, 0] * scale + 0.5 * width
    rows = seen[:, 1] * scale + 0.5 * height
    return columns, rows, depth, 0.5 * size * scale


@numba.njit(cache=True, nogil=True)
def _splat(columns, rows, depth, radius, too_near, index, nearest):  # type: ignore[no-untyped-def]
    height, width = index.shape
    for point in range(len(depth)):
        z = depth[point]
        if not z > too_near:
            continue
        x, y, r = columns[point], rows[point], radius[point]
        # Tested as floats: far outside, the whole numbers would overflow.
        if not (x > -r and x < width + r and y > -r and y < height + r):
            continue
        reach = r * r
        for row in range(max(0, int(y - r)), min(height, int(y + r) + 1)):
            for column in range(max(0, int(x - r)), min(width, int(x + r) + 1)):
                dx, dy = column + 0.5 - x, row + 0.5 - y
                if dx * dx + dy * dy <= reach and z < nearest[row, column]:
                    nearest[row, column] = z
                    index[row, column] = point


@numba.njit(cache=True, nogil=True)
def _blend(index, shade, colors, sky, block):  # type: ignore[no-untyped-def]
    """Shaded colours, or the sky's colour of the row, averaged over blocks of pixels."""
    height, width = index.shape[0] // block, index.shape[1] // block
    picture = np.empty((height, width, 3), np.uint8)
    for row in range(height):
        for column in range(width):
            red, green, blue = np.float32(0.5), np.float32(0.5), np.float32(0.5)  # to round
            for r in range(row * block, (row + 1) * block):
                for c in range(column * block, (column + 1) * block):
                    point = index[r, c]
                    light = shade[r, c] / np.float32(block * block)
                    if point >= 0:
                        red += light * colors[point, 0]
                        green += light * colors[point, 1]
                        blue += light * colors[point, 2]
                    else:
                        red += light * sky[r, 0]
                        green += light * sky[r, 1]
                        blue += light * sky[r, 2]
            picture[row, column, 0] = red
            picture[row, column, 1] = green
            picture[row, column, 2] = blue
    return picture


@numba.njit(cache=True, nogil=True)
def _eye_dome(depth, edge_px):  # type: ignore[no-untyped-def]
    """Darken a pixel by how far it lies behind its neighbours, on a logarithmic scale of depth."""
    height, width = depth.shape
    log_depth = np.log2(depth)
    shade = np.ones((height, width), np.float32)
    for row in range(height):
        for column in range(width):
            here = log_depth[row, column]
            if here == np.inf:
                continue
            behind = np.float32(0.0)
            for step_row in range(-1, 2):
                for step_column in range(-1, 2):
                    r, c = row + step_row * edge_px, column + step_column * edge_px
                    if 0 <= r < height and 0 <= c < width and log_depth[r, c] < here:
                        behind += min(here - log_depth[r, c], np.float32(0.25))
            shade[row, column] = np.float32(0.3) + np.float32(0.7) * np.exp(-4.0 * behind)
    return shade
