"""The small files of RELLIS-3D: split lists, camera_info.txt and transforms.yaml, checked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from pcseg.data.quaternions import rotation_of
from pcseg.data.readers.kitti.cameras import Lens, check_pinhole
from pcseg.errors import DataError

_SCAN = re.compile(r"(\d+)/os1_cloud_node_kitti_bin/(\d+)\.bin")
_EDGE = "os1_cloud_node-pylon_camera_node"
_UNIT_TOLERANCE = 1e-3
_MOST_BYTES = 1 << 20


def read_listing(path: Path) -> dict[str, list[str]]:
    """Read a ``pt_train.lst``: lines of a scan's path and its labels' path.

    Returns:
        {sequence: names of its frames, in order and once each}. Names only: no path is taken from
        the file.

    Raises:
        DataError: naming the line that is not understood.
    """
    listed: dict[str, dict[str, None]] = {}
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        found = _SCAN.fullmatch(line.split()[0])
        if found is None:
            raise DataError(
                f"{path}, line {number}: '{line[:80]}' does not begin with "
                "00000/os1_cloud_node_kitti_bin/000000.bin. Copy the list of the dataset."
            )
        listed.setdefault(found[1], {})[found[2]] = None
    if not listed:
        raise DataError(f"{path}: an empty list. Copy the list of the dataset.")
    return {sequence: sorted(names) for sequence, names in listed.items()}


def rellis_lens(folder: Path) -> Lens:
    """The colour camera of a sequence.

    ``camera_info.txt`` holds fx fy cx cy. ``transforms.yaml`` holds the pose of the camera in the
    frame of the LiDAR, under the name of the opposite; its inverse takes points into the camera
    (so does the dataset's own example, ``utils/lidar2img.ipynb``).

    Raises:
        DataError: if one of the files is missing or damaged.
    """
    path = folder / "camera_info.txt"
    try:
        fx, fy, cx, cy = (float(word) for word in _text(path).split())
    except ValueError as error:
        raise DataError(
            f"{path}: expected four numbers, fx fy cx cy ({error}). Copy the file of the dataset."
        ) from error
    K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    if not np.isfinite(K).all():
        raise DataError(f"{path}: a number is not finite. Copy the file of the dataset.")
    check_pinhole(K, "fx fy", path)
    return Lens(K, np.linalg.inv(_sensor_from_camera(folder / "transforms.yaml")))


def _sensor_from_camera(path: Path) -> np.ndarray:
    try:
        data: Any = yaml.safe_load(_text(path))
        edge = data[_EDGE]
        w, x, y, z = (float(edge["q"][axis]) for axis in "wxyz")
        shift = [float(edge["t"][axis]) for axis in "xyz"]
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: expected '{_EDGE}' with a quaternion q (w x y z) and a translation t (x y z) "
            f"({type(error).__name__}: {error}). Copy the file of the dataset."
        ) from error
    length = float(np.sqrt(w * w + x * x + y * y + z * z))
    if not (abs(length - 1) < _UNIT_TOLERANCE and np.isfinite(shift).all()):
        raise DataError(
            f"{path}: the quaternion has length {length:g}, not 1, or the translation is not "
            "finite. Copy the file of the dataset."
        )
    placed = np.eye(4)
    placed[:3, :3] = rotation_of(np.array([w, x, y, z]))
    placed[:3, 3] = shift
    return placed


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{path}: {path.stat().st_size} bytes are too many for such a file.")
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}). Copy it from the dataset's calibration or split "
            "files, or read without cameras."
        ) from error
