"""Rims: the frames of panes, plates and pictures, drawn by the distance from their free edges."""

from __future__ import annotations

import numpy as np

from pcseg.sim.film import linear_colors
from pcseg.sim.grouping import connected
from pcseg.sim.materials import TABLE, material
from pcseg.sim.mesh import Mesh

_FRAMED = tuple(name for name, of in TABLE.items() if of.rim is not None)
_FLAT = 0.99
"""Faces are of one plane if the cosine between their normals is above this."""
_TOLERANCE_M = 2e-3
_MOST_EDGES = 24


class Rims:
    """The frames of those faces of a mesh whose materials have them.

    Faces of one plane that share edges are one plate, whose edges are those that are not shared:
    the diagonal of a pane is none. A plate that is not convex, or has very many edges, has no
    frame.
    """

    def __init__(self, mesh: Mesh) -> None:
        framed = [material(name) for name in (*_FRAMED, "sign_face")]
        faces = np.flatnonzero(np.isin(mesh.material, framed))
        self._plate = np.full(len(mesh), -1, np.int32)
        self._plate[faces], self._inward, self._offset = _plates(mesh, faces)
        self._width = np.zeros(len(self._offset), np.float32)
        self._color = np.zeros((len(self._offset), 3), np.float32)
        for name in _FRAMED:
            rim = TABLE[name].rim
            assert rim is not None
            mine = faces[mesh.material[faces] == material(name)]
            self.repaint(mine, rim[0], linear_colors(rim[1]))

    def edges(self, faces: np.ndarray) -> np.ndarray:
        """(N,) how many edges the plate of each framed face has."""
        count: np.ndarray = np.isfinite(self._offset[self._plate[faces]]).sum(1)
        return count

    def plate(self, faces: np.ndarray) -> np.ndarray:
        """(N,) number of the plate that each framed face belongs to."""
        return self._plate[faces]

    def repaint(self, faces: np.ndarray, width_m: float, color: np.ndarray) -> None:
        """Give framed faces (N,) another frame: its width and linear colour (N, 3) or (1, 3)."""
        self._width[self._plate[faces]] = width_m
        self._color[self._plate[faces]] = color

    def draw(
        self, color: np.ndarray, face: np.ndarray, place: np.ndarray, spot: np.ndarray
    ) -> None:
        """Change the colours (N, 3) of the spots that lie on a frame.

        Args:
            color: linear RGB, changed in place.
            face: (N,) rows of the mesh's faces.
            place: (N, 3) in the frame of the mesh.
            spot: (N,) metres across each spot: edges are blended over its width.
        """
        plate = self._plate[face]
        spots = np.flatnonzero(plate >= 0)
        if not len(spots):
            return
        plate, across = plate[spots], np.maximum(spot[spots], np.float32(1e-4))
        inside = np.full(len(spots), np.inf, np.float32)
        for k in range(self._offset.shape[1]):
            rows = np.flatnonzero(np.isfinite(self._offset[plate, k]))
            if not len(rows):
                break
            mine = plate[rows]
            away = np.einsum("nc,nc->n", self._inward[mine, k], place[spots[rows]])
            inside[rows] = np.minimum(inside[rows], away - self._offset[mine, k])
        share = np.clip((self._width[plate] - inside) / across + 0.5, 0, 1)[:, None]
        color[spots] += share * (self._color[plate] - color[spots])


def _plates(mesh: Mesh, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Plate of each face (R,), and for P plates their edges: inward (P, E, 3), offset (P, E).

    ``inward · p - offset`` is the distance of a point of the plate from an edge. Plates with fewer
    than E edges are filled up with offsets of minus infinity, which nothing is near.
    """
    index = mesh.faces[faces]
    corner = mesh.vertices[index].astype(np.float64)
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    plate, free = _joined(index, normal)
    along = corner[:, [1, 2, 0]] - corner
    inward = np.cross(normal[:, None], along)
    inward /= np.maximum(np.linalg.norm(inward, axis=2, keepdims=True), 1e-12)
    face, side = np.nonzero(free)
    face, side = face[order := np.argsort(plate[face], kind="stable")], side[order]
    owner, count = plate[face], int(plate.max(initial=-1)) + 1
    starts = np.searchsorted(owner, np.arange(count))
    rank = np.arange(len(owner)) - starts[owner]
    kept = rank < _MOST_EDGES
    width = min(_MOST_EDGES, int(rank.max(initial=-1)) + 1)
    edges, offset = np.zeros((count, width, 3)), np.full((count, width), -np.inf)
    at = (owner[kept], rank[kept])
    edges[at] = inward[face[kept], side[kept]]
    offset[at] = np.einsum("nc,nc->n", edges[at], corner[face[kept], side[kept]])
    # The distance from a line is the distance from an edge only where the outline is convex.
    reach = np.einsum("rec,rkc->rek", edges[plate], corner) - offset[plate][..., None]
    dented = np.unique(plate[(reach < -_TOLERANCE_M).any((1, 2))])
    offset[dented] = offset[owner[~kept]] = -np.inf
    return plate, edges.astype(np.float32), offset.astype(np.float32)


def _joined(index: np.ndarray, normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Plate (R,) of each face, and (R, 3) bool: edges that no face of the same plate shares."""
    ends = np.sort(np.stack([index, index[:, [1, 2, 0]]], 2).reshape(-1, 2), axis=1)
    key = ends[:, 0].astype(np.int64) << 32 | ends[:, 1]
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order][1:] == key[order][:-1])
    first, second = order[same], order[same + 1]
    flat = np.abs((normal[first // 3] * normal[second // 3]).sum(1)) > _FLAT
    first, second = first[flat], second[flat]
    free = np.ones(len(key), bool)
    free[first] = free[second] = False
    return connected(len(index), first // 3, second // 3), free.reshape(-1, 3)
