"""Clutter: small things on tables, desks, shelves and floors."""

# ruff: noqa: RUF005 - "array + [x, y, z]" shifts a point here, it does not concatenate.
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pcseg.sim.mesh import Mesh
from pcseg.sim.rooms.pieces.piece import Piece, lathe, piece, soft_box, thing
from pcseg.sim.shapes.primitives import box, leaves, quads, tube

Maker = Callable[[np.random.Generator], Piece]


def monitor(rng: np.random.Generator) -> Piece:
    """A computer's screen on its foot."""
    width, z = rng.uniform(0.48, 0.62), rng.uniform(0.1, 0.16)
    height = 0.58 * width
    parts = [
        box((width, 0.03, height), (0, 0, z + height / 2), "plastic_dark"),
        box((width - 0.03, 0.004, height - 0.03), (0, -0.017, z + height / 2), "screen"),
        box((0.05, 0.03, z + 0.1), (0, 0.03, (z + 0.1) / 2), "plastic_dark"),
        box((0.24, 0.18, 0.015), (0, 0.02, 0.0075), "plastic_dark"),
    ]
    return piece([thing("monitor", parts)])


def keyboard(rng: np.random.Generator) -> Piece:
    """A keyboard."""
    of = "plastic_dark" if rng.random() < 0.6 else "plastic"
    return piece([thing("keyboard", [soft_box((0.44, 0.14, 0.025), (0, 0, 0.0125), of, 0.008)])])


def laptop(rng: np.random.Generator) -> Piece:
    """An open laptop that looks towards -y."""
    of = "steel" if rng.random() < 0.5 else "plastic_dark"
    lean = 0.06
    corners = [
        [-0.16, 0.11, 0.02],
        [0.16, 0.11, 0.02],
        [0.16, 0.11 + lean, 0.22],
        [-0.16, 0.11 + lean, 0.22],
    ]
    lid = np.array([corners])
    inner = lid * [0.94, 1, 1] + [0, -0.004, 0]
    parts = [box((0.33, 0.23, 0.02), (0, 0, 0.01), of), quads(lid, of), quads(inner, "screen")]
    return piece([thing("laptop", parts)])


def books(rng: np.random.Generator) -> Piece:
    """A pile of books."""
    z, pile = 0.0, []
    for _ in range(int(rng.integers(1, 6))):
        thick = rng.uniform(0.015, 0.045)
        size = (rng.uniform(0.15, 0.22), rng.uniform(0.2, 0.29), thick)
        pile.append(
            box(size, (0, 0, z + thick / 2), "book", rng.uniform(-0.3, 0.3)).tinted(
                rng.uniform(0.4, 1.5)
            )
        )
        z += thick
    return piece([thing("books", pile)])


def papers(rng: np.random.Generator) -> Piece:
    """Loose sheets."""
    sheets = [
        box(
            (0.21, 0.297, 0.003),
            (*rng.uniform(-0.04, 0.04, 2), 0.0015 + 0.003 * k),
            "linen",
            rng.uniform(-0.4, 0.4),
        )
        for k in range(int(rng.integers(1, 4)))
    ]
    return piece([thing("paper", sheets)])


def cup(rng: np.random.Generator) -> Piece:
    """A cup."""
    body = lathe(
        [(0.03, 0), (0.04, 0.02), (0.042, 0.095), (0.036, 0.094), (0.03, 0.02)], "ceramic", 12
    )
    handle = tube((0.04, 0, 0.03), (0.065, 0, 0.06), 0.007, "ceramic", sides=5)
    return piece([thing("cup", [body.tinted(rng.uniform(0.5, 1.2)), handle])])


def bottle(rng: np.random.Generator) -> Piece:
    """A bottle."""
    h = rng.uniform(0.2, 0.32)
    profile = [(0.032, 0), (0.037, 0.01), (0.037, 0.6 * h), (0.014, 0.8 * h), (0.014, h)]
    return piece([thing("bottle", [lathe(profile, "plastic", 12).tinted(rng.uniform(0.4, 1.2))])])


