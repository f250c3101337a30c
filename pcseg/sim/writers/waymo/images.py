"""From a simulated sweep to Waymo's range images: the exact inverse of what a reader computes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pcseg.data.readers.waymo.geometry import euler_angles
from pcseg.data.scan import Scan
from pcseg.sim.classes import VEGETATION
from pcseg.sim.sensors import Sensor
from pcseg.sim.writers.waymo.ids import LIDAR_IDS, THINGS

EMPTY = -1.0
"""In all channels of a pixel without a return."""

NOT_IN_ZONE = -1.0
"""The fourth channel of points outside every no-label zone."""

SECOND_RETURN_GAP_M = 1.0
"""Nearer echoes of one pulse run together."""


@dataclass(frozen=True)
class RangeImages:
    """A sweep as Waymo stores it.

    Attributes:
        ranges: two (H, W, 4) float32, one for each return: range, intensity, elongation, no-label
            zone.
        labels: two (H, W, 2) int32: instance, class.
        poses: (H, W, 6) float32 roll, pitch, yaw, x, y, z of the vehicle at every pixel's time.
    """

    ranges: tuple[np.ndarray, np.ndarray]
    labels: tuple[np.ndarray, np.ndarray]
    poses: np.ndarray


class Grid:
    """Which row and column of the whole device's image each ray of a (thinned) sensor belongs to.

    Attributes:
        inclination: (H,) float64 radians of every row, from the top one down.
        shape: (H, W) of the whole device.
        times: (W,) float64 seconds from the middle of the sweep, of every column.
        column_step: columns of the image from one recorded firing to the next.
    """

    def __init__(self, used: Sensor) -> None:
        """Take the sensor whose rays are recorded."""
        device = used.whole
        self.shape = (device.rows, device.columns)
        self.inclination = np.arcsin(device.directions[:, 0, 2].astype(np.float64))
        self.times = device.column_time_s
        self.column_step = int(np.diff(used.firings[:2], append=device.columns)[0])
        self._used = used

    def place(self, scan: Scan) -> tuple[np.ndarray, np.ndarray]:
        """Row (N,) and column (N,) of the image for the points of a scan of the sensor."""
        fired = self._used.fired(scan.attrs["time"])
        return self._used.beams[scan.attrs["ring"]], self._used.firings[fired]


def range_images(
    scan: Scan, grid: Grid, vehicle_from_sensor: np.ndarray, rng: np.random.Generator
) -> RangeImages:
    """The range images of a simulated scan of the TOP LiDAR.

    The simulator gives one return to a pulse. Second returns are made up from it: a pulse that
    grazes an edge goes on to what its neighbour in the row meets behind. They come at some of the
    edges only, more often in foliage; these shares are chosen, not measured.

    Args:
        scan: with ``ring``, ``time``, ``intensity``, raw labels, pose and ``meta["motion"]``.
        grid: of the sensor.
        vehicle_from_sensor: (4, 4) place of the LiDAR on the vehicle, with the vehicle's axes.
        rng: of the second returns.
    """
    assert scan.pose is not None and scan.raw_labels is not None and scan.instances is not None
    row, column = grid.place(scan)
    motion = scan.meta["motion"]
    # The point lies where the beam ended, which began where the sensor was at that moment.
    start = np.outer(scan.attrs["time"].astype(np.float64), motion["velocity"]) @ scan.pose[:3, :3]
    distance = np.linalg.norm(scan.xyz - start, axis=1)
    first = _empty(grid)
    # tanh of the stored value is the simulator's intensity.
    bright = np.arctanh(np.minimum(scan.attrs["intensity"].astype(np.float64), 0.999))
    first.ranges[row, column] = np.stack(
        [distance, bright, np.zeros_like(bright), np.full_like(bright, NOT_IN_ZONE)], 1
    )
    classes = LIDAR_IDS[scan.raw_labels]
    instances = np.where(np.isin(classes, THINGS), scan.instances, 0)
    first.labels[row, column] = np.stack([instances, classes], 1)
    foliage = np.zeros(grid.shape, bool)
    foliage[row, column] = scan.raw_labels == VEGETATION
    second = _second_returns(first, foliage, grid.column_step, rng)
    return RangeImages(
        (first.ranges, second.ranges),
        (first.labels, second.labels),
        _poses(scan.pose, motion, grid, vehicle_from_sensor),
    )


@dataclass(frozen=True)
class _Image:
    ranges: np.ndarray
    labels: np.ndarray


def _empty(grid: Grid) -> _Image:
    ranges = np.full((*grid.shape, 4), EMPTY, np.float32)
    return _Image(ranges, np.zeros((*grid.shape, 2), np.int32))


def _second_returns(
    first: _Image, foliage: np.ndarray, step: int, rng: np.random.Generator
) -> _Image:
    """What lies behind at edges: range, class and half the brightness of the farther neighbour."""
    near, there = first.ranges[..., 0], first.ranges[..., 0] > 0
    source = np.zeros(near.shape, np.int64)
    behind = np.full(near.shape, np.inf, np.float32)
    for shift in (-step, step):
        beside = np.roll(near, -shift, axis=1)
        better = (beside > near + SECOND_RETURN_GAP_M) & (beside < behind)
        behind[better], source[better] = beside[better], shift
    chance = rng.random(near.shape, dtype=np.float32)
    rows, columns = np.nonzero(there & (source != 0) & (chance < np.where(foliage, 0.6, 0.25)))
    taken = (columns + source[rows, columns]) % near.shape[1]
    ranges, labels = np.full_like(first.ranges, EMPTY), np.zeros_like(first.labels)
    ranges[rows, columns] = first.ranges[rows, taken]
    ranges[rows, columns, 1] *= np.float32(0.5)
    labels[rows, columns] = first.labels[rows, taken]
    return _Image(ranges, labels)


def _poses(
    sensor_pose: np.ndarray, motion: dict[str, np.ndarray], grid: Grid, mount: np.ndarray
) -> np.ndarray:
    """(H, W, 6) pose of the vehicle when each column was fired.

    The head's phase, by which the beams of a sweep are ahead of their columns, goes into it as yaw.
    """
    times = grid.times
    turn = motion["phase"] + motion["yaw_rate"] * times
    moving = np.zeros((len(times), 4, 4))
    moving[:, 0, 0] = moving[:, 1, 1] = np.cos(turn)
    moving[:, 1, 0] = np.sin(turn)
    moving[:, 0, 1] = -moving[:, 1, 0]
    moving[:, 2, 2] = moving[:, 3, 3] = 1.0
    poses = sensor_pose @ moving
    poses[:, :3, 3] += np.outer(times, motion["velocity"])
    poses = poses @ np.linalg.inv(mount)
    columns = np.concatenate([euler_angles(poses[:, :3, :3]), poses[:, :3, 3]], 1)
    return np.broadcast_to(columns.astype(np.float32), (*grid.shape, 6))
