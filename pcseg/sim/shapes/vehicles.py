"""Vehicles: cars, vans, trucks, buses, trailers and tractors; x forward, wheels on z = 0."""

from __future__ import annotations

import numpy as np

from pcseg.sim.classes import BUS, CAR, OTHER_VEHICLE, PICKUP, TRAILER, TRUCK
from pcseg.sim.materials import material
from pcseg.sim.mesh import Mesh, join
from pcseg.sim.shapes.primitives import box, loft, tube, wheel

# Stations of a body along x, as shares of its length from the nose: (x, roof, roof width),
# where roof 0 is the belt line and 1 the top. The strip behind a station is glass where "g" is set.
_BODIES: dict[str, list[tuple[float, float, float, str]]] = {
    "hatchback": [
        (0.00, -0.22, 0.88, ""), (0.04, -0.02, 0.96, ""), (0.27, 0.05, 0.95, "g"),
        (0.45, 0.96, 0.74, ""), (0.60, 1.00, 0.74, ""), (0.86, 0.94, 0.72, "g"),
        (0.97, 0.10, 0.86, ""), (1.00, -0.20, 0.88, ""),
    ],
    "sedan": [
        (0.00, -0.22, 0.88, ""), (0.04, -0.02, 0.96, ""), (0.27, 0.05, 0.95, "g"),
        (0.42, 0.96, 0.72, ""), (0.55, 1.00, 0.72, ""), (0.68, 0.93, 0.72, "g"),
        (0.82, 0.12, 0.90, ""), (0.98, 0.06, 0.90, ""), (1.00, -0.20, 0.86, ""),
    ],
    "wagon": [
        (0.00, -0.22, 0.88, ""), (0.04, -0.02, 0.96, ""), (0.26, 0.05, 0.95, "g"),
        (0.40, 0.96, 0.74, ""), (0.60, 1.00, 0.74, ""), (0.93, 0.93, 0.74, "g"),
        (0.99, 0.10, 0.88, ""), (1.00, -0.20, 0.88, ""),
    ],
    "suv": [
        (0.00, -0.25, 0.90, ""), (0.03, 0.04, 0.97, ""), (0.26, 0.12, 0.96, "g"),
        (0.38, 0.97, 0.80, ""), (0.60, 1.00, 0.80, ""), (0.92, 0.96, 0.80, "g"),
        (0.98, 0.12, 0.92, ""), (1.00, -0.25, 0.92, ""),
    ],
    "van": [
        (0.00, -0.30, 0.92, ""), (0.03, 0.00, 0.97, ""), (0.14, 0.12, 0.96, "g"),
        (0.26, 0.96, 0.86, ""), (0.60, 1.00, 0.86, ""), (0.97, 0.98, 0.86, ""),
        (1.00, 0.60, 0.90, ""),
    ],
}  # fmt: skip
_SIZES = {  # length, width, height, belt height (metres): mean of each
    "hatchback": (4.0, 1.74, 1.48, 0.93),
    "sedan": (4.7, 1.82, 1.45, 0.93),
    "wagon": (4.6, 1.80, 1.48, 0.94),
    "suv": (4.5, 1.86, 1.68, 1.05),
    "van": (5.2, 1.98, 2.05, 1.15),
}


def car(rng: np.random.Generator) -> Mesh:
    """A car of a random body, size and paint."""
    body = str(rng.choice(list(_BODIES), p=[0.34, 0.2, 0.2, 0.16, 0.1]))
    length, width, height, belt = np.array(_SIZES[body]) * rng.normal(1, 0.03, 4).clip(0.93, 1.08)
    shell = _body(_BODIES[body], length, width, height, belt, _paint(rng))
    radius = rng.uniform(0.29, 0.35)
    axles = (0.31 * length, -0.29 * length)
    parts = [shell, *_wheels(axles, width, radius, 0.2), *_trim(length, width, belt)]
    return join(parts).labelled(CAR)


def truck(rng: np.random.Generator) -> Mesh:
    """A lorry with box, tipper, flatbed or tank, or a pickup: body and cab stand apart."""
    kind = rng.choice(
        ["box", "tipper", "flatbed", "tank", "pickup"], p=[0.4, 0.2, 0.16, 0.09, 0.15]
    )
    if kind == "pickup":
        return _pickup(rng).labelled(PICKUP)
    width = rng.uniform(2.1, 2.5)
    bed = rng.uniform(3.8, 7.2)
    cab_length, cab_height = rng.uniform(1.6, 2.1), rng.uniform(2.3, 3.0)
    floor = rng.uniform(0.85, 1.1)
    length = bed + 0.25 + cab_length
    cab = _body(_CAB, cab_length, width, cab_height, 0.55 * cab_height, _paint(rng), floor=0.45)
    parts = [
        cab.moved((length / 2 - cab_length / 2, 0, 0)),
        box((bed + 0.6, 0.9, 0.22), (-(cab_length + 0.25) / 2, 0, floor - 0.15), "steel"),
        _load(str(kind), bed, width, floor, rng).moved((-(cab_length + 0.25) / 2, 0, 0)),
    ]
    axles = [length / 2 - 0.75 * cab_length, -length / 2 + 0.28 * bed]
    if bed > 5.6:
        axles.append(axles[-1] + 1.25)
    parts += _wheels(axles, width, rng.uniform(0.42, 0.5), 0.28)
    parts += _trim(length, width, 1.4)
    return join(parts).labelled(TRUCK)


