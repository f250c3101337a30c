"""Street furniture: lamp posts, signs, bollards, bins, shelters, benches, cabinets and fences."""

# ruff: noqa: RUF005 - "array + [x, y, z]" shifts a point here, it does not concatenate.
from __future__ import annotations

import numpy as np

from pcseg.sim.classes import FENCE, OTHER_OBJECT, OTHER_STRUCTURE, POLE, REFUSE_BIN, TRAFFIC_SIGN
from pcseg.sim.mesh import Mesh, join
from pcseg.sim.shapes.primitives import box, ellipsoid, polygons, quads, tube


def lamp_post(rng: np.random.Generator) -> Mesh:
    """A lamp post; its arm reaches towards -y, over the road."""
    height, radius = rng.uniform(4.0, 9.0), rng.uniform(0.05, 0.1)
    parts = [tube((0, 0, -0.2), (0, 0, height), radius * 1.2, "steel", 0.7 * radius, sides=8)]
    if height > 5.5:
        reach = rng.uniform(0.8, 2.2)
        parts.append(tube((0, 0, height - 0.1), (0, -reach, height + 0.25), 0.04, "steel", sides=6))
        parts.append(box((0.28, 0.7, 0.14), (0, -reach - 0.2, height + 0.25), "plastic_dark"))
    else:
        parts.append(ellipsoid((0, 0, height + 0.2), (0.2, 0.2, 0.25), "plastic_dark"))
    return join(parts).labelled(POLE)


def sign(rng: np.random.Generator) -> Mesh:
    """A traffic sign that faces -x, on its post: round, triangular, square or a board of two."""
    height, radius = rng.uniform(2.1, 2.8), rng.uniform(0.03, 0.045)
    kind = rng.choice(
        ["round", "triangle", "square", "pair", "board"], p=[0.3, 0.2, 0.2, 0.18, 0.12]
    )
    post = [tube((0, 0, -0.2), (0, 0, height + 0.45), radius, "steel", sides=6)]
    size = rng.uniform(0.55, 0.8)
    if kind == "board":
        post.append(tube((0, 1.2, -0.2), (0, 1.2, height + 0.45), radius, "steel", sides=6))
        plates = [_plate(np.array([[-0.3, -0.4], [1.5, -0.4], [1.5, 0.5], [-0.3, 0.5]]), height)]
    else:
        sides = {"round": 12, "triangle": 3}.get(str(kind), 4)
        turn = np.pi / 2 if kind == "triangle" else np.pi / 4
        angle = turn + np.arange(sides) * 2 * np.pi / sides
        outline = (
            0.5 * size * np.stack([np.cos(angle), np.sin(angle)], 1) * (1.3 if sides < 5 else 1)
        )
        plates = [_plate(outline, height + 0.1)]
        if kind == "pair":
            plates.append(_plate(outline * [1.0, 0.5], height - 0.5 * size - 0.12))
    return join([join(post).labelled(POLE), join(plates).labelled(TRAFFIC_SIGN)])


def bollard(rng: np.random.Generator) -> Mesh:
    """A knee-high post."""
    top = rng.uniform(0.8, 1.1)
    return tube((0, 0, -0.1), (0, 0, top), rng.uniform(0.04, 0.09), "steel").labelled(POLE)


def wooden_pole(rng: np.random.Generator) -> Mesh:
    """A telegraph or power pole with a cross-arm."""
    top = rng.uniform(7, 9.5)
    pole = tube((0, 0, -0.3), (0, 0, top), 0.14, "wood", 0.1, sides=8)
    return join([pole, box((0.1, 1.6, 0.1), (0, 0, top - 0.5), "wood")]).labelled(POLE)


def bin_(rng: np.random.Generator) -> Mesh:
    """A wheeled refuse bin."""
    w, d, h = rng.uniform(0.5, 0.65), rng.uniform(0.55, 0.75), rng.uniform(0.95, 1.1)
    return box((w, d, h), (0, 0, h / 2), "plastic_dark").tinted(2.0).labelled(REFUSE_BIN)


def cabinet(rng: np.random.Generator) -> Mesh:
    """A switch cabinet of the telephone or power network."""
    w, h = rng.uniform(0.7, 1.5), rng.uniform(0.9, 1.3)
    return box((w, 0.35, h), (0, 0, h / 2), "plaster").labelled(OTHER_OBJECT)


