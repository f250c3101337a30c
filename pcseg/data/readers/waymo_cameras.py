"""Waymo's pictures: decoded, freed of lens distortion, and placed relative to the LiDAR."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pcseg.data.readers.waymo_tables import matrix
from pcseg.data.scan import View
from pcseg.errors import DataError

CAMERAS = {"FRONT": 1, "FRONT_LEFT": 2, "FRONT_RIGHT": 3, "SIDE_LEFT": 4, "SIDE_RIGHT": 5}
"""Name and number of every camera."""

CAMERA_FROM_FRAME = np.array(
    [[0.0, -1.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
)
"""Waymo's camera frame is x out of the lens, y left, z up; pcseg's x right, y down, z forward."""

HALF_PIXEL = 0.5
"""Waymo counts pixels from the left edge of the first (docs of ``lidar_camera_projection``), pcseg
from its centre."""

PICTURE, POSE = "[CameraImageComponent].image", "[CameraImageComponent].pose.transform"
POSE_TIME = "[CameraImageComponent].pose_timestamp"
PICTURE_COLUMNS = (PICTURE, POSE, POSE_TIME)

_PREFIX = "[CameraCalibrationComponent]."
_INTRINSICS = ("f_u", "f_v", "c_u", "c_v", "k1", "k2", "p1", "p2", "k3")
EXTRINSIC = f"{_PREFIX}extrinsic.transform"
CALIBRATION_COLUMNS = (
    *(f"{_PREFIX}intrinsic.{name}" for name in _INTRINSICS),
    EXTRINSIC,
    f"{_PREFIX}width",
    f"{_PREFIX}height",
)


@dataclass(frozen=True)
class Calibration:
    """A camera of one segment.

    Attributes:
        K: (3, 3) float64, the centre of the upper left pixel is (0, 0).
        distortion: k1, k2, p1, p2, k3 as OpenCV defines them.
        vehicle_from_camera: (4, 4) float64, x right, y down, z forward.
        width: of the pictures, in pixels.
        height: of the pictures, in pixels.
    """

    K: np.ndarray
    distortion: tuple[float, ...]
    vehicle_from_camera: np.ndarray
    width: int
    height: int


def calibration(row: Mapping[str, Any], path: Path) -> Calibration:
    """A camera from its row of ``camera_calibration``.

    Raises:
        DataError: if a number is missing or cannot be.
    """
    numbers = [row[f"{_PREFIX}intrinsic.{name}"] for name in _INTRINSICS]
    width, height = row[f"{_PREFIX}width"], row[f"{_PREFIX}height"]
    given = [*numbers[:4], width, height]
    if any(n is None or not np.isfinite(n) for n in given) or min(*numbers[:2], width, height) <= 0:
        raise DataError(
            f"{path}: intrinsics {numbers[:4]} of a picture of {width} x {height} pixels cannot "
            "be. Download component 'camera_calibration' again, or read without cameras."
        )
    f_u, f_v, c_u, c_v = (float(n) for n in numbers[:4])
    K = np.array([[f_u, 0, c_u - HALF_PIXEL], [0, f_v, c_v - HALF_PIXEL], [0, 0, 1.0]])
    extrinsic = matrix(row, EXTRINSIC, path)
    distortion = tuple(float(n or 0.0) for n in numbers[4:])
    placed = extrinsic @ np.linalg.inv(CAMERA_FROM_FRAME)
    return Calibration(K, distortion, placed, int(width), int(height))


def view(
    row: Mapping[str, Any],
    camera: Calibration,
    name: str,
    world_from_sensor: np.ndarray,
    path: Path,
) -> View:
    """A picture as a pinhole camera would have taken it.

    The lens distortion is taken out by bilinear resampling, with the same intrinsics. The vehicle's
    motion between LiDAR and picture is taken into account, by the vehicle's pose at the picture;
    that within the picture (rolling shutter, about 1/100 s) is not.

    Args:
        row: of ``camera_image``.
        camera: that took it.
        name: of the camera.
        world_from_sensor: (4, 4) pose of the scan.
        path: of the file, for messages.

    Raises:
        DataError: if the picture is damaged or not of the calibrated size.
    """
    rgb = _decoded(row[PICTURE], camera, name, path)
    if any(camera.distortion):
        rgb = undistorted(rgb, camera.K, camera.distortion)
    world_from_camera = matrix(row, POSE, path) @ camera.vehicle_from_camera
    time = row[POSE_TIME]
    return View(
        rgb=rgb,
        K=camera.K.copy(),
        camera_from_sensor=np.linalg.inv(world_from_camera) @ world_from_sensor,
        name=name,
        time=None if time is None else float(time),
    )


def undistorted(rgb: np.ndarray, K: np.ndarray, distortion: tuple[float, ...]) -> np.ndarray:
    """The picture (H, W, 3) uint8 that a lens without distortion would have made.

    Args:
        rgb: (H, W, 3) uint8 as taken.
        K: (3, 3) intrinsics, used for both pictures.
        distortion: k1, k2, p1, p2, k3 of OpenCV's model.

    Returns:
        The same size; black where the lens did not look.
    """
    height, width = rgb.shape[:2]
    x = ((np.arange(width) - K[0, 2]) / K[0, 0])[None]
    y = ((np.arange(height) - K[1, 2]) / K[1, 1])[:, None]
    k1, k2, p1, p2, k3 = distortion
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    u = (x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)) * K[0, 0] + K[0, 2]
    v = (y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y) * K[1, 1] + K[1, 2]
    return _sampled(rgb, u.astype(np.float32), v.astype(np.float32))


def _sampled(rgb: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Colours (H, W, 3) at fractional pixels, bilinear; black outside."""
    height, width = rgb.shape[:2]
    inside = (u >= 0) & (v >= 0) & (u <= width - 1) & (v <= height - 1)
    u, v = np.where(inside, u, 0), np.where(inside, v, 0)
    left = np.minimum(u.astype(np.int32), max(width - 2, 0))
    top = np.minimum(v.astype(np.int32), max(height - 2, 0))
    right, below = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = (u - left)[..., None], (v - top)[..., None]
    upper = rgb[top, left] * (1 - across) + rgb[top, right] * across
    lower = rgb[below, left] * (1 - across) + rgb[below, right] * across
    mixed = np.rint(upper * (1 - down) + lower * down).astype(np.uint8)
    return np.where(inside[..., None], mixed, np.uint8(0))


def _decoded(data: bytes | None, camera: Calibration, name: str, path: Path) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(data or b""), formats=["JPEG"]) as picture:
            # The header tells the size before anything is unpacked.
            if picture.size == (camera.width, camera.height):
                return np.asarray(picture.convert("RGB"))
            size = picture.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{path}: the picture of camera {name} is not a whole JPEG ({error}). Download "
            "component 'camera_image' again, or read without cameras."
        ) from error
    raise DataError(
        f"{path}: the picture of camera {name} has {size[0]} x {size[1]} pixels, "
        f"camera_calibration says {camera.width} x {camera.height}. Download both components of "
        "the segment again, or read without cameras."
    )
