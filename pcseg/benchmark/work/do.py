"""Doing a unit, whichever it is, and noting how it was done."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from pcseg.benchmark.store import Store
from pcseg.benchmark.units import Unit
from pcseg.errors import Interrupted
from pcseg.executor import Report

_HOMES = {
    "simulate": "pcseg.benchmark.work.simulate",
    "train": "pcseg.benchmark.work.train",
    "predict": "pcseg.benchmark.work.predict",
    "score": "pcseg.benchmark.work.score",
}
"""Kind -> module whose function ``do`` does it, imported on use."""


@dataclass(frozen=True)
class Context:
    """What a worker needs to know beside the unit; none of it changes a result.

    Attributes:
        out: folder of the benchmark.
        device: auto, cpu or cuda.
        loaders: processes that read ahead.
    """

    out: Path
    device: str = "auto"
    loaders: int = 0


@dataclass(frozen=True)
class Done:
    """What comes back of a unit.

    Attributes:
        unit: its id.
        seconds: it took.
    """

    unit: str
    seconds: float


Told = Callable[[int, int], None]
"""Called with (steps done, steps in all) of a unit; raises `Interrupted` if it is to stop."""


def do_unit(context: Context, unit: Unit, report: Report) -> Done:
    """Do a unit, unless it is done already.

    Args:
        context: of the worker.
        unit: all it needs is done.
        report: told (id, steps done, steps in all).

    Raises:
        Interrupted: if the report asks to stop; what was done is kept.
        PcsegError: naming the unit's trouble.
    """
    store = Store(context.out)
    if store.is_done(unit):
        return Done(unit.id, 0.0)

    def told(done: int, total: int) -> None:
        if not report((unit.id, done, total)):
            raise Interrupted(f"{unit.label}: stopped. The same command goes on from here.")

    began = time.perf_counter()
    do = import_module(_HOMES[unit.kind]).do
    with _threads(unit.spec.get("threads", 1)):
        facts: Mapping[str, Any] = do(context, unit, told)
    seconds = time.perf_counter() - began
    store.finish(unit, facts, {"seconds": round(seconds, 2), **_machine(context)})
    return Done(unit.id, seconds)


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Use so many: sums are taken in an order that depends on it, which is why units name it."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _machine(context: Context) -> dict[str, Any]:
    from pcseg.benchmark.environment import accelerator

    return {
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "processors": os.cpu_count(),
        "machine": platform.machine(),
        "accelerator": accelerator(),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
