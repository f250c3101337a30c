"""Space: where things may stand in a room, so that nothing stands in anything else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pcseg.sim.mesh import Mesh, pose
from pcseg.sim.rooms.pieces.piece import Piece
from pcseg.sim.rooms.plan import Plan

MARGIN_M = 0.016
"""Between things, and between things and walls, which have skirting boards."""


@dataclass(frozen=True)
class Spot:
    """A turned box that something fills.

    Attributes:
        x: of its middle.
        y: of its middle.
        yaw: radians.
        width: along its own x.
        depth: along its own y.
        low: metres above the floor.
        high: metres above the floor.
    """

    x: float
    y: float
    yaw: float
    width: float
    depth: float
    low: float
    high: float

    def corners(self) -> np.ndarray:
        """(4, 2) of its outline."""
        half = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * [self.width / 2, self.depth / 2]
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        return half @ np.array([[c, s], [-s, c]]) + [self.x, self.y]

    def meets(self, other: Spot) -> bool:
        """Whether the two boxes overlap (separating axes)."""
        if self.low >= other.high or other.low >= self.high:
            return False
        mine, theirs = self.corners(), other.corners()
        for yaw in (self.yaw, self.yaw + np.pi / 2, other.yaw, other.yaw + np.pi / 2):
            axis = np.array([np.cos(yaw), np.sin(yaw)])
            a, b = mine @ axis, theirs @ axis
            if a.max() <= b.min() or b.max() <= a.min():
                return False
        return True


class Space:
    """Collects what a room holds.

    Attributes:
        plan: of the room.
        rng: source of all chance.
        solids: what is filled; things may not meet these.
        kept_free: what must stay empty for people to stand and walk; these may overlap.
        objects: meshes in room coordinates, each a countable object.
    """

    def __init__(self, plan: Plan, rng: np.random.Generator) -> None:
        self.plan, self.rng = plan, rng
        self.solids: list[Spot] = []
        self.kept_free: list[Spot] = []
        self.objects: list[Mesh] = []

    def against_wall(
        self,
        item: Piece,
        *,
        walls: tuple[int, ...] = (0, 1, 2, 3),
        front: float = 0.0,
        keep_front: bool = True,
        middle: float | None = None,
        gap: float = MARGIN_M,
        tries: int = 30,
    ) -> Spot | None:
        """Stand or hang a piece with its back to a wall; None if there is no room for it.

        Args:
            item: to be placed.
            walls: that may be used.
            front: metres before it that must be free.
            keep_front: whether they must stay so; not where a chair belongs.
            middle: metres along the wall, if that is fixed.
            gap: between its back and the wall.
            tries: how many places are looked at.
        """
        width, depth, _ = item.size
        for _ in range(tries):
            wall = int(self.rng.choice(walls))
            room = self.plan.length(wall) - width - 2 * MARGIN_M
            if room < 0:
                continue
            drawn = width / 2 + MARGIN_M + self.rng.uniform(0, room)
            where = drawn if middle is None else middle
            matrix = self.plan.wall_pose(wall, where, depth / 2 + gap)
            spot = self._spot(item, matrix)
            before = self._before(spot, front)
            if self.fits(spot) and (before is None or self._stays_free(before)):
                if before is not None and keep_front:
                    self.kept_free.append(before)
                self._put(item, matrix, spot)
                return spot
        return None

    def in_room(
        self, item: Piece, *, walk: float = 0.5, turned: bool = False, tries: int = 30
    ) -> Spot | None:
        """Stand a piece somewhere with a way to walk around it; None if there is no room."""
        width, depth, _ = item.size
        for _ in range(tries):
            yaw = self.rng.uniform(0, 2 * np.pi) if turned else self.rng.integers(4) * np.pi / 2
            x, y = self.rng.uniform((0, 0), (self.plan.width, self.plan.depth))
            around = Spot(x, y, float(yaw), width + 2 * walk, depth + 2 * walk, 0.0, 2.0)
            if self.fits(around):
                return self.stand(item, x, y, float(yaw))
        return None

    def stand(
        self, item: Piece, x: float, y: float, yaw: float, beside: Spot | None = None
    ) -> Spot | None:
        """Stand a piece at a place, if it is free; `beside` is something it may reach under."""
        matrix = pose((x, y, 0.0), yaw)
        spot = self._spot(item, matrix)
        if not self.fits(spot, beside):
            return None
        self._put(item, matrix, spot)
        return spot

    def block(self, mesh: Mesh, spot: Spot) -> bool:
        """Add a part of the building that is already in room coordinates, if its place is free."""
        if not self.fits(spot):
            return False
        self.solids.append(spot)
        self.objects.append(mesh)
        return True

    def fits(self, spot: Spot, beside: Spot | None = None) -> bool:
        """Whether a box lies in the room and meets nothing."""
        corners = spot.corners()
        inside = (corners >= 0.0).all() and (corners <= [self.plan.width, self.plan.depth]).all()
        if not inside or spot.high > self.plan.height:
            return False
        met = (other for other in [*self.solids, *self.kept_free] if other is not beside)
        return not any(spot.meets(other) for other in met)

    def _stays_free(self, spot: Spot) -> bool:
        corners = spot.corners()
        inside = (corners >= 0.0).all() and (corners <= [self.plan.width, self.plan.depth]).all()
        return bool(inside) and not any(spot.meets(other) for other in self.solids)

    def _before(self, spot: Spot, front: float) -> Spot | None:
        """The place before the front of something."""
        if front <= 0:
            return None
        away = spot.depth / 2 + front / 2
        x, y = spot.x + np.sin(spot.yaw) * away, spot.y - np.cos(spot.yaw) * away
        return Spot(float(x), float(y), spot.yaw, 0.9 * spot.width, front, 0.0, 1.9)

    def _spot(self, item: Piece, matrix: np.ndarray) -> Spot:
        width, depth, high = item.size
        yaw = float(np.arctan2(matrix[1, 0], matrix[0, 0]))
        x, y = float(matrix[0, 3]), float(matrix[1, 3])
        return Spot(x, y, yaw, width + MARGIN_M, depth, item.low, high)

    def _put(self, item: Piece, matrix: np.ndarray, spot: Spot) -> None:
        self.solids.append(spot)
        self.objects += [mesh.placed(matrix) for mesh in item.objects]
