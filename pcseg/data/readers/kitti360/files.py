"""The small files of KITTI-360: calibration, poses, times, names of windows, lists of splits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pcseg.data.readers.kitti.cameras import Lens, check_pinhole
from pcseg.data.readers.kitti.files import check_rigid, parse_matrix, read_calib
from pcseg.errors import DataError
from pcseg.files import read_lines

DRIVE = re.compile(r"2013_05_28_drive_(\d{4})_sync")
_WINDOW = re.compile(r"(\d{10})_(\d{10})")
_LISTED = re.compile(rf"(?:.*/)?{DRIVE.pattern}/static/{_WINDOW.pattern}\.ply")


def drive_name(sequence: str) -> str:
    """``"0000"`` -> ``"2013_05_28_drive_0000_sync"``."""
    return f"2013_05_28_drive_{sequence}_sync"


class Window(NamedTuple):
    """The frames whose scans were accumulated into one cloud, both ends included."""

    first: int
    last: int

    @property
    def name(self) -> str:
        """The stem of its files."""
        return f"{self.first:010d}_{self.last:010d}"

    def holds(self, frame: int) -> bool:
        """Whether a frame is one of them."""
        return self.first <= frame <= self.last


def windows_in(folder: Path) -> list[Window]:
    """The windows of a ``static`` folder, by their first frames; none if there is no folder."""
    names = (_WINDOW.fullmatch(path.stem) for path in folder.glob("[0-9]*.ply"))
    return sorted(Window(int(name[1]), int(name[2])) for name in names if name)


def read_window_list(path: Path) -> dict[str, list[Window]]:
    """Read a list of windows, one path a line, of which drive and window are taken.

    Returns:
        {sequence: windows, sorted}.

    Raises:
        DataError: naming the line that is not understood.
    """
    listed: dict[str, set[Window]] = {}
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        found = _LISTED.fullmatch(line.strip())
        if found is None:
            raise DataError(
                f"{path}, line {number}: '{line[:100]}' is not the path of a window "
                "(…/2013_05_28_drive_0000_sync/static/0000000002_0000000385.ply). Copy the list "
                "of the dataset."
            )
        listed.setdefault(found[1], set()).add(Window(int(found[2]), int(found[3])))
    return {sequence: sorted(windows) for sequence, windows in listed.items()}


class Mounts(NamedTuple):
    """Where the sensors sit.

    Attributes:
        body_from_sensor: (4, 4) float64, Velodyne -> IMU, whose poses are published.
        body_from_camera: {``"image_00"``: (4, 4) float64}, before rectification.
    """

    body_from_sensor: np.ndarray
    body_from_camera: dict[str, np.ndarray]


def read_mounts(folder: Path) -> Mounts:
    """Read ``calib_cam_to_pose.txt`` and ``calib_cam_to_velo.txt``.

    Velodyne -> IMU goes through camera 0, as in the development kit (accumuLaser,
    ``LoadTransformations``).

    Args:
        folder: ``calibration``.

    Raises:
        DataError: if a file is missing or damaged.
    """
    path = folder / "calib_cam_to_pose.txt"
    cameras = read_calib(path)
    if "image_00" not in cameras:
        raise DataError(
            f"{path}: no line 'image_00:', found {', '.join(cameras) or 'nothing'}. "
            "Copy the calibration of the dataset."
        )
    check_rigid(np.stack(list(cameras.values())), path)
    path = folder / "calib_cam_to_velo.txt"
    lines = read_lines(path)
    sensor_from_camera = parse_matrix(lines[0] if lines else "", path, 1)
    check_rigid(sensor_from_camera[None], path)
    return Mounts(cameras["image_00"] @ np.linalg.inv(sensor_from_camera), cameras)


def read_lens(folder: Path, camera: str, mounts: Mounts) -> Lens:
    """A perspective camera, ``image_00`` or ``image_01``, after rectification.

    Pixels are K of ``P_rect``; the camera is turned by ``R_rect`` (development kit,
    ``helpers/project.py``).

    Args:
        folder: ``calibration``.
        camera: its name.
        mounts: from `read_mounts`.

    Raises:
        DataError: if ``perspective.txt`` is missing, damaged, or lacks a line.
    """
    path, number = folder / "perspective.txt", camera.removeprefix("image_")
    lines = dict(line.partition(":")[::2] for line in read_lines(path))
    P = _numbers(lines, f"P_rect_{number}", 12, path).reshape(3, 4)
    turned = np.eye(4)
    turned[:3, :3] = _numbers(lines, f"R_rect_{number}", 9, path).reshape(3, 3)
    check_pinhole(P[:, :3], f"P_rect_{number}", path)
    check_rigid(turned[None], path)
    body_from_camera = mounts.body_from_camera.get(camera)
    if body_from_camera is None:
        raise DataError(
            f"{folder / 'calib_cam_to_pose.txt'}: no line '{camera}:'. "
            "Copy the calibration of the dataset, or read without this camera."
        )
    return Lens(P[:, :3], turned @ np.linalg.inv(body_from_camera) @ mounts.body_from_sensor)


def read_body_poses(path: Path) -> dict[int, np.ndarray]:
    """Read ``poses.txt``: a frame number and twelve numbers a line, IMU -> world.

    Frames in which the car hardly moved have no line.

    Returns:
        {frame: (4, 4) float64}.

    Raises:
        DataError: if a line is damaged or not rigid, naming it.
    """
    frames, poses = [], []
    for number, line in enumerate(read_lines(path), 1):
        frame, _, rest = line.strip().partition(" ")
        if not frame.isdecimal():
            raise DataError(
                f"{path}, line {number}: '{line[:60]}' does not begin with a frame number. "
                "Copy the file again."
            )
        frames.append(int(frame))
        poses.append(parse_matrix(rest, path, number))
    if poses:
        check_rigid(np.stack(poses), path)
    return dict(zip(frames, poses, strict=True))


def read_stamps(path: Path) -> np.ndarray:
    """Read ``timestamps.txt``: (F,) float64 seconds of Unix time, taking the clock for UTC.

    Raises:
        DataError: if a line is no time.
    """
    lines: Sequence[str] = read_lines(path)
    try:
        return np.array(lines, "datetime64[ns]").astype(np.int64) / 1e9
    except ValueError as error:
        raise DataError(
            f"{path}: expected lines such as 2013-05-28 08:46:02.904939264 ({error}). Copy the "
            "file again, or take it away to go on without times."
        ) from error


def _numbers(lines: dict[str, str], name: str, count: int, path: Path) -> np.ndarray:
    try:
        values = np.array([float(word) for word in lines[name].split()])
    except (KeyError, ValueError) as error:
        values = np.array([])
        reason = f"{type(error).__name__}: {error}"
    else:
        reason = f"found {len(values)}"
    if len(values) != count or not np.isfinite(values).all():
        raise DataError(
            f"{path}: expected a line '{name}:' with {count} finite numbers ({reason}). "
            "Copy the calibration of the dataset, or read without cameras."
        )
    return values
