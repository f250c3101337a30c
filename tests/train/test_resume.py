"""Stopping and going on: the same weights, bit for bit, as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

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
    out = tmp_path / "run"
    first = run(command(kitti, out, "train.max_steps=2"))
    assert first.returncode == 0, first.stderr
    second = run(command(kitti, out, "train.max_steps=2", "optim.lr=0.1"))
    assert second.returncode == 2
    assert "optim.lr: 0.005 -> 0.1" in second.stderr
    third = run([*command(kitti, out, "train.max_steps=2", "optim.lr=0.1"), "--restart"])
    assert third.returncode == 0, third.stderr


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