def bowl(rng: np.random.Generator) -> Piece:
    """A bowl."""
    r = rng.uniform(0.08, 0.14)
    profile = [
        (0.4 * r, 0),
        (0.8 * r, 0.03),
        (r, 0.07),
        (0.9 * r, 0.07),
        (0.7 * r, 0.035),
        (0.2 * r, 0.02),
    ]
    return piece([thing("bowl", [lathe(profile, "ceramic", 16)])])


def plate(rng: np.random.Generator) -> Piece:
    """A plate."""
    r = rng.uniform(0.1, 0.135)
    profile = [(0.6 * r, 0), (r, 0.018), (0.97 * r, 0.021), (0.6 * r, 0.008), (0.05, 0.007)]
    return piece([thing("plate", [lathe(profile, "ceramic", 18)])])


def lamp(rng: np.random.Generator) -> Piece:
    """A table lamp with a shade."""
    h, r = rng.uniform(0.32, 0.5), rng.uniform(0.1, 0.15)
    foot = lathe(
        [(0.07, 0), (0.075, 0.015), (0.02, 0.04), (0.012, 0.1), (0.012, h - 0.15)], "ceramic", 12
    )
    shade = lathe([(r, h - 0.2), (0.65 * r, h)], "linen", 18)
    return piece([thing("lamp", [foot, shade])])


def floor_lamp(rng: np.random.Generator) -> Piece:
    """A lamp as high as a person."""
    h, r = rng.uniform(1.45, 1.75), rng.uniform(0.17, 0.24)
    foot = lathe([(0.14, 0), (0.14, 0.02), (0.015, 0.03), (0.013, h - 0.2)], "steel", 14)
    shade = lathe([(r, h - 0.3), (0.7 * r, h)], "linen", 20)
    return piece([thing("lamp", [foot, shade])])


def telephone(rng: np.random.Generator) -> Piece:
    """A desk telephone."""
    parts = [
        box((0.18, 0.2, 0.05), (0, 0, 0.025), "plastic_dark"),
        soft_box((0.05, 0.2, 0.04), (-0.06, 0, 0.075), "plastic_dark", 0.015),
    ]
    return piece([thing("telephone", parts)])


