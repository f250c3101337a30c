"""The plan of a room: its kind and size, and where its doors and windows are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pcseg.sim.mesh import pose


@dataclass(frozen=True)
class RoomKind:
    """What rooms of one use have in common.

    Attributes:
        scannet: its name among ScanNet's scene types.
        s3dis: its name in S3DIS's room folders; empty for rooms that no office building has.
        width: least and largest (metres), along x.
        depth: likewise, along y.
        height: likewise.
        floors: materials of the floor.
        walls: material of the walls.
        doors: how many at most; there is always one.
        windows: how many at most.
    """

    scannet: str
    s3dis: str
    width: tuple[float, float]
    depth: tuple[float, float]
    height: tuple[float, float]
    floors: tuple[str, ...]
    walls: str = "wall_paint"
    doors: int = 1
    windows: int = 2


ROOM_KINDS: dict[str, RoomKind] = {
    "office": RoomKind(
        "Office", "office", (3.6, 6.0), (3.4, 5.0), (2.6, 3.0), ("carpet", "parquet"), doors=2
    ),
    "conference": RoomKind(
        "Conference Room", "conferenceRoom", (4.6, 7.5), (3.8, 5.5), (2.7, 3.1), ("carpet",)
    ),
    "living": RoomKind(
        "Living room / Lounge", "lounge", (4.4, 6.5), (3.8, 5.5), (2.5, 2.8), ("parquet", "carpet")
    ),
    "bedroom": RoomKind(
        "Bedroom / Hotel", "", (3.6, 5.2), (3.2, 4.6), (2.4, 2.7), ("parquet", "carpet"), windows=1
    ),
    "kitchen": RoomKind(
        "Kitchen", "pantry", (3.8, 5.2), (3.2, 4.4), (2.4, 2.8), ("tiles", "parquet"), windows=1
    ),
    "bathroom": RoomKind(
        "Bathroom", "WC", (2.6, 3.6), (2.4, 3.2), (2.3, 2.6), ("tiles",), "tiles", windows=1
    ),
    "hallway": RoomKind(
        "Hallway", "hallway", (7.0, 11.0), (1.9, 2.6), (2.6, 3.0), ("tiles", "carpet"),
        doors=4, windows=1,
    ),
}  # fmt: skip
"""By name, in the order in which rooms of a data set take turns."""


@dataclass(frozen=True)
class Opening:
    """A door or a window.

    Attributes:
        use: ``"door"`` or ``"window"``.
        wall: number of the wall, 0..3.
        middle: metres along the wall.
        width: metres.
        bottom: metres above the floor, 0 for a door.
        top: metres above the floor.
    """

    use: str
    wall: int
    middle: float
    width: float
    bottom: float
    top: float


@dataclass(frozen=True)
class Plan:
    """A rectangular room from (0, 0) to (width, depth); the floor is at z = 0.

    Walls are numbered from the one at y = depth, clockwise seen from above: 0 back (+y),
    1 right (+x), 2 front (-y), 3 left (-x). A wall's own frame has its origin in the lower left
    corner as seen from inside, x along the wall, y out through it, z up.

    Attributes:
        kind: key of `ROOM_KINDS`.
        width: metres along x.
        depth: metres along y.
        height: metres.
        openings: doors and windows.
    """

    kind: str
    width: float
    depth: float
    height: float
    openings: tuple[Opening, ...]

    def length(self, wall: int) -> float:
        """Metres of a wall."""
        return self.width if wall % 2 == 0 else self.depth

    def wall_pose(self, wall: int, along: float = 0.0, off: float = 0.0) -> np.ndarray:
        """(4, 4) from a wall's frame into the room, moved `along` it and `off` it into the room."""
        corner = ((0, self.depth), (self.width, self.depth), (self.width, 0), (0, 0))[wall]
        return pose((*corner, 0.0), -wall * np.pi / 2) @ pose((along, -off, 0.0))

    def openings_of(self, wall: int) -> list[Opening]:
        """Those of one wall, from left to right."""
        return sorted((o for o in self.openings if o.wall == wall), key=lambda o: o.middle)


def draw_plan(kind: str, rng: np.random.Generator) -> Plan:
    """A room of a kind, with doors and windows that do not overlap."""
    facts = ROOM_KINDS[kind]
    width, depth, height = (
        round(float(rng.uniform(*span)), 3) for span in (facts.width, facts.depth, facts.height)
    )
    bare = Plan(kind, width, depth, height, ())
    openings: list[Opening] = []
    uses = ["door"] * int(rng.integers(1, facts.doors + 1))
    uses += ["window"] * int(rng.integers(1, facts.windows + 1))
    for use in uses:
        for _ in range(20):
            drawn = _opening(bare, use, rng)
            if drawn is not None and not any(_clash(drawn, other) for other in openings):
                openings.append(drawn)
                break
    return Plan(kind, width, depth, height, tuple(openings))


def _opening(plan: Plan, use: str, rng: np.random.Generator) -> Opening | None:
    if use == "door":
        wide, bottom, top = rng.uniform(0.82, 0.95), 0.0, 2.05
    else:
        wide, bottom = rng.uniform(0.9, 1.8), rng.uniform(0.8, 1.0)
        if plan.kind == "bathroom":
            wide, bottom = rng.uniform(0.5, 0.8), 1.3
        top = min(plan.height - 0.25, rng.uniform(2.0, 2.25))
    wall = int(rng.integers(4))
    room = plan.length(wall) - wide - 0.5
    if room <= 0:
        return None
    return Opening(
        use, wall, float(wide / 2 + 0.25 + rng.uniform(0, room)), float(wide), bottom, top
    )


def _clash(one: Opening, other: Opening) -> bool:
    if one.wall != other.wall:
        return one.use == other.use == "window" and one.wall % 2 != other.wall % 2
    return abs(one.middle - other.middle) < (one.width + other.width) / 2 + 0.3
