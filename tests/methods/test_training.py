"""The methods through the command line: train, log their parts, evaluate, and be repeatable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.conftest import TINY, pcseg, pcseg_here

PARTS = {
    "dglss": {"cross_entropy", "lovasz", "sparsity", "correlation"},
    "lidog": {"dice", "bev_dice"},
}
SMALL = ("lidog.reach=16", "lidog.cell=2", "lidog.channels=8", "train.precision=32")


def settings(method: str, root: Path, out: Path) -> list[str]:
    return [
        f"dg/methods/{method}", f"data.root={root}", f"out={out}", "data.split=00:0-1",
        "data.val_split=08", *TINY, *SMALL, "train.epochs=2", "model.depth=14",
    ]  # fmt: skip


@pytest.mark.parametrize("method", PARTS)
def test_train_and_evaluate(method: str, kitti: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = pcseg_here("train", *settings(method, kitti, out))
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    logged = [line for line in lines if "train/loss" in line]
    assert len(logged) == 4
    for part in PARTS[method]:
        assert all(line[f"train/{part}"] >= 0 for line in logged)
    assert len({line["train/loss"] for line in logged}) == 4
    done = pcseg_here("eval", out, "data.split=08")
    assert done.returncode == 0, done.stderr
    assert "mIoU" in done.stdout
    refused = pcseg_here("eval", out, "data.split=08", f"{method}.channels=4")
    assert refused.returncode == 2 and "part of the trained network" in refused.stderr


@pytest.mark.slow
def test_the_second_view_does_not_depend_on_loader_processes(kitti: Path, tmp_path: Path) -> None:
    weights = []
    for workers in (0, 2):
        out = tmp_path / str(workers)
        done = pcseg("train", *settings("dglss", kitti, out), f"data.workers={workers}")
        assert done.returncode == 0, done.stderr
        weights.append(torch.load(out / "last.pt", weights_only=True)["model"])
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
