"""PandaSet's cuboids: boxes around objects in the frame of a scan, and which points they hold."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.errors import DataError
from pcseg.io.pickled_tables import PickledTable, read_pickled_table

BOTH_LIDARS = -1


@dataclass(frozen=True)
class Cuboids:
    """B boxes of one frame, upright in the world.

    Attributes:
        scan_from_box: (B, 4, 4) float64: the box's frame has its origin in the middle, x towards
            the object's front, y left, z up; the scan's frame is that of the points as read.
        size: (B, 3) float64 metres: length (along x), width, height.
        names: (B,) of the classes, as annotated; not always those of the points inside.
        instance: (B,) int64 above 0, the same in all frames; two boxes of one moving object, seen
            by each LiDAR at its own time, have the same.
        lidar: (B,) int64: the LiDAR whose points are meant, `BOTH_LIDARS` for what stands still.
    """

    scan_from_box: np.ndarray
    size: np.ndarray
    names: tuple[str, ...]
    instance: np.ndarray
    lidar: np.ndarray

    def as_meta(self) -> dict[str, Any]:
        """As entries of a scan's meta, plain enough to be stored with it."""
        return {
            "cuboids": self.scan_from_box,
            "cuboid_size": self.size,
            "cuboid_name": list(self.names),
            "cuboid_instance": self.instance,
            "cuboid_lidar": self.lidar,
        }


def read_cuboids(path: Path, world_from_scan: np.ndarray) -> Cuboids:
    """Read ``annotations/cuboids/FF.pkl.gz``.

    Stored yaws count from the world's y axis to the object's front, and the object's width is its
    x (PandaSet development kit, README, "Cuboids").

    Args:
        path: of the table.
        world_from_scan: (4, 4) pose of the scan.

    Raises:
        DataError: if the file is damaged, lacks a column, or a box cannot be.
    """
    table = read_pickled_table(path)
    numbers = {key: _column(path, table, key) for key in _NUMBERS}
    names, uuids = (_column(path, table, key, "O") for key in ("label", "uuid"))
    siblings = table.columns.get("cuboids.sibling_id", uuids)
    lidar = table.columns.get("cuboids.sensor_id", np.full(len(table), BOTH_LIDARS))
    place = np.stack([numbers[f"position.{axis}"] for axis in "xyz"], 1).astype(np.float64)
    width, length, height = (numbers[f"dimensions.{axis}"] for axis in "xyz")
    size = np.stack([length, width, height], 1).astype(np.float64)
    wrong = ~(np.isfinite(place).all(1) & (size > 0).all(1) & (size < _LONGEST_M).all(1))
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{path}, row {row}: a box of {size[row].round(3).tolist()} m at "
            f"{place[row].round(1).tolist()} cannot be. Copy the file again."
        )
    world_from_box = np.tile(np.eye(4), (len(table), 1, 1))
    cos, sin = np.cos(numbers["yaw"] + np.pi / 2), np.sin(numbers["yaw"] + np.pi / 2)
    world_from_box[:, 0, 0] = world_from_box[:, 1, 1] = cos
    world_from_box[:, 1, 0], world_from_box[:, 0, 1] = sin, -sin
    world_from_box[:, :3, 3] = place
    return Cuboids(
        scan_from_box=np.linalg.inv(world_from_scan) @ world_from_box,
        size=size,
        names=tuple(map(str, names)),
        instance=np.array([_instance(*pair) for pair in zip(uuids, siblings, strict=True)], int),
        lidar=np.asarray(lidar).astype(np.int64),
    )


def instances_inside(cuboids: Cuboids, xyz: np.ndarray, lidar: np.ndarray) -> np.ndarray:
    """(N,) int64 instance of each point: that of the smallest box around it, 0 for none.

    Args:
        cuboids: of the frame.
        xyz: (N, 3) points of the scan.
        lidar: (N,) which LiDAR measured each.
    """
    found = np.zeros(len(xyz), np.int64)
    order = np.argsort(xyz[:, 0])  # a box then needs to look at a slice only
    ordered = xyz[order].astype(np.float64)
    for box in np.argsort(-cuboids.size.prod(1), kind="stable"):
        center, half = cuboids.scan_from_box[box, :3, 3], cuboids.size[box] / 2
        reach = float(np.linalg.norm(half))
        first, last = np.searchsorted(ordered[:, 0], [center[0] - reach, center[0] + reach])
        local = (ordered[first:last] - center) @ cuboids.scan_from_box[box, :3, :3]
        inside = (np.abs(local) <= half).all(1)
        rows = order[first:last][inside]
        if cuboids.lidar[box] != BOTH_LIDARS:
            rows = rows[lidar[rows] == cuboids.lidar[box]]
        found[rows] = cuboids.instance[box]
    return found


def _column(path: Path, table: PickledTable, key: str, kinds: str = "iuf") -> np.ndarray:
    column = table.columns.get(key)
    if column is None or column.dtype.kind not in kinds:
        there = "is missing" if column is None else f"is of type {column.dtype}"
        raise DataError(f"{path}: column '{key}' {there}. Copy the file again.")
    return column


def _instance(uuid: object, sibling: object) -> int:
    """A number of 31 bits that both boxes of a pair share; "-" stands for no sibling."""
    pair = [str(uuid), str(sibling)] if str(sibling) not in ("-", "nan", "None") else [str(uuid)]
    return zlib.crc32(min(pair).encode()) & 0x7FFFFFFF or 1


_NUMBERS = ("yaw", *(f"{kind}.{axis}" for kind in ("position", "dimensions") for axis in "xyz"))
_LONGEST_M = 1000.0
