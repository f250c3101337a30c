"""A bare plane where everything that a sweep gives can be computed by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pcseg.sim import Sensor, World
from pcseg.sim.classes import ROAD
from pcseg.sim.mesh import Mesh, join
from pcseg.sim.path import STEP_M, Path
from pcseg.sim.shapes.primitives import quads
from pcseg.sim.world import Mover, Track


def straight_path(length_m: float = 400.0) -> Path:
    count = int(length_m / STEP_M) + 1
    xyz = np.zeros((count, 3))
    xyz[:, 0] = np.arange(count) * STEP_M
    return Path(xyz, np.zeros(count))


def plane_world(extra: list[Mesh] | None = None, movers: tuple[Mover, ...] = ()) -> World:
    """A flat road of 800 x 800 m at z = 0 around the middle of a straight path."""
    corners = [[-200, -400, 0], [600, -400, 0], [600, 400, 0], [-200, 400, 0]]
    ground = quads(np.array([corners], float), "asphalt").labelled(ROAD)
    path = straight_path()
    return World(join([ground, *(extra or [])]), movers, path, Track(path, 200.0, 10.0, 0.0))


def level_pose(height: float, x: float = 200.0) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, 3] = (x, 0.0, height)
    return pose


def exact(device: Sensor, **changes: Any) -> Sensor:
    """The device without noise and quantum."""
    return replace(device, range_sigma_m=0.0, range_quantum_m=0.0, **changes)
