"""The plan of a street: which kind of ground lies where, and how high."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pcseg.sim.classes import (
    DRIVEWAY,
    LANE_MARKING,
    PARKING,
    ROAD,
    ROAD_MARKING,
    SIDEWALK,
    TERRAIN,
)
from pcseg.sim.path import Path, draw_path

GROUND_HALF_WIDTH_M = 46.0
"""How far the ground reaches to either side of the centre line."""


@dataclass(frozen=True)
class Side:
    """Widths of the bands beside the lanes, from the road outwards, in metres.

    Attributes:
        parking: ``"parallel"``, ``"perpendicular"`` or ``"none"``.
        bay: width of the parking bays, 0 for none.
        strip: width of the planted strip between kerb and sidewalk, 0 for none.
        walk: width of the sidewalk.
        setback: usual distance from the sidewalk to the fronts of the buildings.
        slope: rise of the land beyond the sidewalk per metre.
    """

    parking: str
    bay: float
    strip: float
    walk: float
    setback: float
    slope: float


@dataclass(frozen=True)
class Crossing:
    """A side street at `s`, `half` metres to either side of its own middle, on the given sides."""

    s: float
    half: float
    sides: tuple[int, ...]
    zebra: bool


@dataclass(frozen=True)
class Lot:
    """A piece of land beside the sidewalk, from `start` to `end` along the street, and its use."""

    start: float
    end: float
    side: int
    use: str
    driveway: float | None = None


@dataclass(frozen=True)
class Plan:
    """Everything about the ground of a street. Offsets `d` count to the left, side is +1 or -1.

    Attributes:
        path: the centre line.
        road_half: half the width of the carriageway.
        curb: height of the kerbs.
        sides: by +1 (left) and -1 (right).
        crossings: side streets.
        lots: land use beyond the sidewalks.
        dashed: whether the middle line is dashed.
        relief: (phases and waves) of the undulation of open land.
    """

    path: Path
    road_half: float
    curb: float
    sides: dict[int, Side]
    crossings: tuple[Crossing, ...]
    lots: tuple[Lot, ...]
    dashed: bool
    relief: np.ndarray

    def curb_line(self, side: int) -> float:
        """Distance of the kerb from the centre line."""
        return self.road_half + self.sides[side].bay

    def walk_start(self, side: int) -> float:
        """Distance of the inner edge of the sidewalk from the centre line."""
        return self.curb_line(side) + self.sides[side].strip

    def back(self, side: int) -> float:
        """Distance of the outer edge of the sidewalk from the centre line."""
        return self.walk_start(side) + self.sides[side].walk

    def kind(self, s: np.ndarray, d: np.ndarray) -> np.ndarray:
        """Ids (uint16, see `classes`) of the ground at broadcast positions."""
        s, d = np.broadcast_arrays(np.asarray(s, float), np.asarray(d, float))
        a = np.abs(d)
        kind = np.full(s.shape, ROAD, np.uint16)
        for side in (1, -1):
            self._bands(kind, s, a, side, np.sign(d) == side)
        for crossing in self.crossings:
            self._crossing(kind, s, d, crossing)
        self._markings(kind, s, d)
        return kind

    def raised(self, s: np.ndarray, d: np.ndarray, kind: np.ndarray) -> np.ndarray:
        """How far (metres) the ground of that kind stands above the carriageway."""
        a = np.abs(d)
        kerb = np.where(np.asarray(d) > 0, self.curb_line(1), self.curb_line(-1))
        level = np.isin(kind, (ROAD, LANE_MARKING, ROAD_MARKING)) | ((kind == PARKING) & (a < kerb))
        return np.where(level, 0.0, self.curb)

    def relief_at(self, s: np.ndarray, d: np.ndarray) -> np.ndarray:
        """Slope and undulation (metres) of the land beyond the sidewalks; 0 on the street."""
        s, d = np.broadcast_arrays(np.asarray(s, float), np.asarray(d, float))
        back = np.where(d > 0, self.back(1), self.back(-1))
        slope = np.where(d > 0, self.sides[1].slope, self.sides[-1].slope)
        beyond = np.clip(np.abs(d) - back, 0, None)
        waves = sum(0.12 * np.sin(s / w[0] + w[1]) * np.cos(d / w[2] + w[3]) for w in self.relief)
        fade = np.ones(s.shape)
        for c in self.crossings:
            # A side street is level: land on its sides comes down to it.
            fade = np.minimum(fade, np.clip((np.abs(s - c.s) - c.half - 3.0) / 9.0, 0, 1))
        return fade * (np.clip(slope * beyond, -2.0, 3.0) + waves * np.clip(beyond / 3, 0, 1))

    def height(self, s: np.ndarray | float, d: np.ndarray | float) -> np.ndarray:
        """Ground height in the world (metres), without the roughness of the surface."""
        s, d = np.broadcast_arrays(np.asarray(s, float), np.asarray(d, float))
        kind = self.kind(s, d)
        return self.path.at(s, d)[..., 2] + self.raised(s, d, kind) + self.relief_at(s, d)

    def clear_of_crossings(self, s: float, side: int, margin: float) -> bool:
        """Whether `s` keeps `margin` metres from every side street on that side."""
        return all(abs(s - c.s) > c.half + margin for c in self.crossings if side in c.sides)

    def _bands(
        self, kind: np.ndarray, s: np.ndarray, a: np.ndarray, side: int, here: np.ndarray
    ) -> None:
        curb, walk, back = self.curb_line(side), self.walk_start(side), self.back(side)
        near = np.zeros(s.shape, bool)
        for c in self.crossings:
            if side in c.sides:
                near |= np.abs(s - c.s) < c.half + 7.0
        kind[here & (a >= self.road_half)] = PARKING
        kind[here & (a >= self.road_half) & near] = SIDEWALK  # bays end before a side street
        kind[here & (a >= curb)] = TERRAIN
        kind[here & (a >= curb) & near] = SIDEWALK
        kind[here & (a >= walk)] = SIDEWALK
        kind[here & (a >= back)] = TERRAIN
        for lot in self.lots:
            if lot.side != side:
                continue
            inside = here & (s >= lot.start) & (s < lot.end)
            if lot.use == "carpark":
                kind[inside & (a >= back) & (a < back + 18.0)] = PARKING
            elif lot.use == "plaza":
                kind[inside & (a >= back) & (a < back + self.sides[side].setback + 3)] = SIDEWALK
            if lot.driveway is not None:
                drive = here & (np.abs(s - lot.driveway) < 1.6)
                kind[drive & (a >= back) & (a < back + self.sides[side].setback + 2)] = DRIVEWAY

    def _crossing(self, kind: np.ndarray, s: np.ndarray, d: np.ndarray, c: Crossing) -> None:
        for side in c.sides:
            here = np.sign(d) == side
            a, u = np.abs(d), np.abs(s - c.s)
            walk = self.sides[side].walk
            kind[here & (a >= self.back(side)) & (u < c.half + walk)] = SIDEWALK
            kind[here & (a >= self.road_half) & (u < c.half)] = ROAD
            radius = 4.0  # kerbs are rounded at the corners
            corner = here & (a >= self.road_half) & (a < self.road_half + radius)
            corner &= (u >= c.half) & (u < c.half + radius)
            outside = np.hypot(a - self.road_half - radius, u - c.half - radius) > radius
            kind[corner & outside] = ROAD

    def _markings(self, kind: np.ndarray, s: np.ndarray, d: np.ndarray) -> None:
        road = kind == ROAD
        at_crossing = np.zeros(s.shape, bool)
        for c in self.crossings:
            at_crossing |= np.abs(s - c.s) < c.half + 2
            if c.zebra:
                band = road & (np.abs(s - c.s - c.half - 5.0) < 1.75)
                kind[band & (np.abs(d) < self.road_half) & (np.floor(d / 0.5) % 2 == 0)] = (
                    ROAD_MARKING
                )
        painted = (np.mod(s, 9.0) < 3.0) | (not self.dashed)
        kind[road & (np.abs(d) < 0.07) & painted & ~at_crossing] = LANE_MARKING


def draw_plan(rng: np.random.Generator, length_m: float) -> Plan:
    """A random plan for a street of the given length."""
    path = draw_path(rng, length_m)
    sides = _sides(rng)
    crossings = _crossings(rng, length_m)
    lots = tuple(lot for side in (1, -1) for lot in _lots(rng, side, length_m, crossings))
    return Plan(
        path=path,
        road_half=float(rng.uniform(3.3, 4.8)),
        curb=float(rng.uniform(0.09, 0.16)),
        sides=sides,
        crossings=crossings,
        lots=lots,
        dashed=bool(rng.random() < 0.7),
        relief=rng.uniform([4, 0, 4, 0], [15, 6, 12, 6], (4, 4)),
    )


def _sides(rng: np.random.Generator) -> dict[int, Side]:
    kinds = [
        "parallel",
        str(rng.choice(["parallel", "perpendicular", "none"], p=[0.3, 0.15, 0.55])),
    ]
    rng.shuffle(kinds)
    bays = {"parallel": 2.1, "perpendicular": 4.9, "none": 0.0}
    planted = rng.random() < 0.55
    return {
        side: Side(
            parking=kind,
            bay=bays[kind],
            strip=float(rng.uniform(1.2, 2.6)) if planted else 0.0,
            walk=float(rng.uniform(1.8, 3.6)),
            setback=float(rng.choice([0.3, 3.0, 5.0, 7.0], p=[0.25, 0.3, 0.27, 0.18])),
            slope=float(rng.uniform(-0.05, 0.12)),
        )
        for side, kind in zip((1, -1), kinds, strict=True)
    }


def _crossings(rng: np.random.Generator, length_m: float) -> tuple[Crossing, ...]:
    made, s = [], float(rng.uniform(40, 90))
    while s < length_m - 25:
        sides = ((1, -1), (1,), (-1,))[int(rng.choice(3, p=[0.5, 0.25, 0.25]))]
        made.append(Crossing(s, float(rng.uniform(2.6, 4.2)), sides, bool(rng.random() < 0.5)))
        s += float(rng.uniform(55, 120))
    return tuple(made)


_USES = ["house", "house+drive", "block", "hall", "garden", "carpark", "park", "plaza"]
_SHARES = [0.27, 0.17, 0.15, 0.05, 0.13, 0.06, 0.13, 0.04]


def _lots(
    rng: np.random.Generator, side: int, length_m: float, crossings: tuple[Crossing, ...]
) -> list[Lot]:
    made, s = [], 0.0
    while s < length_m:
        use = str(rng.choice(_USES, p=_SHARES))
        wide = {
            "block": (14, 30),
            "hall": (22, 36),
            "carpark": (20, 32),
            "park": (15, 35),
            "plaza": (14, 28),
        }
        end = s + float(rng.uniform(*wide.get(use, (11, 20))))
        for c in crossings:
            if side in c.sides and end > c.s - c.half - 4.5 and s < c.s + c.half + 4.5:
                end = c.s - c.half - 4.5
                break
        else:
            c = None  # type: ignore[assignment]
        drive = float(rng.choice([s + 2.2, end - 2.2])) if use == "house+drive" else None
        if end - s > 7:
            made.append(Lot(s, end, side, use.split("+")[0], drive))
        s = c.s + c.half + 4.5 if c is not None else end
    return made
