"""Buildings: storeys, windows, doors, balconies and roofs; front on y = 0, body towards +y."""

from __future__ import annotations

import numpy as np

from pcseg.sim.classes import BUILDING
from pcseg.sim.mesh import Mesh, join
from pcseg.sim.shapes.primitives import box, polygons, quads, tube

DEPTH_BELOW_M = 1.5
"""How far walls go into the ground, so that a slope never opens a gap under them."""


def house(rng: np.random.Generator, width: float) -> Mesh:
    """A detached or terraced house of one to three storeys with a pitched roof."""
    depth, storeys = rng.uniform(7, 11), int(rng.integers(1, 4))
    eaves = storeys * rng.uniform(2.6, 3.0) + rng.uniform(0.2, 0.7)
    wall = str(rng.choice(["plaster", "brick", "wood"], p=[0.6, 0.3, 0.1]))
    parts = [_walls(rng, width, depth, eaves, storeys, wall, door=True)]
    parts.append(_pitched_roof(rng, width, depth, eaves, wall))
    if rng.random() < 0.5:
        at = (rng.uniform(-0.3, 0.3) * width, rng.uniform(0.3, 0.7) * depth, eaves + 2.0)
        parts.append(box((0.6, 0.6, 2.4), at, "brick"))
    if rng.random() < 0.35:
        parts.append(box((1.8, 1.0, 0.15), (0, -0.45, 2.4), "wood"))
        parts += [tube((x, -0.85, -0.3), (x, -0.85, 2.4), 0.06, "wood") for x in (-0.8, 0.8)]
    return join(parts).tinted(float(rng.uniform(0.75, 1.2))).labelled(BUILDING)


def block(rng: np.random.Generator, width: float) -> Mesh:
    """A block of flats or offices with a flat roof, balconies or a shop front."""
    depth, storeys = rng.uniform(10, 15), int(rng.integers(3, 7))
    eaves = storeys * rng.uniform(2.9, 3.4) + 0.6
    wall = str(rng.choice(["plaster", "brick", "concrete"], p=[0.5, 0.25, 0.25]))
    parts = [_walls(rng, width, depth, eaves, storeys, wall, door=True)]
    parts.append(box((width + 0.4, depth + 0.4, 0.35), (0, depth / 2, eaves + 0.15), "concrete"))
    if rng.random() < 0.55:
        parts += _balconies(rng, width, eaves, storeys)
    if rng.random() < 0.4:
        parts.append(box((0.8 * width, 1.2, 0.12), (0, -0.6, 2.9), "tarpaulin"))
    return join(parts).tinted(float(rng.uniform(0.75, 1.2))).labelled(BUILDING)


def hall(rng: np.random.Generator, width: float) -> Mesh:
    """A workshop or supermarket: long, low, few openings, gates."""
    depth, eaves = rng.uniform(12, 20), rng.uniform(4, 7)
    wall = str(rng.choice(["concrete", "brick", "plaster"]))
    parts = [_walls(rng, width, depth, eaves, 1, wall, door=False)]
    parts.append(box((width + 0.3, depth + 0.3, 0.3), (0, depth / 2, eaves + 0.1), "concrete"))
    for x in np.arange(-0.4, 0.45, 0.27) * width:
        if rng.random() < 0.6:
            parts.append(box((3.2, 0.12, 3.2), (x, 0.02, 1.6), "steel"))
    return join(parts).tinted(float(rng.uniform(0.75, 1.2))).labelled(BUILDING)


def garage(rng: np.random.Generator) -> Mesh:
    """A single garage."""
    width, depth, height = rng.uniform(2.9, 3.6), rng.uniform(5, 6.5), rng.uniform(2.3, 2.8)
    body = box((width, depth, height + 1), (0, depth / 2, height / 2 - 0.5), "plaster")
    gate = box((width - 0.6, 0.08, height - 0.35), (0, -0.02, height / 2 - 0.15), "steel")
    return join([body, gate]).labelled(BUILDING)


def _walls(
    rng: np.random.Generator,
    width: float,
    depth: float,
    eaves: float,
    storeys: int,
    wall: str,
    *,
    door: bool,
) -> Mesh:
    """Front and two sides with windows, a plain back."""
    half = width / 2
    pitch = float(rng.uniform(1.9, 3.4))
    front = _facade(rng, width, eaves, storeys, wall, pitch, door)
    side = [_facade(rng, depth, eaves, storeys, wall, pitch * 1.6, False) for _ in range(2)]
    low = -DEPTH_BELOW_M
    back = [[half, depth, low], [-half, depth, low], [-half, depth, eaves], [half, depth, eaves]]
    plinth = box(
        (width + 0.06, 0.1, 0.5 + DEPTH_BELOW_M), (0, -0.02, 0.25 - DEPTH_BELOW_M / 2), "concrete"
    )
    return join(
        [
            front,
            side[0].moved((half, depth / 2, 0), np.pi / 2),
            side[1].moved((-half, depth / 2, 0), -np.pi / 2),
            quads(np.array([back]), wall),
            plinth,
        ]
    )


