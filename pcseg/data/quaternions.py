"""Unit quaternions w, x, y, z and the rotations they mean."""

from __future__ import annotations

import numpy as np


def rotation_of(quaternion: np.ndarray) -> np.ndarray:
    """(3, 3) float64 rotation of a quaternion (4,) w, x, y, z, which is normalised first."""
    w, x, y, z = np.asarray(quaternion, np.float64) / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def quaternion_of(rotation: np.ndarray) -> np.ndarray:
    """(4,) float64 w, x, y, z of a rotation (3, 3), w not negative.

    By the largest of the four components (Shepperd 1978, "Quaternion from rotation matrix"), so
    that no angle is computed badly.
    """
    r = np.asarray(rotation, np.float64)
    trace = np.trace(r)
    products = np.empty((4, 4))  # 4 q qᵀ
    products[0, 0] = 1 + trace
    products[0, 1:] = r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]
    products[1:, 0] = products[0, 1:]
    products[1:, 1:] = r + r.T + (1 - trace) * np.eye(3)
    row = products[int(np.argmax(np.diag(products)))]
    found = row / np.linalg.norm(row)
    return found if found[0] >= 0 else -found
