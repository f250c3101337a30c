"""A camera's picture: colour, depth, labels and instances of every pixel, by ray casting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pcseg.sim.rig import Camera
from pcseg.sim.stage import Stage

FAR_M = 400.0


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


def render(stage: Stage, camera: Camera, pose: np.ndarray, time: float) -> Picture:
    """Take a picture.

    Args:
        stage: the world.
        camera: its size and intrinsics.
        pose: (4, 4) camera -> world.
        time: seconds; moving objects stand where they are then.
    """
    height, width = camera.height, camera.width
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    rays = np.stack([u, v, np.ones_like(u)], -1).reshape(-1, 3) @ np.linalg.inv(camera.K).T
    length = np.linalg.norm(rays, axis=1)
    directions = (rays / length[:, None]) @ pose[:3, :3].T
    origins = np.broadcast_to(pose[:3, 3], directions.shape).astype(np.float32)
    limit = np.full(len(rays), FAR_M, np.float32)
    hits = stage.static.cast(origins, directions.astype(np.float32), limit)
    met = hits.face >= 0
    face = np.where(met, hits.face, 0)
    grey = np.where(met, 128, 200).astype(np.uint8)
    depth = np.where(met, hits.distance / length, 0).astype(np.float32)
    return Picture(
        camera=camera,
        rgb=np.repeat(grey.reshape(height, width, 1), 3, 2),
        depth=depth.reshape(height, width),
        labels=np.where(met, stage.faces.label[face], 0).reshape(height, width),
        instances=np.where(met, stage.faces.instance[face], 0).reshape(height, width),
        pose=np.array(pose, float),
        time=float(time),
    )
