"""The point files of A2D2: arrays under two generations of names, one row a point, checked."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np

from pcseg.errors import DataError
from pcseg.io.numpy_files import read_arrays

_OPTIONAL = ("lidar_id", "rectime", "timestamp", "boundary", "valid")
_NEEDED = ("reflectance", "row", "col")


def key_names(key: str) -> tuple[str, str]:
    """What an array is called in newer and in older files."""
    if key == "points":
        return "pcloud_points", "points"
    return f"pcloud_attr.{key}", key


def point_files(folder: Path, view: str) -> dict[str, Path]:
    """The point files of a scene's view by frame: the number at the end of their names, in order.

    Raises:
        DataError: if two files have the same number.
    """
    pattern = re.compile(rf"\d{{14}}_lidar_{view.replace('_', '')}_(\d+)\.npz")
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("[!.]*.npz")):
        match = pattern.fullmatch(path.name)
        if match is None:
            raise DataError(
                f"{path}: point files are named <date>_lidar_{view.replace('_', '')}_<number>.npz. "
                "Rename it as the data set does, or move it away."
            )
        if match[1] in found:
            raise DataError(
                f"{path}: has the number of {found[match[1]].name}. Remove one of them."
            )
        found[match[1]] = path
    return dict(sorted(found.items(), key=lambda item: int(item[0])))


def has_pixels(path: Path) -> bool:
    """Whether a point file says where in the picture its points are (some of the data set's don't).

    Only the list of its arrays is read.

    Raises:
        DataError: if the file is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{path}: damaged or no .npz file ({error}). Copy it again.") from error
    return any(name in names for name in key_names("row"))


def read_point_file(path: Path) -> dict[str, np.ndarray]:
    """Read ``points``, ``reflectance``, ``row``, ``col`` and what else of `_OPTIONAL` is there.

    Returns:
        Arrays by their older names: points (N, 3), all others (N,).

    Raises:
        DataError: if the file is damaged, holds pickled objects, or arrays do not fit the points.
    """
    arrays = read_arrays(path)
    found = {}
    for key in ("points", *_NEEDED, *_OPTIONAL):
        name = next((name for name in key_names(key) if name in arrays), None)
        if name is not None:
            found[key] = arrays[name]
        elif key not in _OPTIONAL:
            raise DataError(
                f"{path}: no array '{key_names(key)[0]}' or '{key}', found "
                f"{', '.join(sorted(arrays)) or 'none'}. Copy the file again."
            )
    points = found["points"]
    if points.ndim != 2 or points.shape[1] != 3 or points.dtype.kind not in "f":
        raise DataError(
            f"{path}: points of shape {points.shape} {points.dtype}, not (N, 3) floats."
        )
    if not len(points):
        raise DataError(f"{path}: empty scan, no points. Copy the file again.")
    for key, values in found.items():
        if values.shape[:1] != points.shape[:1] or (key != "points" and values.ndim != 1):
            raise DataError(
                f"{path}: '{key}' of shape {values.shape} for {len(points)} points. "
                "Copy the file again."
            )
        if values.dtype.kind not in "iufb":
            raise DataError(
                f"{path}: '{key}' is of type {values.dtype}, not numbers. Copy it again."
            )
    return found
