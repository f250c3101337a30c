"""Polygons as triangles, all at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pcseg.errors import DataError


def fan(corners: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Cut polygons into fans of triangles around their first corner.

    Args:
        corners: (K,) int64 point ids of all polygons, one after the other.
        counts: (F,) int64 how many corners each polygon has; fewer than 3 give no triangle.

    Returns:
        (M, 3) int64, triangles in the order of their polygons.
    """
    triangles = np.maximum(counts - 2, 0)
    start = np.cumsum(counts) - counts
    first = np.repeat(start, triangles)
    within = np.arange(int(triangles.sum())) - np.repeat(
        np.cumsum(triangles) - triangles, triangles
    )
    return np.stack(
        [corners[first], corners[first + within + 1], corners[first + within + 2]], axis=1
    )


def check_faces(path: Path, faces: np.ndarray, num_points: int) -> np.ndarray:
    """The faces (M, 3), all of whose corners are points.

    Raises:
        DataError: naming the first face with a corner outside 0..num_points-1.
    """
    outside = ((faces < 0) | (faces >= num_points)).any(axis=1)
    if outside.any():
        first = int(np.argmax(outside))
        raise DataError(
            f"{path}: triangle {first} has corners {faces[first].tolist()}, but there are "
            f"{num_points} points. Mend the faces or make the file again."
        )
    return faces
