"""People: jointed figures that stand, walk, sit on cycles and carry things."""

# ruff: noqa: RUF005 - "array + [x, y, z]" shifts a point here, it does not concatenate.
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pcseg.sim.classes import CHILD, PERSON
from pcseg.sim.mesh import Mesh, join
from pcseg.sim.shapes.primitives import box, ellipsoid, tube, tubes

_Limb = tuple[np.ndarray, np.ndarray, float, float]
GAIT_PHASES = 8
"""How many meshes make one double step of a walk."""
ADULT_M = 1.48
"""Who is smaller is a child."""


@dataclass(frozen=True)
class Build:
    """Proportions of one person, drawn once and kept while the limbs move.

    Attributes:
        height: metres.
        girth: breadth of trunk and limbs, 1 for slim.
        stride: swing of the leg in radians when walking.
        dress: ``"trousers"``, ``"coat"`` or ``"skirt"``.
        carries: ``"nothing"``, ``"backpack"``, ``"bag"`` or ``"umbrella"``.
        tint: brightness of the clothes to the sensor.
    """

    height: float
    girth: float
    stride: float
    dress: str
    carries: str
    tint: float


def draw_build(rng: np.random.Generator) -> Build:
    """A random adult, or in one case of eight a child."""
    child = rng.random() < 0.12
    return Build(
        height=float(
            rng.uniform(1.05, 1.45) if child else np.clip(rng.normal(1.72, 0.09), 1.5, 1.98)
        ),
        girth=float(rng.uniform(0.95, 1.35)),
        stride=float(rng.uniform(0.35, 0.55)),
        dress=str(rng.choice(["trousers", "coat", "skirt"], p=[0.6, 0.25, 0.15])),
        carries=str(
            rng.choice(["nothing", "backpack", "bag", "umbrella"], p=[0.45, 0.25, 0.25, 0.05])
        ),
        tint=float(rng.uniform(0.35, 1.3)),
    )


def walking(build: Build, phase: float) -> Mesh:
    """A person in mid-walk; `phase` 0..1 is one double step. x is forward."""
    swing = build.stride * np.sin(2 * np.pi * phase)
    return _upright(build, (swing, -swing), (-0.8 * swing, 0.8 * swing))


def standing(build: Build, rng: np.random.Generator) -> Mesh:
    """A person who stands: weight on one leg, arms hanging, folded or at the ear."""
    legs = rng.uniform(-0.12, 0.12, 2)
    arms = rng.choice([-0.1, 0.15, 0.9, 1.3], 2, p=[0.35, 0.35, 0.15, 0.15])
    return _upright(build, tuple(legs), tuple(arms))


def seated(build: Build, saddle: float, reach: float, pedal: float, lean: float) -> Mesh:
    """A rider without the cycle.

    Args:
        build: proportions.
        saddle: height of the hips (metres).
        reach: x of the handlebar ahead of the hips (metres).
        pedal: crank angle in radians; the feet stand opposite each other.
        lean: forward lean of the trunk in radians.
    """
    h, g = build.height, build.girth
    hip = np.array([0.0, 0.0, saddle])
    neck = hip + 0.3 * h * np.array([np.sin(lean), 0, np.cos(lean)])
    parts = [_torso(hip, neck, build), *_head(neck + [0.05, 0, 0.02], h)]
    limbs = []
    for side, angle in ((1, pedal), (-1, pedal + np.pi)):
        y = 0.1 * g * side
        foot = np.array([0.17 + 0.15 * np.cos(angle), y, 0.32 + 0.15 * np.sin(angle)])
        knee = (hip + foot) / 2 + [0.2, y / 2, 0.1]
        limbs += [(hip + [0, y, 0], knee, 0.075 * g, 0.06 * g), (knee, foot, 0.055 * g, 0.045)]
        shoulder = neck + [0, 0.17 * g * side, -0.06]
        hand = hip + [reach, 0.26 * side, 0.12]
        elbow = (shoulder + hand) / 2 + [-0.03, 0.06 * side, -0.06]
        limbs += [(shoulder, elbow, 0.05 * g, 0.05 * g), (elbow, hand, 0.042 * g, 0.035)]
    parts.append(tubes(limbs, "cloth"))
    return join(parts).tinted(build.tint).labelled(PERSON)


