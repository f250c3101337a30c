"""Pictures of RGB-D cameras: 16-bit depth, and one camera's picture on the other's grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from pcseg.io.pictures import read_gray

NO_DEPTH = 65535
"""Stored where a Kinect saw nothing (7-Scenes); ScanNet stores 0."""


def read_depth(path: Path, per_metre: float = 1000.0) -> np.ndarray:
    """Read a depth picture: (H, W) float32 metres, 0 where unknown (stored as 0 or `NO_DEPTH`).

    Raises:
        DataError: as `read_gray`.
    """
    stored = read_gray(path)
    depth = stored.astype(np.float32) / np.float32(per_metre)
    depth[stored == NO_DEPTH] = 0
    return depth


def nearest(
    picture: np.ndarray, K: np.ndarray, target_K: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """A picture as another camera at the same place would see it, without mixing pixels.

    Both cameras look the same way and have no skew, so rows and columns move independently.

    Args:
        picture: (h, w) of the first camera.
        K: (3, 3) its intrinsics.
        target_K: (3, 3) intrinsics of the other camera.
        size: (H, W) of the other camera.

    Returns:
        (H, W); 0 where the first camera sees nothing.
    """
    rows = _source(np.arange(size[0]), K[1, 1], K[1, 2], target_K[1, 1], target_K[1, 2])
    columns = _source(np.arange(size[1]), K[0, 0], K[0, 2], target_K[0, 0], target_K[0, 2])
    rows, columns = np.rint(rows).astype(np.int64), np.rint(columns).astype(np.int64)
    row_there = (rows >= 0) & (rows < picture.shape[0])
    column_there = (columns >= 0) & (columns < picture.shape[1])
    out = np.zeros(size, picture.dtype)
    out[np.ix_(row_there, column_there)] = picture[np.ix_(rows[row_there], columns[column_there])]
    return out


def smooth(
    rgb: np.ndarray, K: np.ndarray, target_K: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """A colour picture (h, w, 3) on the grid of another camera, as `nearest`, but interpolated."""
    scale_x, scale_y = K[0, 0] / target_K[0, 0], K[1, 1] / target_K[1, 1]
    # Pillow counts from the corner of the first pixel, intrinsics count from its centre.
    shift_x = K[0, 2] + 0.5 - scale_x * (target_K[0, 2] + 0.5)
    shift_y = K[1, 2] + 0.5 - scale_y * (target_K[1, 2] + 0.5)
    image = Image.fromarray(rgb).transform(
        (size[1], size[0]),
        Image.Transform.AFFINE,
        (scale_x, 0.0, shift_x, 0.0, scale_y, shift_y),
        Image.Resampling.BILINEAR,
    )
    return np.array(image)


def scaled_intrinsics(K: np.ndarray, size: tuple[int, int], target: tuple[int, int]) -> np.ndarray:
    """Intrinsics (3, 3) of a picture that was resized from `size` to `target`, (height, width)."""
    scale_y, scale_x = target[0] / size[0], target[1] / size[1]
    scaled = K.copy()
    scaled[0] *= scale_x
    scaled[1] *= scale_y
    # The centre of the first pixel is (0, 0), but what is scaled is the distance from its corner.
    scaled[0, 2] += 0.5 * scale_x - 0.5
    scaled[1, 2] += 0.5 * scale_y - 0.5
    return scaled


def size_of(picture: np.ndarray) -> tuple[int, int]:
    """(height, width) of a picture."""
    return picture.shape[0], picture.shape[1]


def _source(at: np.ndarray, f: float, c: float, target_f: float, target_c: float) -> np.ndarray:
    return f * (at - target_c) / target_f + c
