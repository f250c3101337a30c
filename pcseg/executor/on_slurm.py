"""Tasks as jobs of a Slurm cluster, through submitit; jobs that run out of time are requeued."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pcseg.errors import PcsegError, WorkerLost
from pcseg.executor.protocol import Resources, Result, Task, Work
from pcseg.optional import need

_POLL_S = 1.0
_TIMEOUT_MIN = 240
"""Minutes of a job unless the caller says otherwise; a job may use them up several times."""


class OnSlurm:
    """One array job; at most `workers` of its tasks run at a time. Tasks do not report.

    When a job's time is up, or it is preempted, Slurm sends it a signal and submitit puts the same
    task into the queue again. Work should therefore keep its state on the disk and go on from it.
    """

    def __init__(self, workers: int, resources: Resources | None = None) -> None:
        self._submitit: Any = need("submitit", extra="slurm", purpose="the executor 'slurm'")
        self._workers = workers
        self._resources = resources or Resources()

    def run(
        self,
        work: Work[Task, Result],
        tasks: Sequence[Task],
        told: Callable[[Any], None] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        """See `Executor.run`."""
        if not tasks:
            return
        jobs = self._executor().map_array(Job(work), list(tasks))
        left = dict(enumerate(jobs))
        try:
            while left:
                ended = [number for number, job in left.items() if job.done()]
                for number in ended:
                    yield number, self._result(left.pop(number))
                if left and not ended:
                    time.sleep(_POLL_S)
        finally:
            for job in left.values():
                job.cancel()

    def _executor(self) -> Any:
        asked = dict(self._resources.slurm)
        cluster = asked.pop("cluster", None)
        made = self._submitit.AutoExecutor(
            folder=self._resources.folder, cluster=cluster, slurm_max_num_timeout=20
        )
        settings: dict[str, Any] = {
            "name": "pcseg",
            "timeout_min": _TIMEOUT_MIN,
            "cpus_per_task": self._resources.threads or 1,
            "gpus_per_node": 1 if self._resources.gpus else 0,
            "slurm_array_parallelism": self._workers,
        }
        made.update_parameters(**{**settings, **asked})
        return made

    def _result(self, job: Any) -> Any:
        try:
            result = job.result()
        except (
            self._submitit.core.utils.UncompletedJobError,
            self._submitit.core.utils.FailedJobError,
        ) as error:
            raise WorkerLost(
                f"job {job.job_id} ended without a result; its log is {job.paths.stderr}. {error}"
            ) from error
        if isinstance(result, _Failure):
            raise result.error
        return result


@dataclass
class Job:
    """What a node does; `checkpoint` is what submitit asks for before it requeues."""

    work: Work[Any, Any]

    def __call__(self, task: Any) -> Any:
        """Do the task; errors meant for people travel home whole."""
        try:
            return self.work(task, lambda message: True)
        except PcsegError as error:
            return _Failure(error)

    def checkpoint(self, task: Any) -> Any:
        """The same task again: it goes on from what is on the disk."""
        submitit: Any = need("submitit", extra="slurm", purpose="the executor 'slurm'")
        return submitit.helpers.DelayedSubmission(self, task)


@dataclass(frozen=True)
class _Failure:
    error: PcsegError
