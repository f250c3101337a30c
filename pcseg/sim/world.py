"""World: what stands still, what moves and how, and the way of the sensor through it."""

# ruff: noqa: RUF005 - "array + [x, y, z]" shifts a point here, it does not concatenate.
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from pcseg.sim.mesh import Mesh, pose
from pcseg.sim.path import Path


@dataclass(frozen=True)
class Track:
    """Steady motion along a street that begins again at its far end.

    Attributes:
        path: the centre line of the street.
        start: metres along the path at time 0.
        speed_mps: along the path; negative against it.
        offset: metres to the left of the centre line.
        lift: metres of the ground there above the base height of the path.
        sway: metres of slow wandering to the sides.
    """

    path: Path
    start: float
    speed_mps: float
    offset: float
    lift: float = 0.0
    sway: float = 0.0

    def travelled(self, time: float) -> float:
        """Metres along the path at `time`, within its length."""
        return float((self.start + self.speed_mps * time) % self.path.length_m)

    def pose(self, time: float) -> np.ndarray:
        """(4, 4) float64 object -> world at `time` seconds."""
        s = self.travelled(time)
        d = self.offset + self.sway * np.sin(0.4 * time + self.start)
        back = self.speed_mps < 0
        yaw = float(self.path.direction(s)) + (np.pi if back else 0.0)
        pitch = float(self.path.slope(s)) * (-1.0 if back else 1.0)
        return pose(self.path.at(s, d) + [0, 0, self.lift], yaw, pitch)

    def velocity(self, time: float) -> np.ndarray:
        """(3,) metres per second in the world."""
        s = self.travelled(time)
        yaw, pitch = self.path.direction(s), self.path.slope(s)
        forward = np.array(
            [np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)]
        )
        # On the outside of a bend the same progress along the centre line is a longer way.
        return self.speed_mps * (1.0 - self.offset * self.path.bend(s)) * forward


@dataclass(frozen=True)
class Mover:
    """An object in motion.

    Attributes:
        phases: one mesh for each phase of its gait or pedals, in its own frame.
        track: where it is when.
        cycle_m: metres travelled in one round of the phases.
        instance: its id, the same in every frame.
    """

    phases: tuple[Mesh, ...]
    track: Track
    cycle_m: float
    instance: int

    @cached_property
    def center(self) -> np.ndarray:
        """(3,) middle of its bounding box, in its own frame."""
        return (self._low + self._high) / 2

    @property
    def size(self) -> np.ndarray:
        """(3,) length, width and height (metres) of the box that holds every phase."""
        return self._high - self._low

    @cached_property
    def radius_m(self) -> float:
        """Of a sphere about `center` that holds every phase."""
        return float(np.linalg.norm(self.size)) / 2

    @cached_property
    def _low(self) -> np.ndarray:
        return np.min([mesh.vertices.min(0) for mesh in self.phases], axis=0)

    @cached_property
    def _high(self) -> np.ndarray:
        return np.max([mesh.vertices.max(0) for mesh in self.phases], axis=0)

    def phase(self, time: float) -> int:
        """Which of the meshes shows at `time`."""
        share = abs(self.track.start + self.track.speed_mps * time) / self.cycle_m
        return int(share * len(self.phases)) % len(self.phases)


class Scene(Protocol):
    """What sensors need to know of a world: a street, or a room in which nothing moves."""

    @property
    def static(self) -> Mesh:
        """Everything that does not move, in world coordinates (metres)."""
        ...

    @property
    def movers(self) -> tuple[Mover, ...]:
        """Everything that does."""
        ...

    @property
    def name(self) -> str:
        """For messages and metadata; light and weather are drawn from it."""
        ...

    def movers_within(self, reach_m: float, point: np.ndarray, time: float) -> list[int]:
        """Numbers of the movers of which a part may be nearer than `reach_m` to a world point."""
        ...


@dataclass(frozen=True)
class World:
    """A street to be scanned.

    Attributes:
        static: everything that does not move, in world coordinates (metres).
        movers: everything that does; their tracks all follow `path`.
        path: the centre line of the street.
        ego: the track of the sensor's carrier.
        name: for messages and metadata.
        headings: yaw (radians) of countable objects that stand still, by instance id, where it is
            known.
    """

    static: Mesh
    movers: tuple[Mover, ...]
    path: Path
    ego: Track
    name: str = "street"
    headings: Mapping[int, float] = field(default_factory=dict)

    def body_pose(self, time: float) -> np.ndarray:
        """(4, 4) float64 body of the carrier -> world; it nods and rolls a little on its springs.

        The body's origin is on the road, x forward, y left, z up.
        """
        roll = 0.004 * np.sin(1.7 * time + self.ego.start)
        nod = 0.005 * np.sin(2.3 * time + 1.0)
        return self.ego.pose(time) @ pose((0, 0, 0), 0.0, nod, roll)

    def sensor_pose(self, time: float, mount_height_m: float) -> np.ndarray:
        """(4, 4) float64 sensor -> world, `mount_height_m` above the origin of the body."""
        return self.body_pose(time) @ pose((0, 0, mount_height_m))

    def movers_within(self, reach_m: float, point: np.ndarray, time: float) -> list[int]:
        """Numbers of the movers of which a part may be nearer than `reach_m` to a world point."""
        if not self.movers:
            return []
        start, speed, offset, radius = self._tracks
        places = self.path.at((start + speed * time) % self.path.length_m, offset)
        away = np.sqrt(np.square(places - point).sum(1))
        return np.flatnonzero(away < reach_m + radius).tolist()

    @cached_property
    def _tracks(self) -> np.ndarray:
        """(4, M): start, speed, offset and radius (with sway) of every mover."""
        rows = [
            (m.track.start, m.track.speed_mps, m.track.offset, m.radius_m + m.track.sway + 1.0)
            for m in self.movers
        ]
        return np.array(rows).T

    def labels(self) -> set[int]:
        """Raw ids that occur in the world."""
        present = set(np.unique(self.static.label).tolist())
        for mover in self.movers:
            present |= set(np.unique(mover.phases[0].label).tolist())
        return present