def bus(rng: np.random.Generator) -> Mesh:
    """A city bus: one long box with bands of windows."""
    length, width, height = rng.uniform(9, 12.5), rng.uniform(2.4, 2.55), rng.uniform(2.8, 3.1)
    bays = int(length / 1.3)
    stations = [(0.0, 0.9, 0.96, "")]
    stations += [(float(x), 1.0, 0.97, "") for x in np.linspace(0.02, 0.99, bays)]
    stations += [(1.0, 0.9, 0.96, "")]
    shell = _body(stations, length, width, height, 1.25, _paint(rng), side_glass=True)
    axles = (0.33 * length, -0.27 * length)
    front = box((0.06, width * 0.85, 1.2), (length / 2, 0, 1.9), "car_glass")
    return join([shell, front, *_wheels(axles, width, 0.48, 0.3)]).labelled(BUS)


def trailer(rng: np.random.Generator) -> Mesh:
    """A caravan, a box trailer or an open trailer, uncoupled, on its drawbar."""
    kind = rng.choice(["caravan", "box", "open"])
    length = rng.uniform(2.2, 3.4) + (1.8 if kind == "caravan" else 0.0)
    width = rng.uniform(1.5, 2.2)
    if kind == "caravan":
        height = rng.uniform(2.3, 2.6)
        rounded = [(0.0, 0.1, 0.9, ""), (0.08, 0.85, 0.92, ""), (0.3, 1.0, 0.93, ""),
                   (0.9, 1.0, 0.93, ""), (1.0, 0.5, 0.9, "")]  # fmt: skip
        hull = _body(rounded, length, width, height, 1.25, 1.9, side_glass=True, floor=0.4)
    else:
        height = rng.uniform(1.3, 1.9) if kind == "box" else rng.uniform(0.35, 0.5)
        walls = "tarpaulin" if kind == "box" else "steel"
        hull = box((length, width, height), (0, 0, 0.55 + height / 2), walls)
    bar = [
        tube((length / 2, y, 0.5), (length / 2 + 1.1, 0, 0.5), 0.05, "steel") for y in (0.4, -0.4)
    ]
    jockey = wheel((length / 2 + 1.0, 0, 0.14), 0.14, 0.08)
    parts = [hull, *bar, jockey, *_wheels((0.0,), width + 0.2, 0.32, 0.18)]
    return join(parts).labelled(TRAILER)


def tractor(rng: np.random.Generator) -> Mesh:
    """A farm or works tractor: bonnet, high cab, big rear wheels."""
    big = rng.uniform(0.75, 0.9)
    cab = _body(_CAB, 1.5, 1.5, 2.7, 1.5, _paint(rng), floor=0.9, side_glass=True).moved(
        (-0.6, 0, 0)
    )
    parts = [
        cab,
        box((1.7, 0.8, 0.75), (0.9, 0, 1.15), "car_paint"),
        tube((1.2, 0.3, 1.5), (1.2, 0.3, 2.4), 0.05, "steel"),
        *_wheels((-0.9,), 2.1, big, 0.5),
        *_wheels((1.3,), 1.9, 0.55 * big + 0.05, 0.35),
    ]
    if rng.random() < 0.5:
        parts.append(box((0.5, 2.2, 0.8), (2.3, 0, 0.6), "steel"))
    return join(parts).moved(scale=rng.uniform(0.9, 1.12)).labelled(OTHER_VEHICLE)


_CAB = [
    (0.00, 0.10, 0.92, "g"), (0.10, 0.80, 0.90, "g"), (0.16, 0.97, 0.88, ""), (0.55, 1.00, 0.9, ""),
    (1.00, 0.98, 0.9, ""),
]  # fmt: skip


