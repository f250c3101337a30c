"""The binary files of nuScenes: sweeps, lidarseg labels and panoptic labels, checked."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from pcseg.errors import DataError, LabelError

POINT_BYTES = 20
"""x, y, z, intensity and ring as little-endian float32."""

MOST_POINTS = 1_000_000
"""A turn of the HDL-32E gives 35 thousand: a file of millions is something else."""

INSTANCES = 1000
"""Panoptic labels are category · 1000 + number of the object in its scene."""


def read_sweep(path: Path) -> np.ndarray:
    """Read a ``.pcd.bin``.

    Returns:
        (N, 5) float32 x, y, z (x right, y forward, z up), intensity 0..255, ring 0..31 from below.

    Raises:
        DataError: if the file is missing, cut short, empty or absurdly big.
    """
    count_points(path)
    return np.fromfile(path, "<f4").astype(np.float32, copy=False).reshape(-1, 5)


def count_points(path: Path) -> int:
    """Number of points of a sweep, from the size of its file.

    Raises:
        DataError: as `read_sweep`.
    """
    size = _size(path)
    if size == 0:
        raise DataError(f"{path}: empty sweep, the file has no points. Copy it again.")
    if size % POINT_BYTES:
        raise DataError(
            f"{path}: {size} bytes is not a whole number of points of {POINT_BYTES} bytes "
            f"(x y z intensity ring, float32): cut short after point {size // POINT_BYTES}, "
            "or of another format. Copy it again."
        )
    if size > MOST_POINTS * POINT_BYTES:
        raise DataError(
            f"{path}: {size // POINT_BYTES} points, but a sweep has some 35,000. "
            "This is another file: copy it again."
        )
    return size // POINT_BYTES


def read_lidarseg(path: Path, sweep: Path, num_points: int) -> np.ndarray:
    """Read a ``_lidarseg.bin``: (N,) int64 raw ids.

    Args:
        path: of the labels.
        sweep: they belong to, for messages.
        num_points: of the sweep.

    Raises:
        LabelError: if there is not one label for each point.
    """
    size = _size(path)
    if size != num_points:
        raise LabelError(
            f"{path}: {size} labels (one byte each) for the {num_points} points of {sweep}. "
            "The two files do not belong together or one is cut short: copy both again."
        )
    return np.fromfile(path, np.uint8).astype(np.int64)


def read_panoptic(path: Path, sweep: Path, num_points: int) -> tuple[np.ndarray, np.ndarray]:
    """Read a ``_panoptic.npz``.

    Args:
        path: of the labels.
        sweep: they belong to, for messages.
        num_points: of the sweep.

    Returns:
        (N,) int64 raw ids; (N,) int64 instances, 0 for none: the stored number with its category,
        because numbers begin anew in every category.

    Raises:
        LabelError: if the file is damaged or does not hold one label for each point.
    """
    _size(path)
    try:
        with zipfile.ZipFile(path) as archive, archive.open("data.npy") as member:
            version = np.lib.format.read_magic(member)
            read_header = np.lib.format.read_array_header_1_0
            if version != (1, 0):
                read_header = np.lib.format.read_array_header_2_0
            shape, _, dtype = read_header(member)
            if shape != (num_points,) or dtype.kind not in "ui":
                raise LabelError(
                    f"{path}: labels of shape {shape} and type {dtype} for the {num_points} points "
                    f"of {sweep}. The two files do not belong together: copy both again."
                )
            content = member.read(num_points * dtype.itemsize + 1)
        stored = np.frombuffer(content, dtype, num_points).astype(np.int64)
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError, RuntimeError) as error:
        raise LabelError(
            f"{path}: damaged, or no file of labels ({error}). Copy it again."
        ) from error
    return stored // INSTANCES, np.where(stored % INSTANCES > 0, stored, 0)


def missing_file(path: object, error: OSError) -> DataError:
    """The error for a file that the tables name."""
    return DataError(
        f"{path}: cannot be read ({error.strerror}). Is the copy complete? "
        "The archives of the data set come in parts, each with some of the files."
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise missing_file(path, error) from error
