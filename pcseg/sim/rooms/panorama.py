"""Panoramas: a room seen from a few stations all around, as one cloud of coloured points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pcseg.sim.camera import Picture, render
from pcseg.sim.rig import Camera, camera_pose
from pcseg.sim.rooms.layouts import Step
from pcseg.sim.rooms.room import Room
from pcseg.sim.rooms.trajectory import standing_places
from pcseg.sim.stage import Stage

SIZE_PX = 1024
"""Of each of the six pictures of a panorama."""
SPACING_M, SIGMA_M, FAR_M = 0.015, 0.002, 12.0
_HEIGHT_M = 1.4
_LOOKS = ((0, 0), (90, 0), (180, 0), (270, 0), (0, 90), (0, -90))


@dataclass(frozen=True)
class RoomCloud:
    """Points of a room.

    Attributes:
        xyz: (N, 3) float32 metres.
        rgb: (N, 3) uint8.
        label: (N,) uint16 raw ids of `pcseg.sim.rooms.kinds`.
        instance: (N,) uint16.
    """

    xyz: np.ndarray
    rgb: np.ndarray
    label: np.ndarray
    instance: np.ndarray

    def moved(self, offset: np.ndarray) -> RoomCloud:
        """The same points elsewhere."""
        return replace(self, xyz=(self.xyz + offset).astype(np.float32))


def scan_room(
    room: Room, stations: int, image_scale: float, seed: int, step: Step
) -> RoomCloud | None:
    """Stand a panoramic depth camera in free places of a room and join what it sees.

    Args:
        room: to be scanned.
        stations: how many places.
        image_scale: of the pictures.
        seed: of the noise.
        step: told of every station; None is returned if it asks to stop.
    """
    rng = np.random.default_rng([seed, 4])
    stage, camera = Stage(room), _cube_camera(image_scale)
    clouds = []
    for number, place in enumerate(standing_places(room, stations)):
        parts = []
        for yaw, pitch in np.radians(_LOOKS):
            pose = camera_pose((*place, _HEIGHT_M), yaw, pitch)
            picture = render(stage, camera, pose, float(number))
            parts.append(_points(picture, rng))
        clouds.append(_thinned(parts))  # at once, so that memory does not grow with stations
        if not step(number):
            return None
    return _thinned(clouds)


def _cube_camera(scale: float) -> Camera:
    """A square camera of 90 degrees."""
    size = max(8, round(SIZE_PX * scale))
    focal, middle = size / 2, (size - 1) / 2
    K = np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1.0]])
    return Camera("panorama", size, size, K, np.eye(4))


def _points(picture: Picture, rng: np.random.Generator) -> RoomCloud:
    """What the pixels of a picture see, with a little noise along their rays."""
    v, u = np.nonzero((picture.labels > 0) & (picture.depth < FAR_M))
    rays = np.column_stack([u, v, np.ones(len(u))]) @ np.linalg.inv(picture.camera.K).T
    noise = rng.normal(0, SIGMA_M, len(u)) / np.linalg.norm(rays, axis=1)
    local = rays * (picture.depth[v, u] + noise)[:, None]
    world = local @ picture.pose[:3, :3].T + picture.pose[:3, 3]
    return RoomCloud(
        world.astype(np.float32), picture.rgb[v, u], picture.labels[v, u], picture.instances[v, u]
    )


def _thinned(parts: Sequence[RoomCloud]) -> RoomCloud:
    """Of all points the first in each occupied cell of a grid and each object, in order."""
    names = ("xyz", "rgb", "label", "instance")
    xyz, rgb, label, instance = (
        np.concatenate([getattr(part, name) for part in parts]) for name in names
    )
    cell = np.floor(xyz / SPACING_M).astype(np.int64)
    cell -= cell.min(0)
    size = cell.max(0) + 1
    code = (cell[:, 0] * size[1] + cell[:, 1]) * size[2] + cell[:, 2]
    code = code * (int(instance.max()) + 1) + instance
    rows = np.sort(np.unique(code, return_index=True)[1])
    return RoomCloud(xyz[rows], rgb[rows], label[rows], instance[rows])
