"""`pcseg benchmark corruptions`: 25 scores, kept one by one, relative to a baseline."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pcseg.benchmark.corruptions import Suite, score_corruptions
from pcseg.data.corruptions import CORRUPTIONS, SEVERITIES
from pcseg.errors import ConfigError
from pcseg.executor import executor
from pcseg.executor.local import Here
from tests.conftest import pcseg_here

pytestmark = pytest.mark.slow  # 25 scores


@pytest.fixture(scope="module")
def scored(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("corruptions")
    done = pcseg_here(
        "benchmark", "corruptions", trained, "data.split=08:0", "--out", out, "--device", "cpu"
    )
    assert done.returncode == 0, done.stderr
    assert "robo3d-like/1: clean mIoU" in done.stdout and "mCE –" in done.stdout
    return out


def test_figures_and_tables(scored: Path) -> None:
    found = json.loads((scored / "robustness.json").read_text())
    assert list(found["miou"]) == list(CORRUPTIONS) and found["mce"] is None
    assert all(len(values) == 3 for values in found["miou"].values())
    rates = [100 * np.mean(v) / found["clean"] for v in found["miou"].values()]
    assert found["mrr"] == pytest.approx(np.mean(rates))
    table = (scored / "robustness.md").read_text()
    assert table.count("\n| ") == 2 + len(CORRUPTIONS) and "cannot be compared" in table
    assert "svg" in (scored / "robustness.html").read_text()


def test_what_is_scored_stays(scored: Path, trained: Path, monkeypatch) -> None:
    files = sorted(scored.glob("scores/*/*.json"))
    assert len(files) == 1 + len(CORRUPTIONS) * len(SEVERITIES)
    files[3].unlink()
    asked: list[tuple[str, str]] = []
    run = Here.run
    monkeypatch.setattr(
        Here,
        "run",
        lambda self, work, tasks, told=None: asked.extend(tasks) or run(self, work, tasks),
    )
    suite = Suite(trained, ("data.split=08:0",), "08:0", scored, device="cpu")
    score_corruptions(suite, executor())
    assert [f"{name}-{severity}.json" for name, severity in asked] == [files[3].name]


def test_a_run_against_itself_has_100(scored: Path, trained: Path) -> None:
    suite = Suite(trained, ("data.split=08:0",), "08:0", scored, device="cpu")
    found = score_corruptions(suite, executor(), str(scored / "robustness.json"))
    assert found.mce == pytest.approx(100.0)


def test_a_baseline_must_be_of_the_same_scans(scored: Path, trained: Path, tmp_path: Path) -> None:
    own = ("data.split=08:1",)
    suite = Suite(trained, own, "08:1", tmp_path, device="cpu")
    with pytest.raises(ConfigError, match=r"was scored on .*08:0"):
        score_corruptions(suite, executor(), str(scored / "robustness.json"))
    with pytest.raises(ConfigError, match="scored on Robo3D's files, not on robo3d-like/1"):
        score_corruptions(suite, executor(), "published")


def test_official_files(kitti: Path, trained: Path, tmp_path: Path) -> None:
    """Clean scans in Robo3D's folders: every corruption keeps the clean figure."""
    files = tmp_path / "SemanticKITTI-C"
    for name in CORRUPTIONS:
        for severity in SEVERITIES:
            for kind in ("velodyne", "labels"):
                shutil.copytree(kitti / "sequences" / "08" / kind, files / name / severity / kind)
    out = tmp_path / "out"
    done = pcseg_here(
        "benchmark", "corruptions", trained, "--official", files, "--baseline", "published",
        "--out", out, "--device", "cpu",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "robustness.json").read_text())
    assert found["mrr"] == pytest.approx(100.0) and found["suite"] == "Robo3D files"
    assert "MinkUNet18 on SemanticKITTI-C" in done.stdout
