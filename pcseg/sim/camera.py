"""A camera's picture: colour, depth, labels and instances of every pixel, by ray casting."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary
from zlib import crc32

import numpy as np

from pcseg.sim.appearance import Appearance
from pcseg.sim.film import develop
from pcseg.sim.light import FAR_M, Light, light_of
from pcseg.sim.mesh import join
from pcseg.sim.rays import rotated
from pcseg.sim.rig import Camera
from pcseg.sim.shading import Spots, shade
from pcseg.sim.stage import Stage
from pcseg.sim.textures import surface_coordinates
from pcseg.sim.world import Mover, Scene


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
    view = _View(camera, np.asarray(pose, np.float64))
    seen = _look(stage, view, time)
    appearance, light = _look_of(stage)
    pixels = np.flatnonzero(seen.face >= 0)
    sky = np.flatnonzero(seen.face < 0)
    color = np.empty((len(seen.face), 3), np.float32)
    color[sky] = light.sky(view.directions[sky], time)
    color[pixels] = _colors(stage, view, seen, pixels, appearance, light, time)
    shape = (camera.height, camera.width)
    seed = crc32(f"{stage.world.name} {camera.name} {time:.6f}".encode())
    face, met = np.maximum(seen.face, 0), seen.face >= 0
    depth = np.where(met, seen.distance * view.forward, 0).astype(np.float32)
    return Picture(
        camera=camera,
        rgb=develop(color.reshape(*shape, 3), light.exposure, seed),
        depth=depth.reshape(shape),
        labels=np.where(met, stage.faces.label[face], 0).reshape(shape),
        instances=np.where(met, stage.faces.instance[face], 0).reshape(shape),
        pose=view.pose.copy(),
        time=float(time),
    )


class _View:
    """The rays of a camera that stands still.

    Attributes:
        directions: (H * W, 3) float32 unit vectors in the world, row after row.
        forward: (H * W,) float32 share of each ray that runs along the optical axis.
        spread: (H * W,) float32 width of a pixel at a distance of one metre.
    """

    def __init__(self, camera: Camera, pose: np.ndarray) -> None:
        self.camera, self.pose = camera, pose
        own, self.forward = _own_rays(camera.width, camera.height, camera.K.tobytes())
        self.directions = rotated(own, pose[:3, :3].astype(np.float32))
        self.origin = pose[:3, 3].astype(np.float32)
        self.spread = self.forward / np.float32(camera.K[0, 0])

    def points(self, distance: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """(N, 3) world coordinates that some pixels see at their distances (H * W,)."""
        return self.origin + distance[pixels, None] * self.directions[pixels]

    def around(self, center: np.ndarray, radius: float) -> np.ndarray:
        """Pixels whose rays may pass within `radius` metres of a point of the world."""
        away = self.pose[:3, :3].T @ (center - self.pose[:3, 3])
        camera, K = self.camera, self.camera.K
        column = _interval(away[0], away[2], radius, K[0, 0], K[0, 2], camera.width)
        row = _interval(away[1], away[2], radius, K[1, 1], K[1, 2], camera.height)
        return (np.arange(*row)[:, None] * camera.width + np.arange(*column)).reshape(-1)


@dataclass(frozen=True)
class _Seen:
    """What every ray met; updated as movers come in between.

    Attributes:
        distance: (N,) float32 metres along the ray.
        face: (N,) int32 row of the stage's faces, -1 for the sky.
        normal: (N, 3) float32 in the frame of what was met, of any length.
        owner: (N,) int16 number of the mover, -1 for what stands still.
    """

    distance: np.ndarray
    face: np.ndarray
    normal: np.ndarray
    owner: np.ndarray


def _look(stage: Stage[Any], view: _View, time: float) -> _Seen:
    origins = np.broadcast_to(view.origin, view.directions.shape)
    limit = np.full(len(view.directions), FAR_M, np.float32)
    hits = stage.static.cast(np.ascontiguousarray(origins), view.directions, limit)
    seen = _Seen(hits.distance, hits.face, hits.normal, np.full(len(limit), -1, np.int16))
    for number in stage.world.movers_within(FAR_M, view.pose[:3, 3], time):
        mover: Mover = stage.world.movers[number]
        place = mover.track.pose(time)
        center = place[:3, :3] @ mover.center + place[:3, 3]
        near = view.around(center, mover.radius_m)
        away = float(np.linalg.norm(center - view.pose[:3, 3]))
        near = near[seen.distance[near] > away - mover.radius_m]
        if not len(near):
            continue
        into = place[:3, :3].T
        start = (into @ (view.pose[:3, 3] - place[:3, 3])).astype(np.float32)
        directions = rotated(view.directions[near], into.astype(np.float32))
        shown = mover.phase(time)
        hits = stage.mover(number, shown).cast(
            np.tile(start, (len(near), 1)), directions, seen.distance[near]
        )
        met = np.flatnonzero(hits.face >= 0)
        rows = near[met]
        seen.distance[rows] = hits.distance[met]
        seen.face[rows] = hits.face[met] + stage.faces.start(number, shown)
        seen.normal[rows] = hits.normal[met]
        seen.owner[rows] = number
    return seen


def _colors(
    stage: Stage[Any],
    view: _View,
    seen: _Seen,
    pixels: np.ndarray,
    appearance: Appearance,
    light: Light,
    time: float,
) -> np.ndarray:
    """(N, 3) linear light from the surfaces that the pixels see."""
    points, directions = view.points(seen.distance, pixels), view.directions[pixels]
    normal, place = seen.normal[pixels], points.copy()
    normal /= np.sqrt(np.maximum(np.einsum("ij,ij->i", normal, normal), 1e-20))[:, None]
    own_normal, owner = normal.copy(), seen.owner[pixels]
    for number in np.unique(owner[owner >= 0]).tolist():
        rows, pose = np.flatnonzero(owner == number), stage.world.movers[number].track.pose(time)
        turn = pose[:3, :3].astype(np.float32)
        place[rows] = rotated(points[rows] - pose[:3, 3].astype(np.float32), turn.T)
        normal[rows] = rotated(own_normal[rows], turn)
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
    return shade(stage, spots, light, time)


def _look_of(stage: Stage[Any]) -> tuple[Appearance, Light]:
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
"""Kept for as long as their stages live: it takes a second to make them."""


@lru_cache(maxsize=12)
def _own_rays(width: int, height: int, K: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (H * W, 3) float32 in the camera's frame, and their z (H * W,)."""
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    pixels = np.stack([u, v, np.ones_like(u)], -1).reshape(-1, 3)
    rays = pixels @ np.linalg.inv(np.frombuffer(K, np.float64).reshape(3, 3)).T
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    own = rays.astype(np.float32)
    return own, np.ascontiguousarray(own[:, 2])


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
