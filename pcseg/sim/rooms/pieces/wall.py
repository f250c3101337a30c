"""What hangs on walls: pictures, boards, screens, mirrors, clocks, curtains; backs touch y = 0."""

from __future__ import annotations

import numpy as np

from pcseg.sim.mesh import Mesh
from pcseg.sim.rooms.pieces.piece import Piece, hanging, thing
from pcseg.sim.shapes.primitives import box, quads, tube


def picture(rng: np.random.Generator) -> Piece:
    """A framed picture at the height of the eyes."""
    width, height = rng.uniform(0.35, 1.0), rng.uniform(0.35, 0.8)
    z = rng.uniform(1.45, 1.65)
    frame = str(rng.choice(["wood", "plastic_dark", "lacquer"]))
    return hanging(thing("picture", _framed(width, height, z, frame, "print")))


def whiteboard(rng: np.random.Generator, width: float | None = None) -> Piece:
    """A whiteboard with a tray for pens."""
    wide = rng.uniform(1.4, 2.4) if width is None else width
    height, z = rng.uniform(0.95, 1.2), 1.5
    parts = _framed(wide, height, z, "steel", "whiteboard", 0.02)
    parts.append(box((0.5 * wide, 0.07, 0.015), (0, -0.05, z - height / 2 - 0.01), "steel"))
    return hanging(thing("whiteboard", parts))


def blackboard(rng: np.random.Generator) -> Piece:
    """A board to write on with chalk."""
    parts = _framed(rng.uniform(1.6, 2.4), rng.uniform(0.95, 1.2), 1.5, "wood", "chalkboard", 0.03)
    return hanging(thing("blackboard", parts))


def wall_tv(rng: np.random.Generator) -> Piece:
    """A large screen on the wall."""
    width = rng.uniform(1.1, 1.6)
    return hanging(thing("tv", _framed(width, 0.57 * width, 1.5, "plastic_dark", "screen", 0.015)))


def mirror(rng: np.random.Generator) -> Piece:
    """A mirror, as over a basin."""
    width, height = rng.uniform(0.5, 1.0), rng.uniform(0.6, 0.9)
    return hanging(thing("mirror", _framed(width, height, 1.55, "chrome", "mirror_glass", 0.015)))


def clock(rng: np.random.Generator) -> Piece:
    """A round clock high on the wall."""
    radius, z = rng.uniform(0.13, 0.19), rng.uniform(1.95, 2.1)
    parts = [
        tube((0, 0, z), (0, -0.03, z), radius, "plastic_dark", sides=20),
        tube((0, -0.03, z), (0, -0.036, z), 0.9 * radius, "whiteboard", sides=20),
        box((0.012, 0.004, 0.6 * radius), (0, -0.038, z + 0.25 * radius), "plastic_dark"),
        box((0.45 * radius, 0.004, 0.012), (0.2 * radius, -0.038, z), "plastic_dark"),
    ]
    return hanging(thing("clock", parts))


def curtains(rng: np.random.Generator, opening: float, top: float, bottom: float) -> Piece:
    """Two curtains drawn to the sides of a window, on a pole above it.

    Args:
        rng: source of folds and colour.
        opening: width of the window (metres).
        top: of the window above the floor.
        bottom: where the curtains end above the floor.
    """
    each, pole = rng.uniform(0.3, 0.5), top + 0.12
    of = "linen" if rng.random() < 0.5 else "fabric"
    parts = []
    for side in (-1, 1):
        x = side * (opening / 2 + 0.1)
        parts.append(draped(rng, each, pole - bottom, of, 0.045).moved((x, -0.12, bottom)))
    rod = tube((-opening / 2 - 0.4, -0.12, pole), (opening / 2 + 0.4, -0.12, pole), 0.014, "steel")
    hooks = [
        tube((s * opening / 2, 0, pole), (s * opening / 2, -0.12, pole), 0.01, "steel")
        for s in (-1, 1)
    ]
    return hanging(thing("curtain", [*parts, rod, *hooks]))


def draped(rng: np.random.Generator, width: float, height: float, of: str, fold: float) -> Mesh:
    """A curtain in folds of amplitude `fold` metres, in the plane y = 0, from z = 0 upwards."""
    steps = max(12, round(width / 0.02))
    share = np.linspace(0, 1, steps + 1)
    waves = width / 0.11
    phase, drift = rng.uniform(0, 2 * np.pi), rng.uniform(-1, 1)
    rows = []
    for z in np.linspace(0, height, 5):
        sway = fold * (1.0 - 0.35 * z / height)
        y = sway * np.sin(2 * np.pi * waves * share + phase + drift * z)
        x = (share - 0.5) * width * (1.06 - 0.06 * z / height)
        rows.append(np.column_stack([x, y, np.full(steps + 1, z)]))
    grid = np.array(rows)
    corners = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], 2)
    return quads(corners.reshape(-1, 4, 3), of)


def _framed(
    width: float, height: float, z: float, frame: str, face: str, border: float = 0.035
) -> list[Mesh]:
    """A framed panel: its middle at height z, its back on the wall."""
    parts = [box((width - 2 * border, 0.012, height - 2 * border), (0, -0.012, z), face)]
    for side in (-1, 1):
        parts.append(box((border, 0.028, height), (side * (width - border) / 2, -0.014, z), frame))
        parts.append(
            box(
                (width - 2 * border, 0.028, border),
                (0, -0.014, z + side * (height - border) / 2),
                frame,
            )
        )
    return parts
