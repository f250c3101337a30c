"""The index of a nuScenes version: what a reader needs of its tables, as arrays that load fast."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

import numpy as np

from pcseg.data.quaternions import rotation_of
from pcseg.errors import PcsegError
from pcseg.files import atomic_path, cache_dir

FORMAT = "2"
"""Changes whenever the meaning of the arrays does, so that older files are not taken for new."""


@dataclass(frozen=True)
class Index:
    """What the tables say of S scenes, F key frames in order of scene and time, and C cameras.

    There are D recordings, which are files of a sensor: every sweep of the LiDAR, and the key
    frames of the cameras; P poses and K mounts. Texts are fixed-width bytes, an empty one means
    there is none. A placement is x, y, z in metres and a quaternion w, x, y, z.

    Attributes:
        scene_name: (S,) for example ``scene-0061``, sorted.
        scene_location: (S,) for example ``singapore-onenorth``.
        scene_description: (S,) free text.
        scene_start: (S + 1,) first frame of each scene, and the end.
        frame_token: (F,) of the sample.
        frame_lidar: (F,) recording of LIDAR_TOP.
        frame_lidar_token: (F,) of that recording, which the names of label files begin with.
        frame_camera: (F, C) recordings, -1 where the picture is missing.
        frame_lidarseg: (F,) files of point labels.
        frame_panoptic: (F,) files of point labels with instances.
        camera_name: (C,) sorted.
        filename: (D,) relative to the data set's folder.
        time_us: (D,) int64 Unix time in microseconds.
        previous: (D,) recording of the same sensor before this one, -1 for none.
        size: (D, 2) height and width of pictures, 0 for sweeps.
        pose: (D,) row of `poses`.
        mount: (D,) row of `mounts`.
        poses: (P, 7) float64 placement of the car in the world.
        mounts: (K, 7) float64 placement of a sensor in the car.
        intrinsics: (K, 9) float64 camera matrix row by row, 0 for sweeps.
        category_index: (N,) lidarseg index of each category, -1 where the table has none.
        category_name: (N,) in the order of the table.
    """

    scene_name: np.ndarray
    scene_location: np.ndarray
    scene_description: np.ndarray
    scene_start: np.ndarray
    frame_token: np.ndarray
    frame_lidar: np.ndarray
    frame_lidar_token: np.ndarray
    frame_camera: np.ndarray
    frame_lidarseg: np.ndarray
    frame_panoptic: np.ndarray
    camera_name: np.ndarray
    filename: np.ndarray
    time_us: np.ndarray
    previous: np.ndarray
    size: np.ndarray
    pose: np.ndarray
    mount: np.ndarray
    poses: np.ndarray
    mounts: np.ndarray
    intrinsics: np.ndarray
    category_index: np.ndarray
    category_name: np.ndarray

    def world_from_car(self, recording: int) -> np.ndarray:
        """(4, 4) float64 at the moment of a recording."""
        return placed(self.poses[self.pose[recording]])

    def car_from_sensor(self, recording: int) -> np.ndarray:
        """(4, 4) float64 of the sensor that made a recording."""
        return placed(self.mounts[self.mount[recording]])

    def sweeps_before(self, recording: int) -> Iterator[int]:
        """The recordings of the same sensor before one, the latest first."""
        while (recording := int(self.previous[recording])) >= 0:
            yield recording


@dataclass(frozen=True)
class BoxIndex:
    """B annotated boxes, in order of frame, and of the table within a frame.

    Attributes:
        start: (F + 1,) first box of each frame, and the end.
        category: (B,) row of `Index.category_name`.
        instance: (B,) number of the object, from 1.
        box: (B, 7) float64 placement of its middle in the world.
        size: (B, 3) float64 width, length, height in metres.
    """

    start: np.ndarray
    category: np.ndarray
    instance: np.ndarray
    box: np.ndarray
    size: np.ndarray


def placed(row: np.ndarray) -> np.ndarray:
    """(4, 4) float64 of a placement: x, y, z and a quaternion w, x, y, z of any length."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_of(row[3:])
    matrix[:3, 3] = row[:3]
    return matrix


def inverse(rigid: np.ndarray) -> np.ndarray:
    """(4, 4) float64, by transposing: LAPACK may wake its threads for four rows, which takes long.

    Args:
        rigid: (4, 4) rotation and translation.
    """
    matrix = np.eye(4)
    matrix[:3, :3] = rigid[:3, :3].T
    matrix[:3, 3] = -matrix[:3, :3] @ rigid[:3, 3]
    return matrix


AnyIndex = TypeVar("AnyIndex", Index, BoxIndex)


def load(kind: type[AnyIndex], tables: Path) -> AnyIndex | None:
    """An index made earlier from tables that have not changed since; None if there is none.

    Args:
        kind: `Index` or `BoxIndex`.
        tables: folder of the tables.
    """
    try:
        with np.load(_place(kind, tables), allow_pickle=False) as stored:
            return kind(**{field.name: stored[field.name] for field in fields(kind)})
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None  # it can be made again


def keep(index: Index | BoxIndex, tables: Path) -> None:
    """Store an index; a cache that cannot be written only costs the next start its time."""
    arrays = {field.name: getattr(index, field.name) for field in fields(index)}
    try:
        with atomic_path(_place(type(index), tables)) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)
    except (OSError, PcsegError):
        return


def _place(kind: type, tables: Path) -> Path:
    digest = hashlib.sha256(f"{FORMAT} {tables.resolve()}".encode())
    for path in sorted(tables.glob("*.json")):
        state = path.stat()
        digest.update(f"\n{path.name} {state.st_size} {state.st_mtime_ns}".encode())
    return cache_dir() / "nuscenes" / f"{kind.__name__.lower()}-{digest.hexdigest()[:32]}.npz"
