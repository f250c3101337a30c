"""The scenes that benchmarks run on: voxels of a LiDAR scan, of a room, of many scans together.

All are made here from a seed. Coordinates are shifted by multiples of 16 voxels until none is
negative, because some libraries number voxels from zero; the voxels of four strided levels stay
the same by that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from _room import room_points

from pcseg.data.scan import Scan
from pcseg.sim import Lidar, build_street, sensor
from pcseg.sparse import voxelize

LIDAR_VOXEL_M = 0.05
ROOM_VOXEL_M = 0.02


def lidar() -> np.ndarray:
    """(V, 4) int32 voxels of one 64-beam scan, about 83,000 with 5 neighbours each."""
    return _from_zero(voxelize(next(drive(1, first_s=6.0)).xyz, LIDAR_VOXEL_M)[0])


def room() -> np.ndarray:
    """(V, 4) int32 voxels of a furnished room, about 105,000 with 10.6 neighbours each."""
    rng = np.random.default_rng(0)
    # Half a voxel off its grid: walls on the border of two voxels would fill both.
    points = room_points(rng) + ROOM_VOXEL_M / 2
    return _from_zero(voxelize(points, ROOM_VOXEL_M)[0])


def aggregate(scans: int = 16) -> np.ndarray:
    """(V, 4) int32 voxels of scans taken along a street: 16 make a million, 34 two."""
    clouds = []
    for scan in drive(scans, length_m=180.0 + 4.0 * scans):
        assert scan.pose is not None
        clouds.append(scan.xyz @ scan.pose[:3, :3].T + scan.pose[:3, 3])
    return _from_zero(voxelize(np.concatenate(clouds), LIDAR_VOXEL_M)[0])


def tiny() -> np.ndarray:
    """(V, 4) int32: some 3,000 voxels of the room, to see whether a program runs."""
    return crop(room(), 3000)


def crop(coords: np.ndarray, count: int) -> np.ndarray:
    """About `count` voxels of a scene: a slice across its longest axis, from the middle."""
    if count >= len(coords):
        return coords
    along = coords[:, 1 + int(np.ptp(coords[:, 1:], axis=0).argmax())]
    away = np.abs(along - int(np.median(along)))
    return _from_zero(coords[away <= np.partition(away, count)[count]])


SCENES: dict[str, Callable[[], np.ndarray]] = {
    "lidar": lidar,
    "room": room,
    "aggregate": aggregate,
    "tiny": tiny,
}
"""All scenes by name."""


def drive(scans: int, length_m: float = 200.0, first_s: float = 0.0) -> Iterator[Scan]:
    """Scans from a car on a street of some length, two a second."""
    head = Lidar(build_street([0, 0, 2], length_m), sensor("hdl64e_s3"))
    times = [first_s + 0.5 * number for number in range(scans)]
    yield from head.drive(times, [np.random.default_rng(number) for number in range(scans)])


def _from_zero(coords: np.ndarray) -> np.ndarray:
    low = coords.min(0)
    low[0] = 0
    return np.ascontiguousarray(coords - low // 16 * 16)
