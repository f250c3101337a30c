"""Waymo's pictures: decoded, freed of lens distortion, and placed relative to the LiDAR."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pcseg.data.readers.waymo.lens import Straightener
from pcseg.data.readers.waymo.tables import matrix
from pcseg.data.scan import View
from pcseg.errors import DataError, LabelError

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

LABEL = "[CameraSegmentationLabelComponent].panoptic_label"
LABEL_DIVISOR = "[CameraSegmentationLabelComponent].panoptic_label_divisor"
LABEL_COLUMNS = (LABEL, LABEL_DIVISOR)

# fmt: off
LIDAR_CLASS = np.array([
    0, 0,  # undefined, ego vehicle
    1, 2, 3, 4, 12, 13, 4,  # car, truck, bus, other large vehicle, bicycle, motorcycle, trailer
    7, 6, 5, 0, 0,  # pedestrian, cyclist, motorcyclist, bird, ground animal
    11, 10, 0, 8, 9,  # construction cone or pole, pole, pedestrian object, sign, traffic light
    14, 18, 19, 20, 22,  # building, road, lane marker, road marker, sidewalk
    15, 0, 21, 0, 0,  # vegetation, sky, ground, dynamic, static
])
# fmt: on
"""Class of ``segmentation.proto`` for each of ``camera_segmentation.proto``, 0 where there is none.

Cameras know no kerbs, trunks and walkable ground: kerbs are not told from road and sidewalk, trunks
are vegetation, and "other horizontal surfaces" are taken for walkable.
"""

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

    @cached_property
    def lens(self) -> Straightener:
        """Takes the distortion out of pictures; made once: it takes as long as a picture."""
        return Straightener(self.K, self.distortion, (self.height, self.width))


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
    labels: tuple[Mapping[str, Any], Path] | None = None,
) -> tuple[View, np.ndarray | None]:
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
        labels: row and file of ``camera_segmentation``, if the picture is labelled.

    Returns:
        The view, and (H, W) int64 raw ids of its pixels or None. Their classes are those of
        cameras; each stands here for the class of LiDAR points that it shows, see `LIDAR_CLASS`.

    Raises:
        DataError: if the picture is damaged or not of the calibrated size.
        LabelError: if its labels are.
    """
    rgb = _unpacked(row[PICTURE], "JPEG", "camera_image", camera, name, path)
    ids = None if labels is None else _panoptic(labels[0], camera, name, labels[1])
    if any(camera.distortion):
        rgb, ids = camera.lens.colors(rgb), None if ids is None else camera.lens.labels(ids, 0)
    world_from_camera = matrix(row, POSE, path) @ camera.vehicle_from_camera
    time = row[POSE_TIME]
    seen = View(
        rgb=rgb,
        K=camera.K.copy(),
        camera_from_sensor=np.linalg.inv(world_from_camera) @ world_from_sensor,
        name=name,
        time=None if time is None else float(time),
    )
    return seen, ids


def _panoptic(row: Mapping[str, Any], camera: Calibration, name: str, path: Path) -> np.ndarray:
    """(H, W) int64 classes of ``segmentation.proto`` from a panoptic label."""
    pixels = _unpacked(row[LABEL], "PNG", "camera_segmentation", camera, name, path)
    divisor = int(row[LABEL_DIVISOR] or 0)
    classes = pixels.astype(np.int64) // max(divisor, 1)
    if divisor < 1 or pixels.ndim != 2 or classes.max() >= len(LIDAR_CLASS):
        raise LabelError(
            f"{path}: labels of camera {name} up to {pixels.max()} with divisor {divisor} give "
            f"class {classes.max()}, known are 0 to {len(LIDAR_CLASS) - 1}. Download component "
            "'camera_segmentation' again, or use labels=none."
        )
    return LIDAR_CLASS[classes]


def _unpacked(
    data: bytes | None, kind: str, component: str, camera: Calibration, name: str, path: Path
) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(data or b""), formats=[kind]) as picture:
            # The header tells the size before anything is unpacked.
            if picture.size == (camera.width, camera.height):
                return np.asarray(picture.convert("RGB") if kind == "JPEG" else picture)
            size = picture.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{path}: the picture of camera {name} is not a whole {kind} ({error}). Download "
            f"component '{component}' again, or read without cameras."
        ) from error
    raise DataError(
        f"{path}: the picture of camera {name} has {size[0]} x {size[1]} pixels, "
        f"camera_calibration says {camera.width} x {camera.height}. Download both components of "
        "the segment again, or read without cameras."
    )
