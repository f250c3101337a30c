"""Stopping and going on: the same weights, bit for bit, as if nothing had happened."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from pcseg.files import read_json
from tests.conftest import pcseg_here
from tests.train.conftest import command, environment, losses, run, weights

# Workers and mixing on, so that everything random takes part.
SETTINGS = (
    "train.checkpoint_every=3", "data.workers=1", "data.mix.kinds=[laser, polar, mix3d]",
    "data.augment=[rotate, flip, scale, jitter, drop_points]", "train.ema=0.9",
)  # fmt: skip


def wait_for_updates(out: Path, updates: int, process: subprocess.Popen[bytes]) -> None:
    log = out / "log.jsonl"
    for _ in range(600):
        if log.exists() and len(log.read_text().splitlines()) >= updates:
            return
        assert process.poll() is None, "the training ended before it could be stopped"
        time.sleep(0.05)
    raise AssertionError("the training made no progress")


def stop_and_resume(kitti: Path, out: Path, how: signal.Signals, model: str) -> int:
    words = command(kitti, out, f"model.name={model}", *SETTINGS)
    process = subprocess.Popen(words, env=environment(), stderr=subprocess.DEVNULL)
    wait_for_updates(out, 13, process)  # of 24, in mid-epoch
    process.send_signal(how)
    code = process.wait(60)
    done = run(words)
    assert done.returncode == 0, done.stderr
    assert "resuming after update" in done.stderr
    return code


def test_sigkill_in_mid_epoch_changes_nothing(kitti: Path, tmp_path: Path) -> None:
    model = "spvcnn"  # its dropout makes torch's generator matter
    whole = run(command(kitti, tmp_path / "whole", f"model.name={model}", *SETTINGS))
    assert whole.returncode == 0, whole.stderr
    stop_and_resume(kitti, tmp_path / "killed", signal.SIGKILL, model)
    expected, found = weights(tmp_path / "whole/last.pt"), weights(tmp_path / "killed/last.pt")
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[key], found[key]) for key in expected)
    assert losses(tmp_path / "whole") == losses(tmp_path / "killed")
    best, again = weights(tmp_path / "whole/best.pt"), weights(tmp_path / "killed/best.pt")
    assert all(torch.equal(best[key], again[key]) for key in best)


def test_ctrl_c_saves_and_says_how_to_go_on(kitti: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = command(kitti, out, "train.checkpoint_every=1000")
    process = subprocess.Popen(words, env=environment(), stderr=subprocess.PIPE, text=True)
    wait_for_updates(out, 4, process)  # type: ignore[arg-type]
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "nothing is lost" in said
    assert (out / "last.pt").exists()
    again = run(words)
    assert again.returncode == 0
    assert "resuming after update" in again.stderr


def test_other_settings_in_the_same_folder_are_refused(kitti: Path, tmp_path: Path) -> None:
    words = command(kitti, tmp_path / "run", "train.max_steps=2")[3:]
    assert pcseg_here(*words).returncode == 0
    other = pcseg_here(*words, "optim.lr=0.1")
    assert other.returncode == 2
    assert "optim.lr: 0.005 -> 0.1" in other.stderr
    assert pcseg_here(*words, "optim.lr=0.1", "--restart").returncode == 0


def test_another_network_in_the_same_folder_is_refused(trained: Path, kitti: Path) -> None:
    done = pcseg_here(
        "train",
        trained / "config.yaml",
        f"data.root={kitti}",
        f"out={trained}",
        "model.name=spvcnn",
    )
    assert done.returncode == 2
    assert "model.name: minkunet -> spvcnn" in done.stderr


def test_bf16_trains(kitti: Path, tmp_path: Path) -> None:
    done = pcseg_here(
        *command(kitti, tmp_path / "run", "train.precision=bf16", "train.max_steps=2")[3:]
    )
    assert done.returncode == 0, done.stderr
    assert all(map(math.isfinite, losses(tmp_path / "run")))


def test_slurm_tasks_without_torchrun_are_refused(
    kitti: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_NTASKS", "2")
    done = pcseg_here(*command(kitti, tmp_path / "run")[3:])
    assert done.returncode == 2
    assert "torchrun" in done.stderr


def test_two_processes_equal_accumulation(kitti: Path, tmp_path: Path) -> None:
    one = run(command(kitti, tmp_path / "one", "train.accumulate=2"))
    assert one.returncode == 0, one.stderr
    words = command(kitti, tmp_path / "two")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    two = run([*launch, "-m", "pcseg", *words[words.index("train") :]])
    assert two.returncode == 0, two.stderr
    expected, found = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert len(expected) == len(found) == 12
    assert max(abs(a - b) for a, b in zip(expected, found, strict=True)) < 1e-5
    # What validation scored is what was saved, though each process has statistics of its own.
    again = pcseg_here("eval", tmp_path / "two", "--json", tmp_path / "again.json")
    assert again.returncode == 0, again.stderr
    scores = [read_json(tmp_path / name)["miou"] for name in ("two/best.json", "again.json")]
    assert abs(scores[0] - scores[1]) < 1e-6
    # And it can go on only with as many processes.
    state = torch.load(tmp_path / "two/last.pt", weights_only=True)
    torch.save({**state, "finished": False}, tmp_path / "two/last.pt")
    assert "by 2 processes" in run(words).stderr
