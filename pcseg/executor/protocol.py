"""What an executor is, what work is, and what a worker may use of a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

Report = Callable[[Any], bool]
"""Given to the work: tells the caller of progress within a task; False asks the work to stop."""

Work = Callable[[Task, Report], Result]
"""A function of a module, so that other processes can import it."""


@dataclass(frozen=True)
class Resources:
    """What each worker may use.

    Attributes:
        threads: CPU threads of a worker; None leaves that to the libraries.
        gpus: ids that are dealt to local workers in turn, as ``CUDA_VISIBLE_DEVICES`` names them.
            On Ray and Slurm their number divided by the workers is asked for.
        slurm: settings of submitit's executor: ``slurm_partition``, ``timeout_min``, ``mem_gb`` …;
            ``cluster`` may be ``slurm`` (the default where there is one) or ``local``.
        folder: for the files of submitit, on a disk that all nodes share.
    """

    threads: int | None = None
    gpus: tuple[str, ...] = ()
    slurm: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = Path("slurm")


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
            told: called, in this process, with what the tasks report. Tasks on Ray and Slurm do
                not report.

        Yields:
            (number of the task, what `work` returned) as tasks end.

        Raises:
            WorkerLost: if a process died.
            Exception: of the first task that failed, as it is.
        """
        ...
