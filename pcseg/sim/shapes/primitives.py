"""Primitive solids: boxes, tubes, ellipsoids, lofts, quads and loose leaves."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from pcseg.sim.materials import material
from pcseg.sim.mesh import Mesh, soup

Point = Sequence[float] | np.ndarray

_BOX = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
_BOX_QUADS = np.array(
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
)


def box(size: Point, center: Point, of: str, yaw: float = 0.0) -> Mesh:
    """A box (12 triangles) of edge lengths `size`, turned about its own z by `yaw` radians."""
    corners = _BOX * np.asarray(size, float)
    if yaw:
        c, s = np.cos(yaw), np.sin(yaw)
        corners = corners @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    return soup(corners + np.asarray(center, float), _split(_BOX_QUADS), material(of))


def quads(corners: np.ndarray, of: str) -> Mesh:
    """Independent quadrilaterals from (N, 4, 3) corners in order around each."""
    corners = np.asarray(corners, float).reshape(-1, 4, 3)
    index = np.arange(4 * len(corners)).reshape(-1, 4)
    return soup(corners, _split(index), material(of))


def polygons(outlines: np.ndarray, of: str) -> Mesh:
    """Convex polygons (N, P, 3) as fans of triangles."""
    outlines = np.asarray(outlines, float)
    count, points = outlines.shape[:2]
    fan = np.array([[0, k, k + 1] for k in range(1, points - 1)])
    faces = fan[None] + (np.arange(count) * points)[:, None, None]
    return soup(outlines, faces.reshape(-1, 3), material(of))


def tube(
    start: Point,
    end: Point,
    radius: float,
    of: str,
    radius_end: float | None = None,
    sides: int = 7,
) -> Mesh:
    """A closed, straight, possibly tapered tube between two points."""
    last = radius if radius_end is None else radius_end
    return tubes([(start, end, radius, last)], of, sides)


def tubes(segments: Sequence[tuple[Point, Point, float, float]], of: str, sides: int = 7) -> Mesh:
    """Many tubes at once, each given by (start, end, radius at start, radius at end)."""
    ends = np.array([(a, b) for a, b, _, _ in segments], float)  # (N, 2, 3)
    radii = np.array([(r, q) for _, _, r, q in segments], float)  # (N, 2)
    axis = ends[:, 1] - ends[:, 0]
    axis /= np.maximum(np.sqrt((axis * axis).sum(1, keepdims=True)), 1e-9)
    upright = np.abs(axis[:, 2:]) > 0.9
    aside = np.where(upright, [[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]])
    u = _cross(axis, aside)
    u /= np.sqrt((u * u).sum(1, keepdims=True))
    v = _cross(axis, u)
    angle = np.arange(sides) * (2 * np.pi / sides)
    ring = np.cos(angle)[:, None] * u[:, None] + np.sin(angle)[:, None] * v[:, None]  # (N, P, 3)
    vertices = ends[:, :, None] + ring[:, None] * radii[:, :, None, None]
    faces = _skin_faces(2, sides)
    offsets = np.arange(len(ends)) * 2 * sides
    return soup(vertices, (faces + offsets[:, None, None]).reshape(-1, 3), material(of))


def loft(sections: np.ndarray, of: str | np.ndarray) -> Mesh:
    """A skin over closed cross-sections, capped at both ends.

    Args:
        sections: (S, P, 3) corners of S sections of P points each.
        of: one material, or (S - 1, P) material ids: entry (s, p) covers the strip between
            sections s and s + 1 along the edge from point p to p + 1. Caps take the first and last.
    """
    count, points = sections.shape[:2]
    faces = _skin_faces(count, points)
    if isinstance(of, str):
        return soup(sections, faces, material(of))
    skin = np.repeat(np.asarray(of).reshape(-1), 2)
    caps = np.repeat([of[0, 0], of[-1, 0]], points - 2)
    return soup(sections, faces, np.concatenate([skin, caps]))


def ellipsoid(center: Point, radii: Point, of: str, rings: int = 5, sides: int = 8) -> Mesh:
    """An ellipsoid of latitude rings; poles are closed by small caps."""
    polar = np.linspace(0.12, np.pi - 0.12, rings)
    around = np.arange(sides) * (2 * np.pi / sides)
    unit = np.stack(
        [
            np.sin(polar)[:, None] * np.cos(around),
            np.sin(polar)[:, None] * np.sin(around),
            np.cos(polar)[:, None] * np.ones(sides),
        ],
        -1,
    )
    return loft(unit * np.asarray(radii, float) + np.asarray(center, float), of)


def wheel(center: Point, radius: float, width: float, of: str = "rubber", sides: int = 14) -> Mesh:
    """A disc-shaped wheel standing in the x-z plane."""
    half = np.array([0, width / 2, 0])
    return tube(np.asarray(center) - half, np.asarray(center) + half, radius, of, sides=sides)


def leaves(
    centers: np.ndarray, size: np.ndarray | float, of: str, rng: np.random.Generator
) -> Mesh:
    """One randomly turned triangle of about `size` metres at each of the (N, 3) centres.

    Foliage is a scatter of small reflectors, not a surface: rays pass between the leaves.
    """
    count = len(centers)
    corners = rng.normal(0, 1, (count, 3, 3))
    corners -= corners.mean(1, keepdims=True)
    corners *= (np.broadcast_to(size, (count,)) / 1.6)[:, None, None]
    vertices = corners + centers[:, None]
    mesh = soup(vertices, np.arange(3 * count).reshape(-1, 3), material(of))
    mesh.tint[:] = rng.uniform(0.7, 1.2, count)
    return mesh


@lru_cache(maxsize=64)
def _skin_faces(sections: int, points: int) -> np.ndarray:
    """Triangles of a capped skin over sections of so many points, strips first, then two caps."""
    index = np.arange(sections * points).reshape(sections, points)
    following = np.roll(index, -1, axis=1)
    strips = np.stack([index[:-1], following[:-1], following[1:], index[1:]], -1).reshape(-1, 4)
    fan = np.array([[0, k, k + 1] for k in range(1, points - 1)])
    return np.concatenate([_split(strips), index[0][fan[:, ::-1]], index[-1][fan]])


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Row-wise cross product; np.cross spends most of its time on axis checks."""
    return np.stack(
        [
            a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1],
            a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2],
            a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0],
        ],
        1,
    )


def _split(index: np.ndarray) -> np.ndarray:
    """(N, 4) quads as (2N, 3) triangles, both halves of a quad beside each other."""
    return index[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
