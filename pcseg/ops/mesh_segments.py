"""Over-segmentation of meshes: patches of like normals, as ScanNet's super-points are made."""

from __future__ import annotations

import numpy as np
from numba import njit

from pcseg.errors import DataError


def mesh_segments(
    xyz: np.ndarray, faces: np.ndarray, threshold: float = 0.01, min_size: int = 20
) -> np.ndarray:
    """Cut a mesh into patches along its concave edges and sharp bends.

    The graph-based segmentation of Felzenszwalb and Huttenlocher (IJCV 2004) on the edges of the
    mesh, weighted as in ScanNet's Segmentator (Karpathy et al., "Object discovery in 3D scenes via
    shape analysis", ICRA 2013): ``1 - n_a · n_b``, squared where the surface is convex. Patches
    that are too small then join a neighbour.

    Args:
        xyz: (V, 3) float vertices.
        faces: (F, 3) whole-numbered rows of `xyz`.
        threshold: k of the method; larger makes larger patches.
        min_size: vertices below which a patch joins a neighbour, if it has one.

    Returns:
        (V,) int64: for each vertex the number of one vertex that stands for its patch, as in the
        files ``*.segs.json``.

    Raises:
        DataError: for arrays of the wrong shape, or faces of vertices that do not exist.
    """
    faces = np.asarray(faces)
    if xyz.ndim != 2 or xyz.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise DataError(
            f"a mesh needs (V, 3) vertices and (F, 3) faces, not {xyz.shape} and {faces.shape}."
        )
    if len(faces) and not 0 <= faces.min() <= faces.max() < len(xyz):
        raise DataError(
            f"faces name vertices {faces.min()} to {faces.max()}, but there are {len(xyz)}. "
            "The mesh is damaged: make it again."
        )
    points, corners = xyz.astype(np.float64), faces.astype(np.int64)
    edges = corners[:, [[0, 1], [0, 2], [2, 1]]].reshape(-1, 2)
    weights = _edge_weights(points, vertex_normals(points, corners), edges)
    order = np.argsort(weights, kind="stable")
    edges, weights = edges[order], weights[order]
    return _merge(edges, weights, len(xyz), float(threshold), int(min_size))


def vertex_normals(xyz: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) float64 means of the unit normals of the faces around each vertex, not normalised.

    Faces without area count for nothing; vertices without faces get zeros.
    """
    a, b, c = (xyz[faces[:, k]].astype(np.float64) for k in range(3))
    normal = np.cross(b - a, c - a)
    length = np.sqrt(np.square(normal).sum(1))
    sound = length > 0
    unit = normal[sound] / length[sound, None]
    corner = faces[sound].reshape(-1)
    count = np.maximum(np.bincount(corner, minlength=len(xyz)), 1)
    sums = [
        np.bincount(corner, np.repeat(unit[:, axis], 3), minlength=len(xyz)) for axis in range(3)
    ]
    return np.stack(sums, 1) / count[:, None]


def _edge_weights(xyz: np.ndarray, normals: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """(E,) float32, as the reference has them: rounding decides the order of flat edges."""
    a, b = edges[:, 0], edges[:, 1]
    bend = 1.0 - (normals[a] * normals[b]).sum(1)
    convex = (normals[b] * (xyz[b] - xyz[a])).sum(1) > 0
    return np.where(convex, bend * bend, bend).astype(np.float32)


@njit(cache=True)
def _merge(
    edges: np.ndarray, weights: np.ndarray, count: int, threshold: float, min_size: int
) -> np.ndarray:
    """Join vertices along edges in the order of their weights, then join small patches."""
    parent = np.arange(count)
    rank = np.zeros(count, np.int64)
    size = np.ones(count, np.int64)
    limit = np.full(count, threshold)
    for k in range(len(edges)):
        a, b = _root(parent, edges[k, 0]), _root(parent, edges[k, 1])
        if a != b and weights[k] <= limit[a] and weights[k] <= limit[b]:
            joined = _join(parent, rank, size, a, b)
            limit[joined] = weights[k] + threshold / size[joined]
    for k in range(len(edges)):
        a, b = _root(parent, edges[k, 0]), _root(parent, edges[k, 1])
        if a != b and (size[a] < min_size or size[b] < min_size):
            _join(parent, rank, size, a, b)
    for k in range(count):
        parent[k] = _root(parent, k)
    return parent


@njit(cache=True)
def _root(parent: np.ndarray, vertex: int) -> int:
    while parent[vertex] != vertex:
        parent[vertex] = parent[parent[vertex]]
        vertex = parent[vertex]
    return vertex


@njit(cache=True)
def _join(parent: np.ndarray, rank: np.ndarray, size: np.ndarray, a: int, b: int) -> int:
    """Hang the lower of two trees under the higher one; give the root."""
    if rank[a] > rank[b]:
        a, b = b, a
    parent[a] = b
    size[b] += size[a]
    if rank[a] == rank[b]:
        rank[b] += 1
    return b
