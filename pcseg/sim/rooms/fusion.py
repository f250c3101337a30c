"""Fusion: which parts of a surface the frames of a recording saw, and in which colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pcseg.sim.rig import Camera
from pcseg.sim.rooms.rgbd import RgbdFrame
from pcseg.sim.rooms.surface import Surface

_FAR_M = 6.0


class Fusion:
    """Gathers frames onto a surface.

    Attributes:
        surface: whose vertices are coloured.
        depth_camera: that measured the frames.
    """

    def __init__(self, surface: Surface, depth_camera: Camera) -> None:
        self.surface, self.depth_camera = surface, depth_camera
        self._color = np.zeros((len(surface), 3))
        self._toward = np.zeros((len(surface), 3))
        self._weight = np.zeros(len(surface))

    def add(self, frame: RgbdFrame) -> None:
        """Let the vertices that a frame saw take part of its colours, more from nearby."""
        inverse = np.linalg.inv(frame.pose).astype(np.float32)
        local = self.surface.vertices @ inverse[:3, :3].T + inverse[:3, 3]
        u, v, there = _pixels(local, self.depth_camera)
        measured = frame.depth_mm[v, u] / 1000.0
        z = local[there, 2]
        seen = (measured > 0) & (np.abs(measured - z) < 0.02 + 0.01 * z) & (z < _FAR_M)
        rows = np.flatnonzero(there)[seen]
        u, v, inside = _pixels(local[rows], frame.picture.camera)
        rows = rows[inside]
        # What lies just behind something, as a wall behind a picture, is not seen.
        same = frame.picture.instances[v, u] == self.surface.instance[rows]
        same &= np.abs(frame.picture.depth[v, u] - local[rows, 2]) < 0.03 + 0.02 * local[rows, 2]
        rows, u, v = rows[same], u[same], v[same]
        weight = 1.0 / np.maximum(local[rows, 2], 0.5)
        self._weight[rows] += weight
        self._toward[rows] += frame.pose[:3, 3] - self.surface.vertices[rows]
        self._color[rows] += weight[:, None] * frame.picture.rgb[v, u]

    def fused(self) -> Surface:
        """The part of the surface that was seen, in the mean of its colours, facing the cameras."""
        seen = self._weight > 0
        color = self._color / np.maximum(self._weight, 1e-9)[:, None]
        rgb = np.rint(color).astype(np.uint8)
        faces = _facing(self.surface.vertices, self.surface.faces, self._toward)
        return replace(self.surface, rgb=rgb, faces=faces).keep(seen)


def _facing(vertices: np.ndarray, faces: np.ndarray, toward: np.ndarray) -> np.ndarray:
    """Faces turned so that they run counter-clockwise to whom the (V, 3) directions lead to."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    away = np.einsum("ij,ij->i", normal, toward[faces].sum(1)) < 0
    return np.where(away[:, None], faces[:, ::-1], faces)


def _pixels(local: np.ndarray, camera: Camera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns and rows of the points in a picture, and the (N,) mask of points that are in it."""
    z = local[:, 2]
    ahead = z > 0.1
    safe = np.where(ahead, z, 1.0)
    u = np.rint(camera.K[0, 0] * local[:, 0] / safe + camera.K[0, 2])
    v = np.rint(camera.K[1, 1] * local[:, 1] / safe + camera.K[1, 2])
    there = ahead & (u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)
    return u[there].astype(int), v[there].astype(int), there
