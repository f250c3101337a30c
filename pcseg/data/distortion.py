"""Lens distortion taken out of pictures: what a pinhole camera would have taken instead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def distorted(
    x: np.ndarray, y: np.ndarray, terms: Sequence[float] | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where a lens puts what a pinhole would put at x, y (in focal lengths from the middle).

    The model is OpenCV's with five coefficients (documentation, "Camera Calibration and 3D
    Reconstruction").

    Args:
        x: (...) to the right.
        y: (...) down, of a shape that fits.
        terms: k1, k2, p1, p2, k3.

    Returns:
        x and y, float64.
    """
    k1, k2, p1, p2, k3 = terms
    square = x * x + y * y
    radial = 1 + square * (k1 + square * (k2 + square * k3))
    return (
        x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x),
        y * radial + 2 * p2 * x * y + p1 * (square + 2 * y * y),
    )


class Resampling:
    """Where each pixel of a straight picture is found in the one that was taken."""

    def __init__(self, row: np.ndarray, column: np.ndarray, inside: np.ndarray) -> None:
        """Take note of the places.

        Args:
            row: (H, W) in the picture as taken, whose pixel centres are whole numbers.
            column: (H, W) likewise.
            inside: (H, W) bool, which of them lie in that picture; it is as large.
        """
        height, width = inside.shape
        self._inside = inside
        self._row = np.clip(row, 0, height - 1).astype(np.float32)
        self._column = np.clip(column, 0, width - 1).astype(np.float32)

    def colors(self, rgb: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 by bilinear interpolation; black where the lens did not look."""
        left, top = self._column.astype(np.int32), self._row.astype(np.int32)
        right = np.minimum(left + 1, rgb.shape[1] - 1)
        below = np.minimum(top + 1, rgb.shape[0] - 1)
        across, down = (self._column - left)[..., None], (self._row - top)[..., None]
        upper = rgb[top, left] * (1 - across) + rgb[top, right] * across
        lower = rgb[below, left] * (1 - across) + rgb[below, right] * across
        mixed = np.rint(upper * (1 - down) + lower * down).astype(np.uint8)
        return np.where(self._inside[..., None], mixed, np.uint8(0))

    def labels(self, ids: np.ndarray, outside: int) -> np.ndarray:
        """(H, W) ids of the nearest pixels; `outside` where the lens did not look."""
        row, column = np.rint(self._row).astype(np.int32), np.rint(self._column).astype(np.int32)
        return np.where(self._inside, ids[row, column], ids.dtype.type(outside))
