"""Cameras of the KITTI layouts: a pinhole and its place, from a line of calib.txt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pcseg.data.labels import LabelSet
from pcseg.data.reader import pixels_of
from pcseg.data.scan import View
from pcseg.errors import DataError
from pcseg.io.pictures import read_picture, read_pixel_ids

_SAME_PIXELS = 1e-6


@dataclass(frozen=True)
class Lens:
    """A camera without its pictures.

    Attributes:
        K: (3, 3) float64 intrinsics in pixels.
        camera_from_sensor: (4, 4) float64.
    """

    K: np.ndarray
    camera_from_sensor: np.ndarray


def kitti_lens(calib: dict[str, np.ndarray], number: int, path: Path) -> Lens:
    """Camera `number` of KITTI's rig: ``P = K [I | t]`` in the axes of camera 0, behind ``Tr``.

    The baseline stands in the last column of P, multiplied by K; here it goes into the transform.
    Source: KITTI odometry development kit, readme (section "calibration").

    Args:
        calib: from `read_calib`.
        number: 2 for ``image_2``.
        path: of calib.txt, for messages.

    Raises:
        DataError: if the lines P and Tr are missing, or P is no pinhole.
    """
    name = f"P{number}"
    for line in (name, "Tr"):
        if line not in calib:
            raise DataError(
                f"{path}: no line '{line}:', which camera image_{number} needs; it has "
                f"{', '.join(calib) or 'none'}. Copy the calib.txt of the dataset."
            )
    K, shifted = calib[name][:3, :3], calib[name][:3, 3]
    check_pinhole(K, name, path)
    baseline = np.eye(4)
    baseline[:3, 3] = np.linalg.solve(K, shifted)
    return Lens(K, baseline @ calib["Tr"])


def check_pinhole(K: np.ndarray, name: str, path: Path) -> None:
    """Demand that a matrix (3, 3) is upper triangular with positive focal lengths.

    Raises:
        DataError: naming the file and the line.
    """
    lower = np.abs([K[1, 0], K[2, 0], K[2, 1]]).max()
    if lower > _SAME_PIXELS or min(K[0, 0], K[1, 1]) <= 1 or abs(K[2, 2] - 1) > _SAME_PIXELS:
        raise DataError(
            f"{path}, {name}: is no pinhole camera in pixels (focal lengths {K[0, 0]:g} and "
            f"{K[1, 1]:g}). Copy the calibration of the dataset, or read without cameras."
        )


def read_view(
    lens: Lens,
    picture: Path,
    labels: Path | None,
    label_set: LabelSet,
    *,
    name: str,
    time: float | None = None,
) -> View:
    """A camera's view from its files.

    Args:
        lens: of the camera.
        picture: the file.
        labels: file of raw ids, one a pixel; None if the pixels are not labelled.
        label_set: turns raw ids into train ids.
        name: of the camera.
        time: when it was taken (seconds).

    Raises:
        DataError: if a file is damaged.
        LabelError: for an id outside the label map, or labels of another size.
    """
    rgb = read_picture(picture)
    pixels = None
    if labels is not None:
        ids = read_pixel_ids(labels, (rgb.shape[0], rgb.shape[1]))
        pixels = pixels_of(ids, label_set, labels)
    return View(rgb, lens.K, lens.camera_from_sensor, labels=pixels, name=name, time=time)
