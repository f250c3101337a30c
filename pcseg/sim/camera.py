"""A camera's picture: colour, depth, labels and instances of every pixel, by ray casting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary
from zlib import crc32

import numpy as np

from pcseg.sim.appearance import Appearance
from pcseg.sim.film import develop
from pcseg.sim.light import FAR_M, Light, light_of
from pcseg.sim.mesh import join
from pcseg.sim.moment import Present, movers_at
from pcseg.sim.rays import rotated
from pcseg.sim.rig import Camera
from pcseg.sim.shading import SHADOW_REACH_M, Spots, shade
from pcseg.sim.stage import Stage
from pcseg.sim.textures import surface_coordinates
from pcseg.sim.world import Scene

_BAND_PIXELS = 1 << 17


@dataclass(frozen=True)
class Picture:
    """What a camera saw at one moment.

    Attributes:
        camera: that took it.
        rgb: (H, W, 3) uint8.
        depth: (H, W) float32 metres along the optical axis, 0 where there is only sky.
        labels: (H, W) uint16 raw ids of the simulator, 0 for the sky.
        instances: (H, W) uint16, 0 for none.
        pose: (4, 4) float64 camera -> world.
        time: seconds from the sequence's beginning.
    """

    camera: Camera
    rgb: np.ndarray
    depth: np.ndarray
    labels: np.ndarray
    instances: np.ndarray
    pose: np.ndarray
    time: float


def render(stage: Stage[Any], camera: Camera, pose: np.ndarray, time: float) -> Picture:
    """Take a picture. The same arguments give the same bytes.

    One ray through the middle of each pixel decides its colour, depth, label and instance, so
    that they agree exactly. Where the scene has lamps (material ``lamp_light``) they light it; else
    a sun does, under a sky of its own for every name of a scene.

    Args:
        stage: the scene.
        camera: its size and intrinsics.
        pose: (4, 4) camera -> world.
        time: seconds; moving objects stand where they are then.
    """
    pose = np.asarray(pose, np.float64)
    light = _looks_of(stage)[1]
    movers = movers_at(stage, pose[:3, 3], FAR_M, time)
    color = np.empty((camera.height, camera.width, 3), np.float32)
    depth = np.empty((camera.height, camera.width), np.float32)
    labels = np.empty((camera.height, camera.width), np.uint16)
    instances = np.empty_like(labels)
    # Bands of rows, so that memory stays small and what is computed stays in the cache.
    step = max(1, _BAND_PIXELS // camera.width)
    for top in range(0, camera.height, step):
        view = _View(camera, pose, top, min(top + step, camera.height))
        seen, shape = _look(stage, view, movers), (view.bottom - top, camera.width)
        face, met = np.maximum(seen.face, 0), seen.face >= 0
        band = slice(top, view.bottom)
        color[band] = _colors(stage, view, seen, movers, time).reshape(*shape, 3)
        depth[band] = np.where(met, seen.distance * view.forward, 0).reshape(shape)
        labels[band] = np.where(met, stage.faces.label[face], 0).reshape(shape)
        instances[band] = np.where(met, stage.faces.instance[face], 0).reshape(shape)
    seed = crc32(f"{stage.world.name} {camera.name} {time:.6f}".encode())
    rgb = develop(color, light.exposure, seed)
    return Picture(camera, rgb, depth, labels, instances, pose.copy(), float(time))


class _View:
    """The rays of some rows of a camera that stands still.

    Attributes:
        directions: (N, 3) float32 unit vectors in the world, row after row.
        forward: (N,) float32 share of each ray that runs along the optical axis.
        spread: (N,) float32 width of a pixel at a distance of one metre.
    """

    def __init__(self, camera: Camera, pose: np.ndarray, top: int, bottom: int) -> None:
        self.camera, self.pose, self.top, self.bottom = camera, pose, top, bottom
        own = camera.rays(top, bottom)
        self.forward = np.ascontiguousarray(own[:, 2])
        self.directions = rotated(own, pose[:3, :3].astype(np.float32))
        self.origin = pose[:3, 3].astype(np.float32)
        self.spread = self.forward / np.float32(camera.K[0, 0])

    def points(self, distance: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """(M, 3) world coordinates that some pixels see at their distances (N,)."""
        return self.origin + distance[pixels, None] * self.directions[pixels]

    def around(self, center: np.ndarray, radius: float) -> np.ndarray:
        """Pixels whose rays may pass within `radius` metres of a point of the world."""
        away = self.pose[:3, :3].T @ (center - self.pose[:3, 3])
        camera, K = self.camera, self.camera.K
        column = _interval(away[0], away[2], radius, K[0, 0], K[0, 2], camera.width)
        row = _interval(away[1], away[2], radius, K[1, 1], K[1, 2], camera.height)
        rows = np.arange(max(row[0], self.top), min(row[1], self.bottom)) - self.top
        return (rows[:, None] * camera.width + np.arange(*column)).reshape(-1)


@dataclass(frozen=True)
class _Seen:
    """What every ray met; updated as movers come in between.

    Attributes:
        distance: (N,) float32 metres along the ray.
        face: (N,) int32 row of the stage's faces, -1 for the sky.
        normal: (N, 3) float32 in the frame of what was met, of any length.
        owner: (N,) int16 which of the movers, -1 for what stands still.
    """

    distance: np.ndarray
    face: np.ndarray
    normal: np.ndarray
    owner: np.ndarray


def _look(stage: Stage[Any], view: _View, movers: Sequence[Present]) -> _Seen:
    origins = np.ascontiguousarray(np.broadcast_to(view.origin, view.directions.shape))
    limit = np.full(len(view.directions), FAR_M, np.float32)
    hits = stage.static.cast(origins, view.directions, limit)
    seen = _Seen(hits.distance, hits.face, hits.normal, np.full(len(limit), -1, np.int16))
    for row, mover in enumerate(movers):
        near = view.around(mover.center, mover.radius_m)
        away = float(np.linalg.norm(mover.center - view.pose[:3, 3]))
        near = near[seen.distance[near] > away - mover.radius_m]
        if not len(near):
            continue
        hits = mover.cast(origins[near], view.directions[near], seen.distance[near])
        met = np.flatnonzero(hits.face >= 0)
        pixels = near[met]
        seen.distance[pixels] = hits.distance[met]
        seen.face[pixels] = hits.face[met] + mover.first_face
        seen.normal[pixels] = hits.normal[met]
        seen.owner[pixels] = row
    return seen


def _colors(
    stage: Stage[Any], view: _View, seen: _Seen, movers: Sequence[Present], time: float
) -> np.ndarray:
    """(N, 3) linear light that comes along the rays."""
    appearance, light = _looks_of(stage)
    color = np.empty((len(seen.face), 3), np.float32)
    sky, pixels = np.flatnonzero(seen.face < 0), np.flatnonzero(seen.face >= 0)
    color[sky] = light.sky(view.directions[sky], time)
    if not len(pixels):
        return color
    points, directions = view.points(seen.distance, pixels), view.directions[pixels]
    normal, place = seen.normal[pixels], points.copy()
    normal /= np.sqrt(np.maximum(np.einsum("ij,ij->i", normal, normal), 1e-20))[:, None]
    own_normal, owner = normal.copy(), seen.owner[pixels]
    for number in np.unique(owner[owner >= 0]).tolist():
        rows = np.flatnonzero(owner == number)
        place[rows] = movers[number].own(points[rows])
        normal[rows] = movers[number].turned(own_normal[rows])
    facing = np.einsum("ij,ij->i", normal, directions)
    normal *= -np.sign(facing)[:, None]
    distance = seen.distance[pixels]
    # On a slanted surface a pixel is longer than wide; the texture takes the mean of both.
    spot = distance * view.spread[pixels] / np.sqrt(np.maximum(np.abs(facing), 0.02))
    u, v = surface_coordinates(place, own_normal)
    face = seen.face[pixels]
    spots = Spots(
        points=points,
        normal=normal,
        incoming=directions,
        distance=distance,
        albedo=appearance.albedo(face, place, u, v, spot),
        gloss=appearance.gloss[face],
        material=appearance.material[face],
    )
    near = [mover for mover in movers if _apart(mover, view) < SHADOW_REACH_M]
    color[pixels] = shade(stage, spots, light, near, time)
    return color


def _apart(mover: Present, view: _View) -> float:
    return float(np.linalg.norm(mover.center - view.pose[:3, 3])) - mover.radius_m


def _looks_of(stage: Stage[Any]) -> tuple[Appearance, Light]:
    """What the faces of a stage look like, in the order of its `Faces`, and what shines there."""
    if stage not in _looks:
        world: Scene = stage.world
        meshes = [world.static, *(mesh for mover in world.movers for mesh in mover.phases)]
        _looks[stage] = (
            Appearance(join(meshes), world.name),
            light_of(world.name, world.static),
        )
    return _looks[stage]


_looks: WeakKeyDictionary[Stage[Any], tuple[Appearance, Light]] = WeakKeyDictionary()
"""Kept for as long as their stages live: making them takes longer than a small picture."""


def _interval(
    aside: float, ahead: float, radius: float, focal: float, center: float, size: int
) -> tuple[int, int]:
    """From which to which (exclusive) row or column a sphere may be seen."""
    away = float(np.hypot(aside, ahead))
    if away <= 1.001 * radius:
        return 0, size
    middle, half = np.arctan2(aside, ahead), np.arcsin(radius / away)
    low, high = middle - half, middle + half
    edge = np.pi / 2 - 1e-3
    if low > edge or high < -edge:
        return 0, 0
    first = focal * np.tan(low) + center if low > -edge else -1.0
    last = focal * np.tan(high) + center if high < edge else float(size)
    return int(np.clip(np.floor(first), 0, size)), int(np.clip(np.ceil(last) + 1, 0, size))
