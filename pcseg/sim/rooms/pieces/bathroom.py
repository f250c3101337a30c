"""Bathrooms: toilet, wash-stand, bathtub and shower with their curtains; fronts face -y."""

# ruff: noqa: RUF005 - "array + [x, y, z]" shifts a point here, it does not concatenate.
from __future__ import annotations

import numpy as np

from pcseg.sim.mesh import Mesh, join
from pcseg.sim.rooms.pieces.piece import Piece, Top, hanging, lathe, piece, soft_box, thing
from pcseg.sim.rooms.pieces.storage import fronted
from pcseg.sim.rooms.pieces.wall import draped
from pcseg.sim.shapes.primitives import box, loft, quads, tube


def toilet(rng: np.random.Generator) -> Piece:
    """A toilet with its cistern, the lid up or down."""
    seat, depth = rng.uniform(0.39, 0.43), rng.uniform(0.66, 0.72)
    y = depth / 2
    parts = [soft_box((0.38, 0.19, 0.36), (0, y - 0.1, seat + 0.18), "ceramic", 0.03)]
    parts.append(box((0.4, 0.21, 0.025), (0, y - 0.105, seat + 0.37), "ceramic"))
    oval = _oval(0.18, 0.24, 20)
    middle = -0.12
    heights = ((0.0, 0.55), (0.06, 0.55), (0.2, 0.7), (seat - 0.05, 0.97), (seat - 0.01, 1.0))
    rings = [
        np.column_stack([oval * s + [0, middle * s + 0.06 * (1 - s)], np.full(20, z)])
        for z, s in heights
    ]
    parts.append(loft(np.array(rings), "ceramic"))
    parts.append(box((0.24, 0.3, seat - 0.08), (0, y - 0.17, (seat - 0.08) / 2), "ceramic"))
    parts.append(_seat_ring(seat, middle))
    if rng.random() < 0.5:
        lid = _oval(0.18, 0.23, 20)
        rings = [
            np.column_stack([lid + [0, middle], np.full(20, z)]) for z in (seat + 0.02, seat + 0.04)
        ]
        parts.append(loft(np.array(rings), "ceramic"))
    else:
        parts.append(soft_box((0.35, 0.025, 0.42), (0, y - 0.22, seat + 0.23), "ceramic", 0.01))
    return piece([thing("toilet", [join(parts)])])


def washstand(rng: np.random.Generator) -> Piece:
    """A basin in a counter over a cabinet, or on a pedestal."""
    if rng.random() < 0.4:
        return _pedestal_basin(rng)
    width, depth, height = rng.uniform(0.8, 1.4), rng.uniform(0.5, 0.56), rng.uniform(0.82, 0.88)
    body = fronted(
        rng, (width - 0.04, depth - 0.04, height - 0.04), max(2, round(width / 0.5)), 1, hollow=0.14
    )
    basin_x = rng.uniform(-0.15, 0.15) * (width - 0.7)
    counter = _plate_with_hole(width, depth, height, basin_x, (0.23, 0.17), "tiles")
    objects = [
        thing("cabinet", body).moved((0, 0.02, 0)),
        thing("bathroom counter", [counter]),
        thing("sink", _bowl(basin_x, height, (0.23, 0.17), depth)),
    ]
    side = -1.0 if basin_x > 0 else 1.0
    free = width / 2 - abs(basin_x) - 0.25
    tops = (
        [Top((side * (width / 2 - free / 2), 0, height), (free, depth), "bath")]
        if free > 0.12
        else []
    )
    return piece(objects, tops)


def bathtub(rng: np.random.Generator) -> Piece:
    """A bathtub along its wall with a shower curtain on a rail before it."""
    length, width, height = rng.uniform(1.55, 1.75), rng.uniform(0.72, 0.8), rng.uniform(0.5, 0.58)
    outer, inner = _oblong(length, width), _oblong(length - 0.16, width - 0.16)
    bottom = _oblong(length - 0.4, width - 0.3)
    rings = [(outer, 0.0), (outer, height), (inner, height), (bottom, 0.12)]
    shell = loft(np.array([np.column_stack([o, np.full(len(o), z)]) for o, z in rings]), "ceramic")
    parts: list[Mesh] = [shell]
    x = -length / 2 + 0.12
    parts.append(
        tube(
            (x, width / 2 - 0.02, height + 0.2),
            (x, width / 2 - 0.16, height + 0.18),
            0.02,
            "chrome",
        )
    )
    objects = [thing("bathtub", parts)]
    drawn, top = rng.uniform(0.35, 0.6), 2.0
    start = length / 2 - drawn * length
    side = 1 if rng.random() < 0.5 else -1
    curtain = draped(rng, drawn * length, top - 0.25, "linen", 0.035).moved(
        (side * (start + drawn * length / 2), -width / 2 - 0.045, 0.25)
    )
    rail = tube(
        (-length / 2, -width / 2 - 0.045, top + 0.02),
        (length / 2, -width / 2 - 0.045, top + 0.02),
        0.012,
        "chrome",
    )
    objects.append(thing("shower curtain", [curtain, rail]))
    return hanging(*objects)


