"""The lenses of Waymo's cameras: five coefficients, the same intrinsics before and after."""

from __future__ import annotations

import numpy as np

from pcseg.data.distortion import Resampling, distorted


class Straightener(Resampling):
    """Takes the distortion out of pictures of one camera; size and intrinsics stay as they are."""

    def __init__(self, K: np.ndarray, distortion: tuple[float, ...], size: tuple[int, int]) -> None:
        """Compute the places.

        Args:
            K: (3, 3) intrinsics.
            distortion: k1, k2, p1, p2, k3.
            size: rows and columns.
        """
        x = ((np.arange(size[1]) - K[0, 2]) / K[0, 0])[None]
        y = ((np.arange(size[0]) - K[1, 2]) / K[1, 1])[:, None]
        x, y = distorted(x, y, distortion)
        column, row = x * K[0, 0] + K[0, 2], y * K[1, 1] + K[1, 2]
        inside = (column > -0.5) & (row > -0.5) & (column < size[1] - 0.5) & (row < size[0] - 0.5)
        super().__init__(row, column, inside)
