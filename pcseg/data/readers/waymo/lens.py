"""Lens distortion taken out of a picture, so that it is what a pinhole camera would have taken."""

from __future__ import annotations

import numpy as np


class Straightener:
    """Where each pixel of the straight picture is found in the one that was taken.

    The model is OpenCV's with five coefficients; both pictures have the same size and intrinsics.
    """

    def __init__(self, K: np.ndarray, distortion: tuple[float, ...], size: tuple[int, int]) -> None:
        """Compute the places.

        Args:
            K: (3, 3) intrinsics.
            distortion: k1, k2, p1, p2, k3.
            size: rows and columns.
        """
        x = ((np.arange(size[1]) - K[0, 2]) / K[0, 0])[None]
        y = ((np.arange(size[0]) - K[1, 2]) / K[1, 1])[:, None]
        k1, k2, p1, p2, k3 = distortion
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        u = (x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)) * K[0, 0] + K[0, 2]
        v = (y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y) * K[1, 1] + K[1, 2]
        self._inside = (u > -0.5) & (v > -0.5) & (u < size[1] - 0.5) & (v < size[0] - 0.5)
        self._u = np.clip(u, 0, size[1] - 1).astype(np.float32)
        self._v = np.clip(v, 0, size[0] - 1).astype(np.float32)

    def colors(self, rgb: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 by bilinear interpolation; black where the lens did not look."""
        left, top = self._u.astype(np.int32), self._v.astype(np.int32)
        right = np.minimum(left + 1, rgb.shape[1] - 1)
        below = np.minimum(top + 1, rgb.shape[0] - 1)
        across, down = (self._u - left)[..., None], (self._v - top)[..., None]
        upper = rgb[top, left] * (1 - across) + rgb[top, right] * across
        lower = rgb[below, left] * (1 - across) + rgb[below, right] * across
        mixed = np.rint(upper * (1 - down) + lower * down).astype(np.uint8)
        return np.where(self._inside[..., None], mixed, np.uint8(0))

    def labels(self, ids: np.ndarray, outside: int) -> np.ndarray:
        """(H, W) ids of the nearest pixels; `outside` where the lens did not look."""
        row, column = np.rint(self._v).astype(np.int32), np.rint(self._u).astype(np.int32)
        return np.where(self._inside, ids[row, column], outside)
