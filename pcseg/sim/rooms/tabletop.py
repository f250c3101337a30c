"""What stands on tables, desks and cabinets."""

from __future__ import annotations

import numpy as np

from pcseg.sim.mesh import pose
from pcseg.sim.rooms.pieces.clutter import ON, keyboard, laptop, monitor
from pcseg.sim.rooms.pieces.piece import Piece, Top
from pcseg.sim.rooms.space import Space, Spot


def stand_on(space: Space, item: Piece, spot: Spot, workplace: bool = False) -> None:
    """Put clutter on the surfaces of a piece that stands at a spot.

    Args:
        space: the room.
        item: with its surfaces.
        spot: where it stands.
        workplace: begin with a computer that looks towards the piece's front.
    """
    frame = pose((spot.x, spot.y, 0.0), spot.yaw)
    for top in item.tops:
        taken: list[tuple[float, float, float]] = []
        if workplace:
            _computer(space, top, frame, taken)
        for maker, chance in ON[top.use]:
            if space.rng.random() < chance:
                _drop(space, maker(space.rng), top, frame, taken)


def _computer(
    space: Space, top: Top, frame: np.ndarray, taken: list[tuple[float, float, float]]
) -> None:
    """A laptop, or one or two monitors with a keyboard before them."""
    rng = space.rng
    depth = top.size[1]
    if rng.random() < 0.25:
        _put(space, laptop(rng), top, frame, (0.0, -0.05 * depth), 0.0)
        taken.append((0.0, 0.0, 0.2))
        return
    screens = 2 if top.size[0] > 1.4 and rng.random() < 0.5 else 1
    for number in range(screens):
        x = (number - (screens - 1) / 2) * 0.64
        _put(space, monitor(rng), top, frame, (x, depth / 2 - 0.2), -0.25 * x)
        taken += [(x + dx, depth / 2 - 0.2, 0.17) for dx in (-0.16, 0.16)]
    _put(space, keyboard(rng), top, frame, (0.0, -depth / 2 + 0.2), rng.normal(0, 0.05))
    taken += [(dx, -depth / 2 + 0.2, 0.13) for dx in (-0.14, 0.14)]


def _drop(
    space: Space,
    item: Piece,
    top: Top,
    frame: np.ndarray,
    taken: list[tuple[float, float, float]],
) -> None:
    """Stand a thing on a free part of a surface, if there is one."""
    radius = 0.5 * float(np.hypot(item.size[0], item.size[1]))
    yaw = 0.0 if item.size[0] > 0.45 else space.rng.uniform(-0.6, 0.6)
    half = np.array(top.size) / 2 - np.minimum(np.array(item.size[:2]) / 2 * 1.1, radius) - 0.015
    if (half < 0).any():
        return
    for _ in range(12):
        x, y = space.rng.uniform(-half, half)
        if all(np.hypot(x - a, y - b) > radius + r for a, b, r in taken):
            taken.append((float(x), float(y), radius))
            _put(space, item, top, frame, (float(x), float(y)), yaw)
            return


def _put(
    space: Space,
    item: Piece,
    top: Top,
    frame: np.ndarray,
    place: tuple[float, float],
    yaw: float,
) -> None:
    x, y, z = top.center
    matrix = frame @ pose((x + place[0], y + place[1], z + 0.001), yaw)
    space.objects += [mesh.placed(matrix) for mesh in item.objects]
