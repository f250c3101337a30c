"""Details of a street that only some data sets name: roadworks, traffic lights, racks, strollers.

They are put into a street that is finished, where it left room, and draw from a random stream of
their own: the rest of the street is the same as without them.
"""

from __future__ import annotations

import numpy as np

from pcseg.sim.classes import CONSTRUCTION_WORKER, ROAD, STOP_LINE
from pcseg.sim.kerbside import Deck
from pcseg.sim.materials import material
from pcseg.sim.mesh import Mesh
from pcseg.sim.plan import Crossing
from pcseg.sim.shapes.people import draw_build, standing
from pcseg.sim.shapes.roadside import bicycle_rack, kick_scooter, stroller, traffic_light
from pcseg.sim.shapes.works import (
    concrete_barrier,
    construction_sign,
    digger,
    skip,
    temporary_barrier,
    traffic_cone,
)
from pcseg.sim.site import Site

WORKS_EVERY_M = 70.0
"""About one site of roadworks in so many metres of street, if there is room."""

SMALL_EVERY_M = 20.0
"""About one small thing at a kerb in so many metres of street, if there is room."""

_LOW_M = 2.2
"""What hangs higher is in nobody's way."""


def build_details(site: Site, rng: np.random.Generator) -> None:
    """Add the details to a site that is otherwise complete.

    Args:
        site: with its ground as first part.
        rng: source of all their chance.
    """
    room = _Room(site)
    for crossing in site.plan.crossings:
        if rng.random() < 0.6:
            _signals(site, room, crossing, rng)
    length = site.plan.path.length_m
    deck = Deck(["digger", "skip", "barriers"], rng)
    for start in np.arange(0.0, length - 20.0, WORKS_EVERY_M):
        _works(site, room, deck.deal(), start, min(start + WORKS_EVERY_M, length), rng)
    for start in np.arange(0.0, length - SMALL_EVERY_M, SMALL_EVERY_M):
        _small(site, room, start, rng)


class _Room:
    """Where a street is still free: upright boxes around all parts but the ground."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._boxes = np.array([_footprint(part) for part in site.parts[1:] if len(part)])

    def free(self, s: float, d: float, half_length: float, half_width: float) -> bool:
        """Whether nothing stands in a rectangle along the street (metres)."""
        path = self._site.plan.path
        if not half_length < s < path.length_m - half_length:
            return False
        along = np.array([-1, 1, 1, -1]) * half_length
        across = np.array([-1, -1, 1, 1]) * half_width
        corners = path.at(s + along, d + across)[:, :2]
        low, high = corners.min(0), corners.max(0)
        apart = (self._boxes[:, 2:] < low) | (self._boxes[:, :2] > high)
        return bool(apart.any(1).all())

    def put(self, mesh: Mesh, s: float, d: float, yaw: float = 0.0, *, thing: bool = True) -> None:
        """Put a mesh down and remember where it stands."""
        if thing:
            self._site.put_thing(mesh, s, d, yaw)
        else:
            self._site.put(mesh, s, d, yaw)
        self._boxes = np.vstack([self._boxes, _footprint(self._site.parts[-1])])


def _footprint(part: Mesh) -> np.ndarray:
    """(4,) least x, y and greatest x, y of what stands low."""
    low = part.vertices[part.vertices[:, 2] < part.vertices[:, 2].min() + _LOW_M, :2]
    return np.concatenate([low.min(0), low.max(0)])


def _signals(site: Site, room: _Room, crossing: Crossing, rng: np.random.Generator) -> None:
    """A light for each direction of the street, before the side street, and its stop line."""
    plan = site.plan
    for side in (-1, 1):  # traffic keeps to the right: direction +s has its mast at d < 0
        ahead = -side
        d = side * (plan.curb_line(side) + 0.5)
        for away in rng.permutation(np.arange(4.6, 8.0, 0.4)):
            s = crossing.s - ahead * (crossing.half + float(away))
            if room.free(s, d, 0.3, 0.3) and site.claim(s, d, 0.2):
                mast = traffic_light(rng)
                room.put(mast, s, d, 0.0 if ahead > 0 else np.pi, thing=False)
                _stop_line(site, s + 0.3 * ahead, side)
                break


def _stop_line(site: Site, s: float, side: int) -> None:
    """Paint the cells of the carriageway's ground that lie in a band across one lane."""
    ground, path = site.parts[0], site.plan.path
    middle = ground.vertices[ground.faces].mean(1)[:, :2] - path.at(s, 0.0)[:2]
    yaw = float(path.direction(s))
    along = middle @ [np.cos(yaw), np.sin(yaw)]
    across = middle @ [-np.sin(yaw), np.cos(yaw)]
    line = (np.abs(along) < 0.3) & (side * across > 0.1) & (ground.label == ROAD)
    line &= side * across < site.plan.road_half
    ground.label[line] = STOP_LINE
    ground.material[line] = material("paint_white")