def _body(
    stations: list[tuple[float, float, float, str]],
    length: float,
    width: float,
    height: float,
    belt: float,
    tint: float,
    *,
    floor: float = 0.22,
    side_glass: bool = True,
) -> Mesh:
    """A skin over eight-cornered sections: sill, flank, belt and roof on either side."""
    half = width / 2
    sections = []
    for x, roof, roof_width, _ in stations:
        at = length / 2 - x * length
        taper = 0.9 if x in (0.0, 1.0) else 1.0
        low = floor + (0.12 if x in (0.0, 1.0) else 0.0)
        top = belt + roof * (height - belt) if roof > 0 else belt + roof
        side = min(belt, top)
        w = half * taper
        r = half * roof_width if roof > 0.3 else w * 0.97
        right = [(at, -0.9 * w, low), (at, -w, 0.55 * (low + side)), (at, -w, side), (at, -r, top)]
        sections.append([*right, *((x_, -y, z) for x_, y, z in reversed(right))])
    paint, glass = material("car_paint"), material("car_glass")
    skin = np.full((len(stations) - 1, 8), paint)
    for s in range(len(stations) - 1):
        first, second = stations[s], stations[s + 1]
        if side_glass and min(first[1], second[1]) >= 0.0 and max(first[1], second[1]) > 0.5:
            skin[s, [2, 4]] = glass
        if first[3] == "g":
            skin[s, 3] = glass
    shell = loft(np.array(sections), skin)
    shell.tint[shell.material == paint] *= tint
    return shell


def _load(kind: str, bed: float, width: float, floor: float, rng: np.random.Generator) -> Mesh:
    if kind == "box":
        height = rng.uniform(1.8, 2.5)
        return box((bed, width, height), (0, 0, floor + height / 2), "tarpaulin")
    if kind == "tank":
        return tube(
            (-bed / 2, 0, floor + 0.95), (bed / 2, 0, floor + 0.95), 0.95, "steel", sides=14
        )
    side = 0.9 if kind == "tipper" else 0.4
    parts = [box((bed, width, 0.1), (0, 0, floor + 0.05), "steel")]
    parts += [
        box((bed, 0.06, side), (0, y, floor + side / 2), "steel") for y in (-width / 2, width / 2)
    ]
    parts += [
        box((0.06, width, side), (x, 0, floor + side / 2), "steel") for x in (-bed / 2, bed / 2)
    ]
    for _ in range(int(rng.integers(1, 5))):
        size = rng.uniform(0.5, 1.4, 3)
        at = (rng.uniform(-0.35, 0.35) * bed, rng.uniform(-0.2, 0.2) * width, floor + size[2] / 2)
        parts.append(box(size, at, "wood", yaw=rng.uniform(0, 1)))
    return join(parts)


def _pickup(rng: np.random.Generator) -> Mesh:
    length, width = rng.uniform(5.1, 5.5), rng.uniform(1.85, 1.95)
    front = [*_BODIES["suv"][:5], (0.62, 0.95, 0.8, "g"), (0.66, 0.08, 0.95, "")]
    stretched = [(x / 0.66, roof, w, g) for x, roof, w, g in front]
    cab = _body(stretched, 0.66 * length, width, 1.82, 1.08, _paint(rng))
    bed = _load("tipper", 0.34 * length, width, 0.55, rng)
    parts = [cab.moved((0.17 * length, 0, 0)), bed.moved((-0.33 * length, 0, 0))]
    return join([*parts, *_wheels((0.31 * length, -0.3 * length), width, 0.38, 0.25)])


def _wheels(
    axles: tuple[float, ...] | list[float], width: float, radius: float, tyre: float
) -> list[Mesh]:
    # A centimetre beyond the flank: in its plane neither would hide the other.
    inset = (width - tyre) / 2 + 0.01
    return [wheel((x, y, radius), radius, tyre) for x in axles for y in (inset, -inset)]


def _trim(length: float, width: float, belt: float) -> list[Mesh]:
    """Number plates and lamps, which shine back, and mirrors."""
    parts = [
        box((0.02, 0.5, 0.11), (x, 0, 0.5), "retro")
        for x in (length / 2 + 0.01, -length / 2 - 0.01)
    ]
    for y in (-0.36 * width, 0.36 * width):
        parts.append(box((0.04, 0.3, 0.14), (length / 2 - 0.03, y, 0.68), "chrome"))
        parts.append(box((0.04, 0.2, 0.2), (-length / 2 + 0.02, y, 0.78), "retro").tinted(0.4))
    for y in (-width / 2 - 0.1, width / 2 + 0.1):
        parts.append(box((0.12, 0.2, 0.14), (0.2 * length, y, belt + 0.06), "plastic_dark"))
    return parts


def _paint(rng: np.random.Generator) -> float:
    """Black and dark blue cars swallow most of the light; white and silver ones do not."""
    return float(rng.choice([0.12, 0.3, 0.6, 1.0, 1.7], p=[0.2, 0.22, 0.22, 0.2, 0.16]))
