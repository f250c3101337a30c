"""Genuine scans, end to end: train on frames 0-7, score 8-9, label and look at full scans."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import pcseg

pytestmark = [pytest.mark.realdata, pytest.mark.slow]


def test_quick_training_on_genuine_scans(realdata: Path, tmp_path: Path) -> None:
    root, full = realdata / "semantickitti_seq00", realdata / "semantickitti_seq00_genuine"
    run, scores = tmp_path / "run", tmp_path / "scores.json"
    done = pcseg(
        "train", "semantickitti/realdata_quick", f"data.root={root}", "data.split=00:0-7",
        f"out={run}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    losses = [line["train/loss"] for line in log if "train/loss" in line]
    assert losses[-1] < 0.5 * losses[0]

    done = pcseg("eval", run, "data.split=00:8-9", "--json", scores)
    assert done.returncode == 0, done.stderr
    classes = json.loads(scores.read_text())["classes"].values()
    ious = [c["iou"] for c in classes if c["points"] >= 100]
    assert sum(ious) / len(ious) >= 0.55

    out = tmp_path / "out"
    done = pcseg("predict", run, full, "--out", out)
    assert done.returncode == 0, done.stderr
    for i, points in enumerate((124_668, 124_605, 124_478)):
        labels = np.fromfile(out / f"sequences/00/predictions/{i:06d}.label", "<u4")
        assert len(labels) == points
    done = pcseg("view", full, "--pred", out, "--png", tmp_path / "a.png")
    assert done.returncode == 0, done.stderr
