"""Running a benchmark: units in order of dependence, in parallel, again after losses."""

from __future__ import annotations

import contextlib
import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pcseg.benchmark.environment import environment
from pcseg.benchmark.expand import Work, expand
from pcseg.benchmark.plan import Plan
from pcseg.benchmark.store import Store
from pcseg.benchmark.units import KINDS, Unit
from pcseg.benchmark.work import Context, do_unit
from pcseg.errors import Interrupted, WorkerLost
from pcseg.executor import Executor
from pcseg.files import write_json

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"

_ATTEMPTS = 5
"""How often a round is begun again after a worker died, before that is taken for its own fault."""


@dataclass(frozen=True)
class Progress:
    """What a run tells its caller.

    Attributes:
        done: units that are done.
        total: units of the plan.
        unit: that was heard of last.
        step: steps done of it, 0 if it has ended.
        steps: steps in all of it.
    """

    done: int
    total: int
    unit: Unit | None = None
    step: int = 0
    steps: int = 0


def run_benchmark(
    plan: Plan,
    context: Context,
    crew: Executor,
    told: Callable[[Progress], None] | None = None,
) -> Work:
    """Do all units of a plan that are not done yet, and write the manifest.

    Units of a kind wait for all units of the kind before it. A worker that dies costs the units it
    had in hand; they are begun again from what they left on the disk.

    Args:
        plan: what to do.
        context: where, and with what.
        crew: who does it.
        told: called whenever something moves.

    Returns:
        The units and the cells that they fill.

    Raises:
        ConfigError: for a plan that cannot be, or a folder in which another benchmark works.
        Interrupted: if asked to stop; nothing is lost.
        PcsegError: the first trouble of a unit.
    """
    work = expand(plan)
    store = Store(context.out)
    with store.alone(), _ended_by_sigterm():
        write_json(context.out / "plan.json", plan.model_dump(mode="json"))
        rounds = _Rounds(work.units, store, context, crew, told)
        for kind in KINDS:
            rounds.run(kind)
        write_manifest(plan, work, store)
    return work


def write_manifest(plan: Plan, work: Work, store: Store) -> None:
    """Write what was done, how and by whom: a row for each unit."""
    rows = [store.record(unit.id) for unit in work.units]
    seconds = sum(row["made"]["seconds"] for row in rows)
    write_json(
        store.out / MANIFEST,
        {
            "plan": plan.model_dump(mode="json"),
            "environment": environment(),
            "seconds_of_units": round(seconds, 1),
            "peak_memory_mb": max(row["made"]["peak_memory_mb"] for row in rows),
            "units": rows,
        },
    )


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """End the workers too when this process is asked to end, as Slurm and `kill` do."""

    def stop(number: int, frame: Any) -> None:
        raise Interrupted("nothing is lost. Run the same command again to go on.")

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread: signals are somebody else's
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Rounds:
    """Units of one kind after the other; counts what is done."""

    def __init__(
        self,
        units: Sequence[Unit],
        store: Store,
        context: Context,
        crew: Executor,
        told: Callable[[Progress], None] | None,
    ) -> None:
        self.units, self.store, self.crew, self.told = units, store, crew, told
        self.by_id = {unit.id: unit for unit in units}
        self.do = partial(do_unit, context)

    def run(self, kind: str) -> None:
        """Do the units of a kind that are left."""
        for attempt in range(_ATTEMPTS):
            left = [u for u in self.units if u.kind == kind and not self.store.is_done(u)]
            self._tell()
            if not left:
                return
            try:
                for number, _ in self.crew.run(self.do, left, self._heard):
                    self._tell(left[number])
            except WorkerLost as error:
                if attempt + 1 == _ATTEMPTS:
                    raise
                log.warning("%s Beginning again with what is left.", error)

    def _heard(self, message: Any) -> None:
        unit, step, steps = message
        self._tell(self.by_id[unit], step, steps)

    def _tell(self, unit: Unit | None = None, step: int = 0, steps: int = 0) -> None:
        if self.told is not None:
            if not step:
                self._done = sum(map(self.store.is_done, self.units))
            self.told(Progress(self._done, len(self.units), unit, step, steps))
