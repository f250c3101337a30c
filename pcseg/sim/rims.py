"""Rims: the frames of panes, plates and pictures, drawn by the distance from their free edges."""

from __future__ import annotations

import numpy as np

from pcseg.sim.film import linear_colors
from pcseg.sim.materials import TABLE, material
from pcseg.sim.mesh import Mesh

_FRAMED = tuple(name for name, of in TABLE.items() if of.rim is not None)


class Rims:
    """The frames of the faces of a mesh whose materials have them.

    A free edge is one that no other face of the same plane shares: the diagonal of a pane is none.
    """

    def __init__(self, mesh: Mesh) -> None:
        framed = [material(name) for name in (*_FRAMED, "sign_face")]
        faces = np.flatnonzero(np.isin(mesh.material, framed))
        self._row = np.full(len(mesh), -1, np.int32)
        self._row[faces] = np.arange(len(faces))
        self._inward, self._offset = _edges(mesh, faces)
        self._width = np.zeros(len(faces), np.float32)
        self._color = np.zeros((len(faces), 3), np.float32)
        for name in _FRAMED:
            rim = TABLE[name].rim
            assert rim is not None
            mine = faces[mesh.material[faces] == material(name)]
            self.repaint(mine, rim[0], linear_colors(rim[1]))

    def repaint(self, faces: np.ndarray, width_m: float, color: np.ndarray) -> None:
        """Give framed faces (N,) another frame: its width and linear colour (N, 3) or (1, 3)."""
        self._width[self._row[faces]] = width_m
        self._color[self._row[faces]] = color

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
        row = self._row[face]
        spots = np.flatnonzero(row >= 0)
        if not len(spots):
            return
        row, across = row[spots], np.maximum(spot[spots], np.float32(1e-4))
        inside = np.einsum("nkc,nc->nk", self._inward[row], place[spots]) - self._offset[row]
        share = np.clip((self._width[row] - inside.min(1)) / across + 0.5, 0, 1)[:, None]
        color[spots] += share * (self._color[row] - color[spots])


def _edges(mesh: Mesh, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inward unit normals (R, 3, 3) of the edges in the plane of each face, and offsets (R, 3).

    ``inward · p - offset`` is the distance of a point of the face from an edge; the offset of an
    edge that is not free is minus infinity.
    """
    index = mesh.faces[faces]
    corner = mesh.vertices[index].astype(np.float64)
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    along = corner[:, [1, 2, 0]] - corner
    inward = np.cross(normal[:, None], along)
    inward /= np.maximum(np.linalg.norm(inward, axis=2, keepdims=True), 1e-12)
    offset = np.einsum("rkc,rkc->rk", inward, corner)
    offset[~_free(index, normal)] = -np.inf
    return inward.astype(np.float32), offset.astype(np.float32)


def _free(index: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """(R, 3) bool: edges that are not shared by two faces of nearly the same plane."""
    ends = np.sort(np.stack([index, index[:, [1, 2, 0]]], 2).reshape(-1, 2), axis=1)
    key = ends[:, 0].astype(np.int64) << 32 | ends[:, 1]
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order][1:] == key[order][:-1])
    first, second = order[same], order[same + 1]
    level = np.abs((normal[first // 3] * normal[second // 3]).sum(1)) > 0.99
    free = np.ones(len(key), bool)
    free[first[level]] = free[second[level]] = False
    return free.reshape(-1, 3)
