"""Recording: what all sensors of a rig see of a world at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pcseg.data.scan import Scan
from pcseg.sim.camera import Picture, render
from pcseg.sim.lidar import Lidar
from pcseg.sim.rig import Rig
from pcseg.sim.stage import Stage
from pcseg.sim.world import World


@dataclass(frozen=True)
class Frame:
    """One moment of a drive.

    Attributes:
        time: seconds from the sequence's beginning.
        body: (4, 4) float64 body -> world.
        scans: one for each LiDAR of the rig, in its own frame (x forward, y left, z up), with its
            pose; raw labels are the simulator's.
        pictures: one for each camera of the rig.
    """

    time: float
    body: np.ndarray
    scans: tuple[Scan, ...]
    pictures: tuple[Picture, ...]

    @property
    def points(self) -> int:
        """Of all scans together."""
        return sum(len(scan) for scan in self.scans)


class Recorder:
    """A rig in a world, driven by the world's own carrier."""

    def __init__(self, world: World, rig: Rig) -> None:
        self.rig = rig
        self.stage = Stage(world)
        self.lidars = tuple(Lidar(self.stage, mount.sensor) for mount in rig.lidars)

    @property
    def world(self) -> World:
        """That is recorded."""
        return self.stage.world

    def record(self, time: float, seed: Sequence[int]) -> Frame:
        """Look at the world with every sensor.

        Args:
            time: of the middle of the sweeps, and of the pictures (seconds).
            seed: of the chance in this frame; every sensor derives its own.
        """
        body = self.world.body_pose(time)
        scans = tuple(
            self._sweep(number, body, time, [*seed, number] if number else [*seed])
            for number in range(len(self.lidars))
        )
        pictures = tuple(
            render(self.stage, camera, body @ camera.body_from_camera, time)
            for camera in self.rig.cameras
        )
        return Frame(float(time), body, scans, pictures)

    def _sweep(self, number: int, body: np.ndarray, time: float, seed: Sequence[int]) -> Scan:
        ego = self.world.ego
        return self.lidars[number].scan(
            body @ self.rig.lidars[number].body_from_sensor,
            time,
            np.random.default_rng(seed),
            velocity=ego.velocity(time),
            yaw_rate=ego.speed_mps * ego.path.bend(ego.travelled(time)),
        )
