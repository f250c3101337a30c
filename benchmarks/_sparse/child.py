"""The process of one engine: a crash, a hang or a thread setting stays its own."""

from __future__ import annotations

import contextlib
import itertools
import math
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _run import peak_memory
from torch import Tensor

from _sparse.difference import difference
from _sparse.engines import make_engine
from _sparse.engines.base import Engine
from _sparse.ops import parse_op
from _sparse.programs import DTYPES, Program, make_program

START_S = 120.0
"""A process that does not answer by then is given up."""

CHECKS = 3
"""Results are compared this often, the worst counts: races do not show every time."""

SLOW_S = 1.0
"""Except of operations that take longer than this."""

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class EngineFailed(Exception):
    """An engine's process reported an error, ended, or did not answer in time."""


class Refused(Exception):
    """An engine cannot do an operation, and knows it."""


class Child:
    """An engine in a process of its own.

    Args:
        engine: its name, or ``gemm`` for the floor.
        device: ``cpu`` or ``cuda``.
        threads: that every library in the process is told to use.
        dtype: a key of `DTYPES`.
        peers: a folder with further packages, or None.
    """

    def __init__(
        self, engine: str, device: str, threads: int, dtype: str, peers: str | None
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, engine, device, threads, dtype, peers)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        with _environment({name: str(threads) for name in _THREAD_VARIABLES}):
            self._process.start()
        theirs.close()

    def wait(self) -> dict[str, str]:
        """Wait until the engine is loaded; must come before the first call.

        Returns:
            Versions of its packages.

        Raises:
            EngineFailed: if it cannot be loaded; the process is ended.
        """
        try:
            versions: dict[str, str] = self._receive(START_S)
        except EngineFailed:
            self.close()
            raise
        return versions

    def call(self, request: str, *arguments: Any, timeout_s: float) -> Any:
        """Let the process do something.

        Raises:
            EngineFailed: if it cannot, or not in time; after that only `close` can be called.
        """
        try:
            self._pipe.send((request, arguments))
        except (BrokenPipeError, OSError) as error:
            raise EngineFailed(f"its process is gone: {error}") from error
        return self._receive(timeout_s)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _receive(self, timeout_s: float) -> Any:
        try:
            if not self._pipe.poll(timeout_s):
                raise EngineFailed(f"no answer in {timeout_s:.0f} s")
            good, value = self._pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            self._process.join()
            code = self._process.exitcode
            raise EngineFailed(f"its process ended with exit code {code}") from error
        if not good:
            raise EngineFailed(value)
        return value


class _Server:
    """What the process can be asked to do: the methods without underscore."""

    def __init__(self, engine: Engine | None, device: torch.device, dtype: str) -> None:
        self._engine, self._device, self._dtype = engine, device, dtype
        self._program: Program | None = None

    def prepare(self, op: str, scene: Path, reference: Path, write: bool) -> float:
        """Make an operation ready and compare its results with the reference, or write that.

        Returns:
            The largest difference; not a number if there is no reference.
        """
        self._program = None  # frees the last one first
        self._program = self._make(op, scene)
        worst = 0.0 if write or reference.exists() else math.nan
        for _ in range(CHECKS):
            began = time.perf_counter()
            results = self._program.result()
            slow = time.perf_counter() - began > SLOW_S
            if write:
                torch.save(results, reference)
                break
            if reference.exists():
                worst = max(worst, difference(results, torch.load(reference)))
            if slow:
                break
        return worst

    def time(self, seconds: float, most: int) -> list[float]:
        """Milliseconds of one call or more, for about `seconds`."""
        assert self._program is not None
        return [1e3 * taken for taken in self._samples(self._program.run, seconds, most)]

    def peak_mb(self, op: str, scene: Path) -> float:
        """Megabytes that preparing and running an operation add to the peak of memory."""
        self._program = None
        self._make(op, scene).run()
        with peak_memory(self._device) as found:
            self._make(op, scene).run()
        return found[0]

    def gemm(self, shapes: list[tuple[int, int]], seconds: float) -> list[float]:
        """Best 10^9 operations a second of products (8192, Cin) @ (Cin, Cout).

        On a processor: of all threads together, or of one thread times their number, whichever is
        more. Waking threads for so small a product takes time that a layer need not spend.
        """
        wanted = DTYPES[self._dtype]
        # Few processors multiply half precision any faster, or even as fast.
        formats = {wanted, torch.float32} if self._device.type == "cpu" else {wanted}
        rates = [0.0] * len(shapes)
        for (place, (cin, cout)), number in itertools.product(enumerate(shapes), formats):
            a, b = (
                torch.randn(s, device=self._device).to(number) for s in ((8192, cin), (cin, cout))
            )
            out = torch.empty(8192, cout, device=self._device, dtype=number)
            threads = torch.get_num_threads()
            for used in {1, threads} if self._device.type == "cpu" else {threads}:
                torch.set_num_threads(used)
                samples = self._samples(
                    lambda a=a, b=b, out=out: torch.mm(a, b, out=out), seconds, 100
                )
                best = 2 * 8192 * cin * cout / min(samples) / 1e9
                rates[place] = max(rates[place], best * threads / used)
            torch.set_num_threads(threads)
        return rates

    def _make(self, op: str, scene: Path) -> Program:
        assert self._engine is not None
        reason = self._engine.refuses(parse_op(op))
        if reason:
            raise Refused(reason)
        coords = torch.from_numpy(np.load(scene)).to(self._device)
        return make_program(self._engine, parse_op(op), coords, self._dtype)

    def _samples(self, run: Callable[[], Any], seconds: float, most: int) -> list[float]:
        samples: list[float] = []
        while not samples or (sum(samples) < seconds and len(samples) < most):
            samples.append(_timed_on_cuda(run) if self._device.type == "cuda" else _timed(run))
        return samples


def _serve(
    pipe: Connection, name: str, device: str, threads: int, dtype: str, peers: str | None
) -> None:
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = dtype == "tf32"
    torch.backends.cudnn.allow_tf32 = dtype == "tf32"
    if peers:
        sys.path.append(peers)  # last, so that no other torch or NumPy can come from there
    place = torch.device(device)
    try:
        engine = None if name == "gemm" else make_engine(name, place)
    except Exception as error:  # anything a foreign library does when it is imported
        pipe.send((False, f"cannot be loaded: {type(error).__name__}: {error}"))
        return
    pipe.send((True, engine.versions() if engine else {}))
    server = _Server(engine, place, dtype)
    while True:
        try:
            request, arguments = pipe.recv()
        except EOFError:
            return
        try:
            answer = True, getattr(server, request)(*arguments)
        except Exception as error:
            answer = False, f"{type(error).__name__}: {str(error)[:300]}"
        pipe.send(answer)


def _timed(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _timed_on_cuda(run: Callable[[], Tensor]) -> float:
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    first.record()
    run()
    last.record()
    torch.cuda.synchronize()
    milliseconds: float = first.elapsed_time(last)
    return milliseconds / 1e3


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