def _works(
    site: Site, room: _Room, what: str, start: float, end: float, rng: np.random.Generator
) -> None:
    """A site of roadworks: a machine on open land behind the walk, or less in a parking bay."""
    bays, land = _spots(site, start, end, rng)
    for half in (6.5, 5.0, 3.0):
        for s, d, wide in [*land, *bays] if what == "digger" else [*bays, *land]:
            clear = site.plan.clear_of_crossings(s, int(np.sign(d)), half + 2)
            if clear and room.free(s, d, half, wide):
                _enclose(room, what, (s, d, half, wide), rng)
                return


_Spot = tuple[float, float, float]
"""Middle along and across the street, and half the width (metres)."""


def _spots(
    site: Site, start: float, end: float, rng: np.random.Generator
) -> tuple[list[_Spot], list[_Spot]]:
    """Places in the parking bays and on the land behind the sidewalks, in random order."""
    plan = site.plan
    bays: list[_Spot] = []
    land: list[_Spot] = []
    for side in (1, -1):
        bay, back = plan.sides[side].bay, plan.back(side)
        for s in np.arange(start, end, 3.0).tolist():
            land += [(s, side * (back + depth), 1.6) for depth in (2.6, 4.2, 6.0, 9.0)]
            if bay > 0:
                bays.append((s, side * (plan.road_half + bay / 2), bay / 2 - 0.15))
    rng.shuffle(bays)
    rng.shuffle(land)
    return bays, land


def _enclose(
    room: _Room, what: str, where: tuple[float, float, float, float], rng: np.random.Generator
) -> None:
    """Barriers at the ends, cones or concrete on the road side, people and `what` within.

    Args:
        room: of the street.
        what: ``"digger"``, ``"skip"`` or ``"barriers"``.
        where: middle along and across the street, half the length and half the width (metres).
        rng: source of chance.
    """
    s, d, half, wide = where
    road = -float(np.sign(d))  # the direction in which the road lies
    for end in (-1, 1):
        room.put(temporary_barrier(rng), s + end * (half - 0.3), d, np.pi / 2)
        sign = construction_sign(rng)
        room.put(sign, s + end * (half + 0.6), d, 0.0 if end < 0 else np.pi, thing=False)
    edge, inner = d + road * (wide - 0.15), d - road * 0.25
    if what == "barriers":
        for at in np.arange(s - half + 2.3, s + half - 1.8, 4.1):
            room.put(concrete_barrier(rng), float(at), edge - 0.15 * road)
    else:
        for at in np.arange(s - half + 1.2, s + half - 1.0, 1.6):
            room.put(traffic_cone(rng), float(at), edge + rng.normal(0, 0.04), rng.uniform(0, 1))
    for at in (s - half + 0.9, s + half - 0.9):
        room.put(traffic_cone(rng), float(at), inner, rng.uniform(0, 1))
    if what == "digger" and wide > 1.3 and half > 4:
        room.put(digger(rng), s - 0.15 * half, inner, rng.choice([0.0, np.pi]))
    elif what != "barriers" and half > 4:
        room.put(skip(rng), s - 0.2 * half, inner)
    for _ in range(int(rng.integers(1, 3))):
        at, beside = s + rng.uniform(0.45, 0.75) * half, inner + rng.uniform(-0.3, 0.3)
        if room.free(at, beside, 0.25, 0.25):
            person = standing(draw_build(rng), rng).labelled(CONSTRUCTION_WORKER)
            room.put(person, at, beside, rng.uniform(0, 2 * np.pi))


def _small(site: Site, room: _Room, start: float, rng: np.random.Generator) -> None:
    """A rack, a scooter or two, or somebody with a stroller, at the kerb."""
    plan, side = site.plan, int(rng.choice([-1, 1]))
    strip = plan.sides[side].strip
    d = side * (plan.curb_line(side) + (strip / 2 if strip else 0.5))
    kind = str(rng.choice(["rack", "scooters", "stroller", "nothing"], p=[0.2, 0.3, 0.3, 0.2]))
    half = {"rack": 1.9, "scooters": 0.9, "stroller": 0.9, "nothing": 0.0}[kind]
    for s in start + rng.permutation(np.arange(0.0, SMALL_EVERY_M)):
        if half and plan.clear_of_crossings(s, side, 4.6) and room.free(s, d, half, 0.4):
            if site.claim(s, d, half):
                _put_small(room, kind, float(s), d, rng)
                return


def _put_small(room: _Room, kind: str, s: float, d: float, rng: np.random.Generator) -> None:
    if kind == "rack":
        room.put(bicycle_rack(rng), s, d, thing=False)
    elif kind == "scooters":
        for k in range(int(rng.integers(1, 4))):
            room.put(kick_scooter(rng), s - 0.6 + 0.5 * k, d, np.pi / 2 + rng.normal(0, 0.15))
    else:
        room.put(stroller(rng), s + 0.4, d)
        room.put(standing(draw_build(rng), rng), s - 0.5, d)
