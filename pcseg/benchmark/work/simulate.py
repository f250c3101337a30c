"""Simulating the drives of a data entry; an interrupted simulation goes on frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from pcseg.benchmark.store import Store
from pcseg.benchmark.units import Unit
from pcseg.sim import simulate

if TYPE_CHECKING:
    from pcseg.benchmark.work.do import Context, Told


def do(context: Context, unit: Unit, told: Told) -> Mapping[str, Any]:
    """Make the data in the unit's folder."""
    spec = unit.spec
    made = simulate(
        Store(context.out).folder(unit.id),
        layout=spec["layout"],
        sensor=spec["sensor"],
        cameras=(),
        sequences=spec["sequences"],
        frames=spec["frames"],
        seed=spec["seed"],
        frame_step=spec["frame_step"],
        columns_step=spec["columns_step"],
        progress=partial(_tell, told),
    )
    return {"frames": made.frames}


def _tell(told: Told, done: int, total: int, message: str = "") -> None:
    told(done, total)
