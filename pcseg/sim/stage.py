"""Stage: a world made ready for rays, shared by all the sensors that look at it."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np

from pcseg.sim.mesh import Mesh
from pcseg.sim.raycast import Caster, caster
from pcseg.sim.world import Scene

AnyScene = TypeVar("AnyScene", bound=Scene)


class Stage(Generic[AnyScene]):
    """The ray casters of a world, and what its faces are.

    Attributes:
        world: that is shown.
        static: casts rays at everything that stands still, in world coordinates.
        faces: what every face is.
    """

    def __init__(self, world: AnyScene, engine: str | None = None) -> None:
        self.world = world
        self.static = caster(world.static, engine)
        self.faces = Faces(world)
        self._engine = engine
        self._phases: dict[tuple[int, int], Caster] = {}

    def mover(self, number: int, phase: int) -> Caster:
        """Casts rays, in the mover's own frame, at one of its phases."""
        if (number, phase) not in self._phases:
            mesh = self.world.movers[number].phases[phase]
            self._phases[number, phase] = caster(mesh, self._engine)
        return self._phases[number, phase]


class Faces:
    """What all faces of a world are: the static ones first, then each mover's phases in turn.

    Attributes:
        label: (F,) uint16 raw ids.
        instance: (F,) uint16.
        material: (F,) uint8.
        tint: (F,) float32.
    """

    def __init__(self, world: Scene) -> None:
        meshes: list[Mesh] = [world.static]
        keys = [(number, k) for number, m in enumerate(world.movers) for k in range(len(m.phases))]
        meshes += [world.movers[number].phases[k] for number, k in keys]
        starts = np.cumsum([len(mesh) for mesh in meshes])[:-1]
        self._starts = dict(zip(keys, starts.tolist(), strict=True))
        self.label = np.concatenate([mesh.label for mesh in meshes])
        self.instance = np.concatenate([mesh.instance for mesh in meshes])
        self.material = np.concatenate([mesh.material for mesh in meshes])
        self.tint = np.concatenate([mesh.tint for mesh in meshes])

    def start(self, number: int, phase: int) -> int:
        """Where the faces of a mover's phase begin."""
        return self._starts[number, phase]
