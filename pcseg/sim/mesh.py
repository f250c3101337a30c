"""Labelled triangle soups: the geometry of the simulator, and how to join and place it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Mesh:
    """Triangles that know what they are and what they are made of.

    Attributes:
        vertices: (V, 3) float32 metres.
        faces: (F, 3) int32 rows of `vertices`.
        label: (F,) uint16 ids of `pcseg.sim.classes`: SemanticKITTI's, and finer ones.
        instance: (F,) uint16 instance ids, 0 for none.
        material: (F,) uint8 rows of `pcseg.sim.materials.MATERIALS`.
        tint: (F,) float32 factor on the reflectivity of the material.
    """

    vertices: np.ndarray
    faces: np.ndarray
    label: np.ndarray
    instance: np.ndarray
    material: np.ndarray
    tint: np.ndarray

    def __len__(self) -> int:
        return len(self.faces)

    def labelled(self, label: int, instance: int | None = None) -> Mesh:
        """The same triangles under one raw id, and one instance id if it is given."""
        changed = replace(self, label=np.full(len(self), label, np.uint16))
        if instance is None:
            return changed
        return replace(changed, instance=np.full(len(self), instance, np.uint16))

    def tinted(self, factor: float) -> Mesh:
        """The same triangles, brighter or darker to the sensor."""
        return replace(self, tint=(self.tint * np.float32(factor)).astype(np.float32))

    def moved(
        self, offset: Sequence[float] | np.ndarray = (0, 0, 0), yaw: float = 0.0, scale: float = 1.0
    ) -> Mesh:
        """Scaled, turned about z by `yaw` (radians, counter-clockwise), then shifted (metres)."""
        return self.placed(pose(offset, yaw), scale)

    def placed(self, matrix: np.ndarray, scale: float = 1.0) -> Mesh:
        """Scaled and then moved by a (4, 4) rigid transform."""
        turned = (self.vertices * scale) @ matrix[:3, :3].T + matrix[:3, 3]
        return replace(self, vertices=turned.astype(np.float32))

    def areas(self) -> np.ndarray:
        """(F,) areas in square metres."""
        a, b, c = (self.vertices[self.faces[:, k]] for k in range(3))
        return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)


def soup(vertices: np.ndarray, faces: np.ndarray, material: np.ndarray | int) -> Mesh:
    """A mesh without labels from bare arrays; one material for all faces or one per face."""
    count = len(faces)
    return Mesh(
        vertices=np.asarray(vertices, np.float32).reshape(-1, 3),
        faces=np.asarray(faces, np.int32).reshape(-1, 3),
        label=np.zeros(count, np.uint16),
        instance=np.zeros(count, np.uint16),
        material=np.broadcast_to(np.asarray(material, np.uint8), (count,)).copy(),
        tint=np.ones(count, np.float32),
    )


def join(meshes: Sequence[Mesh]) -> Mesh:
    """All triangles of several meshes in one, in order. An empty list gives an empty mesh."""
    if not meshes:
        return soup(np.zeros((0, 3)), np.zeros((0, 3)), 0)
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    return Mesh(
        vertices=np.concatenate([mesh.vertices for mesh in meshes]),
        faces=np.concatenate([m.faces + s for m, s in zip(meshes, starts, strict=True)]).astype(
            np.int32
        ),
        label=np.concatenate([mesh.label for mesh in meshes]),
        instance=np.concatenate([mesh.instance for mesh in meshes]),
        material=np.concatenate([mesh.material for mesh in meshes]),
        tint=np.concatenate([mesh.tint for mesh in meshes]),
    )


def pose(
    offset: Sequence[float] | np.ndarray, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0
) -> np.ndarray:
    """A (4, 4) float64 rigid transform: yaw left, pitch nose up, roll right side down; radians."""
    cy, sy = np.cos(yaw), np.sin(yaw)
    cp, sp = np.cos(-pitch), np.sin(-pitch)
    cr, sr = np.cos(roll), np.sin(roll)
    matrix = np.eye(4)
    matrix[:3, :3] = (
        np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
        @ np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
        @ np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    )
    matrix[:3, 3] = offset
    return matrix
