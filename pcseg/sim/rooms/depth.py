"""Depth cameras: what a structured-light sensor measures, with its noise and its holes."""

from __future__ import annotations

from typing import Any

import numpy as np

from pcseg.sim.materials import MIRROR
from pcseg.sim.rays import rotated
from pcseg.sim.rig import Camera
from pcseg.sim.stage import Stage

NEAR_M, FAR_M = 0.4, 8.0
_STEEPEST = np.cos(np.radians(82))


def measure_depth(
    stage: Stage[Any], camera: Camera, pose: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Measure the distance along the optical axis in every pixel.

    Noise grows with the square of the distance, as fitted to a Kinect by Nguyen, Izadi and Lovell
    ("Modeling Kinect sensor noise for improved 3D reconstruction and tracking", 3DIMPVT 2012):
    0.0012 + 0.0019 (z - 0.4)² metres. Nothing comes back from slanting or mirroring surfaces, from
    too near or too far, and beside edges, where the projector's light is in shadow.

    Args:
        stage: the room.
        camera: size and intrinsics of the depth camera.
        pose: (4, 4) camera -> room.
        rng: of the noise.

    Returns:
        (H, W) uint16 millimetres, 0 where nothing was measured.
    """
    height, width = camera.height, camera.width
    own = camera.rays()
    directions = rotated(own, pose[:3, :3].astype(np.float32))
    origins = np.tile(pose[:3, 3].astype(np.float32), (len(own), 1))
    hits = stage.static.cast(origins, directions, np.full(len(own), 2 * FAR_M, np.float32))
    met = hits.face >= 0
    facing = np.abs(np.einsum("ij,ij->i", hits.normal, directions))
    facing /= np.maximum(np.linalg.norm(hits.normal, axis=1), 1e-12)
    z = hits.distance * own[:, 2].astype(np.float64)
    sigma = 0.0012 + 0.0019 * np.square(np.maximum(z - 0.4, 0.0))
    noisy = z + sigma * rng.standard_normal(len(z))
    lost = rng.random(len(z)) < MIRROR[stage.faces.material[np.where(met, hits.face, 0)]]
    seen = met & ~lost & (facing > _STEEPEST) & (z > NEAR_M) & (z < FAR_M)
    seen = seen.reshape(height, width) & ~_beside_edges(z.reshape(height, width), rng)
    return np.where(seen, np.rint(1000 * noisy.reshape(height, width)), 0).astype(np.uint16)


def _beside_edges(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(H, W) pixels just behind an edge, to its left, most of which see no projected light."""
    nearer = np.zeros_like(z, bool)
    nearer[:, :-1] = z[:, :-1] - z[:, 1:] > 0.05 * z[:, 1:]
    shadow = nearer.copy()
    shadow[:, :-1] |= nearer[:, 1:]
    drawn: np.ndarray = shadow & (rng.random(z.shape) < 0.8)
    return drawn
