"""RGB-D recordings: a colour and a depth camera, carried through a room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pcseg.sim.camera import Picture, render
from pcseg.sim.rig import Camera
from pcseg.sim.rooms.depth import measure_depth
from pcseg.sim.rooms.room import Room
from pcseg.sim.rooms.trajectory import hand_held
from pcseg.sim.stage import Stage


@dataclass(frozen=True)
class RgbdCamera:
    """A colour and a depth camera that look from one place in one direction.

    Attributes:
        color: sees colours and labels.
        depth: measures distances.
    """

    color: Camera
    depth: Camera

    def scaled(self, factor: float) -> RgbdCamera:
        """The same views in fewer pixels."""
        return RgbdCamera(self.color.scaled(factor), self.depth.scaled(factor))


@dataclass(frozen=True)
class RgbdFrame:
    """What both cameras saw at one moment.

    Attributes:
        number: from 0.
        time: seconds from the first frame.
        pose: (4, 4) float64 camera -> room.
        picture: colours, and the exact labels, instances and depth of each of its pixels.
        depth_mm: (H, W) uint16 millimetres as measured, 0 where nothing was.
    """

    number: int
    time: float
    pose: np.ndarray
    picture: Picture
    depth_mm: np.ndarray


def record(room: Room, camera: RgbdCamera, frames: int, seed: int) -> Iterator[RgbdFrame]:
    """Walk through a room and take pictures; the same arguments give the same frames.

    Args:
        room: to be recorded.
        camera: that is carried.
        frames: how many.
        seed: of the way and of the noise of every frame.
    """
    poses, times = hand_held(room, frames, np.random.default_rng([seed, 0]))
    stage = Stage(room)
    for number, (pose, time) in enumerate(zip(poses, times.tolist(), strict=True)):
        rng = np.random.default_rng([seed, 1, number])
        depth = measure_depth(stage, camera.depth, pose, rng)
        yield RgbdFrame(number, time, pose, render(stage, camera.color, pose, time), depth)
