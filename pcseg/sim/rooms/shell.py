"""The shell of a room: floor, walls with their doors and windows, ceiling, beams, columns."""

from __future__ import annotations

import numpy as np

from pcseg.sim.mesh import Mesh
from pcseg.sim.rooms.kinds import kind_id
from pcseg.sim.rooms.pieces.piece import thing
from pcseg.sim.rooms.plan import ROOM_KINDS, Opening, Plan
from pcseg.sim.shapes.primitives import box, quads, tube

REVEAL_M = 0.14
"""Depth of the openings in the walls."""


def build_shell(plan: Plan, rng: np.random.Generator) -> list[Mesh]:
    """Floor, walls, ceiling, doors, windows and ceiling lights, each an object of its own."""
    facts = ROOM_KINDS[plan.kind]
    floor = str(rng.choice(list(facts.floors)))
    corners = np.array([[0, 0], [plan.width, 0], [plan.width, plan.depth], [0, plan.depth]])
    level = np.column_stack([corners, np.zeros(4)])
    objects = [
        quads(level[None], floor).labelled(kind_id("floor")),
        quads(level[None, ::-1] + [0, 0, plan.height], "ceiling_paint").labelled(
            kind_id("ceiling")
        ),
    ]
    for wall in range(4):
        objects += [
            mesh.placed(plan.wall_pose(wall)) for mesh in _wall(plan, wall, facts.walls, rng)
        ]
    objects += _lights(plan, rng)
    return objects


def beams(plan: Plan, rng: np.random.Generator) -> list[Mesh]:
    """Beams under the ceiling, across the shorter side."""
    size, drop = rng.uniform(0.18, 0.3), rng.uniform(0.2, 0.32)
    along_x = plan.width >= plan.depth
    longer = plan.width if along_x else plan.depth
    found = []
    fields = _lamp_fields(longer)
    for share in np.arange(1, fields) / fields:  # between the lamps
        if along_x:
            sizes, middle = (size, plan.depth, drop), (share * longer, plan.depth / 2)
        else:
            sizes, middle = (plan.width, size, drop), (plan.width / 2, share * longer)
        beam = box(sizes, (*middle, plan.height - drop / 2), "concrete")
        found.append(beam.labelled(kind_id("structure")))
    return found


def column(plan: Plan, rng: np.random.Generator) -> tuple[Mesh, float]:
    """A column as high as the room, about the origin, and its width."""
    wide = rng.uniform(0.3, 0.5)
    if rng.random() < 0.35:
        body = tube((0, 0, 0), (0, 0, plan.height), wide / 2, "concrete", sides=18)
    else:
        body = box((wide, wide, plan.height), (0, 0, plan.height / 2), "concrete")
    return body.labelled(kind_id("column")), wide


def _wall(plan: Plan, wall: int, of: str, rng: np.random.Generator) -> list[Mesh]:
    """A wall in its own frame with what is let into it."""
    length, openings = plan.length(wall), plan.openings_of(wall)
    rectangles, x = [], 0.0
    for opening in openings:
        left, right = opening.middle - opening.width / 2, opening.middle + opening.width / 2
        rectangles += [(x, left, 0.0, plan.height), (left, right, opening.top, plan.height)]
        if opening.bottom > 0:
            rectangles.append((left, right, 0.0, opening.bottom))
        x = right
    rectangles.append((x, length, 0.0, plan.height))
    face = [[[a, 0, c], [b, 0, c], [b, 0, d], [a, 0, d]] for a, b, c, d in rectangles]
    parts = [quads(np.array(face), of), *(_reveal(opening, of) for opening in openings)]
    parts += _skirting(plan, wall) if of == "wall_paint" else []
    objects = [thing("wall", parts)]
    for opening in openings:
        objects += _door(opening, rng) if opening.use == "door" else _window(opening, rng)
    return objects


def _skirting(plan: Plan, wall: int) -> list[Mesh]:
    """Boards along the foot of a wall, between the doors."""
    x, strips = 0.0, []
    for opening in (o for o in plan.openings_of(wall) if o.use == "door"):
        strips.append((x, opening.middle - opening.width / 2 - 0.06))
        x = opening.middle + opening.width / 2 + 0.06
    strips.append((x, plan.length(wall)))
    return [
        box((b - a, 0.014, 0.07), ((a + b) / 2, -0.007, 0.035), "wood") for a, b in strips if b > a
    ]


