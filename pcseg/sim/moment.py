"""A moment: where each moving object stands at one time, ready for rays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pcseg.sim.raycast import Caster, Hits
from pcseg.sim.rays import rotated
from pcseg.sim.stage import Stage
from pcseg.sim.world import Mover


@dataclass(frozen=True)
class Present:
    """A mover at one moment.

    Attributes:
        number: of the mover in its world.
        pose: (4, 4) float64 mover -> world.
        center: (3,) float64 world coordinates of the middle of a sphere that holds it.
        radius_m: of that sphere.
        first_face: row of the stage's faces where the phase that shows begins.
        caster: of that phase.
    """

    number: int
    pose: np.ndarray
    center: np.ndarray
    radius_m: float
    first_face: int
    caster: Caster

    def cast(self, origins: np.ndarray, directions: np.ndarray, limit: np.ndarray) -> Hits:
        """First hits of world rays, as `Caster.cast` has them; normals in the mover's frame."""
        into = self.pose[:3, :3].T.astype(np.float32)
        away = origins - self.pose[:3, 3].astype(np.float32)
        return self.caster.cast(rotated(away, into), rotated(directions, into), limit)

    def own(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) world points in the mover's frame."""
        into = self.pose[:3, :3].T.astype(np.float32)
        return rotated(points - self.pose[:3, 3].astype(np.float32), into)

    def turned(self, vectors: np.ndarray) -> np.ndarray:
        """(N, 3) vectors of the mover's frame in the world."""
        return rotated(vectors, self.pose[:3, :3].astype(np.float32))


def movers_at(
    stage: Stage[Any], point: np.ndarray, reach_m: float, time: float
) -> tuple[Present, ...]:
    """The movers of which a part may be nearer than `reach_m` to a point of the world."""
    found = []
    for number in stage.world.movers_within(reach_m, point, time):
        mover: Mover = stage.world.movers[number]
        place, shown = mover.track.pose(time), mover.phase(time)
        found.append(
            Present(
                number=number,
                pose=place,
                center=place[:3, :3] @ mover.center + place[:3, 3],
                radius_m=mover.radius_m,
                first_face=stage.faces.start(number, shown),
                caster=stage.mover(number, shown),
            )
        )
    return tuple(found)