def bench(rng: np.random.Generator) -> Mesh:
    """A bench that looks towards -y."""
    length = rng.uniform(1.4, 2.0)
    parts = [
        box((length, 0.42, 0.06), (0, 0, 0.45), "wood"),
        box((length, 0.06, 0.4), (0, 0.22, 0.72), "wood"),
    ]
    parts += [box((0.08, 0.4, 0.45), (x, 0, 0.22), "steel") for x in (-0.4 * length, 0.4 * length)]
    return join(parts).labelled(OTHER_OBJECT)


def shelter(rng: np.random.Generator) -> Mesh:
    """A bus shelter, open towards -y."""
    length, depth, height = rng.uniform(3, 4.5), 1.4, 2.4
    parts = [
        box((length, depth + 0.3, 0.12), (0, 0, height), "steel"),
        box((length, 0.03, 1.9), (0, depth / 2, 1.25), "glass"),
        box((0.03, depth, 1.9), (length / 2, 0, 1.25), "sign_back"),
        box((0.8 * length, 0.4, 0.06), (0, 0.4, 0.5), "wood"),
    ]
    corners = [(x, y) for x in (-length / 2, length / 2) for y in (-depth / 2, depth / 2)]
    parts += [tube((x, y, 0), (x, y, height), 0.05, "steel", sides=5) for x, y in corners]
    return join(parts).labelled(OTHER_STRUCTURE)


def fence(rng: np.random.Generator, start: np.ndarray, end: np.ndarray, kind: str) -> Mesh:
    """A fence between two ground points.

    Args:
        rng: source of proportions.
        start: (3,) metres.
        end: (3,) metres.
        kind: ``"picket"``, ``"bars"``, ``"board"``, ``"wall"`` or ``"rail"``.
    """
    along = np.asarray(end, float) - start
    length = float(np.linalg.norm(along))
    if length < 0.3:
        return join([])
    height = rng.uniform(
        *{"wall": (0.6, 1.6), "board": (1.4, 1.9), "rail": (0.8, 1.1)}.get(kind, (0.9, 1.5))
    )
    if kind in ("wall", "board"):
        of = str(rng.choice(["plaster", "brick", "concrete"])) if kind == "wall" else "wood"
        return _panels(start, along, length, height, 0.22 if kind == "wall" else 0.04, of).labelled(
            FENCE
        )
    gap, width, of = {
        "picket": (0.16, 0.09, "wood"),
        "bars": (0.14, 0.025, "steel"),
        "rail": (2.2, 0.06, "steel"),
    }[kind]
    share = np.arange(0, length, gap) / length
    side = along / length * width / 2
    feet = start + share[:, None] * along
    up = np.array([0, 0, height])
    slats = np.stack([feet - side, feet + side, feet + side + up, feet - side + up], 1)
    rails = [
        np.array(
            [start + [0, 0, z], end + [0, 0, z], end + [0, 0, z + 0.07], start + [0, 0, z + 0.07]]
        )
        for z in (0.2 * height, 0.85 * height)
    ]
    posts = [
        tube(start + s * along, start + s * along + up * 1.05, 0.05, of, sides=4)
        for s in np.linspace(0, 1, max(2, int(length / 2.5)))
    ]
    return join([quads(slats, of), quads(np.array(rails), of), *posts]).labelled(FENCE)


def _panels(
    start: np.ndarray, along: np.ndarray, length: float, height: float, thick: float, of: str
) -> Mesh:
    normal = np.array([-along[1], along[0], 0]) / length * thick / 2
    low, high = np.array([0, 0, -0.4]), np.array([0, 0, height])
    end = start + along
    faces = [
        [start + normal + low, end + normal + low, end + normal + high, start + normal + high],
        [start - normal + low, end - normal + low, end - normal + high, start - normal + high],
        [start - normal + high, end - normal + high, end + normal + high, start + normal + high],
        [start - normal + low, start + normal + low, start + normal + high, start - normal + high],
        [end - normal + low, end + normal + low, end + normal + high, end - normal + high],
    ]
    return quads(np.array(faces), of)


def _plate(outline: np.ndarray, height: float) -> Mesh:
    """A flat plate of (P, 2) y-z outline with a bright face towards -x and a dull back."""
    points = np.array([[[-0.05, y, z + height] for y, z in outline]])
    return join([polygons(points, "sign_face"), polygons(points + [0.02, 0, 0], "sign_back")])
