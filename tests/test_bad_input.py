"""Full disks and Ctrl-C: nothing is lost, nothing half-written stays, and the message helps."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import TINY, pcseg, pcseg_here


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small tmpfs needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def leftovers(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob(".*")]


def test_full_disk_in_training(kitti: Path, tiny_disk: Path) -> None:
    done = pcseg_here(
        "train", "semantickitti/realdata_quick", f"data.root={kitti}", f"out={tiny_disk / 'run'}",
        "data.split=00", "data.val_split=08", *TINY,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "the disk is full" in done.stderr
    assert str(tiny_disk) in done.stderr
    assert "Traceback" not in done.stderr
    assert not leftovers(tiny_disk)


def test_full_disk_in_prediction(trained: Path, kitti: Path, tiny_disk: Path) -> None:
    (tiny_disk / "ballast").write_bytes(b"x" * 240 * 1024)
    cloud = kitti / "sequences/00/velodyne/000000.bin"
    done = pcseg_here("predict", trained, cloud, "--format", "ply", "--out", tiny_disk / "out")
    assert done.returncode == 2, done.stderr
    assert "the disk is full" in done.stderr
    assert not leftovers(tiny_disk)
    assert not list(tiny_disk.rglob("*.ply"))


def test_full_disk_in_simulation(tiny_disk: Path) -> None:
    done = pcseg_here("simulate", tiny_disk / "data", "--sequences", "00", "--frames", "1")
    assert done.returncode == 2, done.stderr
    assert "the disk is full" in done.stderr
    assert not leftovers(tiny_disk)


def stop_when(folder: Path, pattern: str, *words: object) -> subprocess.Popen[str]:
    """Start pcseg, and press Ctrl-C once a file appears."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pcseg", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    for _ in range(1200):
        if list(folder.rglob(pattern)):
            break
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    return process


def test_ctrl_c_in_simulation_then_go_on(tmp_path: Path) -> None:
    words = ["--sequences", "00", "--frames", "12", "--columns-step", "4"]
    process = stop_when(tmp_path / "a", "*.label", "simulate", tmp_path / "a", *words)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert not leftovers(tmp_path / "a")
    assert 0 < len(list((tmp_path / "a").rglob("*.label"))) < 12
    assert pcseg("simulate", tmp_path / "a", *words).returncode == 0
    assert pcseg("simulate", tmp_path / "b", *words).returncode == 0
    files = sorted(p.relative_to(tmp_path / "b") for p in (tmp_path / "b").rglob("*.*"))
    assert len(files) > 24
    for file in files:
        if file.suffix != ".json":
            assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), (
                file
            )


def test_ctrl_c_in_prediction_then_go_on(trained: Path, kitti: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["predict", trained, kitti / "sequences/00", "--out", out]
    process = stop_when(out, "*.label", *words)
    process.communicate(timeout=60)
    assert process.returncode in (130, 0)
    assert not leftovers(out)
    assert pcseg(*words).returncode == 0
    assert len(list(out.rglob("*.label"))) == 8


def damaged(kitti: Path, tmp_path: Path) -> Path:
    """A copy of the dataset, to be broken."""
    copy = tmp_path / "broken"
    shutil.copytree(kitti, copy)
    return copy / "sequences" / "00"


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("damage", ["truncated", "short labels", "unknown label", "nan", "empty"])
def test_damaged_scans_stop_evaluation_by_name(
    trained: Path, kitti: Path, tmp_path: Path, damage: str, workers: int
) -> None:
    folder = damaged(kitti, tmp_path)
    cloud, label = folder / "velodyne/000001.bin", folder / "labels/000001.label"
    if damage == "truncated":
        cloud.write_bytes(cloud.read_bytes()[:-6])
    elif damage == "short labels":
        label.write_bytes(label.read_bytes()[:-40])
    elif damage == "unknown label":
        labels = np.fromfile(label, "<u4")
        labels[5] = 123
        labels.tofile(label)
    elif damage == "nan":
        points = np.fromfile(cloud, "<f4")
        points[8] = np.nan
        points.tofile(cloud)
    else:
        cloud.write_bytes(b"")
    done = pcseg_here(
        "eval",
        trained,
        f"data.root={tmp_path / 'broken'}",
        "data.split=00:0-2",
        f"data.workers={workers}",
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "000001." in done.stderr
    words = {
        "truncated": "16",
        "short labels": "points",
        "unknown label": "raw label 123",
        "nan": "finite",
        "empty": "no points",
    }
    assert words[damage] in done.stderr


def test_damaged_scan_in_a_loader_process_stops_training(kitti: Path, tmp_path: Path) -> None:
    cloud = damaged(kitti, tmp_path) / "velodyne/000002.bin"
    cloud.write_bytes(cloud.read_bytes()[:-6])
    done = pcseg_here(
        "train", "semantickitti/realdata_quick", f"data.root={tmp_path / 'broken'}",
        f"out={tmp_path / 'run'}", "data.split=00", *TINY, "data.workers=1",
        "loss.class_weights=none",
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "000002.bin" in done.stderr
    assert "Traceback" not in done.stderr


def test_other_class_table_is_refused(trained: Path, kitti: Path) -> None:
    done = pcseg_here("eval", trained, "data.split=08", "data.label_set=semantic_kitti/lidog_7")
    assert done.returncode == 2
    assert "19 classes against 7" in done.stderr
