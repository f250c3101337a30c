"""Meshes behind scans: normals of vertices, and the faces that are left when points are chosen."""

from __future__ import annotations

import numpy as np

from pcseg.data.scan import Scan


def vertex_normals(xyz: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Normals of vertices: the mean of their faces' normals, weighted by area.

    Args:
        xyz: (N, 3) vertices.
        faces: (M, 3) triangles.

    Returns:
        (N, 3) float32 unit vectors, (0, 0, 0) for vertices without a face.
    """
    corners = xyz.astype(np.float64)[faces]
    with np.errstate(invalid="ignore"):
        # The length of the cross product is twice the area: summing it is the weighting.
        doubled = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    doubled[~np.isfinite(doubled).all(axis=1)] = 0  # a bad vertex spoils none but itself
    at = faces.reshape(-1)
    normals = np.stack(
        [np.bincount(at, np.repeat(doubled[:, axis], 3), len(xyz)) for axis in range(3)], axis=1
    )
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return (normals / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def faces_of(scan: Scan) -> np.ndarray | None:
    """The triangles of a scan that was read from a mesh, in the numbering of its points.

    A scan whose points were chosen or put into another order keeps the triangles all of whose
    corners it still has: ``attrs["vertex"]`` goes with the points and says which vertex of
    ``meta["faces"]`` each of them is.

    Returns:
        (M, 3) int64; None if the scan is of no mesh, or holds a vertex twice (scans were joined).
    """
    faces, vertex = scan.meta.get("faces"), scan.attrs.get("vertex")
    if faces is None or vertex is None:
        return None
    place = np.full(max(int(vertex.max(initial=-1)), int(faces.max(initial=-1))) + 1, -1, np.int64)
    place[vertex] = np.arange(len(vertex))
    if not np.array_equal(place[vertex], np.arange(len(vertex))):
        return None
    renumbered = place[faces]
    return renumbered[(renumbered >= 0).all(axis=1)]
