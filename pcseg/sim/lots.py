"""What stands beyond the sidewalk: buildings, gardens, car parks, parks, and their borders."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pcseg.sim.mesh import Mesh
from pcseg.sim.plan import Lot
from pcseg.sim.shapes.buildings import block, garage, hall, house
from pcseg.sim.shapes.furniture import bench, bin_, fence
from pcseg.sim.shapes.plants import bush, climber, hedge, tree
from pcseg.sim.shapes.vehicles import car, trailer, truck
from pcseg.sim.site import Site

_BUILDERS: dict[str, Callable[[np.random.Generator, float], Mesh]] = {
    "house": house,
    "block": block,
    "hall": hall,
    "plaza": block,
}
_BORDERS = ["picket", "bars", "board", "wall", "hedge", "none"]
_BORDER_SHARES = [0.14, 0.12, 0.08, 0.12, 0.46, 0.08]


def build_lots(site: Site) -> None:
    """Fill every lot of the plan, and the land behind them with trees."""
    for lot in site.plan.lots:
        if lot.use in _BUILDERS:
            _built(site, lot)
        elif lot.use == "carpark":
            _carpark(site, lot)
        else:
            _green(site, lot)
        _backdrop(site, lot)


def _built(site: Site, lot: Lot) -> None:
    rng, plan = site.rng, site.plan
    width = lot.end - lot.start
    middle = (lot.start + lot.end) / 2
    setback = plan.sides[lot.side].setback
    front = plan.back(lot.side) + max(0.25, setback + rng.uniform(-0.6, 0.6) * min(1, setback))
    gap = 0.0 if lot.use == "block" and rng.random() < 0.5 else rng.uniform(0.6, 3.0)
    if lot.driveway is not None:
        _drive(site, lot, front)
        toward = np.sign(middle - lot.driveway)
        middle, gap = middle + 1.7 * toward, gap + 3.4
    mesh = _BUILDERS[lot.use](rng, max(5.0, width - gap))
    site.put(mesh, middle, lot.side * front, site.facing(lot.side))
    if setback > 2 and lot.use in ("house", "block"):
        _border(site, lot, plan.back(lot.side) + 0.2)
        _garden(site, lot, plan.back(lot.side) + 0.9, front - 0.8)
    elif rng.random() < 0.12:
        half = 0.4 * (width - gap)
        start, end = (site.ground(middle + k * half, lot.side * (front - 0.1)) for k in (-0.3, 1))
        site.parts.append(climber(rng, start, end - start, rng.uniform(2, 5)))


def _drive(site: Site, lot: Lot, front: float) -> None:
    """A garage at the end of the driveway, or a parked car in front of it."""
    rng = site.rng
    assert lot.driveway is not None
    site.put(garage(rng), lot.driveway, lot.side * (front + 3.5), site.facing(lot.side))
    if front - site.plan.back(lot.side) > 4.0 and rng.random() < 0.6:
        vehicle = car(rng) if rng.random() < 0.85 else trailer(rng)
        turn = lot.side * np.pi / 2 * rng.choice([-1, 1])
        site.put_thing(vehicle, lot.driveway, lot.side * (front + 0.4), turn)


def _border(site: Site, lot: Lot, d: float) -> None:
    """Fence, wall or hedge along the sidewalk, open at door and driveway; and between lots."""
    rng = site.rng
    kind = str(rng.choice(_BORDERS, p=_BORDER_SHARES))
    if kind == "none":
        return
    door = (lot.start + lot.end) / 2 + rng.uniform(-2, 2)
    gaps = [(door - 0.7, door + 0.7)]
    if lot.driveway is not None:
        gaps.append((lot.driveway - 1.7, lot.driveway + 1.7))
    for start in np.arange(lot.start, lot.end - 0.5, 2.5):
        end = min(start + 2.5, lot.end)
        if any(start < high and end > low for low, high in gaps):
            continue
        _run(site, kind, (start, lot.side * d), (end, lot.side * d))
    if rng.random() < 0.6:
        depth = min(site.plan.sides[lot.side].setback, 7.0)
        if depth > 1.5:
            _run(site, kind, (lot.start, lot.side * d), (lot.start, lot.side * (d + depth)))


def _run(site: Site, kind: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    a, b = site.ground(*start), site.ground(*end)
    site.parts.append(hedge(site.rng, a, b) if kind == "hedge" else fence(site.rng, a, b, kind))


def _garden(site: Site, lot: Lot, near: float, far: float) -> None:
    rng = site.rng
    for _ in range(int((lot.end - lot.start) * max(far - near, 0) / 4.5)):
        s, d = rng.uniform(lot.start, lot.end), lot.side * rng.uniform(near, max(far, near + 0.1))
        if lot.driveway is not None and abs(s - lot.driveway) < 2.5:
            continue
        small_tree = rng.random() < 0.25
        if site.claim(s, d, 1.6 if small_tree else 0.7):
            site.put(
                tree(rng, rng.uniform(3, 6)) if small_tree else bush(rng), s, d, rng.uniform(0, 6)
            )


def _carpark(site: Site, lot: Lot) -> None:
    """Two rows of bays at right angles to the street."""
    rng, plan = site.rng, site.plan
    for row, depth in enumerate((3.0, 13.5)):
        for s in np.arange(lot.start + 2.0, lot.end - 2.0, 2.6):
            draw = rng.random()
            if draw < 0.4:
                continue
            vehicle = car(rng) if draw < 0.93 else trailer(rng) if draw < 0.96 else truck(rng)
            d = lot.side * (plan.back(lot.side) + depth)
            if np.ptp(vehicle.vertices[:, 0]) > 5.6 or not site.claim(s, d, 1.25):
                continue
            site.put_thing(vehicle, s, d, np.pi / 2 * (1 if (row + rng.integers(2)) % 2 else -1))
    for edge in (lot.start, lot.end):
        if rng.random() < 0.5:
            back = plan.back(lot.side)
            kind = str(rng.choice(["hedge", "bars", "rail", "wall"]))
            _run(site, kind, (edge, lot.side * (back + 1)), (edge, lot.side * (back + 17)))


def _green(site: Site, lot: Lot) -> None:
    """A garden or a park: bushes, trees, benches, perhaps a fence or rail."""
    rng, plan = site.rng, site.plan
    back = plan.back(lot.side)
    if rng.random() < 0.6:
        kind = str(rng.choice(["hedge", "hedge", "rail", "bars", "board"]))
        for start in np.arange(lot.start, lot.end - 2, 4.0):
            if rng.random() < 0.85:
                _run(
                    site,
                    kind,
                    (start, lot.side * (back + 0.2)),
                    (start + 4.0, lot.side * (back + 0.2)),
                )
    for _ in range(int((lot.end - lot.start) * 1.8)):
        s, d = rng.uniform(lot.start, lot.end), lot.side * (back + rng.uniform(1.2, 22))
        if rng.random() < 0.5:
            if site.claim(s, d, 2.0):
                site.put(tree(rng), s, d, rng.uniform(0, 6))
        elif site.claim(s, d, 0.9):
            site.put(bush(rng), s, d)
    for build in (bench, bin_):
        s = rng.uniform(lot.start + 1, lot.end - 1)
        if rng.random() < 0.5 and site.claim(s, lot.side * (back + 1.0), 0.9):
            site.put(build(rng), s, lot.side * (back + 1.0), site.facing(lot.side))


def _backdrop(site: Site, lot: Lot) -> None:
    """Trees and bushes behind the buildings: what is seen through the gaps."""
    rng = site.rng
    for _ in range(int((lot.end - lot.start) / 4)):
        s = rng.uniform(lot.start, lot.end)
        d = lot.side * (site.plan.back(lot.side) + rng.uniform(23, 36))
        if abs(d) < 44 and site.claim(s, d, 2.0):
            site.put(tree(rng) if rng.random() < 0.75 else bush(rng, 1.6), s, d, rng.uniform(0, 6))