def towels(rng: np.random.Generator) -> Piece:
    """A towel over a rail, hung on a wall at the height of the hand."""
    width, drop, z = rng.uniform(0.4, 0.6), rng.uniform(0.5, 0.75), 1.35
    parts = [soft_box((width, 0.03, drop), (0, 0.0, z - drop / 2), "linen", 0.012)]
    parts.append(tube((-width / 2 - 0.06, 0, z), (width / 2 + 0.06, 0, z), 0.01, "chrome"))
    return hanging(thing("towel", parts))


def toilet_roll(rng: np.random.Generator) -> Piece:
    """A roll of paper on the wall beside the toilet."""
    roll = tube((-0.05, 0, 0.7), (0.05, 0, 0.7), 0.055, "linen", sides=14)
    return hanging(thing("toilet paper", [roll]))


def _pedestal_basin(rng: np.random.Generator) -> Piece:
    height = rng.uniform(0.8, 0.88)
    width, depth = rng.uniform(0.5, 0.6), rng.uniform(0.42, 0.48)
    plate = _plate_with_hole(width, depth, height, 0.0, (0.19, 0.14), "ceramic")
    foot = lathe([(0.13, 0), (0.085, 0.1), (0.08, height - 0.3), (0.14, height - 0.12)], "ceramic")
    parts = [plate, foot.moved((0, 0.06, 0)), *_bowl(0.0, height, (0.19, 0.14), depth)]
    return piece([thing("sink", parts)])


def _bowl(x: float, height: float, radii: tuple[float, float], depth: float) -> list[Mesh]:
    """The hollow of a basin below `height`, and its tap behind it."""
    a, b = radii
    sections = ((1.0, 0.0), (0.9, -0.06), (0.6, -0.11), (0.15, -0.125))
    oval = _oval(a, b, 20)
    rings = [np.column_stack([oval * s + [x, 0], np.full(20, height + z)]) for s, z in sections]
    hollow = _open_skin(np.array(rings), "ceramic")
    back = min(b + 0.06, depth / 2 - 0.03)
    tap = [
        tube((x, back, height), (x, back, height + 0.14), 0.018, "chrome", sides=8),
        tube((x, back, height + 0.13), (x, back - 0.13, height + 0.1), 0.013, "chrome", sides=8),
    ]
    return [hollow, *tap]


def _plate_with_hole(
    width: float, depth: float, height: float, x: float, radii: tuple[float, float], of: str
) -> Mesh:
    """A counter top with an oval opening and a rim all around."""
    count = 20
    angle = np.arange(count) * 2 * np.pi / count
    inner = _oval(radii[0], radii[1], count) + [x, 0]
    # The same directions, pushed out to the rectangle.
    ray = np.stack([np.cos(angle), np.sin(angle)], 1)
    room = np.where(
        ray > 0, np.array([width / 2 - x, depth / 2]), np.array([width / 2 + x, depth / 2])
    )
    outer = ray * (room / np.maximum(np.abs(ray), 1e-9)).min(1, keepdims=True) + [x, 0]
    corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * [width / 2, depth / 2]
    for corner in corners:  # so that the plate keeps its corners
        outer[np.square(outer - corner).sum(1).argmin()] = corner
    following = np.roll(np.arange(count), -1)
    top = np.stack([inner, outer, outer[following], inner[following]], 1)
    top = np.concatenate([top, np.full((count, 4, 1), height)], 2)
    rim = np.stack([outer, outer[following], outer[following], outer], 1)
    z = np.broadcast_to([height - 0.04, height - 0.04, height, height], (count, 4))
    return join([quads(top, of), quads(np.concatenate([rim, z[..., None]], 2), of)])


def _open_skin(rings: np.ndarray, of: str) -> Mesh:
    """A skin over rings whose first end is open and whose last is closed by its small size."""
    following = np.roll(rings, -1, axis=1)
    corners = np.stack([rings[:-1], following[:-1], following[1:], rings[1:]], 2)
    lid = rings[-1].mean(0)
    last = np.stack([rings[-1], following[-1], np.broadcast_to(lid, rings[-1].shape)], 1)
    fan = np.concatenate([last, last[:, 2:]], 1)
    return quads(np.concatenate([corners.reshape(-1, 4, 3), fan]), of)


def _seat_ring(seat: float, middle: float) -> Mesh:
    outer, inner = _oval(0.185, 0.24, 20), _oval(0.115, 0.165, 20)
    rings = [
        np.column_stack([outline + [0, middle], np.full(20, z)])
        for outline, z in ((inner, seat), (outer, seat), (outer, seat + 0.02), (inner, seat + 0.02))
    ]
    closed = np.array([*rings, rings[0]])
    following = np.roll(closed, -1, axis=1)
    corners = np.stack([closed[:-1], following[:-1], following[1:], closed[1:]], 2)
    return quads(corners.reshape(-1, 4, 3), "ceramic")


def _oval(a: float, b: float, count: int) -> np.ndarray:
    angle = np.arange(count) * 2 * np.pi / count
    return np.stack([a * np.cos(angle), b * np.sin(angle)], 1)


def _oblong(length: float, width: float, count: int = 24) -> np.ndarray:
    """A rectangle with generously rounded corners."""
    angle = (np.arange(count) + 0.5) * 2 * np.pi / count
    cosine, sine = np.cos(angle), np.sin(angle)
    power = 0.35
    return np.stack(
        [
            length / 2 * np.sign(cosine) * np.abs(cosine) ** power,
            width / 2 * np.sign(sine) * np.abs(sine) ** power,
        ],
        1,
    )