def _upright(build: Build, legs: tuple[float, ...], arms: tuple[float, ...]) -> Mesh:
    h, g = build.height, build.girth
    leg = 0.47 * h
    hip = np.array([0.0, 0.0, leg * np.cos(max(np.abs(legs)))])
    neck = hip + [0.02, 0, 0.34 * h]
    parts = [_torso(hip, neck, build), *_head(neck, h)]
    limbs = []
    for side, swing, arm in ((1, legs[0], arms[0]), (-1, legs[1], arms[1])):
        limbs += _leg(hip + [0, 0.085 * g * side, 0], leg, swing, g)
        parts.append(box((0.25, 0.09, 0.07), limbs[-1][1] + [0.06, 0, -0.02], "plastic_dark"))
        limbs += _arm(neck + [0, 0.19 * g * side, -0.05 * h], 0.36 * h, arm, g, side)
    parts.append(tubes(limbs, "cloth"))
    if build.dress != "trousers":
        hem = hip - [0, 0, leg * (0.45 if build.dress == "coat" else 0.55)]
        parts.append(tube(hip + [0, 0, 0.05], hem, 0.16 * g, "cloth", 0.24 * g, sides=9))
    parts += _carried(build, hip, neck)
    who = CHILD if h < ADULT_M else PERSON
    return join(parts).tinted(build.tint).labelled(who)


def _torso(hip: np.ndarray, neck: np.ndarray, build: Build) -> Mesh:
    middle = (hip + neck) / 2
    half = float(np.linalg.norm(neck - hip)) / 2
    lean = np.arctan2(neck[0] - hip[0], neck[2] - hip[2])
    trunk = ellipsoid(
        (0, 0, 0), (0.125 * build.girth, 0.21 * build.girth, half * 1.12), "cloth", 6, 10
    )
    c, s = np.cos(lean), np.sin(lean)
    turn = np.eye(4)
    turn[:3, :3] = [[c, 0, s], [0, 1, 0], [-s, 0, c]]
    turn[:3, 3] = middle
    return trunk.placed(turn)


def _head(neck: np.ndarray, height: float) -> list[Mesh]:
    size = 0.066 * height
    center = neck + [0.02, 0, 0.105 * height]
    return [
        tube(neck - [0, 0, 0.02], neck + [0.01, 0, 0.06 * height], 0.05, "skin"),
        ellipsoid(center, (0.9 * size, 0.75 * size, 1.05 * size), "skin", 5, 9),
    ]


def _leg(top: np.ndarray, length: float, swing: float, girth: float) -> list[_Limb]:
    knee = top + 0.5 * length * np.array([np.sin(swing), 0, -np.cos(swing)])
    bend = swing - (0.5 if swing < -0.1 else 0.05)  # the trailing leg is bent
    ankle = knee + 0.46 * length * np.array([np.sin(bend), 0, -np.cos(bend)])
    return [
        (top, knee, 0.085 * girth, 0.06 * girth),
        (knee, ankle, 0.06 * girth, 0.045 * girth),
    ]


def _arm(top: np.ndarray, length: float, swing: float, girth: float, side: int) -> list[_Limb]:
    elbow = top + 0.5 * length * np.array([np.sin(swing), 0.12 * side, -np.cos(swing)])
    bend = swing + 0.35
    hand = elbow + 0.5 * length * np.array([np.sin(bend), 0.0, -np.cos(bend)])
    return [
        (top, elbow, 0.05 * girth, 0.042 * girth),
        (elbow, hand, 0.042 * girth, 0.035),
    ]


def _carried(build: Build, hip: np.ndarray, neck: np.ndarray) -> list[Mesh]:
    if build.carries == "backpack":
        return [box((0.2, 0.3, 0.45), (hip + neck) / 2 + [-0.22, 0, 0.06], "cloth")]
    if build.carries == "bag":
        return [box((0.35, 0.14, 0.3), hip + [0.05, -0.33, -0.25], "plastic_dark")]
    if build.carries == "umbrella":
        top = neck + [0.12, 0.12, 0.45]
        stick = tube(neck + [0.15, 0.15, -0.2], top, 0.012, "steel", sides=5)
        canopy = tube(top - [0, 0, 0.16], top + [0, 0, 0.06], 0.5, "cloth", 0.04, sides=10)
        return [stick, canopy]
    return []
