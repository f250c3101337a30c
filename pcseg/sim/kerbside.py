"""What stands between carriageway and gardens: parked vehicles, cycles, posts, trees, people."""

from __future__ import annotations

import numpy as np

from pcseg.sim.mesh import Mesh
from pcseg.sim.plan import Crossing
from pcseg.sim.shapes.cycles import bicycle, bicyclist, motorcycle, motorcyclist
from pcseg.sim.shapes.furniture import bin_, bollard, cabinet, lamp_post, shelter, sign, wooden_pole
from pcseg.sim.shapes.people import draw_build, standing
from pcseg.sim.shapes.plants import bush, tree
from pcseg.sim.shapes.vehicles import bus, car, tractor, trailer, truck
from pcseg.sim.site import Site

# Decks are shuffled and dealt, so that rare things occur in every street and not by luck alone.
_PARALLEL = ["car"] * 8 + ["empty"] * 11 + ["truck"] * 2 + ["trailer"] * 2 + ["motorcycles"] * 2
_PARALLEL += ["works"]
_PERPENDICULAR = ["car"] * 12 + ["empty"] * 12 + ["motorcycles"] * 3 + ["trailer", "pickup"]
_FURNITURE = ["lamp"] * 4 + ["sign"] * 5 + ["tree"] * 5 + ["bicycles"] * 4 + ["person"] * 4
_FURNITURE += ["bollards"] * 2 + ["shrubs"] * 4
_FURNITURE += ["bin", "cabinet", "motorcycle", "pole", "pair", "rider"]


def build_kerbside(site: Site) -> None:
    """Fill the parking bays, the kerb lines and the mouths of the side streets of the plan."""
    for side in (1, -1):
        _furnish(site, side)
        parking = site.plan.sides[side].parking
        if parking == "parallel":
            _park_along(site, side)
        elif parking == "perpendicular":
            _park_across(site, side)
    for crossing in site.plan.crossings:
        _side_street(site, crossing)


class Deck:
    """Cards dealt in random order; a new shuffle begins when all are out."""

    def __init__(self, cards: list[str], rng: np.random.Generator) -> None:
        self._cards, self._rng, self._left = cards, rng, [*cards]
        rng.shuffle(self._left)

    def deal(self) -> str:
        """The next card."""
        if not self._left:
            self._left = [*self._cards]
            self._rng.shuffle(self._left)
        return self._left.pop()


def _park_along(site: Site, side: int) -> None:
    plan, rng = site.plan, site.rng
    deck = Deck(_PARALLEL, rng)
    d = side * (plan.road_half + 0.5 * plan.sides[side].bay)
    s = 1.0
    while s < plan.path.length_m - 13:
        card = deck.deal()
        vehicles = _vehicles(card, rng)
        length = sum(float(np.ptp(v.vertices[:, 0])) + 0.4 for v in vehicles) if vehicles else 5.5
        if card == "motorcycles":
            length = 1.1 * len(vehicles) + 0.6
        if plan.clear_of_crossings(s + length / 2, side, 7.5 + length / 2):
            for k, vehicle in enumerate(vehicles):
                if card == "motorcycles":  # they stand at an angle, side by side
                    at, yaw = s + 0.8 + 1.1 * k, side * (np.pi / 2 - rng.uniform(0.0, 0.6))
                else:
                    at = s + length / 2
                    yaw = (np.pi if side > 0 else 0.0) + rng.choice([0, np.pi], p=[0.85, 0.15])
                    yaw += rng.normal(0, 0.02)
                site.put_thing(vehicle, at, d + rng.normal(0, 0.08), yaw)
        s += length + rng.uniform(0.4, 1.3)


def _park_across(site: Site, side: int) -> None:
    plan, rng = site.plan, site.rng
    deck = Deck(_PERPENDICULAR, rng)
    d = side * (plan.road_half + 0.5 * plan.sides[side].bay)
    for s in np.arange(2.0, plan.path.length_m - 2, 2.6):
        vehicles = _vehicles(deck.deal(), rng)
        if not plan.clear_of_crossings(s, side, 8.5):
            continue
        for k, vehicle in enumerate(vehicles[:2]):
            if np.ptp(vehicle.vertices[:, 0]) < 5.6:
                yaw = np.pi / 2 * rng.choice([-1, 1]) + rng.normal(0, 0.03)
                site.put_thing(vehicle, s + 1.1 * k - 0.2, d + rng.normal(0, 0.15), yaw)


def _vehicles(card: str, rng: np.random.Generator) -> list[Mesh]:
    if card == "empty":
        return []
    if card == "motorcycles":
        return [motorcycle(rng) for _ in range(int(rng.integers(1, 4)))]
    if card == "works":
        return [tractor(rng) if rng.random() < 0.5 else bus(rng)]
    return [{"car": car, "truck": truck, "pickup": truck, "trailer": trailer}[card](rng)]


