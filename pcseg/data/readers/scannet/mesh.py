"""Meshes behind scans: normals of vertices, and the faces that are left when points are chosen."""

from __future__ import annotations

import numpy as np
from numba import njit

from pcseg.data.scan import Scan


def vertex_normals(xyz: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Normals of vertices: the mean of their faces' normals, weighted by area.

    Args:
        xyz: (N, 3) vertices.
        faces: (M, 3) triangles.

    Returns:
        (N, 3) float32 unit vectors, (0, 0, 0) for vertices without a face.

    Raises:
        IndexError: if a face has a corner that is no vertex.
    """
    if faces.size and not 0 <= faces.min() <= faces.max() < len(xyz):
        raise IndexError(f"faces name vertices {faces.min()} to {faces.max()} of {len(xyz)}")
    normals = np.zeros((len(xyz), 3))
    _add_faces(np.ascontiguousarray(xyz, np.float64), np.ascontiguousarray(faces), normals)
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


@njit(cache=True, nogil=True)
def _add_faces(xyz, faces, normals):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Add to each vertex the cross products of its faces: twice their areas long."""
    for i in range(len(faces)):
        a, b, c = faces[i, 0], faces[i, 1], faces[i, 2]
        ux, uy, uz = xyz[b, 0] - xyz[a, 0], xyz[b, 1] - xyz[a, 1], xyz[b, 2] - xyz[a, 2]
        vx, vy, vz = xyz[c, 0] - xyz[a, 0], xyz[c, 1] - xyz[a, 1], xyz[c, 2] - xyz[a, 2]
        x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        if np.isfinite(x + y + z):  # a bad vertex spoils none but itself
            for corner in (a, b, c):
                normals[corner, 0] += x
                normals[corner, 1] += y
                normals[corner, 2] += z
