"""Tasks in this process, or in processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from typing import Any

from pcseg.errors import WorkerLost
from pcseg.executor.protocol import Resources, Result, Task, Work


class Here:
    """One task after the other, in this process."""

    def run(
        self,
        work: Work[Task, Result],
        tasks: Sequence[Task],
        told: Callable[[Any], None] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        """See `Executor.run`."""

        def report(message: Any) -> bool:
            if told is not None:
                told(message)
            return True

        for number, task in enumerate(tasks):
            yield number, work(task, report)


class Processes:
    """Processes started afresh: forks of a process with threads can hang."""

    def __init__(self, workers: int, resources: Resources | None = None) -> None:
        self._workers = workers
        self._resources = resources or Resources()

    def run(
        self,
        work: Work[Task, Result],
        tasks: Sequence[Task],
        told: Callable[[Any], None] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        """See `Executor.run`."""
        if len(tasks) < 2 and not self._resources.gpus:
            yield from Here().run(work, tasks, told)
            return
        context = multiprocessing.get_context("spawn")
        messages: SimpleQueue[Any] = context.SimpleQueue()
        places: SimpleQueue[int] = context.SimpleQueue()
        stop = context.Event()
        count = min(self._workers, max(1, len(tasks)))
        for place in range(count):
            places.put(place)
        setup = (messages, places, stop, self._resources)
        pool = ProcessPoolExecutor(count, context, _start_worker, setup)
        try:
            left: dict[Future[Any], int] = {
                pool.submit(_work, work, task): number for number, task in enumerate(tasks)
            }
            while left:
                done, _ = wait(left, timeout=0.1, return_when=FIRST_COMPLETED)
                _pass_on(messages, told)
                for future in done:
                    yield left.pop(future), future.result()
            _pass_on(messages, told)
        except BrokenProcessPool as error:
            raise WorkerLost(
                "a worker process died. If memory is short use fewer workers; in a script of your "
                'own call this under `if __name__ == "__main__":`. Finished work is kept.'
            ) from error
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


_channel: tuple[SimpleQueue[Any], Event] | None = None
"""A worker's way to report and to hear that it should stop."""


def _start_worker(
    messages: SimpleQueue[Any], places: SimpleQueue[int], stop: Event, resources: Resources
) -> None:
    global _channel
    _channel = (messages, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and sets `stop`
    # The variables count only for libraries that are imported later, as torch is.
    if resources.threads is not None:
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ[name] = str(resources.threads)
    if resources.gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = resources.gpus[places.get() % len(resources.gpus)]


def _work(work: Work[Task, Result], task: Task) -> Result:
    assert _channel is not None
    messages, stop = _channel

    def report(message: Any) -> bool:
        messages.put(message)
        return not stop.is_set()

    return work(task, report)


def _pass_on(messages: SimpleQueue[Any], told: Callable[[Any], None] | None) -> None:
    while not messages.empty():
        message = messages.get()
        if told is not None:
            told(message)