def _reveal(opening: Opening, of: str) -> Mesh:
    """The inner sides of an opening."""
    a, b = opening.middle - opening.width / 2, opening.middle + opening.width / 2
    c, d, y = opening.bottom, opening.top, REVEAL_M
    sides = [
        [[a, 0, c], [a, y, c], [a, y, d], [a, 0, d]],
        [[b, 0, c], [b, y, c], [b, y, d], [b, 0, d]],
        [[a, 0, d], [b, 0, d], [b, y, d], [a, y, d]],
        [[a, 0, c], [b, 0, c], [b, y, c], [a, y, c]],
    ]
    return quads(np.array(sides), of)


def _door(opening: Opening, rng: np.random.Generator) -> list[Mesh]:
    """A closed door in its frame."""
    x, wide, top = opening.middle, opening.width, opening.top
    of = str(rng.choice(["wood", "veneer", "lacquer"]))
    leaf = [box((wide - 0.08, 0.04, top - 0.05), (x, 0.07, (top - 0.05) / 2 + 0.005), of)]
    if rng.random() < 0.5:  # raised panels
        for low, high in ((0.15, 0.85), (1.05, 1.85)):
            leaf.append(box((wide - 0.36, 0.015, high - low), (x, 0.045, (low + high) / 2), of))
    side = rng.choice([-1, 1]) * (wide / 2 - 0.11)
    leaf.append(tube((x + side, 0.05, 1.03), (x + side, -0.01, 1.03), 0.012, "chrome", sides=6))
    leaf.append(
        tube((x + side, -0.01, 1.03), (x + 0.6 * side, -0.01, 1.03), 0.011, "chrome", sides=6)
    )
    trim = str(rng.choice(["lacquer", "wood", "steel"]))
    frame = [
        box((0.06, 0.02, top + 0.06), (x + s * (wide / 2 + 0.03), -0.01, (top + 0.06) / 2), trim)
        for s in (-1, 1)
    ]
    frame.append(box((wide + 0.12, 0.02, 0.06), (x, -0.01, top + 0.03), trim))
    frame += [
        box((0.04, 0.1, top), (x + s * (wide / 2 - 0.02), 0.06, top / 2), trim) for s in (-1, 1)
    ]
    frame.append(box((wide, 0.1, 0.04), (x, 0.06, top - 0.02), trim))
    return [thing("door", [*leaf, *frame])]


def _window(opening: Opening, rng: np.random.Generator) -> list[Mesh]:
    """A window of one or two casements, with its sill."""
    x, wide, low, high = opening.middle, opening.width, opening.bottom, opening.top
    of, y, bar = str(rng.choice(["lacquer", "wood", "steel"])), 0.09, 0.06
    parts = [box((wide, 0.01, high - low), (x, y + 0.02, (low + high) / 2), "glass")]
    uprights = [-wide / 2 + bar / 2, wide / 2 - bar / 2]
    if wide > 0.85:
        uprights.append(0.0)
    parts += [box((bar, 0.05, high - low), (x + u, y, (low + high) / 2), of) for u in uprights]
    for z in (low + bar / 2, high - bar / 2):
        parts.append(box((wide, 0.05, bar), (x, y, z), of))
    parts.append(box((wide + 0.1, 0.16, 0.03), (x, 0.02, low - 0.0149), "ceramic"))
    return [thing("window", parts)]


def _lights(plan: Plan, rng: np.random.Generator) -> list[Mesh]:
    """Panels or round lamps under the ceiling."""
    panels = plan.kind in ("office", "conference", "hallway")
    columns, rows = _lamp_fields(plan.width), _lamp_fields(plan.depth)
    z = plan.height
    found = []
    for i in range(columns):
        for k in range(rows):
            x, y = (i + 0.5) * plan.width / columns, (k + 0.5) * plan.depth / rows
            if panels:
                lamp = [box((1.2, 0.3, 0.05), (x, y, z - 0.025), "ceramic")]
                lamp.append(box((1.14, 0.24, 0.01), (x, y, z - 0.053), "lamp_light"))
            else:
                lamp = [
                    tube(
                        (x, y, z - 0.09), (x, y, z), rng.uniform(0.14, 0.2), "lamp_light", sides=18
                    )
                ]
            found.append(thing("ceiling light", lamp))
    return found


def _lamp_fields(length: float) -> int:
    """Into how many equal fields a side of the ceiling is cut, each with lamps in its middle."""
    return max(1, int(length / 2.4))
