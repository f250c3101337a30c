"""The building site: a plan on which meshes are put down without standing in each other."""

from __future__ import annotations

import numpy as np

from pcseg.sim.mesh import Mesh, pose
from pcseg.sim.plan import Plan


class Site:
    """Collects what stands on a plan, in street coordinates (s along, d to the left).

    Attributes:
        plan: the ground.
        rng: source of all chance.
        parts: meshes in world coordinates, in order of building.
        headings: yaw in the world (radians) of every countable object, by its instance id.
    """

    def __init__(self, plan: Plan, rng: np.random.Generator) -> None:
        self.plan = plan
        self.rng = rng
        self.parts: list[Mesh] = []
        self.headings: dict[int, float] = {}
        self._taken: list[tuple[float, float, float]] = []
        self._instances = 0

    def next_instance(self) -> int:
        """A fresh instance id, from 1."""
        self._instances += 1
        return self._instances

    def claim(self, s: float, d: float, radius: float) -> bool:
        """Take a round spot if nobody has it yet and it lies within the street's length."""
        if not 0 <= s <= self.plan.path.length_m:
            return False
        if self._taken:
            taken = np.array(self._taken)
            if np.any(np.hypot(taken[:, 0] - s, taken[:, 1] - d) < taken[:, 2] + radius):
                return False
        self._taken.append((s, d, radius))
        return True

    def ground(self, s: float, d: float) -> np.ndarray:
        """(3,) world point on the ground."""
        point = self.plan.path.at(s, d)
        point[2] = float(self.plan.height(s, d))
        return point

    def put(self, mesh: Mesh, s: float, d: float, yaw: float = 0.0, *, tilt: bool = False) -> None:
        """Put a mesh down, turned by `yaw` from the street; `tilt` follows the street's slope."""
        path = self.plan.path
        pitch = float(path.slope(s)) * np.cos(yaw) if tilt else 0.0
        self.parts.append(
            mesh.placed(pose(self.ground(s, d), float(path.direction(s)) + yaw, pitch))
        )

    def put_thing(self, mesh: Mesh, s: float, d: float, yaw: float = 0.0) -> None:
        """Put down a countable object: it gets an instance id and follows the slope."""
        instance = self.next_instance()
        self.headings[instance] = float(self.plan.path.direction(s)) + float(yaw)
        self.put(mesh.labelled(int(mesh.label[0]), instance), s, d, yaw, tilt=True)

    def facing(self, side: int) -> float:
        """The yaw that turns the front (-y) of a mesh on that side towards the road."""
        return 0.0 if side > 0 else np.pi
