"""Tables: dining, meeting, coffee and end tables, and desks with what belongs to them."""

from __future__ import annotations

import numpy as np

from pcseg.sim.mesh import Mesh
from pcseg.sim.rooms.pieces.piece import Piece, Top, lathe, piece, thing
from pcseg.sim.shapes.primitives import box, tube


def dining_table(rng: np.random.Generator) -> Piece:
    """A table of 4 to 6 places, rectangular or round."""
    if rng.random() < 0.3:
        return _round_table(rng)
    return _table(rng, rng.uniform(1.2, 1.8), rng.uniform(0.75, 0.95), "dining")


def meeting_table(rng: np.random.Generator, length: float) -> Piece:
    """A long table with seats on all sides."""
    return _table(rng, length, rng.uniform(1.0, 1.3), "meeting")


def coffee_table(rng: np.random.Generator) -> Piece:
    """A low table with a shelf below its top."""
    width, depth, height = rng.uniform(0.8, 1.2), rng.uniform(0.5, 0.65), rng.uniform(0.38, 0.46)
    of = "veneer" if rng.random() < 0.7 else "lacquer"
    parts = [box((width, depth, 0.035), (0, 0, height - 0.018), of)]
    parts.append(box((width - 0.1, depth - 0.1, 0.02), (0, 0, 0.15), of))
    parts += _four_legs(width, depth, height - 0.035, of)
    return piece([thing("coffee table", parts)], [Top((0, 0, height), (width, depth), "coffee")])


def end_table(rng: np.random.Generator) -> Piece:
    """A small table, square or round."""
    size, height = rng.uniform(0.38, 0.5), rng.uniform(0.48, 0.6)
    if rng.random() < 0.5:
        parts = [lathe([(0.16, 0), (0.16, 0.02), (0.025, 0.04), (0.025, height - 0.04)], "wood")]
        parts.append(lathe([(size / 2, height - 0.03), (size / 2, height)], "wood", 20))
    else:
        parts = [box((size, size, 0.03), (0, 0, height - 0.015), "veneer")]
        parts += _four_legs(size, size, height - 0.03, "veneer")
    return piece(
        [thing("end table", parts)], [Top((0, 0, height), (0.7 * size, 0.7 * size), "end")]
    )


def desk(rng: np.random.Generator) -> Piece:
    """A desk: legs or panels, often with a drawer unit; its seat is in front, at -y."""
    width, depth, height = rng.uniform(1.2, 1.7), rng.uniform(0.65, 0.8), rng.uniform(0.71, 0.75)
    of = "veneer" if rng.random() < 0.7 else "lacquer"
    parts = [box((width, depth, 0.03), (0, 0, height - 0.015), of)]
    if rng.random() < 0.5:
        for side in (-1, 1):
            x = side * (width / 2 - 0.015)
            parts.append(box((0.03, depth - 0.04, height - 0.03), (x, 0, (height - 0.03) / 2), of))
        parts.append(box((width - 0.06, 0.02, 0.35), (0, depth / 2 - 0.1, height - 0.22), of))
    else:
        parts += _four_legs(width, depth, height - 0.03, "steel")
    if rng.random() < 0.65:
        side = rng.choice([-1, 1])
        x, tall = side * (width / 2 - 0.26), height - 0.08
        parts.append(box((0.42, depth - 0.12, tall - 0.03), (x, 0, 0.03 + (tall - 0.03) / 2), of))
        for row in range(3):
            z = 0.06 + (row + 0.5) * (tall - 0.06) / 3
            front = -depth / 2 + 0.055
            parts.append(box((0.39, 0.02, (tall - 0.06) / 3 - 0.02), (x, front, z), of))
            parts.append(box((0.14, 0.02, 0.015), (x, front - 0.015, z + 0.05), "chrome"))
    tops = [Top((0, 0, height), (width, depth), "desk")]
    return piece([thing("desk", parts)], tops, [(0.0, -depth / 2 - 0.22, np.pi)])


def _table(rng: np.random.Generator, length: float, width: float, use: str) -> Piece:
    """A rectangular table, its long side along x, with seats along the sides and at the ends."""
    height = rng.uniform(0.72, 0.76)
    of = str(rng.choice(["veneer", "wood", "lacquer"]))
    parts = [box((length, width, 0.035), (0, 0, height - 0.018), of)]
    if length > 2.4 or rng.random() < 0.3:
        for x in np.linspace(-length / 2 + 0.5, length / 2 - 0.5, max(2, int(length / 1.5))):
            parts.append(
                box((0.06, 0.5 * width, height - 0.06), (x, 0, height / 2 - 0.02), "steel")
            )
            parts.append(box((0.1, 0.8 * width, 0.03), (x, 0, 0.015), "steel"))
    else:
        parts += _four_legs(length, width, height - 0.035, of)
        apron = [
            (length - 0.2, 0.02, 0, width / 2 - 0.08),
            (0.02, width - 0.2, length / 2 - 0.08, 0),
        ]
        for a, b, x, y in apron:
            parts += [box((a, b, 0.08), (s * x, s * y, height - 0.075), of) for s in (-1, 1)]
    along = max(1, int(length / 0.68))
    offsets = (np.arange(along) - (along - 1) / 2) * (length / along)
    seats = [
        (float(x), side * (width / 2 + 0.2), 0.0 if side > 0 else np.pi)
        for x in offsets
        for side in (-1, 1)
    ]
    if width > 0.9:
        seats += [(side * (length / 2 + 0.2), 0.0, -side * np.pi / 2) for side in (-1, 1)]
    return piece([thing("table", parts)], [Top((0, 0, height), (length, width), use)], seats)


def _round_table(rng: np.random.Generator) -> Piece:
    radius, height = rng.uniform(0.45, 0.6), rng.uniform(0.72, 0.76)
    parts: list[Mesh] = [lathe([(radius, height - 0.03), (radius, height)], "veneer", 28)]
    parts.append(lathe([(0.26, 0), (0.25, 0.03), (0.05, 0.06), (0.05, height - 0.03)], "steel"))
    seats = []
    for angle in np.arange(4) * np.pi / 2:
        x, y = (radius + 0.2) * np.sin(angle), (radius + 0.2) * np.cos(angle)
        seats.append((float(x), float(y), float(-angle)))
    tops = [Top((0, 0, height), (1.3 * radius, 1.3 * radius), "dining")]
    return piece([thing("table", parts)], tops, seats)


def _four_legs(width: float, depth: float, height: float, of: str) -> list[Mesh]:
    x, y = width / 2 - 0.05, depth / 2 - 0.05
    corners = [(sx * x, sy * y) for sx in (-1, 1) for sy in (-1, 1)]
    if of in ("steel", "chrome"):
        return [tube((a, b, 0), (a, b, height), 0.025, of, sides=8) for a, b in corners]
    return [box((0.055, 0.055, height), (a, b, height / 2), of) for a, b in corners]
