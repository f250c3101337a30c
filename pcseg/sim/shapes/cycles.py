"""Cycles: bicycles and motorcycles, alone or with a rider; x forward on z = 0."""

# ruff: noqa: RUF005 - "array + [x, y, z]" shifts a point here, it does not concatenate.
from __future__ import annotations

from itertools import pairwise

import numpy as np

from pcseg.sim.classes import BICYCLE, BICYCLIST, MOTORCYCLE, MOTORCYCLIST
from pcseg.sim.mesh import Mesh, join
from pcseg.sim.shapes.people import draw_build, seated
from pcseg.sim.shapes.primitives import box, ellipsoid, tube, tubes, wheel

PEDAL_PHASES = 6
"""How many meshes make one turn of the pedals."""


def bicycle(rng: np.random.Generator) -> Mesh:
    """A bicycle: spoked wheels that rays pass through, a tube frame, perhaps a basket."""
    radius = rng.uniform(0.31, 0.36)
    base = rng.uniform(0.5, 0.56)
    rear, front = np.array([-base, 0, radius]), np.array([base, 0, radius])
    crank = np.array([-0.08, 0, 0.28])
    saddle = np.array([-0.24, 0, rng.uniform(0.88, 1.0)])
    low_entry = rng.random() < 0.4
    head = np.array([0.32, 0, 0.92])
    brace = np.array([0.34, 0, 0.62])
    beam = [(brace, crank), (crank, saddle), (crank, rear), (rear, saddle * [1, 1, 0.85])]
    beam += [(head, front)]
    beam += [] if low_entry else [(head - [0, 0, 0.1], saddle - [0, 0, 0.15])]
    parts = [tubes([(a, b, 0.022, 0.022) for a, b in beam], "steel", sides=5)]
    parts += [*_spoked(rear, radius), *_spoked(front, radius)]
    parts += [
        box((0.26, 0.14, 0.06), saddle, "plastic_dark"),
        tube(head + [0, -0.29, 0.12], head + [0, 0.29, 0.12], 0.018, "steel", sides=5),
        tube(head, head + [-0.02, 0, 0.12], 0.018, "steel", sides=5),
    ]
    if rng.random() < 0.4:
        parts.append(box((0.3, 0.34, 0.24), head + [0.2, 0, 0.05], "steel"))
    if rng.random() < 0.5:
        parts.append(box((0.36, 0.13, 0.03), rear + [-0.05, 0, radius + 0.08], "steel"))
    return join(parts).moved(scale=rng.uniform(0.9, 1.06)).labelled(BICYCLE)


def motorcycle(rng: np.random.Generator) -> Mesh:
    """A motorcycle or a scooter: fat wheels, engine or leg shield, long seat."""
    scooter = rng.random() < 0.4
    radius = 0.24 if scooter else rng.uniform(0.29, 0.33)
    base = 0.62 if scooter else rng.uniform(0.68, 0.76)
    head = np.array([0.42, 0, 0.95])
    parts = [
        wheel((base, 0, radius), radius, 0.12),
        wheel((-base, 0, radius), radius, 0.15),
        tube((base, 0.08, radius), head + [0, 0.08, 0], 0.03, "chrome", sides=6),
        tube((base, -0.08, radius), head + [0, -0.08, 0], 0.03, "chrome", sides=6),
        tube(head + [0, -0.34, 0.08], head + [0, 0.34, 0.08], 0.022, "steel", sides=6),
        box((0.12, 0.2, 0.18), head + [0.12, 0, -0.05], "chrome"),
        box((0.02, 0.2, 0.13), (-base - 0.3, 0, 0.62), "retro"),
    ]
    if scooter:
        parts += [
            box((0.1, 0.42, 0.6), (0.36, 0, 0.6), "car_paint"),
            box((0.45, 0.34, 0.1), (0.1, 0, 0.32), "car_paint"),
            ellipsoid((-0.42, 0, 0.55), (0.45, 0.2, 0.22), "car_paint"),
            box((0.6, 0.26, 0.12), (-0.38, 0, 0.78), "plastic_dark"),
        ]
    else:
        parts += [
            ellipsoid((0.12, 0, 0.84), (0.3, 0.15, 0.14), "car_paint"),
            box((0.5, 0.3, 0.4), (0.02, 0, 0.45), "steel"),
            box((0.75, 0.24, 0.1), (-0.42, 0, 0.8), "plastic_dark"),
            tube((0.0, -0.17, 0.3), (-0.8, -0.19, 0.4), 0.06, "chrome", sides=7),
        ]
    if rng.random() < 0.35:
        parts.append(box((0.36, 0.38, 0.32), (-base - 0.02, 0, 1.02), "plastic_dark"))
    whole = join(parts).moved(scale=rng.uniform(0.93, 1.08))
    return whole.tinted(float(rng.uniform(0.6, 1.5))).labelled(MOTORCYCLE)


def bicyclist(rng: np.random.Generator) -> list[Mesh]:
    """A bicycle with its rider, one mesh for each pedal phase; both carry the rider's label."""
    bike, build = bicycle(rng), draw_build(rng)
    lean = float(rng.uniform(0.15, 0.7))
    turns = np.arange(PEDAL_PHASES) * (2 * np.pi / PEDAL_PHASES)
    riders = [seated(build, 0.97, 0.55, float(turn), lean).moved((-0.24, 0, 0)) for turn in turns]
    return [join([bike, rider]).labelled(BICYCLIST) for rider in riders]


def motorcyclist(rng: np.random.Generator) -> list[Mesh]:
    """A motorcycle with its rider, feet on the rests."""
    bike, build = motorcycle(rng), draw_build(rng)
    rider = seated(build, 0.88, 0.6, 0.3, float(rng.uniform(0.1, 0.5))).moved((-0.22, 0, 0))
    return [join([bike, rider]).labelled(MOTORCYCLIST)]


def _spoked(center: np.ndarray, radius: float) -> list[Mesh]:
    """A rim of short tubes and six thin spokes."""
    angle = np.arange(13) * (2 * np.pi / 12)
    rim = center + radius * np.stack([np.cos(angle), np.zeros(13), np.sin(angle)], 1)
    rims = tubes([(a, b, 0.022, 0.022) for a, b in pairwise(rim)], "rubber", 4)
    return [rims, tubes([(center, rim[k], 0.006, 0.006) for k in range(0, 12, 2)], "steel", 3)]
