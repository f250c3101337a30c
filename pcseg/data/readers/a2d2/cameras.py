"""A2D2's cameras: their calibration, and pictures with the distortion of the lens taken out."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.data.distortion import Resampling, distorted
from pcseg.errors import DataError
from pcseg.files import read_json

VIEWS = ("front_center", "front_left", "front_right", "side_left", "side_right", "rear_center")

_TELECAM, _FISHEYE = "Telecam", "Fisheye"
_TERMS = {_TELECAM: 5, _FISHEYE: 4}


@dataclass(frozen=True)
class Calibration:
    """A camera of cams_lidars.json.

    Attributes:
        K: (3, 3) float64 intrinsics of undistorted pictures.
        original: (3, 3) float64 intrinsics of the pictures as taken.
        distortion: of the lens: k1 k2 p1 p2 k3 (Telecam) or k1 k2 k3 k4 (Fisheye).
        lens: ``Telecam``, ``Fisheye``, or another name for pictures without distortion.
        size: height and width in pixels, the same for both.
        vehicle_from_view: (4, 4) float64; the view's axes are x forward, y left, z up.
    """

    K: np.ndarray
    original: np.ndarray
    distortion: np.ndarray
    lens: str
    size: tuple[int, int]
    vehicle_from_view: np.ndarray

    def source(self, row: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where in the picture as taken a place of the undistorted one is found.

        The models are those of OpenCV's `undistort` and `fisheye.undistortImage`, which the data
        set's tutorial uses (OpenCV documentation, "Camera Calibration and 3D Reconstruction").

        Args:
            row: (...) of the undistorted picture, pixel centres are whole numbers.
            column: (...) likewise.

        Returns:
            Row and column, float64.
        """
        x = (column - self.K[0, 2]) / self.K[0, 0]
        y = (row - self.K[1, 2]) / self.K[1, 1]
        if self.lens == _TELECAM:
            x, y = distorted(x, y, self.distortion)
        elif self.lens == _FISHEYE:
            x, y = _fisheye(x, y, self.distortion)
        fx, fy, cx, cy = (self.original[i, j] for i, j in ((0, 0), (1, 1), (0, 2), (1, 2)))
        return y * fy + cy, x * fx + cx

    def undistorted(self, picture: np.ndarray) -> np.ndarray:
        """A colour picture (H, W, 3) uint8 without distortion, by bilinear sampling, black outside.

        Raises:
            ValueError: if the picture is of another size than the calibration is for.
        """
        self._check_size(picture)
        return self._resampling.colors(picture)

    def undistorted_ids(self, ids: np.ndarray, outside: int) -> np.ndarray:
        """A picture of ids (H, W) without distortion: the nearest pixel's, never a mixture.

        Raises:
            ValueError: if the picture is of another size than the calibration is for.
        """
        self._check_size(ids)
        return self._resampling.labels(ids, outside)

    @cached_property
    def _resampling(self) -> Resampling:
        rows, columns = np.indices(self.size).astype(np.float64)
        row, column = self.source(rows, columns)
        return Resampling(row, column, self.holds(row, column))

    def __getstate__(self) -> dict[str, Any]:
        """What is computed stays behind when a reader is sent to another process."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _check_size(self, picture: np.ndarray) -> None:
        if picture.shape[:2] != self.size:
            raise ValueError(f"a picture of {picture.shape[:2]} for a calibration of {self.size}")

    def holds(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Which places lie within the outermost pixel centres of a picture."""
        bottom, right = self.size[0] - 1, self.size[1] - 1
        return (row >= 0) & (column >= 0) & (row <= bottom) & (column <= right)


def read_calibration(path: Path, view: str) -> Calibration:
    """Read one camera of ``cams_lidars.json``.

    Args:
        path: of the file.
        view: one of `VIEWS`.

    Raises:
        DataError: if the file is missing or broken, or the camera's numbers cannot be.
    """
    if not path.is_file():
        raise DataError(
            f"{path}: cannot be read, it is missing. It is a download of its own, beside the "
            "archives: put it into the folder of the data set."
        )
    data = read_json(path)
    cameras = data.get("cameras") if isinstance(data, dict) else None
    facts = cameras.get(view) if isinstance(cameras, dict) else None
    if not isinstance(facts, dict):
        raise DataError(f"{path}: no camera '{view}' under 'cameras'. Copy the file again.")
    where = f"{path}, camera '{view}'"
    lens = str(facts.get("Lens"))
    width, height = _numbers(where, facts, "Resolution", 2).astype(int).tolist()
    if not (0 < width <= _MOST_PIXELS and 0 < height <= _MOST_PIXELS):
        raise DataError(f"{where}: a resolution of {width} x {height} cannot be. Copy it again.")
    return Calibration(
        K=_matrix(where, facts, "CamMatrix"),
        original=_matrix(where, facts, "CamMatrixOriginal"),
        distortion=_numbers(where, facts, "Distortion", _TERMS.get(lens)),
        lens=lens,
        size=(height, width),
        vehicle_from_view=_view(where, facts.get("view")),
    )


def rigid(origin: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The (4, 4) pose that a "view" means: an origin, an x axis, and a direction left of it.

    Made orthonormal as in the data set's tutorial: x keeps its direction, y gives way.

    Raises:
        ValueError: if the axes do not span a plane.
    """
    pose = np.eye(4)
    if np.linalg.norm(np.cross(x, y)) < _EPSILON:
        raise ValueError("the axes of its view do not span a plane")
    x = x / np.linalg.norm(x)
    y = y - x * (x @ y)
    y = y / np.linalg.norm(y)
    pose[:3, :3] = np.stack([x, y, np.cross(x, y)], 1)
    pose[:3, 3] = origin
    return pose


def _fisheye(x: np.ndarray, y: np.ndarray, terms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    radius = np.hypot(x, y)
    angle = np.arctan(radius)
    square = angle * angle
    k1, k2, k3, k4 = terms
    bent = angle * (1 + square * (k1 + square * (k2 + square * (k3 + square * k4))))
    scale = np.where(radius > 1e-8, bent / np.maximum(radius, 1e-8), 1.0)
    return x * scale, y * scale


def _matrix(where: str, facts: dict[str, Any], key: str) -> np.ndarray:
    K = _numbers(where, facts, key, 9).reshape(3, 3)
    pinhole = K[0, 0] > 0 and K[1, 1] > 0 and not K[1, 0] and np.array_equal(K[2], [0, 0, 1])
    if not pinhole or K[0, 1]:
        raise DataError(f"{where}: {key} {K.tolist()} is no pinhole. Copy the file again.")
    return K


def _view(where: str, view: Any) -> np.ndarray:
    facts = view if isinstance(view, dict) else {}
    origin, x, y = (_numbers(where, facts, key, 3) for key in ("origin", "x-axis", "y-axis"))
    try:
        return rigid(origin, x, y)
    except ValueError as error:
        raise DataError(f"{where}: {error}. Copy the file again.") from error


def _numbers(where: str, facts: dict[str, Any], key: str, count: int | None) -> np.ndarray:
    try:
        found = np.array(facts[key], np.float64).reshape(-1)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{where}: '{key}' is missing or holds no numbers. Copy it again."
        ) from error
    if (count is not None and len(found) != count) or not all(map(math.isfinite, found)):
        expected = "finite numbers" if count is None else f"{count} finite numbers"
        raise DataError(f"{where}: '{key}' is {found.tolist()}, not {expected}. Copy it again.")
    return found


_EPSILON = 1e-10
_MOST_PIXELS = 20_000
"""On a side."""
