"""Running: once is enough, losses cost little, killed and resumed gives the same figures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from pcseg.benchmark import Context, Plan, Progress, Store, Work, load_plan, run_benchmark
from pcseg.errors import ConfigError, Interrupted, WorkerLost
from pcseg.executor import executor
from pcseg.optional import available
from tests.conftest import pcseg, pcseg_here


def facts(out: Path) -> dict[str, Any]:
    """All that a benchmark has found; hashes of its predictions are part of it."""
    units = json.loads((out / "manifest.json").read_text())["units"]
    scores = {path.parent.name + path.name: path.read_text() for path in out.rglob("score-*/*.json")
              if path.name != "done.json"}  # fmt: skip
    return {"facts": {u["id"]: u["facts"] for u in units}, "scores": scores}


def test_all_is_done_and_noted(out: Path, work: Work) -> None:
    manifest = json.loads((out / "manifest.json").read_text())
    assert {row["id"] for row in manifest["units"]} == {unit.id for unit in work.units}
    assert manifest["environment"]["pcseg"] and manifest["peak_memory_mb"] > 100
    for row in manifest["units"]:
        if row["kind"] == "predict":
            assert len(row["facts"]["frames_hash"]) == len(row["facts"]["points_hash"]) == 12
    scores = {name: json.loads(text) for name, text in facts(out)["scores"].items()}
    houses = [s for name, s in scores.items() if name.endswith("L3.json")]
    assert len(houses) == 10 and all(0 < score["miou"] < 1 for score in houses)


def test_what_is_done_is_not_done_again(plan: Plan, out: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*/*/*") if path.is_file()}
    heard: list[Progress] = []
    run_benchmark(plan, Context(out, "cpu"), executor(), heard.append)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert all(progress.unit is None for progress in heard)
    assert (heard[-1].done, heard[-1].total) == (26, 26)


class Flaky:
    """Loses a worker after each unit, a few times."""

    def __init__(self, losses: int) -> None:
        self.left = losses

    def run(
        self, work: Callable, tasks: Sequence, told: Callable | None = None
    ) -> Iterator[tuple[int, Any]]:
        for number, result in executor().run(work, tasks, told):
            yield number, result
            if self.left:
                self.left -= 1
                raise WorkerLost("a worker process died.")


def small(plan_file: Path) -> Plan:
    return load_plan(str(plan_file), ["seeds=[1]", "methods.without.enabled=false"])


def test_a_lost_worker_costs_its_units_only(plan_file: Path, out: Path, tmp_path: Path) -> None:
    plan = small(plan_file)
    run_benchmark(plan, Context(tmp_path, "cpu"), Flaky(3))
    mine, whole = facts(tmp_path), facts(out)
    assert mine["facts"].items() <= whole["facts"].items()
    assert mine["scores"].items() <= whole["scores"].items() and mine["scores"]


def test_endless_losses_end(plan_file: Path, tmp_path: Path) -> None:
    class Broken:
        def run(self, *_: Any) -> Iterator[tuple[int, Any]]:
            raise WorkerLost("a worker process died.")
            yield

    with pytest.raises(WorkerLost):
        run_benchmark(small(plan_file), Context(tmp_path, "cpu"), Broken())


def test_an_interrupted_training_goes_on(plan_file: Path, out: Path, tmp_path: Path) -> None:
    """Stopped after each third message, it arrives at the same figures."""
    from pcseg.benchmark import expand
    from pcseg.benchmark.work import do_unit

    plan, context = small(plan_file), Context(tmp_path, "cpu")
    stops = 0
    for unit in expand(plan).units:
        while not Store(tmp_path).is_done(unit):
            messages = iter([True, True, False])
            try:
                do_unit(context, unit, lambda _, left=messages: next(left, True))
            except Interrupted:
                stops += 1
                assert stops < 20
    assert stops >= 1
    run_benchmark(plan, context, executor())
    assert facts(tmp_path)["scores"].items() <= facts(out)["scores"].items()


def test_one_at_a_time(plan: Plan, out: Path) -> None:
    with Store(out).alone(), pytest.raises(ConfigError, match="another benchmark is at work"):
        run_benchmark(plan, Context(out, "cpu"), executor())


def test_the_command_line(plan_file: Path, out: Path) -> None:
    shown = pcseg_here("benchmark", "dg", plan_file, "--out", out, "--dry-run", "--workers", 2)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("done  ") == 26
    assert "0 of 6 left, 0 scans: 0.0 min (as measured here)" in shown.stdout
    done = pcseg_here("benchmark", "dg", plan_file, "--out", out, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert "with on sk: sk-val" in done.stdout and "AM over sp-all" in done.stdout
    for name in ("report.html", "report.md", "report.tex", "figures.csv", "classes.csv"):
        assert (out / name).is_file()
    wrong = pcseg_here("benchmark", "hunger", plan_file)
    assert wrong.returncode == 2 and "of the kind 'dg'" in wrong.stderr
    assert "dg/sim_quick" in pcseg_here("benchmark", "dg", "--list").stdout


def test_an_estimate_needs_nothing(tmp_path: Path) -> None:
    shown = pcseg_here("benchmark", "dg", "dg/sim_quick", "--out", tmp_path, "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "a guess" in shown.stdout and "together about" in shown.stdout
    assert not list(tmp_path.iterdir())


def _start(plan: Path, out: Path, workers: int = 1) -> subprocess.Popen[bytes]:
    words = ["benchmark", "dg", plan, "--out", out, "--device", "cpu", "--workers", workers]
    return subprocess.Popen(
        [sys.executable, "-m", "pcseg", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.slow
def test_killed_at_any_stage_and_resumed(plan_file: Path, out: Path, tmp_path: Path) -> None:
    """SIGKILL while training, predicting and scoring: weights, predictions, figures are equal."""
    data = yaml.safe_load(plan_file.read_text())
    for method in data["methods"].values():
        method["settings"] = [*method["settings"], "train.checkpoint_every=1"]
    plan = tmp_path / "plan.yaml"
    plan.write_text(yaml.safe_dump(data))
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    words = ("benchmark", "dg", plan, "--device", "cpu", "--out")
    assert pcseg(*words, straight).returncode == 0
    for stage in ("train-*/last.pt", "predict-*/*.npy", "score-*/L3.json"):
        process = _start(plan, killed)
        while process.poll() is None and not list(killed.glob(f"units/{stage}")):
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (killed / "manifest.json").exists(), "killed in the middle"
    assert pcseg(*words, killed).returncode == 0
    assert facts(killed) == facts(straight)


def _alive(pid: int) -> bool:
    """Whether a process is there and not merely unburied."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _children(pid: int) -> set[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in listed}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")
def test_told_to_end_it_ends_with_its_workers(plan_file: Path, tmp_path: Path) -> None:
    process = _start(plan_file, tmp_path, workers=2)
    while process.poll() is None and not list(tmp_path.glob("units/train-*/last.pt")):
        time.sleep(0.05)
    workers = _children(process.pid)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130 and workers
    deadline = time.monotonic() + 20
    while any(map(_alive, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert pcseg("benchmark", "dg", plan_file, "--out", tmp_path, "--device", "cpu").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine",
    [
        "local",
        pytest.param("ray", marks=pytest.mark.skipif(not available("ray"), reason="no ray")),
        pytest.param(
            "slurm", marks=pytest.mark.skipif(not available("submitit"), reason="no submitit")
        ),
    ],
)
def test_every_engine_finds_the_same(
    engine: str, plan_file: Path, out: Path, tmp_path: Path
) -> None:
    done = pcseg(
        "benchmark", "dg", plan_file, "--out", tmp_path, "--device", "cpu",
        "--workers", 2, "--engine", engine, "--slurm", "cluster=local",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert facts(tmp_path) == facts(out)
