"""The text files of KITTI's odometry benchmark beside the scans: calib, poses and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pcseg.files import write_text


def write_sides(
    folder: Path, calib: Mapping[str, np.ndarray], poses: np.ndarray, times: Sequence[float]
) -> None:
    """Write ``calib.txt``, ``poses.txt`` and ``times.txt``.

    Args:
        folder: of the sequence.
        calib: matrices (3, 4) or (4, 4) by name, for example P0 to P3 and Tr.
        poses: (F, 4, 4).
        times: F seconds.
    """
    lines = (f"{name}: {_row(matrix)}\n" for name, matrix in calib.items())
    write_text(folder / "calib.txt", "".join(lines))
    write_text(folder / "poses.txt", "".join(f"{_row(pose)}\n" for pose in poses))
    write_text(folder / "times.txt", "".join(f"{time:.6e}\n" for time in times))


def has_sides(folder: Path, frames: int) -> bool:
    """Whether calib, and a pose and a time for every frame, are there."""
    lists = [folder / "poses.txt", folder / "times.txt"]
    if not all(path.is_file() for path in [folder / "calib.txt", *lists]):
        return False
    return all(path.read_bytes().count(b"\n") == frames for path in lists)


def _row(matrix: np.ndarray) -> str:
    """The upper three rows as twelve numbers; -0 and rounding errors are written as 0."""
    values = np.round(np.asarray(matrix)[:3].reshape(-1), 12)
    return " ".join(f"{value + 0.0:.12e}" for value in values)
