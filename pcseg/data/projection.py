"""Projection: which pixel of a picture shows each point, and which points it really shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pcseg.data.scan import View

NEAREST_M = 0.1
"""Points closer to the camera's plane than this are behind or inside the lens."""


@dataclass(frozen=True)
class Projected:
    """Where N points fall in a picture.

    Attributes:
        uv: (N, 2) float64 pixel coordinates, u to the right, v down; the centre of the upper left
            pixel is (0, 0). Not meaningful where `inside` is False.
        depth: (N,) float64 metres along the optical axis, negative behind the camera.
        inside: (N,) bool, in front of the camera and within the picture.
    """

    uv: np.ndarray
    depth: np.ndarray
    inside: np.ndarray

    def pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """(row, column) int64 of the points that are `inside`, in their order."""
        column, row = np.rint(self.uv[self.inside]).astype(np.int64).T
        return row, column


def project(view: View, xyz: np.ndarray) -> Projected:
    """Project points into a picture: u = K · camera_from_sensor · x, pinhole, no distortion.

    Args:
        view: its intrinsics and extrinsics are used, and the size of its picture.
        xyz: (N, 3) metres in the sensor frame of the view.
    """
    height, width = view.rgb.shape[:2]
    matrix = np.asarray(view.camera_from_sensor, np.float64)
    seen = xyz.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    depth = seen[:, 2]
    front = depth > NEAREST_M
    scale = np.where(front, depth, 1.0)
    uv = (seen @ np.asarray(view.K, np.float64).T)[:, :2] / scale[:, None]
    # Rounded to whole pixels: a point belongs to the pixel whose square it falls into.
    within = (uv >= -0.5).all(1) & (uv[:, 0] < width - 0.5) & (uv[:, 1] < height - 0.5)
    return Projected(uv, depth, front & within)


def visible(
    view: View, found: Projected, *, absolute_m: float = 0.05, relative: float = 0.05
) -> np.ndarray:
    """Which points the picture shows and nothing hides, by its depth map.

    A point counts if it lies within ``max(absolute_m, relative · depth)`` of the depth stored at
    its pixel (the rule PointDC's lifting uses).

    Args:
        view: with a depth map.
        found: from `project` of the same view.
        absolute_m: tolerance near the camera.
        relative: tolerance as a share of the depth.

    Returns:
        (N,) bool. Pixels of unknown depth (0) show nothing.

    Raises:
        ValueError: if the view has no depth map.
    """
    if view.depth is None:
        raise ValueError(f"camera '{view.name}' has no depth map, so nothing tells what is hidden")
    rows, columns = found.pixels()
    stored, depth = view.depth[rows, columns], found.depth[found.inside]
    shown = found.inside.copy()
    tolerance = np.maximum(absolute_m, relative * depth)
    shown[found.inside] = (stored > 0) & (np.abs(stored - depth) <= tolerance)
    return shown


def unhidden(
    view: View,
    found: Projected,
    *,
    cell_px: int = 6,
    absolute_m: float = 0.3,
    relative: float = 0.04,
) -> np.ndarray:
    """Which points the picture shows, judged by the points themselves where there is no depth map.

    Sensors sit in different places, so the LiDAR sees points that are hidden from the camera. The
    nearest point in a cell of the picture or in a neighbouring cell hides those that lie more than
    ``absolute_m + relative · depth`` behind it. Ground far away, seen at a grazing angle, is given
    up with what is really hidden.

    Args:
        view: its size is used.
        found: from `project` of the same view.
        cell_px: edge of a cell, a few times the distance of the points in the picture.
        absolute_m: a surface may be so deep within three cells.
        relative: and so much deeper for each metre of depth, because slanted surfaces are.

    Returns:
        (N,) bool.
    """
    height, width = view.rgb.shape[:2]
    rows, columns = (values // cell_px for values in found.pixels())
    depth = found.depth[found.inside]
    nearest = np.full((height // cell_px + 3, width // cell_px + 3), np.inf)
    np.minimum.at(nearest, (rows + 1, columns + 1), depth)
    around = nearest.copy()
    for axis in (0, 1):
        around = np.minimum(around, np.minimum(np.roll(around, 1, axis), np.roll(around, -1, axis)))
    shown = found.inside.copy()
    front = around[rows + 1, columns + 1]
    shown[found.inside] = depth <= front * (1 + relative) + absolute_m
    return shown
