"""Threads of the compiled CPU kernels: as many as torch uses, asleep when idle.

A kernel divides its work into tasks by the shapes alone and takes them from a queue of its own (a
counter in memory), so any number of threads may call it with the same arguments: together they do
all tasks, and the result does not depend on how many they were. The threads are Python's, which run
side by side because the kernels let go of the interpreter's lock. Unlike an OpenMP team they sleep
when idle, bear several callers at once, and need no code of their own to be compiled.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import torch

Kernel = Callable[..., Any]

_SERIAL_BELOW = 1_000_000
"""Multiply-adds (or their like) below which waking threads costs more than it gains."""


def share(kernel: Kernel, *arguments: Any, work: int) -> None:
    """Call ``kernel(*arguments)`` on several threads at once, this one among them.

    Returns when all have returned. Helpers that are slow to wake are not waited for if this thread
    finds nothing left to do.

    Args:
        kernel: releases the interpreter's lock and shares its tasks with its other callers.
        arguments: of the kernel.
        work: about how many operations there are; little work is done by this thread alone.
    """
    helpers = thread_count(work) - 1
    if helpers < 1:
        kernel(*arguments)
        return
    job = _Job(kernel, arguments, helpers)
    _crew.send(job, helpers)
    try:
        kernel(*arguments)
    finally:
        job.close()


def thread_count(work: int) -> int:
    """How many threads `work` operations deserve, at most as many as torch uses."""
    return 1 if work < _SERIAL_BELOW else torch.get_num_threads()


class _Job:
    """One call of `share`: places for helpers, and word from those who took one."""

    def __init__(self, kernel: Kernel, arguments: tuple[Any, ...], helpers: int) -> None:
        self._kernel, self._arguments = kernel, arguments
        self._places = list(range(helpers))  # pop() is atomic: who gets one has the place
        self._helpers = helpers
        self._ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def help(self) -> None:
        """Run the kernel on this thread, if there is still a place."""
        if self._take_place():
            try:
                self._kernel(*self._arguments)
            except BaseException as error:
                self._ended.put(error)
            else:
                self._ended.put(None)

    def close(self) -> None:
        """Give the places that are left to nobody, and wait for those who have one."""
        started = self._helpers
        while self._take_place():
            started -= 1
        errors = [self._ended.get() for _ in range(started)]
        # A thread may wake late and still find this job: the arrays must not wait for it.
        del self._kernel, self._arguments
        for error in errors:
            if error is not None:
                raise error

    def _take_place(self) -> bool:
        try:
            self._places.pop()
        except IndexError:
            return False
        return True


class _Crew:
    """Threads that sleep until there is a job; more of them are started when needed."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._size = 0
        self._lock = threading.Lock()

    def send(self, job: _Job, helpers: int) -> None:
        """Ask `helpers` threads to help with a job."""
        if self._size < helpers:
            with self._lock, contextlib.suppress(RuntimeError):  # no more threads: fewer will do
                while self._size < helpers:
                    # Daemons: they hold nothing that would have to be put away at the end.
                    threading.Thread(target=self._serve, name="pcseg-kernel", daemon=True).start()
                    self._size += 1
        for _ in range(helpers):
            self._jobs.put(job)

    def _serve(self) -> None:
        while True:
            self._jobs.get().help()


_crew = _Crew()


def _replace_crew() -> None:
    # A forked child has the parent's memory but not its threads: it starts its own.
    global _crew
    _crew = _Crew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_replace_crew)