def _facade(
    rng: np.random.Generator,
    width: float,
    height: float,
    storeys: int,
    wall: str,
    pitch: float,
    door: bool,
) -> Mesh:
    """A wall in the x-z plane, looking towards -y, with recessed windows in rows."""
    bays = max(1, int(width / pitch))
    storey = height / storeys
    x_edges = np.linspace(-width / 2, width / 2, bays + 1)
    wide = min(0.62, rng.uniform(0.35, 0.6)) * (width / bays)
    high, sill = storey * rng.uniform(0.42, 0.6), storey * 0.3
    masonry, panes, openings = [], [], []
    reveal = float(rng.uniform(0.08, 0.25))
    low = -DEPTH_BELOW_M
    for bay in range(bays):
        middle = (x_edges[bay] + x_edges[bay + 1]) / 2
        left, right = middle - wide / 2, middle + wide / 2
        masonry += [
            _upright(x_edges[bay], left, low, height),
            _upright(right, x_edges[bay + 1], low, height),
        ]
        edge = low
        for level in range(storeys):
            is_door = door and level == 0 and bay == bays // 2
            bottom = 0.1 if is_door else level * storey + sill
            top = level * storey + min(sill + high, storey * 0.9)
            masonry.append(_upright(left, right, edge, bottom))
            panes.append(_upright(left, right, bottom, top, reveal))
            openings += _reveals(left, right, bottom, top, reveal)
            edge = top
        masonry.append(_upright(left, right, edge, height))
    glazing = "wood" if rng.random() < 0.12 else "glass"  # closed shutters
    return join(
        [
            quads(np.array(masonry), wall),
            quads(np.array(panes), glazing),
            quads(np.array(openings), wall),
        ]
    )


def _upright(x0: float, x1: float, z0: float, z1: float, y: float = 0.0) -> list[list[float]]:
    return [[x0, y, z0], [x1, y, z0], [x1, y, z1], [x0, y, z1]]


def _reveals(x0: float, x1: float, z0: float, z1: float, y: float) -> list[list[list[float]]]:
    return [
        [[x0, 0, z0], [x0, y, z0], [x0, y, z1], [x0, 0, z1]],
        [[x1, 0, z0], [x1, y, z0], [x1, y, z1], [x1, 0, z1]],
        [[x0, -0.05, z0], [x1, -0.05, z0], [x1, y, z0], [x0, y, z0]],
        [[x0, 0, z1], [x1, 0, z1], [x1, y, z1], [x0, y, z1]],
    ]


def _pitched_roof(
    rng: np.random.Generator, width: float, depth: float, eaves: float, wall: str
) -> Mesh:
    rise, over = rng.uniform(2.0, 4.0), 0.4
    w, low = width / 2 + 0.3, eaves - 0.15
    if rng.random() < 0.65:  # ridge along the street
        middle, top = depth / 2, eaves + rise
        slopes = [
            [[-w, -over, low], [w, -over, low], [w, middle, top], [-w, middle, top]],
            [[w, depth + over, low], [-w, depth + over, low], [-w, middle, top], [w, middle, top]],
        ]
        gables = [
            [[x, 0, eaves], [x, depth, eaves], [x, middle, top - 0.1]]
            for x in (-width / 2, width / 2)
        ]
    else:  # gable to the street
        top = eaves + rise
        slopes = [
            [[-w, -over, low], [0, -over, top], [0, depth + over, top], [-w, depth + over, low]],
            [[0, -over, top], [w, -over, low], [w, depth + over, low], [0, depth + over, top]],
        ]
        gables = [
            [[-width / 2, y, eaves], [width / 2, y, eaves], [0, y, top - 0.1]] for y in (0, depth)
        ]
    return join([quads(np.array(slopes), "rooftile"), polygons(np.array(gables), wall)])


def _balconies(rng: np.random.Generator, width: float, eaves: float, storeys: int) -> list[Mesh]:
    parts = []
    span, out = rng.uniform(2.2, 4), rng.uniform(0.9, 1.4)
    for x in np.arange(-width / 2 + span, width / 2 - span / 2, 2 * span):
        for level in range(1, storeys):
            z = level * eaves / storeys
            parts.append(box((span, out, 0.16), (x, -out / 2, z), "concrete"))
            parts.append(box((span, 0.05, 0.95), (x, -out, z + 0.5), "steel"))
    return parts
