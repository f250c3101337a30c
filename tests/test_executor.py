"""Executors: results, reports, failures, interruption; the same for one process and for several."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pcseg.errors import ConfigError, DataError, MissingExtra, WorkerLost
from pcseg.executor import Report, Resources, executor
from pcseg.optional import available


def square(task: int, report: Report) -> int:
    report(("begun", task))
    return task * task


def fail_at_three(task: int, report: Report) -> int:
    if task == 3:
        raise DataError("file 3 is broken")
    return task


def until_told(folder: Path, report: Report) -> str:
    """Works on until it is asked to stop, for at most half a minute."""
    (folder / f"begun-{os.getpid()}").touch()
    for _ in range(300):
        if not report("still working"):
            (folder / f"stopped-{os.getpid()}").touch()
            return "stopped"
        time.sleep(0.1)
    return "finished"


def die(task: int, report: Report) -> int:
    os._exit(3)


ENGINES = [
    ("local", 1),
    ("local", 2),
    pytest.param("ray", 2, marks=pytest.mark.skipif(not available("ray"), reason="no ray")),
]


def seen(task: int, report: Report) -> tuple[str | None, str | None]:
    time.sleep(0.3)  # so that every worker gets a task
    return os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("OMP_NUM_THREADS")


@pytest.mark.parametrize(("name", "workers"), ENGINES)
def test_all_tasks_are_done_and_told(name: str, workers: int) -> None:
    told: list[tuple[str, int]] = []
    found = dict(executor(name, workers).run(square, [3, 1, 4, 1, 5], told.append))
    assert found == {0: 9, 1: 1, 2: 16, 3: 1, 4: 25}
    if name == "local":
        assert sorted(told) == [("begun", n) for n in (1, 1, 3, 4, 5)]


@pytest.mark.parametrize(("name", "workers"), ENGINES)
def test_the_error_of_a_task_is_the_callers(name: str, workers: int) -> None:
    with pytest.raises(DataError, match="file 3 is broken"):
        list(executor(name, workers).run(fail_at_three, range(6)))


def test_closing_asks_running_tasks_to_stop(tmp_path: Path) -> None:
    heard: list[str] = []

    def told(message: str) -> None:
        heard.append(message)
        raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(executor("local", 2).run(until_told, [tmp_path, tmp_path], told))
    assert time.monotonic() - begun < 25
    assert heard and list(tmp_path.glob("stopped-*"))


def test_a_dead_worker_is_explained() -> None:
    with pytest.raises(WorkerLost, match=r"a worker process died.*fewer workers"):
        list(executor("local", 2).run(die, [1, 2]))


def test_no_tasks_are_no_work() -> None:
    assert list(executor("local", 2).run(square, [])) == []


def test_refusals() -> None:
    with pytest.raises(ConfigError, match="at least 1 worker"):
        executor("local", 0)
    with pytest.raises(ConfigError, match="did you mean local"):
        executor("locl")
    if not available("ray"):
        with pytest.raises(MissingExtra, match=r"pcseg\[scale\]"):
            executor("ray")
    if not available("submitit"):
        with pytest.raises(MissingExtra, match=r"pcseg\[slurm\]"):
            executor("slurm")


def test_gpus_are_dealt_and_threads_divided() -> None:
    given = Resources(threads=3, gpus=("4", "7"))
    found = [value for _, value in executor("local", 2, given).run(seen, range(6))]
    assert {gpu for gpu, _ in found} == {"4", "7"}
    assert {threads for _, threads in found} == {"3"}


needs_submitit = pytest.mark.skipif(not available("submitit"), reason="no submitit")


@needs_submitit
@pytest.mark.slow
def test_jobs_of_submitit(tmp_path: Path) -> None:
    given = Resources(slurm={"cluster": "local", "timeout_min": 5}, folder=tmp_path)
    slurm = executor("slurm", 2, given)
    assert dict(slurm.run(square, [3, 1, 4])) == {0: 9, 1: 1, 2: 16}
    with pytest.raises(DataError, match="file 3 is broken"):
        list(slurm.run(fail_at_three, [3]))
    with pytest.raises(WorkerLost, match="without a result"):
        list(slurm.run(die, [1]))


@needs_submitit
def test_a_job_asks_to_be_done_again() -> None:
    from pcseg.executor.on_slurm import Job

    again = Job(square).checkpoint(7)
    assert again.result() == 49