def _furnish(site: Site, side: int) -> None:
    """Walk along the kerb and put something down every few metres."""
    plan, rng = site.plan, site.rng
    deck = Deck(_FURNITURE, rng)
    kerb, strip = plan.curb_line(side), plan.sides[side].strip
    s = rng.uniform(1, 4)
    while s < plan.path.length_m - 2:
        at_kerb = kerb + (strip / 2 if strip else 0.45)
        if plan.clear_of_crossings(s, side, 4.6) and not _on_driveway(site, s, side):
            _place(site, deck.deal(), s, side, at_kerb)
        s += rng.uniform(1.8, 4.2)
    if rng.random() < 0.7:
        s = rng.uniform(0.2, 0.8) * plan.path.length_m
        d = side * (plan.back(side) - 0.9)
        if plan.clear_of_crossings(s, side, 7) and site.claim(s, d, 1.8):
            site.put(shelter(rng), s, d, site.facing(side))
            for shift in rng.uniform(-1.6, 1.6, int(rng.integers(1, 4))):
                _stand(site, s + shift, d - side * rng.uniform(0.4, 1.2))


def _place(site: Site, card: str, s: float, side: int, a: float) -> None:
    rng, plan = site.rng, site.plan
    d = side * a
    if card == "tree":
        if plan.sides[side].walk + plan.sides[side].strip > 2.4 and site.claim(s, d, 0.9):
            site.put(tree(rng, rng.uniform(5, 11)), s, d, rng.uniform(0, 6))
            if plan.sides[side].strip and rng.random() < 0.3:
                site.put(bush(rng, 0.5), s + 1.3, d)
    elif card == "shrubs":
        if plan.sides[side].strip:
            for k in range(int(rng.integers(2, 5))):
                if plan.clear_of_crossings(s + 0.9 * k, side, 7.5) and site.claim(
                    s + 0.9 * k, d, 0.4
                ):
                    site.put(bush(rng, rng.uniform(0.35, 0.6)), s + 0.9 * k, d, rng.uniform(0, 6))
    elif card == "bicycles":
        for k in range(int(rng.integers(2, 6))):
            if site.claim(s + 0.75 * k, d, 0.3):
                lean = side * np.pi / 2 + rng.normal(0, 0.12)
                site.put_thing(bicycle(rng), s + 0.75 * k, d + side * 0.35, lean)
    elif card in ("person", "pair"):
        a = rng.uniform(a, plan.back(side) - 0.3)
        _stand(site, s, side * a)
        if card == "pair":
            _stand(site, s + rng.uniform(0.6, 1.0), side * a)
    elif card == "rider":
        mesh = (bicyclist if rng.random() < 0.7 else motorcyclist)(rng)[0]
        if site.claim(s, d, 0.9):  # resting at the kerb, one foot on the ground
            site.put_thing(mesh, s, d, (0.0 if side < 0 else np.pi) + rng.normal(0, 0.15))
    elif card == "motorcycle":
        if site.claim(s, d, 0.6):
            site.put_thing(motorcycle(rng), s, d + side * 0.4, rng.uniform(-0.4, 0.4))
    elif card == "bollards":
        for k in range(int(rng.integers(2, 5))):
            if site.claim(s + 1.3 * k, side * (a - 0.2), 0.15):
                site.put(bollard(rng), s + 1.3 * k, side * (a - 0.2))
    elif site.claim(s, d, 0.4):
        build = {
            "lamp": lamp_post,
            "sign": sign,
            "bin": bin_,
            "cabinet": cabinet,
            "pole": wooden_pole,
        }
        mesh = build[card](rng)
        # A sign shows its face to the traffic of its own side; the rest looks at the road.
        yaw = (np.pi if side > 0 else 0.0) if card == "sign" else site.facing(side)
        site.put(mesh, s, d, yaw + rng.normal(0, 0.08))


def _stand(site: Site, s: float, d: float) -> None:
    if site.claim(s, d, 0.3):
        rng = site.rng
        site.put_thing(standing(draw_build(rng), rng), s, d, rng.uniform(0, 2 * np.pi))


def _on_driveway(site: Site, s: float, side: int) -> bool:
    lots = site.plan.lots
    return any(
        lot.side == side and lot.driveway is not None and abs(s - lot.driveway) < 2.2
        for lot in lots
    )


def _side_street(site: Site, crossing: Crossing) -> None:
    """A waiting car, parked cars, and a sign at the mouth of a side street."""
    plan, rng = site.plan, site.rng
    for side in crossing.sides:
        lane = crossing.half / 2 * side
        if rng.random() < 0.6:
            site.put_thing(
                car(rng), crossing.s + lane, side * (plan.back(side) + 3.2), -side * np.pi / 2
            )
        for a in np.arange(plan.back(side) + 12, 40, 6.5):
            if rng.random() < 0.5:
                d = side * a
                site.put_thing(
                    car(rng), crossing.s - lane * 1.55, d, np.pi / 2 * rng.choice([-1, 1])
                )
        corner = crossing.s - crossing.half - 1.0
        if rng.random() < 0.8 and site.claim(corner, side * (plan.back(side) - 0.4), 0.3):
            site.put(sign(rng), corner, side * (plan.back(side) - 0.4), side * np.pi / 2)
