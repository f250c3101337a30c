"""Session: all engines side by side, one process each, through interleaved rounds."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from _sparse.child import Child, EngineFailed
from _sparse.engines import REFERENCE
from _sparse.ops import Counts, Op, products

TURN_S = 0.15
"""Short operations are repeated for this long whenever it is an engine's turn."""

TURN_CALLS = 30
GEMM_S = 0.02


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        rounds: at most this many turns for each engine and operation, at least one.
        budget_s: seconds of timed calls for each operation, shared by the engines.
        limit_s: a process that needs longer for a request is given up.
        patience_s: a peer that has used so much time in all sits out the other operations.
    """

    rounds: int
    budget_s: float
    limit_s: float
    patience_s: float = math.inf


@dataclass
class Scene:
    """A scene on disk, where the processes read it."""

    name: str
    path: Path
    counts: Counts


class Session:
    """Engines with one number of threads and one number format.

    Args:
        engines: names.
        device: ``cpu`` or ``cuda``.
        threads: of each process.
        dtype: a key of `DTYPES`.
        peers: a folder with packages that are not installed, or None.
        effort: how long to measure.
        say: told of everything that goes wrong.
    """

    def __init__(
        self,
        engines: Sequence[str],
        device: str,
        threads: int,
        dtype: str,
        peers: str | None,
        effort: Effort,
        say: Callable[[str], None],
    ) -> None:
        self.threads, self.dtype, self.effort = threads, dtype, effort
        self._engines, self._device, self._peers, self._say = engines, device, peers, say
        self._folder = tempfile.TemporaryDirectory()
        self._children: dict[str, Child] = {}
        self._used_s: dict[str, float] = dict.fromkeys((*engines, "gemm"), 0.0)
        self.missing: dict[str, str] = {}
        self.versions: dict[str, str] = {}
        started = {name: self._start(name) for name in (*engines, "gemm")}  # load side by side
        for name, child in started.items():
            self._welcome(name, child)

    def close(self) -> None:
        """End all processes."""
        for child in self._children.values():
            child.close()
        self._children = {}
        self._folder.cleanup()

    def compare(self, op: Op, scene: Scene, memory: bool) -> list[dict[str, Any]]:
        """Time an operation on every engine that can do it.

        Returns:
            A row for each engine; of a failed one with the reason in ``error``.
        """
        turns = _Turns()
        reference = Path(self._folder.name) / "reference.pt"
        reference.unlink(missing_ok=True)
        names = [name for name in self._engines if name in self._children]
        # The reference goes first: the others compare themselves with what it writes.
        for name in sorted(names, key=lambda n: n != REFERENCE):
            if (
                name in names[1:]
                and name != REFERENCE
                and self._used_s[name] > self.effort.patience_s
            ):
                turns.errors[name] = f"sits out: it has used {self._used_s[name]:.0f} s already"
                self._say(f"{name} {turns.errors[name]}")
                continue
            arguments = (op.name, scene.path, reference, name == REFERENCE)
            found = self._ask(turns, name, "prepare", *arguments)
            if found is not None:
                turns.difference[name] = found
        taking_part = [name for name in names if name in turns.difference]
        sums = products(op, scene.counts)
        shapes = sorted({(cin, cout) for _, cin, cout in sums})
        for number in range(self.effort.rounds):
            share = self.effort.budget_s / max(len(taking_part), 1)
            for name in _rotated(taking_part, number):
                if name not in turns.errors and turns.has_time(name, share):
                    samples = self._ask(turns, name, "time", TURN_S, TURN_CALLS)
                    turns.samples.setdefault(name, []).extend(samples or [])
            if shapes and "gemm" in self._children:
                turns.add_rates(shapes, self._ask(turns, "gemm", "gemm", shapes, GEMM_S))
        if memory:
            for name in taking_part:
                if name not in turns.errors:
                    turns.peaks[name] = self._ask(turns, name, "peak_mb", op.name, scene.path)
        floor = turns.floor_ms(sums)
        return [self._row(name, op, scene, turns, floor) for name in names]

    def _row(
        self, name: str, op: Op, scene: Scene, turns: _Turns, floor: float | None
    ) -> dict[str, Any]:
        samples = turns.samples.get(name)
        apart = turns.difference.get(name, math.nan)
        median = statistics.median(samples) if samples else None
        row = {
            "scene": scene.name,
            "op": op.name,
            "engine": name,
            "threads": self.threads,
            "dtype": self.dtype,
            "ms": median,
            "min_ms": min(samples) if samples else None,
            "calls": len(samples or []),
            "peak_mb": turns.peaks.get(name),
            "difference": None if math.isnan(apart) else apart,
            "floor_ms": floor,
            "floor_share": floor / median if floor and median else None,
        }
        return row | ({"error": turns.errors[name]} if name in turns.errors else {})

    def _ask(self, turns: _Turns, name: str, request: str, *arguments: Any) -> Any:
        """The answer of an engine's process; None, and a new process, if it failed."""
        began = time.perf_counter()
        try:
            return self._children[name].call(request, *arguments, timeout_s=self.effort.limit_s)
        except EngineFailed as failure:
            turns.errors[name] = str(failure)
        finally:
            self._used_s[name] += time.perf_counter() - began
        if "Refused" not in turns.errors[name]:
            self._say(f"{name}: {turns.errors[name]}")
            self._children.pop(name).close()
            self._welcome(name, self._start(name))
        return None

    def _start(self, name: str) -> Child:
        return Child(name, self._device, self.threads, self.dtype, self._peers)

    def _welcome(self, name: str, child: Child) -> None:
        try:
            self.versions |= child.wait()
        except EngineFailed as failure:
            self.missing[name] = str(failure)
        else:
            self._children[name] = child


@dataclass
class _Turns:
    """What is known of one operation so far."""

    difference: dict[str, float] = field(default_factory=dict)
    samples: dict[str, list[float]] = field(default_factory=dict)
    peaks: dict[str, float | None] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    rates: dict[tuple[int, int], float] = field(default_factory=dict)

    def has_time(self, name: str, share_s: float) -> bool:
        """Whether another call of an engine fits into its share; the first always does."""
        taken = self.samples.get(name)
        return not taken or (sum(taken) + taken[-1]) / 1e3 < share_s

    def add_rates(self, shapes: Sequence[tuple[int, int]], rates: Sequence[float] | None) -> None:
        """Keep the best rate of each matrix product."""
        for shape, rate in zip(shapes, rates or (), strict=False):
            self.rates[shape] = max(rate, self.rates.get(shape, 0.0))

    def floor_ms(self, sums: Iterable[tuple[int, int, int]]) -> float | None:
        """Milliseconds of the multiply-adds alone, at the best rate of each product."""
        if not self.rates:
            return None
        return sum(2e-6 * rows * a * b / self.rates[a, b] for rows, a, b in sums)


def save_scene(name: str, coords: np.ndarray, counts: Counts, folder: Path) -> Scene:
    """Write a scene where processes can read it."""
    path = folder / f"{name}.npy"
    np.save(path, coords)
    return Scene(name, path, counts)


def _rotated(names: Sequence[str], by: int) -> list[str]:
    start = by % len(names) if names else 0
    return [*names[start:], *names[:start]]
