"""The small files of PandaSet as numbers: poses, times, intrinsics and class names, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.data.quaternions import rotation_of
from pcseg.errors import DataError, LabelError
from pcseg.files import read_json

_UNIT_TOLERANCE = 1e-3
"""How far the length of a quaternion may be from 1: they are printed with 15 digits."""


def read_poses(path: Path) -> np.ndarray:
    """Read a ``poses.json``: (F, 4, 4) float64 transforms into the world, by frame number.

    Each entry has a ``position`` x, y, z in metres and a ``heading``, a unit quaternion w, x, y, z.

    Raises:
        DataError: naming the entry that is no rigid transform.
    """
    found = [_pose(path, number, entry) for number, entry in enumerate(read_list(path))]
    return np.array(found, np.float64).reshape(-1, 4, 4)


def read_times(path: Path) -> np.ndarray:
    """Read a ``timestamps.json``: (F,) float64 Unix seconds by frame number.

    Raises:
        DataError: naming the entry that is no number.
    """
    return np.array([_number(path, k, "", v) for k, v in enumerate(read_list(path))], np.float64)


def read_intrinsics(path: Path) -> np.ndarray:
    """Read an ``intrinsics.json``: (3, 3) float64 from fx, fy, cx and cy in pixels.

    Raises:
        DataError: if a number is missing or a focal length is not positive.
    """
    given = read_json(path)
    fx, fy, cx, cy = (_number(path, 0, key, given) for key in ("fx", "fy", "cx", "cy"))
    if min(fx, fy) <= 0:
        raise DataError(f"{path}: focal lengths {fx}, {fy} are not positive. Copy it again.")
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])


def check_class_names(path: Path, names: Mapping[int, str]) -> bool:
    """Compare ``semseg/classes.json`` with the names of the label map.

    Returns:
        False if there is no such file, so that nothing vouches for the meaning of the ids.

    Raises:
        DataError: if the file is broken.
        LabelError: if an id means something else there.
    """
    if not path.is_file():
        return False
    stored = read_json(path)
    if not isinstance(stored, dict):
        raise DataError(f"{path}: expected {{id: name}}, found a {type(stored).__name__}.")
    for key, name in stored.items():
        known = names.get(int(key)) if str(key).isdecimal() else None
        if known != name:
            raise LabelError(
                f"{path}: id {key} is '{name}' there, but '{known}' in the label map 'pandaset'. "
                "Take the classes.json of the dataset, or a label map made for these ids."
            )
    return True


def read_list(path: Path) -> list[Any]:
    """Read a JSON list with an entry for each frame number.

    Raises:
        DataError: if the file is missing, broken, or holds something else.
    """
    found = read_json(path)
    if not isinstance(found, list):
        raise DataError(f"{path}: expected a list with an entry a frame. Copy the file again.")
    return found


def _pose(path: Path, number: int, entry: Any) -> np.ndarray:
    parts = entry if isinstance(entry, dict) else {}
    place = [_number(path, number, key, parts.get("position")) for key in "xyz"]
    turn = np.array([_number(path, number, key, parts.get("heading")) for key in "wxyz"])
    length = float(np.linalg.norm(turn))
    if abs(length - 1) > _UNIT_TOLERANCE:
        raise DataError(
            f"{path}, entry {number}: the heading is no unit quaternion, its length is "
            f"{length:.4g}. Copy the file again."
        )
    pose = np.eye(4)
    pose[:3, :3] = rotation_of(turn)
    pose[:3, 3] = place
    return pose


def _number(path: Path, entry: int, key: str, given: Any) -> float:
    value = given.get(key) if key and isinstance(given, dict) else None if key else given
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise DataError(
            f"{path}, entry {entry}: expected a number{f' {key!r}' if key else ''}, "
            f"found {value!r}. Copy the file again."
        )
    return float(value)
