"""Executors: independent tasks on local processes or a Ray cluster, by one interface."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from typing import Any, Protocol, TypeVar

from pcseg.errors import ConfigError, PcsegError
from pcseg.hints import did_you_mean
from pcseg.optional import need

Task = TypeVar("Task")
Result = TypeVar("Result")

Report = Callable[[Any], bool]
"""Given to the work: tells the caller of progress within a task; False asks the work to stop."""

Work = Callable[[Task, Report], Result]
"""A function of a module, so that other processes can import it."""


class Executor(Protocol):
    """Runs tasks; their results are the same whatever the executor."""

    def run(
        self,
        work: Work[Task, Result],
        tasks: Sequence[Task],
        told: Callable[[Any], None] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        """Do the tasks in any order.

        Closing the iterator, or an exception in one task, stops the others: those that have not
        begun are dropped, those under way are asked to stop and waited for.

        Args:
            work: done for each task.
            tasks: picklable.
            told: called, in this process, with what the tasks report.

        Yields:
            (number of the task, what `work` returned) as tasks end.

        Raises:
            PcsegError: if a process died.
            Exception: of the first task that failed, as it is.
        """
        ...


EXECUTORS = ("local", "ray")


def executor(name: str = "local", workers: int = 1) -> Executor:
    """An executor by name.

    Args:
        name: ``local`` (processes of this machine) or ``ray`` (the cluster that ``ray.init`` finds,
            or this machine).
        workers: tasks at a time; 1 works in this very process, where `name` is ``local``.

    Raises:
        ConfigError: for an unknown name or fewer than one worker.
        MissingExtra: if Ray is asked for and not installed.
    """
    if workers < 1:
        raise ConfigError(f"at least 1 worker is needed, not {workers}.")
    if name == "ray":
        return _Ray(workers)
    if name != "local":
        raise ConfigError(
            f"there is no executor '{name}'{did_you_mean(name, list(EXECUTORS))}. "
            f"Use one of: {', '.join(EXECUTORS)}."
        )
    return _Processes(workers) if workers > 1 else _Here()


class _Here:
    """One task after the other, in this process."""

    def run(
        self,
        work: Work[Task, Result],
        tasks: Sequence[Task],
        told: Callable[[Any], None] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        def report(message: Any) -> bool:
            if told is not None:
                told(message)
            return True

        for number, task in enumerate(tasks):
            yield number, work(task, report)


class _Processes:
    """Processes started afresh: forks of a process with threads can hang."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def run(
        self,
        work: Work[Task, Result],
        tasks: Sequence[Task],
        told: Callable[[Any], None] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        if len(tasks) < 2:
            yield from _Here().run(work, tasks, told)
            return
        context = multiprocessing.get_context("spawn")
        messages: SimpleQueue[Any] = context.SimpleQueue()
        stop = context.Event()
        count = min(self._workers, len(tasks))
        pool = ProcessPoolExecutor(count, context, _start_worker, (messages, stop))
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
            raise PcsegError(
                "a worker process died. If memory is short use fewer workers; in a script of your "
                'own call this under `if __name__ == "__main__":`. Finished work is kept.'
            ) from error
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


class _Ray:
    """Tasks of a Ray cluster. Reports within a task are not passed on."""

    def __init__(self, workers: int) -> None:
        self._ray: Any = need("ray", extra="scale", purpose="the executor 'ray'")
        self._workers = workers

    def run(
        self,
        work: Work[Task, Result],
        tasks: Sequence[Task],
        told: Callable[[Any], None] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        ray = self._ray
        mine = not ray.is_initialized()
        if mine:
            # A cluster is joined if the environment names one; else this machine is used.
            address = "auto" if os.environ.get("RAY_ADDRESS") else None
            ray.init(address=address, log_to_driver=False, include_dashboard=False)
        remote = ray.remote(num_cpus=1)(_work_on_ray)
        waiting = list(enumerate(tasks))[::-1]
        running: dict[Any, int] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self._workers:
                    number, task = waiting.pop()
                    running[remote.remote(work, task)] = number
                done, _ = ray.wait(list(running), num_returns=1)
                for reference in done:
                    number = running.pop(reference)
                    yield number, _own_error(ray, reference)
        finally:
            for reference in running:
                ray.cancel(reference)
            if mine:
                ray.shutdown()


_channel: tuple[SimpleQueue[Any], Event] | None = None
"""A worker's way to report and to hear that it should stop."""


def _start_worker(messages: SimpleQueue[Any], stop: Event) -> None:
    global _channel
    _channel = (messages, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and sets `stop`


def _work(work: Work[Task, Result], task: Task) -> Result:
    assert _channel is not None
    messages, stop = _channel

    def report(message: Any) -> bool:
        messages.put(message)
        return not stop.is_set()

    return work(task, report)


def _work_on_ray(work: Work[Task, Result], task: Task) -> Result:
    return work(task, lambda message: True)


def _own_error(ray: Any, reference: Any) -> Any:
    """The result, or the exception of the task itself instead of Ray's envelope."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause if error.cause is not None else error from None


def _pass_on(messages: SimpleQueue[Any], told: Callable[[Any], None] | None) -> None:
    while not messages.empty():
        message = messages.get()
        if told is not None:
            told(message)
