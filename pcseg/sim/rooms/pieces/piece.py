"""Piece: one or more objects that are placed together, and where other things may stand on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pcseg.sim.mesh import Mesh, join
from pcseg.sim.rooms.kinds import kind_id
from pcseg.sim.shapes.primitives import Point, loft


@dataclass(frozen=True)
class Top:
    """A level surface on which clutter may stand.

    Attributes:
        center: (x, y, z) metres in the frame of the piece.
        size: (width, depth) metres.
        use: what belongs there, a key of `pcseg.sim.rooms.pieces.clutter.ON`.
    """

    center: tuple[float, float, float]
    size: tuple[float, float]
    use: str


@dataclass(frozen=True)
class Piece:
    """Objects in one frame: origin on the floor under the middle, back towards +y, z up.

    Attributes:
        objects: each a countable thing of one kind.
        size: (width, depth, top) metres of the box around all of them, its top above the floor.
        low: where that box begins above the floor.
        tops: surfaces for clutter.
        seats: (x, y, yaw) where a chair belongs; yaw turns its front (-y) towards the piece.
    """

    objects: tuple[Mesh, ...]
    size: tuple[float, float, float]
    low: float = 0.0
    tops: tuple[Top, ...] = ()
    seats: tuple[tuple[float, float, float], ...] = ()


def piece(
    objects: Sequence[Mesh],
    tops: Sequence[Top] = (),
    seats: Sequence[tuple[float, float, float]] = (),
) -> Piece:
    """A piece whose size is measured; its objects must be centred on the origin already."""
    points = np.concatenate([mesh.vertices for mesh in objects])
    width, depth = 2 * np.abs(points[:, :2]).max(0)
    size = (float(width), float(depth), float(points[:, 2].max()))
    return Piece(tuple(objects), size, float(points[:, 2].min()), tuple(tops), tuple(seats))


def hanging(*objects: Mesh) -> Piece:
    """A piece for a wall, moved so that its back (its largest y) is the back of its box."""
    y = np.concatenate([mesh.vertices[:, 1] for mesh in objects])
    middle = (float(y.min()) + float(y.max())) / 2
    return piece([mesh.moved((0, -middle, 0)) for mesh in objects])


def thing(name: str, parts: Sequence[Mesh]) -> Mesh:
    """Parts joined into one object of a kind."""
    return join(parts).labelled(kind_id(name))


def soft_box(size: Point, center: Point, of: str, radius: float | None = None) -> Mesh:
    """A box with rounded edges: cushions, mattresses, bowls of plastic.

    Args:
        size: (x, y, z) metres.
        center: of the box.
        of: material.
        radius: of the edges (metres); by default a third of the thinnest side.
    """
    x, y, z = np.asarray(size, float) / 2
    r = min(x, y, z) * 0.66 if radius is None else min(radius, 0.95 * min(x, y, z))
    around = np.arange(4)[:, None] * (np.pi / 2) + np.array([0.0, 0.5, 1.0]) * (np.pi / 2)
    corner = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], float)
    turn = np.stack([np.cos(around), np.sin(around)], -1)  # (4, 3, 2)
    sections = []
    for height, inset in ((-z, r), (-z + 0.3 * r, 0.29 * r), (-z + r, 0.0)):
        sections.append((height, inset))
    sections += [(-height, inset) for height, inset in sections[::-1]]
    rings = []
    for height, inset in sections:
        flat = corner[:, None] * ([x - r, y - r]) + turn * (r - inset)
        ring = np.concatenate([flat.reshape(-1, 2), np.full((12, 1), height)], 1)
        rings.append(ring)
    return loft(np.array(rings) + np.asarray(center, float), of)


def lathe(profile: Sequence[tuple[float, float]], of: str, sides: int = 14) -> Mesh:
    """A body of revolution about z from (radius, height) pairs, bottom to top; caps are closed."""
    around = np.arange(sides) * (2 * np.pi / sides)
    unit = np.stack([np.cos(around), np.sin(around)], 1)
    rings = [
        np.concatenate([max(radius, 1e-3) * unit, np.full((sides, 1), height)], 1)
        for radius, height in profile
    ]
    return loft(np.array(rings), of)
