"""SemanticKITTI layout: velodyne, labels, calib, poses and times as the data set has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from pcseg.files import remove_leftovers, write_bytes, write_text
from pcseg.sim.record import Frame
from pcseg.sim.rig import Rig, above
from pcseg.sim.sensors import sensor as device

# lidar -> camera 0: x right, y down, z forward; the camera sits ahead of and below the lidar.
LIDAR_TO_CAMERA = np.array(
    [[0.0, -1.0, 0.0, 0.0], [0.0, 0.0, -1.0, -0.08], [1.0, 0.0, 0.0, -0.27], [0.0, 0.0, 0.0, 1.0]]
)
_FOCAL_PX, _CENTER_PX = 720.0, (620.0, 188.0)
_BASELINES_M = (0.0, 0.54, -0.06, 0.48)
"""Of cameras 0 to 3, to the right of camera 0."""


class SemanticKittiWriter:
    """Writes frames and sequences under ``root/sequences/SS``; each file is whole or absent."""

    entries: ClassVar[tuple[str, ...]] = ("sequences",)
    pictures: ClassVar[bool] = False

    def __init__(self, root: Path, rig: Rig) -> None:
        self.root, self._rig = root, rig

    @classmethod
    def rig(cls, sensor: str | None) -> Rig:
        """The rig of KITTI's car, or another LiDAR in its place."""
        lidar = device(sensor or "semantic_kitti")
        return Rig((above("velodyne", lidar),), (), lidar.frame_rate_hz)

    def folder(self, sequence: str) -> Path:
        """Where a sequence lies."""
        return self.root / "sequences" / sequence

    def remove_leftovers(self, sequence: str) -> None:
        """Remove the half-written files of a process that was killed."""
        folder = self.folder(sequence)
        remove_leftovers(folder, "*.txt")
        remove_leftovers(folder / "velodyne", "*.bin")
        remove_leftovers(folder / "labels", "*.label")

    def has_frame(self, sequence: str, frame: int) -> bool:
        """Whether points and labels of a frame are there and fit each other."""
        points, labels = self._paths(sequence, frame)
        if not (points.is_file() and labels.is_file()):
            return False
        return points.stat().st_size == 4 * labels.stat().st_size > 0

    def write_frame(self, sequence: str, number: int, frame: Frame) -> None:
        """Write one scan: float32 x y z remission, and uint32 instance << 16 | raw label."""
        scan = frame.scans[0]
        assert scan.raw_labels is not None and scan.instances is not None
        points, labels = self._paths(sequence, number)
        packed = np.column_stack([scan.xyz, scan.attrs["intensity"]]).astype("<f4")
        words = (scan.instances.astype("<u4") << np.uint32(16)) | scan.raw_labels.astype("<u4")
        write_bytes(labels, words.astype("<u4").tobytes())
        write_bytes(points, packed.tobytes())

    def has_sequence(self, sequence: str, frames: int) -> bool:
        """Whether calib, and a pose and a time for every frame, are there."""
        folder = self.folder(sequence)
        lists = [folder / "poses.txt", folder / "times.txt"]
        if not all(path.is_file() for path in [folder / "calib.txt", *lists]):
            return False
        return all(len(path.read_text().splitlines()) == frames for path in lists)

    def write_sequence(self, sequence: str, bodies: np.ndarray, times: Sequence[float]) -> None:
        """Write calib, poses and times."""
        poses = bodies @ self._rig.main.body_from_sensor
        folder = self.folder(sequence)
        write_text(folder / "calib.txt", _calib())
        rows = [_row(matrix) for matrix in camera_poses(poses)]
        write_text(folder / "poses.txt", "".join(row + "\n" for row in rows))
        write_text(folder / "times.txt", "".join(f"{time:.6e}\n" for time in times))

    def finish(self, sequences: Sequence[str], frames: int) -> None:
        """Nothing here spans sequences."""

    def _paths(self, sequence: str, frame: int) -> tuple[Path, Path]:
        folder = self.folder(sequence)
        return folder / f"velodyne/{frame:06d}.bin", folder / f"labels/{frame:06d}.label"


def camera_poses(poses: np.ndarray) -> np.ndarray:
    """Lidar -> world poses (F, 4, 4) as camera-0 poses from the first: Tr · L0⁻¹ L · Tr⁻¹."""
    relative = np.linalg.inv(poses[0]) @ poses
    return LIDAR_TO_CAMERA @ relative @ np.linalg.inv(LIDAR_TO_CAMERA)


def _calib() -> str:
    lines = []
    for camera, baseline in enumerate(_BASELINES_M):
        projection = np.zeros((3, 4))
        projection[0, 0] = projection[1, 1] = _FOCAL_PX
        projection[:2, 2] = _CENTER_PX
        projection[2, 2] = 1.0
        projection[0, 3] = -_FOCAL_PX * baseline
        lines.append(f"P{camera}: {_row(projection)}")
    return "\n".join([*lines, f"Tr: {_row(LIDAR_TO_CAMERA)}"]) + "\n"


def _row(matrix: np.ndarray) -> str:
    """The upper three rows as twelve numbers; -0 is written as 0."""
    return " ".join(f"{value + 0.0:.12e}" for value in np.asarray(matrix)[:3].reshape(-1))
