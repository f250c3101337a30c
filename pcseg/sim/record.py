"""Recording: what all sensors of a rig see of a world at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pcseg.data.scan import Scan
from pcseg.sim.boxes import Box, objects
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
        world: that was looked at.
        sweeps: of the main LiDAR alone, between the frame before and this one, the earliest first;
            as many as the rig asks for.
    """

    time: float
    body: np.ndarray
    scans: tuple[Scan, ...]
    pictures: tuple[Picture, ...]
    world: World
    sweeps: tuple[Scan, ...] = ()

    def boxes(self) -> list[Box]:
        """Of all countable objects of the world at this moment, seen or not."""
        return objects(self.world, self.time)

    @property
    def points(self) -> int:
        """Of all scans together."""
        return sum(len(scan) for scan in self.scans)


class Recorder:
    """A rig in a world, driven by the world's own carrier."""

    def __init__(self, world: World, rig: Rig) -> None:
        self.rig = rig
        self.stage = Stage(world)
        self.lidars = tuple(
            Lidar(self.stage, mount.sensor, body_from_sensor=mount.body_from_sensor)
            for mount in rig.lidars
        )

    @property
    def world(self) -> World:
        """That is recorded."""
        return self.stage.world

    def record(self, time: float, seed: Sequence[int], since: float | None = None) -> Frame:
        """Look at the world with every sensor.

        Args:
            time: of the middle of the sweeps, and of the pictures (seconds).
            seed: of the chance in this frame; every sensor derives its own.
            since: time of the frame before, which the sweeps in between follow; None if this is
                the first, which has none.
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
        sweeps = tuple(
            self._sweep(0, self.world.body_pose(earlier), earlier, [*seed, _BETWEEN, back])
            for back, earlier in self._between(since, time)
        )
        return Frame(float(time), body, scans, pictures, self.world, sweeps)

    def _between(self, since: float | None, time: float) -> list[tuple[int, float]]:
        """How many turns of the main LiDAR before `time`, and when, the earliest first."""
        if since is None:
            return []
        turn = 1.0 / self.rig.main.sensor.frame_rate_hz
        times = [(back, time - back * turn) for back in range(self.rig.sweeps, 0, -1)]
        # Half a turn: the one nearest to the frame before would look at the same moment again.
        return [(back, earlier) for back, earlier in times if earlier > since + turn / 2]

    def _sweep(self, number: int, body: np.ndarray, time: float, seed: Sequence[int]) -> Scan:
        ego = self.world.ego
        return self.lidars[number].scan(
            body @ self.rig.lidars[number].body_from_sensor,
            time,
            np.random.default_rng(seed),
            velocity=ego.velocity(time),
            yaw_rate=ego.speed_mps * ego.path.bend(ego.travelled(time)),
        )


_BETWEEN = 1000
"""Tells the chance of sweeps between frames from that of the rig's other LiDARs."""
