"""Rooms: seeded, furnished, every object labelled with ScanNet's categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pcseg.errors import ConfigError
from pcseg.hints import did_you_mean
from pcseg.sim.mesh import Mesh, join
from pcseg.sim.rooms.furnish import furnish
from pcseg.sim.rooms.kinds import kind_id
from pcseg.sim.rooms.pieces.wall import curtains
from pcseg.sim.rooms.plan import ROOM_KINDS, Opening, Plan, draw_plan
from pcseg.sim.rooms.shell import build_shell
from pcseg.sim.rooms.space import Space, Spot
from pcseg.sim.shapes.primitives import box
from pcseg.sim.world import Mover


@dataclass(frozen=True)
class Room:
    """A room in which nothing moves; a `pcseg.sim.world.Scene`.

    Attributes:
        static: all triangles, in metres: x along the width, y along the depth, the floor at z = 0.
            Labels are the raw ids of `pcseg.sim.rooms.kinds`, instances count from 1.
        plan: size, doors and windows.
        name: for messages.
        spots: boxes of what stands on the floor or hangs on walls.
        movers: none.
    """

    static: Mesh
    plan: Plan
    name: str
    spots: tuple[Spot, ...] = ()
    movers: tuple[Mover, ...] = ()

    def movers_within(self, reach_m: float, point: np.ndarray, time: float) -> list[int]:
        """None, in a room."""
        return []


def build_room(seed: Sequence[int], kind: str) -> Room:
    """A furnished room; the same arguments give the same room.

    Args:
        seed: whole numbers.
        kind: one of `ROOM_KINDS`.

    Raises:
        ConfigError: for an unknown kind.
    """
    if kind not in ROOM_KINDS:
        raise ConfigError(
            f"there is no room '{kind}'{did_you_mean(kind, list(ROOM_KINDS))}. "
            f"Rooms: {', '.join(ROOM_KINDS)}."
        )
    rng = np.random.default_rng(list(seed))
    plan = draw_plan(kind, rng)
    space = Space(plan, rng)
    space.objects += build_shell(plan, rng)
    _keep_openings(space)
    furnish(space)
    objects = [
        mesh.labelled(int(mesh.label[0]), number) for number, mesh in enumerate(space.objects, 1)
    ]
    name = f"{kind} {'-'.join(map(str, seed))}"
    return Room(join(objects), plan, name, tuple(space.solids))


def _keep_openings(space: Space) -> None:
    """Hang curtains, set radiators under windows, and keep doors and windows clear."""
    plan, rng = space.plan, space.rng
    for opening in plan.openings:
        window = opening.use == "window"
        matrix = plan.wall_pose(opening.wall, opening.middle, 0.08)
        yaw = float(np.arctan2(matrix[1, 0], matrix[0, 0]))
        x, y = float(matrix[0, 3]), float(matrix[1, 3])
        wide, low = opening.width + 0.16, max(0.0, opening.bottom - 0.05)
        high = opening.top + 0.1 if window else plan.height
        if not (window and _curtained(space, opening)):
            space.solids.append(Spot(x, y, yaw, wide, 0.15, low, high))
        if window and rng.random() < 0.6 and opening.bottom > 0.7:
            _radiator(space, opening)
        if not window:
            matrix = plan.wall_pose(opening.wall, opening.middle, 0.55)
            x, y = float(matrix[0, 3]), float(matrix[1, 3])
            space.kept_free.append(Spot(x, y, yaw, wide, 0.9, 0.0, 2.0))


def _curtained(space: Space, opening: Opening) -> bool:
    """Hang curtains before a window, as most rooms have them; tell whether it was done."""
    rng = space.rng
    if space.plan.kind not in ("living", "bedroom", "office", "conference") or rng.random() > 0.8:
        return False
    low = 0.06 if rng.random() < 0.6 else opening.bottom - 0.15
    item = curtains(rng, opening.width, opening.top, low)
    hung = space.against_wall(
        item, walls=(opening.wall,), middle=opening.middle, gap=0.006, tries=1
    )
    return hung is not None


def _radiator(space: Space, opening: Opening) -> None:
    wide, high, thick = 0.8 * opening.width, opening.bottom - 0.3, 0.08
    ribs = max(4, round(wide / 0.07))
    offsets = (np.arange(ribs) - (ribs - 1) / 2) * (wide / ribs)
    parts = [
        box((0.8 * wide / ribs, thick, high), (x, 0, 0.12 + high / 2), "ceramic") for x in offsets
    ]
    parts.append(box((wide, 0.4 * thick, 0.03), (0, 0, 0.16), "ceramic"))
    matrix = space.plan.wall_pose(opening.wall, opening.middle, 0.05 + thick / 2)
    yaw = float(np.arctan2(matrix[1, 0], matrix[0, 0]))
    spot = Spot(float(matrix[0, 3]), float(matrix[1, 3]), yaw, wide, thick, 0.1, 0.12 + high)
    space.block(join(parts).labelled(kind_id("radiator")).placed(matrix), spot)