def potted_plant(rng: np.random.Generator, height: float | None = None) -> Piece:
    """A plant in its pot."""
    tall = rng.uniform(0.25, 0.45) if height is None else height
    pot, r = 0.32 * tall, 0.2 * tall
    parts: list[Mesh] = [
        lathe([(0.7 * r, 0), (r, pot), (0.88 * r, pot), (0.85 * r, 0.85 * pot)], "ceramic", 14)
    ]
    parts[0] = parts[0].tinted(rng.uniform(0.5, 1.1))
    parts.append(tube((0, 0, 0.8 * pot), (0, 0, 0.6 * tall), 0.02 * tall, "bark", sides=6))
    count = 90
    way = rng.normal(0, 1, (count, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    centers = (
        way * (rng.uniform(0.3, 1, (count, 1)) ** 0.5) * [0.32 * tall, 0.32 * tall, 0.33 * tall]
    )
    parts.append(leaves(centers + [0, 0, 0.66 * tall], 0.16 * tall, "leaf", rng))
    return piece([thing("plant", parts)])


def floor_plant(rng: np.random.Generator) -> Piece:
    """A tall plant in a large pot."""
    return potted_plant(rng, rng.uniform(0.9, 1.5))


def carton(rng: np.random.Generator) -> Piece:
    """A cardboard box."""
    size = rng.uniform([0.25, 0.25, 0.18], [0.5, 0.4, 0.4])
    return piece([thing("box", [box(size, (0, 0, size[2] / 2), "cardboard")])])


def small_box(rng: np.random.Generator) -> Piece:
    """A small box, as of tea or pencils."""
    size = rng.uniform([0.06, 0.06, 0.05], [0.16, 0.14, 0.2])
    of = "cardboard" if rng.random() < 0.5 else "plastic"
    return piece([thing("box", [box(size, (0, 0, size[2] / 2), of)])])


def backpack(rng: np.random.Generator) -> Piece:
    """A backpack that stands on the floor."""
    parts = [
        soft_box((0.32, 0.2, 0.45), (0, 0, 0.225), "fabric", 0.08),
        soft_box((0.25, 0.08, 0.22), (0, -0.12, 0.14), "fabric", 0.035),
    ]
    return piece([thing("backpack", parts)])


def trash_can(rng: np.random.Generator) -> Piece:
    """A bin, open at the top."""
    h, r = rng.uniform(0.28, 0.6), rng.uniform(0.13, 0.19)
    profile = [(0.8 * r, 0), (r, h), (0.95 * r, h), (0.76 * r, 0.03), (0.02, 0.03)]
    of = "steel" if rng.random() < 0.4 else "plastic_dark" if rng.random() < 0.5 else "plastic"
    return piece([thing("trash can", [lathe(profile, of, 16)])])


def laundry_basket(rng: np.random.Generator) -> Piece:
    """A basket, open at the top."""
    h, r = rng.uniform(0.45, 0.6), rng.uniform(0.18, 0.24)
    profile = [(0.8 * r, 0), (r, h), (0.95 * r, h), (0.76 * r, 0.1), (0.02, 0.12)]
    return piece([thing("laundry basket", [lathe(profile, "wood", 14)])])


def computer_tower(rng: np.random.Generator) -> Piece:
    """A computer beneath a desk."""
    parts = [box((0.19, 0.44, 0.42), (0, 0, 0.21), "plastic_dark")]
    parts.append(box((0.17, 0.01, 0.4), (0, -0.222, 0.21), "plastic"))
    return piece([thing("computer tower", parts)])


def microwave(rng: np.random.Generator) -> Piece:
    """A microwave oven."""
    of = "lacquer" if rng.random() < 0.5 else "steel"
    parts = [
        box((0.5, 0.36, 0.29), (0, 0, 0.145), of),
        box((0.34, 0.006, 0.22), (-0.06, -0.183, 0.145), "screen"),
    ]
    return piece([thing("microwave", parts)])


def standing_tv(rng: np.random.Generator) -> Piece:
    """A television set on its foot."""
    width = rng.uniform(0.8, 1.2)
    height = 0.57 * width
    parts = [
        box((width, 0.05, height), (0, 0, 0.06 + height / 2), "plastic_dark"),
        box((width - 0.04, 0.006, height - 0.04), (0, -0.027, 0.06 + height / 2), "screen"),
        box((0.4 * width, 0.24, 0.02), (0, 0, 0.01), "plastic_dark"),
        box((0.1, 0.04, 0.06), (0, 0, 0.04), "plastic_dark"),
    ]
    return piece([thing("tv", parts)])


ON: dict[str, Sequence[tuple[Maker, float]]] = {
    "desk": [
        (books, 0.6),
        (papers, 0.8),
        (cup, 0.6),
        (telephone, 0.4),
        (lamp, 0.3),
        (bottle, 0.3),
        (small_box, 0.3),
    ],
    "meeting": [
        (laptop, 0.8),
        (papers, 0.9),
        (cup, 0.8),
        (bottle, 0.7),
        (books, 0.3),
        (papers, 0.5),
        (cup, 0.5),
    ],
    "dining": [
        (plate, 0.8),
        (bowl, 0.7),
        (cup, 0.8),
        (plate, 0.6),
        (bottle, 0.5),
        (potted_plant, 0.3),
        (cup, 0.5),
    ],
    "coffee": [(books, 0.6), (cup, 0.6), (bowl, 0.4), (potted_plant, 0.3), (papers, 0.3)],
    "end": [(lamp, 0.6), (potted_plant, 0.4), (cup, 0.3)],
    "nightstand": [(lamp, 0.8), (books, 0.5), (cup, 0.3)],
    "cabinet": [(books, 0.5), (small_box, 0.5), (potted_plant, 0.5), (carton, 0.3), (bowl, 0.3)],
    "dresser": [(lamp, 0.4), (small_box, 0.6), (bottle, 0.4), (books, 0.4), (potted_plant, 0.3)],
    "kitchen": [
        (microwave, 0.5),
        (bottle, 0.6),
        (bowl, 0.6),
        (plate, 0.5),
        (cup, 0.6),
        (small_box, 0.6),
    ],
    "bath": [(bottle, 0.8), (cup, 0.6), (small_box, 0.4)],
    "tv": [(standing_tv, 1.0)],
}
"""What stands where, with the chance of each."""
