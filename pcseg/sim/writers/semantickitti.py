"""SemanticKITTI layout: velodyne, labels, pictures, calib, poses and times as the data set's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from pcseg.data.readers.kitti.files import packed
from pcseg.files import remove_leftovers, write_bytes
from pcseg.io.pictures import picture_bytes
from pcseg.sim.camera import Picture
from pcseg.sim.classes import THINGS, fine_to_semantickitti
from pcseg.sim.mesh import pose
from pcseg.sim.record import Frame
from pcseg.sim.rig import Camera, Mount, Rig, above
from pcseg.sim.sensors import sensor as device
from pcseg.sim.writers.odometry import has_sides, write_sides

# lidar -> camera 0: x right, y down, z forward; the camera sits ahead of and below the lidar.
LIDAR_TO_CAMERA = np.array(
    [[0.0, -1.0, 0.0, 0.0], [0.0, 0.0, -1.0, -0.08], [1.0, 0.0, 0.0, -0.27], [0.0, 0.0, 0.0, 1.0]]
)
# Of the rectified pictures of sequences 00 to 02 (KITTI odometry, calib.txt).
_SIZE_PX, _FOCAL_PX, _CENTER_PX = (1241, 376), 718.856, (607.1928, 185.2157)
_BASELINES_M = (0.0, 0.54, -0.06, 0.48)
"""Of cameras 0 to 3, to the right of camera 0."""
_COLOR = ("image_2", "image_3")
"""Cameras that can be recorded; 0 and 1 are grey and only stand in the calibration."""


class SemanticKittiWriter:
    """Writes frames and sequences under ``root/sequences/SS``; each file is whole or absent.

    Pictures are taken if asked for: ``image_2/NNNNNN.png`` as KITTI has them, and, which KITTI has
    not, the raw id of every pixel in ``image_2_labels/NNNNNN.png`` (16 bit, 0 for the sky).
    """

    entries: ClassVar[tuple[str, ...]] = ("sequences",)
    own: ClassVar[str] = r"sequences/(?P<sequence>\d\d)/.*"
    pictures: ClassVar[bool] = False

    def __init__(self, root: Path, rig: Rig) -> None:
        self.root, self._rig = root, rig

    @classmethod
    def rig(cls, sensor: str | None) -> Rig:
        """The rig of KITTI's car, or another LiDAR in its place; the cameras keep their places."""
        lidar = device(sensor or "semantic_kitti")
        mount = above("velodyne", lidar)
        colored = tuple(camera for camera in _cameras(mount) if camera.name in _COLOR)
        return Rig((mount,), colored, lidar.frame_rate_hz)

    def folder(self, sequence: str) -> Path:
        """Where a sequence lies."""
        return self.root / "sequences" / sequence

    def remove_leftovers(self, sequence: str) -> None:
        """Remove the half-written files of a process that was killed."""
        folder = self.folder(sequence)
        remove_leftovers(folder, "*.txt")
        remove_leftovers(folder / "velodyne", "*.bin")
        remove_leftovers(folder / "labels", "*.label")
        for camera in self._rig.cameras:
            for path in self._picture_paths(sequence, 0, camera):
                remove_leftovers(path.parent, "*.png")

    def has_frame(self, sequence: str, frame: int) -> bool:
        """Whether points and labels of a frame are there and fit each other, and its pictures."""
        points, labels = self._paths(sequence, frame)
        pictures = [p for c in self._rig.cameras for p in self._picture_paths(sequence, frame, c)]
        if not all(path.is_file() for path in (points, labels, *pictures)):
            return False
        return points.stat().st_size == 4 * labels.stat().st_size > 0

    def write_frame(self, sequence: str, number: int, frame: Frame) -> None:
        """Write one scan: float32 x y z remission, and uint32 instance << 16 | raw label.

        And the pictures of the rig's cameras, with the raw label of every pixel.
        """
        scan = frame.scans[0]
        assert scan.raw_labels is not None and scan.instances is not None
        points, labels = self._paths(sequence, number)
        cloud = np.column_stack([scan.xyz, scan.attrs["intensity"]]).astype("<f4")
        raw = fine_to_semantickitti(scan.raw_labels)
        instances = np.where(np.isin(raw, THINGS), scan.instances, 0)
        for picture in frame.pictures:
            self._write_picture(sequence, number, picture)
        write_bytes(labels, packed(raw, instances))
        write_bytes(points, cloud.tobytes())

    def has_sequence(self, sequence: str, frames: int) -> bool:
        """Whether calib, and a pose and a time for every frame, are there."""
        return has_sides(self.folder(sequence), frames)

    def write_sequence(self, sequence: str, bodies: np.ndarray, times: Sequence[float]) -> None:
        """Write calib, poses and times."""
        poses = bodies @ self._rig.main.body_from_sensor
        write_sides(self.folder(sequence), _calib(self._rig), camera_poses(poses), times)

    def finish(self, sequences: Sequence[str], frames: int) -> None:
        """Nothing here spans sequences."""

    def _write_picture(self, sequence: str, number: int, picture: Picture) -> None:
        colors, labels = self._picture_paths(sequence, number, picture.camera)
        ids = fine_to_semantickitti(picture.labels)
        for path, pixels in ((labels, ids), (colors, picture.rgb)):
            write_bytes(path, picture_bytes(pixels, compress_level=4))

    def _picture_paths(self, sequence: str, number: int, camera: Camera) -> tuple[Path, Path]:
        folder, name = self.folder(sequence), f"{number:06d}.png"
        return folder / camera.name / name, folder / f"{camera.name}_labels" / name

    def _paths(self, sequence: str, frame: int) -> tuple[Path, Path]:
        folder = self.folder(sequence)
        return folder / f"velodyne/{frame:06d}.bin", folder / f"labels/{frame:06d}.label"


def camera_poses(poses: np.ndarray) -> np.ndarray:
    """Lidar -> world poses (F, 4, 4) as camera-0 poses from the first: Tr · L0⁻¹ L · Tr⁻¹."""
    relative = np.linalg.inv(poses[0]) @ poses
    return LIDAR_TO_CAMERA @ relative @ np.linalg.inv(LIDAR_TO_CAMERA)


def _cameras(lidar: Mount) -> tuple[Camera, ...]:
    """Cameras 0 to 3, side by side, at their places relative to the LiDAR."""
    K = np.array([[_FOCAL_PX, 0, _CENTER_PX[0]], [0, _FOCAL_PX, _CENTER_PX[1]], [0, 0, 1.0]])
    first = lidar.body_from_sensor @ np.linalg.inv(LIDAR_TO_CAMERA)
    return tuple(
        Camera(f"image_{number}", *_SIZE_PX, K, first @ pose((right, 0, 0)))
        for number, right in enumerate(_BASELINES_M)
    )


def _calib(rig: Rig) -> dict[str, np.ndarray]:
    """P0 to P3, scaled like the rig's pictures, and Tr: all from where the cameras sit."""
    cameras = _cameras(rig.main)
    scale = rig.cameras[0].width / cameras[0].width if rig.cameras else 1.0
    found = {}
    for camera in cameras:
        shift = np.linalg.inv(camera.body_from_camera) @ cameras[0].body_from_camera
        found[f"P{camera.name[-1]}"] = camera.scaled(scale).K @ shift[:3]
    found["Tr"] = np.linalg.inv(cameras[0].body_from_camera) @ rig.main.body_from_sensor
    return found
