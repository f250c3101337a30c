"""The rays of one sweep: where a moving sensor sends them, and which pass near an object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pcseg.sim.sensors import Sensor

# The carrier is a car under the sensor; rays that would meet its roof or its bonnet and boot are
# lost. Each slab: x from, x to, half width, height above ground (metres).
_CARRIER_M = ((-1.3, 0.9, 0.6, 1.48), (-2.4, 2.3, 0.85, 0.95))


@dataclass(frozen=True)
class Rays:
    """R * C rays, row after row, in the world.

    Attributes:
        origins: (N, 3) float32 metres; exact to 0.3 mm at the far end of the longest street.
        directions: (N, 3) float32 unit vectors.
        times: (N,) float32 seconds from the middle of the sweep.
    """

    origins: np.ndarray
    directions: np.ndarray
    times: np.ndarray


def sweep_rays(
    sensor: Sensor, pose: np.ndarray, phase: float, velocity: np.ndarray, yaw_rate: float
) -> Rays:
    """The rays of a sweep during which the sensor moves.

    Args:
        sensor: beam table.
        pose: (4, 4) sensor -> world in the middle of the sweep.
        phase: radians by which the head is ahead (counter-clockwise) of its nominal firing angles.
        velocity: (3,) of the sensor in the world (m/s).
        yaw_rate: of the sensor (rad/s).
    """
    times = sensor.column_time_s
    turn = phase + yaw_rate * times
    rotation = np.zeros((sensor.columns, 3, 3))
    rotation[:, 0, 0] = rotation[:, 1, 1] = np.cos(turn)
    rotation[:, 1, 0] = np.sin(turn)
    rotation[:, 0, 1] = -rotation[:, 1, 0]
    rotation[:, 2, 2] = 1.0
    rotation = (pose[:3, :3] @ rotation).astype(np.float32)
    shift = (times[:, None] * velocity + pose[:3, 3]).astype(np.float32)
    return Rays(
        origins=(rotated(sensor.origins, rotation) + shift).reshape(-1, 3),
        directions=rotated(sensor.directions, rotation).reshape(-1, 3),
        times=np.broadcast_to(times.astype(np.float32), (sensor.rows, sensor.columns)).reshape(-1),
    )


def rotated(vectors: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """(..., 3) vectors turned by (3, 3) or matching (..., 3, 3) rotations.

    Written out by components: a BLAS call for three columns costs more than it computes, and so do
    loops over an innermost axis of three.
    """
    x, y, z = (np.ascontiguousarray(vectors[..., k]) for k in range(3))
    turned = np.empty(vectors.shape, vectors.dtype)
    for k in range(3):
        component = x * rotation[..., k, 0]
        component += y * rotation[..., k, 1]
        component += z * rotation[..., k, 2]
        turned[..., k] = component
    return turned


class Bearings:
    """Finds the rays of a sweep that may meet a sphere.

    Within a row the azimuth is linear in the column, so the window of columns is computed, not
    searched; rows are chosen by their elevation.
    """

    def __init__(self, sensor: Sensor) -> None:
        first, second = sensor.directions[:, 0], sensor.directions[:, min(1, sensor.columns - 1)]
        self._azimuth = np.arctan2(first[:, 1], first[:, 0]).astype(float)
        self._elevation = np.arcsin(np.clip(first[:, 2], -1, 1)).astype(float)
        level = int(np.argmin(np.abs(self._elevation)))
        step = np.arctan2(second[level, 1], second[level, 0]) - self._azimuth[level]
        self._step = float(_wrapped(np.asarray(step)))
        self._rows, self._columns = sensor.rows, sensor.columns
        # Straight up or down there is no azimuth, and a single column has no step.
        steep = bool((np.abs(self._elevation) > np.radians(85)).any())
        self._searchable = not steep and abs(self._step) > 1e-6

    def near(self, pose: np.ndarray, center: np.ndarray, radius: float) -> np.ndarray:
        """Indices of the rays that may pass within `radius` metres of the world point `center`."""
        away = pose[:3, :3].T @ (center - pose[:3, 3])
        flat = float(np.hypot(away[0], away[1]))
        everything = self._rows * self._columns
        if flat <= 1.02 * radius or not self._searchable:
            return np.arange(everything)
        # The head's phase and the turn of the carrier shift the beams a little.
        half = float(np.arcsin(radius / flat)) + 0.01
        width = int(half / abs(self._step)) + 2
        turn = int(np.ceil(2 * np.pi / abs(self._step) - 1e-3))
        if 2 * width + 1 >= turn:
            return np.arange(everything)
        high = np.arctan2(away[2], flat)
        rows = np.flatnonzero(np.abs(self._elevation - high) < half)
        ahead = (np.arctan2(away[1], away[0]) - self._azimuth[rows]) * np.sign(self._step)
        middle = ((ahead % (2 * np.pi)) / abs(self._step)).astype(int)
        columns = (middle[:, None] + np.arange(-width, width + 1)) % turn
        index = rows[:, None] * self._columns + columns
        return index[columns < self._columns]


def blocked(sensor: Sensor, body_from_sensor: np.ndarray | None = None) -> np.ndarray:
    """(R, C) rays that the carrier is in the way of: where they cross the height of a slab.

    Args:
        sensor: beam table.
        body_from_sensor: (4, 4) where it is mounted; by default level, at its usual height above
            the body's origin.
    """
    hidden = np.zeros(sensor.directions.shape[:2], bool)
    origins, directions, height_m = sensor.origins, sensor.directions, sensor.mount_height_m
    if body_from_sensor is not None:
        turn = body_from_sensor[:3, :3].astype(np.float32)
        origins, directions = rotated(origins, turn), rotated(directions, turn)
        height_m = float(body_from_sensor[2, 3])
        origins[..., :2] += body_from_sensor[:2, 3].astype(np.float32)
    down = np.minimum(directions[..., 2], -1e-6)
    for back, front, half, height in _CARRIER_M:
        top = height - height_m
        if top > -0.05:
            continue  # the sensor is mounted beside the car, not above it
        reach = (top - origins[..., 2]) / down
        x = origins[..., 0] + reach * directions[..., 0]
        y = origins[..., 1] + reach * directions[..., 1]
        hidden |= (x > back) & (x < front) & (np.abs(y) < half)
    return hidden


def _wrapped(angle: np.ndarray) -> np.ndarray:
    return (angle + np.pi) % (2 * np.pi) - np.pi
