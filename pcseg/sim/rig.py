"""Rigs: which LiDARs and cameras a car carries, and where on it they sit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pcseg.errors import ConfigError
from pcseg.hints import did_you_mean
from pcseg.sim.mesh import pose
from pcseg.sim.sensors import Sensor

CAMERA_FROM_BODY = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
"""Axes of a camera that looks straight ahead: x right, y down, z forward."""


@dataclass(frozen=True)
class Mount:
    """A LiDAR on a car.

    Attributes:
        name: of the channel, as the dataset calls it.
        sensor: the device.
        body_from_sensor: (4, 4) float64. The body's frame is x forward, y left, z up; its origin
            lies on the ground under the main LiDAR.
    """

    name: str
    sensor: Sensor
    body_from_sensor: np.ndarray


@dataclass(frozen=True)
class Camera:
    """A pinhole camera on a car.

    Attributes:
        name: of the channel, as the dataset calls it.
        width: in pixels.
        height: in pixels.
        K: (3, 3) float64 intrinsics in pixels; the centre of the upper left pixel is (0, 0).
        body_from_camera: (4, 4) float64; the camera's x is right, y down, z forward.
    """

    name: str
    width: int
    height: int
    K: np.ndarray
    body_from_camera: np.ndarray

    def scaled(self, factor: float) -> Camera:
        """The same view in fewer (or more) pixels."""
        width, height = max(1, round(self.width * factor)), max(1, round(self.height * factor))
        x, y = width / self.width, height / self.height
        K = self.K.copy()
        # Pixel centres are whole numbers: the picture begins at -0.5.
        K[0] *= x
        K[1] *= y
        K[0, 2] += (x - 1) / 2
        K[1, 2] += (y - 1) / 2
        return replace(self, width=width, height=height, K=K)

    def rays(self, top: int = 0, bottom: int | None = None) -> np.ndarray:
        """(N, 3) float32 unit vectors in the camera's frame through the middles of its pixels.

        Args:
            top: first row.
            bottom: row after the last; by default all rows are taken.
        """
        into = np.linalg.inv(self.K)
        u, v = np.arange(self.width), np.arange(top, self.height if bottom is None else bottom)
        rays: np.ndarray = into[:, 0] * u[:, None] + (into[:, 1] * v[:, None] + into[:, 2])[:, None]
        unit = rays / np.sqrt(np.square(rays).sum(-1, keepdims=True))
        return unit.reshape(-1, 3).astype(np.float32)


@dataclass(frozen=True)
class Rig:
    """All that a car carries.

    Attributes:
        lidars: the first is the main one, above the body's origin.
        cameras: in the dataset's order.
        frame_rate_hz: labelled frames a second, as the dataset publishes them.
        sweeps: turns of the main LiDAR between two frames that are kept too, at most.
    """

    lidars: tuple[Mount, ...]
    cameras: tuple[Camera, ...]
    frame_rate_hz: float
    sweeps: int = 0

    @property
    def main(self) -> Mount:
        """The main LiDAR."""
        return self.lidars[0]

    def thinned(self, columns: int, rows: int) -> Rig:
        """Every LiDAR with fewer rays; see `Sensor.thinned`."""
        lidars = (replace(m, sensor=m.sensor.thinned(columns, rows)) for m in self.lidars)
        return replace(self, lidars=tuple(lidars))

    def with_cameras(self, names: Sequence[str], scale: float = 1.0) -> Rig:
        """Only the named cameras, their pictures scaled.

        Raises:
            ConfigError: for a camera that the rig does not have, or an impossible scale.
        """
        if not 0 < scale <= 4:
            raise ConfigError(f"pictures cannot be scaled by {scale}: choose more than 0, up to 4.")
        there = {camera.name: camera for camera in self.cameras}
        for name in names:
            if name not in there:
                raise ConfigError(
                    f"there is no camera '{name}'{did_you_mean(name, list(there))}. "
                    f"Cameras: {', '.join(there) or 'none in this layout'}."
                )
        return replace(self, cameras=tuple(there[name].scaled(scale) for name in names))


def above(name: str, sensor: Sensor) -> Mount:
    """A level LiDAR at its usual height above the body's origin, looking ahead."""
    return Mount(name, sensor, pose((0.0, 0.0, sensor.mount_height_m)))


def camera_pose(
    place: Sequence[float] | np.ndarray, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0
) -> np.ndarray:
    """(4, 4) pose of a camera's frame (x right, y down, z forward) by where it sits and looks.

    Args:
        place: (3,) metres.
        yaw: radians to the left of the outer frame's x axis.
        pitch: radians upwards.
        roll: radians, right side down.
    """
    return with_camera_axes(pose(place, yaw, pitch, roll))


def with_camera_axes(placed: np.ndarray) -> np.ndarray:
    """A (4, 4) pose with axes x forward, y left, z up, as that of a camera: x right, y down."""
    turned = placed.copy()
    turned[:3, :3] = placed[:3, :3] @ CAMERA_FROM_BODY.T
    return turned


def looking(
    name: str,
    size: tuple[int, int],
    focal_px: float,
    offset: Sequence[float],
    yaw: float = 0.0,
    pitch: float = 0.0,
) -> Camera:
    """A camera by where it sits and looks.

    Args:
        name: of the channel.
        size: width and height in pixels.
        focal_px: in pixels.
        offset: metres from the body's origin: forward, left, up.
        yaw: radians to the left of straight ahead.
        pitch: radians upwards.
    """
    width, height = size
    K = np.array([[focal_px, 0, (width - 1) / 2], [0, focal_px, (height - 1) / 2], [0, 0, 1.0]])
    return Camera(name, width, height, K, camera_pose(offset, yaw, pitch))
