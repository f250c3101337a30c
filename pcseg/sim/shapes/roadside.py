"""Traffic lights, cycle racks, kick scooters and strollers: what stands at kerbs and corners."""

from __future__ import annotations

import numpy as np

from pcseg.sim.classes import BICYCLE_RACK, PERSONAL_MOBILITY, POLE, STROLLER, TRAFFIC_LIGHT
from pcseg.sim.mesh import Mesh, join
from pcseg.sim.shapes.primitives import box, tube, wheel


def traffic_light(rng: np.random.Generator) -> Mesh:
    """A mast with a head that faces -x; some have an arm towards +y with a second head."""
    height = rng.uniform(3.2, 3.6)
    masts = [tube((0, 0, -0.2), (0, 0, height), 0.07, "steel", sides=8)]
    heads = [_head(0.0, -0.12, height - 0.55)]
    if rng.random() < 0.4:
        reach, high = rng.uniform(2.2, 3.4), rng.uniform(5.2, 5.8)
        masts.append(tube((0, 0, height), (0, 0, high), 0.07, "steel", sides=8))
        masts.append(tube((0, 0, high), (0, reach, high), 0.05, "steel", sides=6))
        heads.append(_head(reach - 0.2, -0.08, high - 0.5))
    else:  # for those who cross, at the side
        heads.append(_head(-0.02, -0.1, 2.3, lamps=2).moved((0, 0, 0), np.pi / 2))
    return join([join(masts).labelled(POLE), join(heads).labelled(TRAFFIC_LIGHT)])


def bicycle_rack(rng: np.random.Generator) -> Mesh:
    """Hoops side by side along x, without bicycles."""
    hoops, height = int(rng.integers(3, 6)), rng.uniform(0.75, 0.9)
    parts = []
    for k in range(hoops):
        x = 0.9 * (k - (hoops - 1) / 2)
        parts += [tube((x, y, -0.05), (x, y, height), 0.025, "steel") for y in (-0.35, 0.35)]
        parts.append(tube((x, -0.35, height), (x, 0.35, height), 0.025, "steel"))
    return join(parts).labelled(BICYCLE_RACK)


def kick_scooter(rng: np.random.Generator) -> Mesh:
    """An electric kick scooter on its stand; x forward."""
    length, height = rng.uniform(0.8, 0.9), rng.uniform(1.05, 1.2)
    front = length / 2
    parts = [
        box((length - 0.15, 0.16, 0.06), (-0.05, 0, 0.16), "plastic_dark"),
        wheel((front, 0, 0.11), 0.11, 0.06),
        wheel((-front, 0, 0.11), 0.11, 0.06),
        tube((front, 0, 0.15), (front - 0.14, 0, height), 0.03, "steel"),
        tube((front - 0.14, -0.24, height), (front - 0.14, 0.24, height), 0.02, "plastic_dark"),
    ]
    return join(parts).labelled(PERSONAL_MOBILITY)


def stroller(rng: np.random.Generator) -> Mesh:
    """A pushchair with its hood up; x forward, the handle behind."""
    size = rng.uniform(0.92, 1.08)
    parts = [wheel((x, y, 0.13), 0.13, 0.05) for x in (-0.28, 0.32) for y in (-0.25, 0.25)]
    parts += [
        box((0.62, 0.4, 0.22), (0.02, 0, 0.52), "cloth"),
        box((0.3, 0.42, 0.36), (-0.18, 0, 0.78), "cloth"),
        *(tube((0.3, y, 0.13), (-0.5, y, 1.0), 0.018, "steel") for y in (-0.23, 0.23)),
        tube((-0.5, -0.23, 1.0), (-0.5, 0.23, 1.0), 0.02, "rubber"),
    ]
    return join(parts).moved(scale=size).labelled(STROLLER)


def _head(y: float, x: float, low: float, lamps: int = 3) -> Mesh:
    """A box with lamps under short hoods, their faces towards -x."""
    high = 0.3 * lamps
    parts = [box((0.2, 0.3, high), (x, y, low + high / 2), "plastic_dark")]
    for k in range(lamps):
        z = low + 0.3 * (k + 0.5)
        lamp = "works_orange" if k == lamps - 1 else "rubber"  # the upper one is lit: stop
        parts.append(tube((x - 0.11, y, z), (x - 0.1, y, z), 0.1, lamp, sides=10))
        parts.append(box((0.14, 0.22, 0.02), (x - 0.17, y, z + 0.12), "plastic_dark"))
    return join(parts)
