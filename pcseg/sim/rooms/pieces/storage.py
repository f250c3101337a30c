"""Storage: bookshelves with books, cabinets, wardrobes, dressers, night stands; fronts face -y."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from pcseg.sim.mesh import Mesh, join
from pcseg.sim.rooms.pieces.piece import Piece, Top, piece, soft_box, thing
from pcseg.sim.shapes.primitives import box


def bookshelf(rng: np.random.Generator) -> Piece:
    """Open shelves with rows of books; what is on them may count as an object of its own."""
    width, depth, height = rng.uniform(0.8, 1.4), rng.uniform(0.28, 0.36), rng.uniform(1.2, 2.1)
    of = "veneer" if rng.random() < 0.7 else "lacquer"
    shelves = max(3, round(height / 0.36))
    levels = np.linspace(0.08, height - 0.02, shelves + 1)
    parts = [
        box((0.025, depth, height), (s * (width / 2 - 0.0125), 0, height / 2), of) for s in (-1, 1)
    ]
    parts.append(box((width - 0.05, 0.012, height), (0, depth / 2 - 0.006, height / 2), of))
    parts += [box((width - 0.05, depth - 0.012, 0.025), (0, -0.006, z), of) for z in levels]
    books: list[Mesh] = []
    for low, high in pairwise(levels):
        if rng.random() < 0.85:
            books += book_row(rng, width - 0.08, depth, low + 0.014, high - low - 0.03)
    if books and rng.random() < 0.35:
        return piece([thing("bookshelf", parts), thing("books", books)])
    return piece([thing("bookshelf", [*parts, *books])])


def book_row(
    rng: np.random.Generator, width: float, depth: float, z: float, room: float
) -> list[Mesh]:
    """Upright books side by side from the left, sometimes with a gap or a box among them."""
    row: list[Mesh] = []
    x = -width / 2
    end = width / 2 - rng.choice([0.0, 0.0, 0.3]) * width
    while True:
        if rng.random() < 0.06:
            x += rng.uniform(0.05, 0.2)
        thick = rng.uniform(0.018, 0.06)
        if x + thick > end:
            return row
        tall, deep = rng.uniform(0.6, 0.97) * room, rng.uniform(0.5, 0.8) * depth
        middle = (x + thick / 2, -depth / 2 + 0.02 + deep / 2, z + tall / 2)
        spine = box((thick - 0.002, deep, tall), middle, "book")
        row.append(spine.tinted(rng.uniform(0.4, 1.5)))
        x += thick


def cabinet(rng: np.random.Generator) -> Piece:
    """A cabinet with doors or drawers and a flat top."""
    width, depth, height = rng.uniform(0.8, 1.4), rng.uniform(0.4, 0.5), rng.uniform(0.7, 1.1)
    parts = fronted(rng, (width, depth, height), max(2, round(width / 0.45)), 1)
    return piece([thing("cabinet", parts)], [Top((0, 0, height), (width, depth), "cabinet")])


def file_cabinet(rng: np.random.Generator) -> Piece:
    """A steel cabinet of drawers."""
    width, depth, rows = 0.42, rng.uniform(0.5, 0.62), int(rng.integers(2, 5))
    height = 0.08 + 0.31 * rows
    parts = fronted(rng, (width, depth, height), 1, rows, "lacquer")
    return piece([thing("file cabinet", parts)], [Top((0, 0, height), (width, depth), "cabinet")])


def wardrobe(rng: np.random.Generator) -> Piece:
    """A wardrobe as high as a door."""
    width, depth, height = rng.uniform(1.0, 1.8), rng.uniform(0.55, 0.62), rng.uniform(1.9, 2.15)
    parts = fronted(rng, (width, depth, height), max(2, round(width / 0.5)), 1)
    return piece([thing("wardrobe closet", parts)])


def dresser(rng: np.random.Generator) -> Piece:
    """A chest of drawers."""
    width, depth, height = rng.uniform(0.9, 1.4), rng.uniform(0.42, 0.5), rng.uniform(0.75, 1.0)
    parts = fronted(rng, (width, depth, height), 2, int(rng.integers(3, 5)))
    return piece([thing("dresser", parts)], [Top((0, 0, height), (width, depth), "dresser")])


def nightstand(rng: np.random.Generator) -> Piece:
    """A small chest beside a bed."""
    width, depth, height = rng.uniform(0.4, 0.5), rng.uniform(0.36, 0.42), rng.uniform(0.45, 0.6)
    parts = fronted(rng, (width, depth, height), 1, 2)
    return piece([thing("nightstand", parts)], [Top((0, 0, height), (width, depth), "nightstand")])


def tv_stand(rng: np.random.Generator) -> Piece:
    """A low cabinet for a television set."""
    width, depth, height = rng.uniform(1.2, 1.8), rng.uniform(0.38, 0.45), rng.uniform(0.42, 0.55)
    parts = fronted(rng, (width, depth, height), 3, 1)
    return piece([thing("tv stand", parts)], [Top((0, 0, height), (width, depth), "tv")])


def refrigerator(rng: np.random.Generator) -> Piece:
    """A refrigerator with a freezer above or below."""
    width, depth, height = rng.uniform(0.58, 0.72), rng.uniform(0.6, 0.7), rng.uniform(1.6, 1.9)
    of = "lacquer" if rng.random() < 0.5 else "steel"
    split = height * rng.choice([0.35, 0.68])
    parts = [box((width, depth - 0.06, height - 0.04), (0, 0.03, 0.04 + (height - 0.04) / 2), of)]
    front = -depth / 2 + 0.03
    for low, high in ((0.06, split - 0.006), (split + 0.006, height)):
        size = (width - 0.006, 0.055, high - low)
        parts.append(soft_box(size, (0, front, (low + high) / 2), of, 0.015))
        parts.append(
            box(
                (0.02, 0.03, 0.4 * (high - low)),
                (-width / 2 + 0.06, front - 0.04, (low + high) / 2),
                "chrome",
            )
        )
    return piece([thing("refrigerator", parts)])


def fronted(
    rng: np.random.Generator,
    size: tuple[float, float, float],
    columns: int,
    rows: int,
    of: str | None = None,
    hollow: float = 0.0,
) -> list[Mesh]:
    """A body on a plinth with a grid of doors or drawers, each with a handle, on its -y side.

    Args:
        rng: source of the material.
        size: width, depth, height in metres.
        columns: of doors.
        rows: of drawers; 1 for doors.
        of: material; drawn if None.
        hollow: metres below the top that stay empty, for a basin that is let in.
    """
    width, depth, height = size
    of = of or str(rng.choice(["veneer", "veneer", "wood", "lacquer"]))
    low = 0.07
    body = height - low - hollow
    parts = [
        box((width, depth - 0.02, body), (0, 0.01, low + body / 2), of),
        box((width - 0.06, depth - 0.1, low), (0, 0.03, low / 2), "plastic_dark"),
    ]
    if hollow:
        z = height - hollow / 2
        parts += [
            box((0.018, depth - 0.02, hollow), (side * (width / 2 - 0.009), 0.01, z), of)
            for side in (-1, 1)
        ]
    across, tall = width / columns, (height - low - 0.02) / rows
    front = -depth / 2 + 0.01
    for column in range(columns):
        for row in range(rows):
            x, z = (column - (columns - 1) / 2) * across, low + (row + 0.5) * tall
            parts.append(box((across - 0.012, 0.02, tall - 0.012), (x, front, z), of))
            if rows > 1:
                parts.append(
                    box((0.35 * across, 0.02, 0.014), (x, front - 0.018, z + 0.2 * tall), "chrome")
                )
            else:
                side = across / 2 - 0.05
                shift = side if column % 2 == 0 else -side
                parts.append(
                    box(
                        (0.014, 0.02, min(0.16, 0.3 * tall)),
                        (x + shift, front - 0.018, z),
                        "chrome",
                    )
                )
    return [join(parts)]
