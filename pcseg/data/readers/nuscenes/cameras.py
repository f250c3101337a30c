"""The cameras of nuScenes: a picture with its place relative to a LiDAR sweep of another moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pcseg.data.labels import LabelSet
from pcseg.data.reader import pixels_of
from pcseg.data.readers.nuscenes.index import Index, inverse
from pcseg.data.scan import View
from pcseg.errors import DataError
from pcseg.io.pictures import read_picture, read_pixel_ids

LABELS, DEPTHS = "_labels", "_depth"
"""End the folders with labels and depths of a camera's pixels, which only simulated data have."""

DEPTH_STEPS = 256.0
"""Of a metre in depth files, as KITTI stores depths."""


def read_view(
    index: Index, recording: int, path: Path, name: str, pose: np.ndarray, labels: LabelSet | None
) -> View:
    """Read the picture of a recording.

    The way from the LiDAR to the camera leads through the world, because the car went on between
    their moments: LiDAR, world, car at the camera's moment, camera.

    Args:
        index: of the tables.
        recording: of a camera.
        path: of its file.
        name: of the camera.
        pose: (4, 4) LiDAR -> world.
        labels: that the pixels' raw ids are encoded with; None to leave them.

    Raises:
        DataError: if the picture is missing or damaged, or not as big as the table says.
        LabelError: if labels beside it are damaged or unknown.
    """
    rgb = read_picture(path)
    height, width = index.size[recording].tolist()
    if rgb.shape[:2] != (height, width):
        raise DataError(
            f"{path}: {rgb.shape[1]} x {rgb.shape[0]} pixels, but sample_data.json says "
            f"{width} x {height}, which the calibration belongs to. "
            "Copy the picture as the data set has it."
        )
    world_from_camera = index.world_from_car(recording) @ index.car_from_sensor(recording)
    pixels = depth = None
    if labels is not None and (beside := _beside(path, LABELS)).is_file():
        pixels = pixels_of(read_pixel_ids(beside, (height, width)), labels, beside)
    if (beside := _beside(path, DEPTHS)).is_file():
        depth = (read_pixel_ids(beside, (height, width)) / DEPTH_STEPS).astype(np.float32)
    return View(
        rgb=rgb,
        K=index.intrinsics[index.mount[recording]].reshape(3, 3),
        camera_from_sensor=inverse(world_from_camera) @ pose,
        depth=depth,
        labels=pixels,
        name=name,
        time=float(index.time_us[recording] * 1e-6),
    )


def _beside(picture: Path, ending: str) -> Path:
    return picture.parent.with_name(picture.parent.name + ending) / f"{picture.stem}.png"
