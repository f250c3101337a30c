"""Roadworks: cones, barriers, signs, a digger and a skip; x along the street, feet on z = 0."""

# ruff: noqa: RUF005 - "array + [x, y, z]" shifts a point here, it does not concatenate.
from __future__ import annotations

import numpy as np

from pcseg.sim.classes import (
    CONCRETE_BARRIER,
    CONSTRUCTION_SIGN,
    CONSTRUCTION_VEHICLE,
    CONTAINER,
    POLE,
    TEMPORARY_BARRIER,
    TRAFFIC_CONE,
)
from pcseg.sim.mesh import Mesh, join
from pcseg.sim.shapes.primitives import box, loft, polygons, quads, tube


def traffic_cone(rng: np.random.Generator) -> Mesh:
    """A cone with a bright band on a rubber foot."""
    height, foot = rng.uniform(0.5, 0.75), rng.uniform(0.3, 0.4)
    low, high = 0.42 * height, 0.62 * height
    radius = [0.36 * foot, 0.25 * foot, 0.19 * foot, 0.07 * foot]
    parts = [
        box((foot, foot, 0.04), (0, 0, 0.02), "rubber"),
        tube((0, 0, 0.04), (0, 0, low), radius[0], "works_orange", radius[1], sides=10),
        tube((0, 0, low), (0, 0, high), radius[1], "sign_face", radius[2], sides=10),
        tube((0, 0, high), (0, 0, height), radius[2], "works_orange", radius[3], sides=10),
    ]
    return join(parts).labelled(TRAFFIC_CONE)


def temporary_barrier(rng: np.random.Generator) -> Mesh:
    """A portable barrier of boards, red and white, on two feet."""
    length, height = rng.uniform(1.8, 2.4), rng.uniform(0.95, 1.1)
    parts = []
    for x in (-0.42 * length, 0.42 * length):
        parts.append(box((0.1, 0.7, 0.08), (x, 0, 0.04), "rubber"))
        parts.append(box((0.05, 0.05, height), (x, 0, height / 2), "plastic_dark"))
    fields = 6
    step = length / fields
    for z, high in ((height - 0.13, 0.25), (0.35, 0.15)):
        for k in range(fields):
            of = "works_orange" if k % 2 else "sign_face"
            parts.append(box((step, 0.03, high), ((k + 0.5) * step - length / 2, 0, z), of))
    return join(parts).labelled(TEMPORARY_BARRIER)


def concrete_barrier(rng: np.random.Generator) -> Mesh:
    """An element of a concrete safety barrier, broad at its foot (a "jersey" profile)."""
    length, height = rng.uniform(2.0, 4.0), rng.uniform(0.78, 0.86)
    half = [(0.30, 0.0), (0.30, 0.07), (0.14, 0.32), (0.08, height)]
    outline = [*half, *((-y, z) for y, z in reversed(half))]
    sections = [[(x, y, z) for y, z in outline] for x in (length / 2, -length / 2)]
    return loft(np.array(sections), "concrete").labelled(CONCRETE_BARRIER)


def construction_sign(rng: np.random.Generator) -> Mesh:
    """A triangular warning sign that faces -x, low on folding legs."""
    size, z = rng.uniform(0.8, 1.0), rng.uniform(0.45, 0.6)
    outline = np.array([[[0, -size / 2, z], [0, size / 2, z], [0, 0, z + 0.87 * size]]])
    legs = [
        tube((0.35, y, 0), (0.02, 0.3 * y, z + 0.6 * size), 0.02, "steel", sides=5)
        for y in (-0.35, 0.35)
    ]
    feet = [tube((-0.02, y, 0), (0.0, y, z), 0.02, "steel", sides=5) for y in (-0.3, 0.3)]
    plate = join([polygons(outline, "sign_face"), polygons(outline + [0.02, 0, 0], "sign_back")])
    return join([plate.labelled(CONSTRUCTION_SIGN), join([*legs, *feet]).labelled(POLE)])


def digger(rng: np.random.Generator) -> Mesh:
    """An excavator on tracks, its bucket on the ground ahead."""
    reach, high = rng.uniform(2.6, 3.2), rng.uniform(2.7, 3.1)
    parts = [
        *(box((2.5, 0.42, 0.62), (0, y, 0.31), "rubber") for y in (-0.75, 0.75)),
        box((1.2, 1.2, 0.25), (0, 0, 0.7), "steel"),
        box((2.3, 1.7, 0.6), (-0.35, 0, 1.12), "works_yellow"),  # engine and counterweight
        box((0.9, 0.75, 1.35), (0.45, 0.42, 2.05), "car_glass"),
        box((1.0, 0.85, 0.08), (0.45, 0.42, 2.76), "works_yellow"),
    ]
    elbow, wrist = np.array([1.9, -0.25, high]), np.array([reach, -0.25, 0.9])
    parts.append(tube((0.6, -0.25, 1.3), elbow, 0.17, "works_yellow", sides=6))
    parts.append(tube(elbow, wrist, 0.13, "works_yellow", sides=6))
    parts.append(box((0.6, 0.8, 0.7), wrist - [0.1, 0, 0.5], "steel", yaw=0.0))
    return join(parts).labelled(CONSTRUCTION_VEHICLE)


def skip(rng: np.random.Generator) -> Mesh:
    """An open container for rubble, its ends sloped, with some of it inside."""
    length, width, height = rng.uniform(2.6, 3.6), rng.uniform(1.5, 1.8), rng.uniform(1.0, 1.3)
    low, high = length / 2 - 0.45, length / 2
    w = width / 2
    corners = {
        (x, y): (np.array([x * low, y * w, 0.1]), np.array([x * high, y * w, height]))
        for x in (-1, 1)
        for y in (-1, 1)
    }
    round_ = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    sides = []
    for a, b in zip(round_, [*round_[1:], round_[0]], strict=True):
        (foot_a, top_a), (foot_b, top_b) = corners[a], corners[b]
        sides.append([foot_a, foot_b, top_b, top_a])
    bottom = [corners[a][0] for a in round_]
    heap = box((1.6 * low, 1.7 * w, 0.3), (0, 0, rng.uniform(0.4, 0.8) * height), "concrete")
    return join([quads(np.array([*sides, bottom]), "works_yellow"), heap]).labelled(CONTAINER)
