"""Surfaces: a room's triangles cut finely enough to carry colour and labels on their vertices."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pcseg.sim.mesh import Mesh


@dataclass(frozen=True)
class Surface:
    """A triangle mesh whose vertices know what they belong to.

    Attributes:
        vertices: (V, 3) float32 metres.
        faces: (F, 3) int64; all corners of a face belong to one object.
        label: (V,) uint16 raw ids.
        instance: (V,) uint16.
        rgb: (V, 3) uint8, black where no camera was.
    """

    vertices: np.ndarray
    faces: np.ndarray
    label: np.ndarray
    instance: np.ndarray
    rgb: np.ndarray

    def __len__(self) -> int:
        return len(self.vertices)

    def keep(self, vertices: np.ndarray) -> Surface:
        """Only the vertices of a (V,) mask that are in faces whose corners are all in it."""
        faces = self.faces[vertices[self.faces].all(1)]
        used = np.unique(faces)
        number = np.full(len(self), -1)
        number[used] = np.arange(len(used))
        return Surface(
            self.vertices[used],
            number[faces],
            self.label[used],
            self.instance[used],
            self.rgb[used],
        )


def tessellate(mesh: Mesh, edge_m: float) -> Surface:
    """Join equal corners within each object, then cut edges in halves until none is too long.

    An edge is cut or not whatever the triangles beside it are, so that no gaps open between them.

    Args:
        mesh: labelled triangles.
        edge_m: longest edge (metres).
    """
    vertices, faces, instance, label = _welded(mesh)
    while True:
        edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        code, inverse = np.unique(edges[:, 0] * len(vertices) + edges[:, 1], return_inverse=True)
        one, other = code // len(vertices), code % len(vertices)
        long = np.linalg.norm(vertices[one] - vertices[other], axis=1) > edge_m
        if not long.any():
            break
        middle = np.full(len(code), -1)
        middle[long] = len(vertices) + np.arange(int(long.sum()))
        ends = one[long]
        vertices = np.concatenate([vertices, (vertices[ends] + vertices[other[long]]) / 2])
        instance, label = np.append(instance, instance[ends]), np.append(label, label[ends])
        faces = _cut(faces, middle[inverse.reshape(-1, 3)])
    rgb = np.zeros((len(vertices), 3), np.uint8)
    return Surface(vertices.astype(np.float32), faces, label, instance, rgb)


def roughened(surface: Surface, sigma_m: float, rng: np.random.Generator) -> Surface:
    """The same surface with vertices moved a little, as a reconstruction from depth has them."""
    moved = surface.vertices + rng.normal(0, sigma_m, surface.vertices.shape)
    return replace(surface, vertices=moved.astype(np.float32))


def _welded(mesh: Mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, faces, and instance and label of each vertex; faces without area are dropped."""
    corners = mesh.vertices[mesh.faces].reshape(-1, 3).astype(np.float64)
    owner = np.repeat(mesh.instance, 3).astype(np.int64)
    key = np.column_stack([np.rint(corners * 1e5).astype(np.int64), owner])
    unique, first, inverse = np.unique(key, axis=0, return_index=True, return_inverse=True)
    faces = inverse.reshape(-1, 3)
    distinct = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2])
    faces = faces[distinct & (faces[:, 2] != faces[:, 0])]
    label = np.repeat(mesh.label, 3)[first]
    return corners[first], faces, unique[:, 3].astype(np.uint16), label


def _cut(faces: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Cut triangles through the middles of their long edges.

    Args:
        faces: (F, 3).
        middle: (F, 3) vertex in the middle of edges 01, 12 and 20, -1 where the edge stays.
    """
    parts = [faces[(middle < 0).all(1)]]
    for pattern in range(1, 8):
        wanted = [bool(pattern & (1 << k)) for k in range(3)]
        mine = ((middle >= 0) == wanted).all(1)
        if not mine.any():
            continue
        turns = _TURNS[pattern]  # so that the cut edges come first
        corner = np.roll(faces[mine], -turns, axis=1)
        cut = np.roll(middle[mine], -turns, axis=1)
        table = np.concatenate([corner, cut], 1)
        parts += [table[:, row] for row in _PIECES[sum(wanted)]]
    return np.concatenate(parts)


_TURNS = {1: 0, 2: 1, 4: 2, 3: 0, 6: 1, 5: 2, 7: 0}
"""By bit pattern of cut edges: by how many places to turn a triangle."""

_PIECES = {
    1: ([0, 3, 2], [3, 1, 2]),
    2: ([0, 3, 4], [0, 4, 2], [3, 1, 4]),
    3: ([0, 3, 5], [3, 1, 4], [5, 4, 2], [3, 4, 5]),
}
"""By number of cut edges: triangles of corners 0, 1, 2 and middles 3 (01), 4 (12), 5 (20)."""
