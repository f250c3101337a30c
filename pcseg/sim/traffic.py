"""Traffic: vehicles in both lanes, riders at the edges, walkers on the sidewalks."""

from __future__ import annotations

import numpy as np

from pcseg.sim.classes import COARSE, MOVING
from pcseg.sim.mesh import Mesh
from pcseg.sim.shapes.cycles import bicyclist, motorcyclist
from pcseg.sim.shapes.people import GAIT_PHASES, draw_build, walking
from pcseg.sim.shapes.vehicles import bus, car, tractor, truck
from pcseg.sim.site import Site
from pcseg.sim.world import Mover, Track

_VEHICLES = {"car": car, "truck": truck, "bus": bus, "tractor": tractor}
_LANE = ["car"] * 6 + ["motorcycle"] * 3 + ["truck", "bus", "tractor"]


def build_traffic(site: Site, ego: Track) -> tuple[Mover, ...]:
    """All movers of a street, in motion for ever: who leaves at one end comes in at the other."""
    return (*_vehicles(site, ego), *_cyclists(site, ego), *_walkers(site))


def _vehicles(site: Site, ego: Track) -> list[Mover]:
    """Both lanes. Ahead of and behind the ego all keep its speed, so nobody runs into anybody."""
    rng, length = site.rng, site.plan.path.length_m
    made = []
    oncoming = -rng.uniform(0.8, 1.3) * ego.speed_mps
    for speed, offset in ((ego.speed_mps, ego.offset), (oncoming, -ego.offset)):
        cards = [*_LANE]
        rng.shuffle(cards)
        gap, k = rng.uniform(16, 26), 0
        while gap < length - 22:
            phases = _rolling(str(cards[k % len(cards)]), rng)
            track = Track(site.plan.path, ego.start + gap, speed, offset, sway=0.1)
            made.append(_mover(site, phases, track, 2.0))
            gap, k = gap + rng.uniform(25, 55), k + 1
    return made


def _rolling(card: str, rng: np.random.Generator) -> list[Mesh]:
    return motorcyclist(rng) if card == "motorcycle" else [_VEHICLES[card](rng)]


def _cyclists(site: Site, ego: Track) -> list[Mover]:
    """Bicyclists near the edges of the carriageway, slower than the cars."""
    rng, plan = site.rng, site.plan
    made = []
    for direction in (1, -1):
        speed = direction * rng.uniform(3.5, 6.0)
        offset = -direction * (plan.road_half - 0.3)
        for start in _spread(rng, plan.path.length_m, 26):
            track = Track(plan.path, start, speed, offset, sway=0.1)
            made.append(_mover(site, bicyclist(rng), track, 5.0))
    return made


def _walkers(site: Site) -> list[Mover]:
    """Walkers in two files on each sidewalk: those who go and those who come."""
    rng, plan = site.rng, site.plan
    made = []
    for side in (1, -1):
        kerb, back = plan.walk_start(side), plan.back(side)
        for share, direction in ((0.55, 1), (0.8, -1)):
            speed = direction * rng.uniform(1.0, 1.5)
            a = kerb + share * (back - kerb)
            for start in _spread(rng, plan.path.length_m, 24):
                build = draw_build(rng)
                phases = [walking(build, k / GAIT_PHASES) for k in range(GAIT_PHASES)]
                track = Track(plan.path, start, speed, side * a, plan.curb, 0.1)
                made.append(_mover(site, phases, track, 0.85 * build.height))
                if rng.random() < 0.25:  # not alone
                    other = draw_build(rng)
                    phases = [walking(other, k / GAIT_PHASES) for k in range(GAIT_PHASES)]
                    beside = Track(
                        plan.path, start + 0.2, speed, side * (a + 0.55), track.lift, 0.1
                    )
                    made.append(_mover(site, phases, beside, 0.85 * other.height))
    return made


def _mover(site: Site, phases: list[Mesh], track: Track, cycle_m: float) -> Mover:
    instance = site.next_instance()
    label = int(phases[0].label[0])
    moving = MOVING[COARSE.get(label, label)]
    return Mover(tuple(p.labelled(moving, instance) for p in phases), track, cycle_m, instance)


def _spread(rng: np.random.Generator, length: float, every: float) -> np.ndarray:
    """Starting points, one in each stretch of `every` metres."""
    count = max(1, int(length / every))
    return (np.arange(count) + rng.uniform(0.1, 0.8, count)) * every
