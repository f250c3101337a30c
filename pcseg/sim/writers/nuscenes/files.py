"""A sweep in the bytes of nuScenes: whole firing columns from the lowest ring to the highest."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from pcseg.data.scan import Scan
from pcseg.sim.sensors import Sensor
from pcseg.sim.writers.nuscenes.ids import CAR_ITSELF, categories, panoptic


@dataclass(frozen=True)
class Grid:
    """Every ray of a sweep, column after column: N = columns · rows.

    Attributes:
        cloud: (N, 5) float32 x right, y forward, z up, intensity 0..255 in whole steps, ring.
        category: (N,) int64.
        panoptic: (N,) uint16.
    """

    cloud: np.ndarray
    category: np.ndarray
    panoptic: np.ndarray


def grid(scan: Scan, sensor: Sensor) -> Grid:
    """The file's order and units of a sweep.

    A ray without a return is a point too: at the place of the sensor when it was fired, labelled
    as the car itself. In genuine files these are about a quarter.

    Args:
        scan: as the simulator gives it.
        sensor: that made it.
    """
    assert scan.raw_labels is not None and scan.instances is not None and scan.pose is not None
    rows, columns = sensor.rows, sensor.columns
    column = sensor.fired(scan.attrs["time"])
    row = scan.attrs["ring"].astype(np.int64)
    xyz = np.empty((columns, rows, 3), np.float32)
    motion = scan.meta["motion"]["velocity"] @ scan.pose[:3, :3]
    xyz[:] = (sensor.column_time_s[:, None] * motion)[:, None]
    xyz[column, row] = scan.xyz
    intensity = np.zeros((columns, rows), np.float32)
    intensity[column, row] = np.rint(255 * np.clip(scan.attrs["intensity"], 0, 1))
    category = np.full((columns, rows), CAR_ITSELF)
    category[column, row] = categories(scan.raw_labels)
    instance = np.zeros((columns, rows), np.int64)
    instance[column, row] = scan.instances
    # Rows run from the highest beam, rings from the lowest.
    ring = np.broadcast_to(sensor.whole.rows - 1 - sensor.beams, (columns, rows))
    fields = [-xyz[..., 1], xyz[..., 0], xyz[..., 2], intensity, ring.astype(np.float32)]
    cloud = np.stack([values[:, ::-1] for values in fields], -1).reshape(-1, 5)
    kinds, objects = category[:, ::-1].reshape(-1), instance[:, ::-1].reshape(-1)
    return Grid(cloud, kinds, panoptic(kinds, objects))


def npz(labels: np.ndarray) -> bytes:
    """A compressed .npz with the array ``data``; the same labels give the same bytes."""
    made = io.BytesIO()
    np.savez_compressed(made, data=labels)
    return made.getvalue()


def depth_steps(depth: np.ndarray) -> np.ndarray:
    """(H, W) uint16: depth in 1/256 m as KITTI stores it; 0 where unknown or beyond 255 m."""
    return np.where(depth < 255.0, np.rint(256.0 * depth), 0).astype(np.uint16)
