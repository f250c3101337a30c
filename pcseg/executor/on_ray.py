"""Tasks of a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pcseg.errors import WorkerLost
from pcseg.executor.protocol import Resources, Result, Task, Work
from pcseg.optional import need


class OnRay:
    """Tasks of a Ray cluster. Reports within a task are not passed on.

    A worker that dies costs its one task, which Ray begins anew elsewhere, up to three times.
    """

    def __init__(self, workers: int, resources: Resources | None = None) -> None:
        self._ray: Any = need("ray", extra="scale", purpose="the executor 'ray'")
        self._workers = workers
        self._resources = resources or Resources()

    def run(
        self,
        work: Work[Task, Result],
        tasks: Sequence[Task],
        told: Callable[[Any], None] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        """See `Executor.run`."""
        ray = self._ray
        mine = not ray.is_initialized()
        if mine:
            # A cluster is joined if the environment names one; else this machine is used.
            address = "auto" if os.environ.get("RAY_ADDRESS") else None
            ray.init(address=address, log_to_driver=False, include_dashboard=False)
        remote = ray.remote(
            num_cpus=self._resources.threads or 1,
            num_gpus=len(self._resources.gpus) / self._workers,
        )(_work)
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


def _work(work: Work[Task, Result], task: Task) -> Result:
    return work(task, lambda message: True)


def _own_error(ray: Any, reference: Any) -> Any:
    """The result, or the exception of the task itself instead of Ray's envelope."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause if error.cause is not None else error from None
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
        raise WorkerLost(f"a worker of the Ray cluster died ({error}).") from error
