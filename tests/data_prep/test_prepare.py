"""Preparation: the reader's own scans bit by bit, resumed after kills, verified against damage."""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pcseg.data import FrameId, Scan, open_dataset
from pcseg.data.prepared import JOURNAL, MANIFEST, items_sha256, load_scan, save_scan, scan_path
from pcseg.data_prep import PrepareJob, estimate, prepare, verify
from pcseg.errors import ConfigError, DataError, LabelError


@pytest.fixture(scope="module")
def whole(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("prepared") / "out"
    prepare(PrepareJob("semantickitti", dataset, out))
    return out


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_prepared_scans_are_the_readers(dataset: Path, whole: Path) -> None:
    for split in ("train", "val", "all", "08:1-2"):
        ours = open_dataset("semantickitti", whole, split)
        theirs = open_dataset("semantickitti", dataset, split)
        assert ours.frames == theirs.frames
        assert (ours.point_counts() == theirs.point_counts()).all()
        for a, b in zip(ours, theirs, strict=True):
            assert np.array_equal(a.xyz, b.xyz) and a.xyz.dtype == b.xyz.dtype
            assert np.array_equal(a.labels, b.labels)
            assert np.array_equal(a.raw_labels, b.raw_labels)
            assert np.array_equal(a.instances, b.instances)
            assert np.array_equal(a.pose, b.pose)
            assert a.attrs.keys() == b.attrs.keys()
            assert all(np.array_equal(a.attrs[k], b.attrs[k]) for k in a.attrs)
            assert {**a.meta, "path": ""} == {**b.meta, "path": ""}


def test_nothing_of_a_scan_is_lost(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    scan = Scan(
        xyz=rng.standard_normal((50, 3)).astype(np.float32),
        attrs={
            "rgb": (rng.integers(0, 256, (50, 3)) / np.float32(255)).astype(np.float32),
            "intensity": rng.random(50).astype(np.float32),
            "ring": rng.integers(0, 64, 50).astype(np.int16),
            "valid": rng.random(50) < 0.5,
        },
        raw_labels=rng.integers(0, 300, 50),
        instances=rng.integers(0, 70_000, 50),
        pose=rng.standard_normal((4, 4)),
        meta={"faces": rng.integers(0, 50, (20, 3)), "offset": [1e5, 0.0, 3.0], "time": 1.5},
    )
    save_scan(tmp_path / "a.npz", scan)
    back = load_scan(tmp_path / "a.npz")
    for name in ("xyz", "raw_labels", "instances", "pose"):
        assert np.array_equal(getattr(back, name), getattr(scan, name))
        assert getattr(back, name).dtype == getattr(scan, name).dtype
    for name, values in scan.attrs.items():
        assert np.array_equal(back.attrs[name], values) and back.attrs[name].dtype == values.dtype
    assert np.array_equal(back.meta["faces"], scan.meta["faces"])
    assert back.meta["offset"] == scan.meta["offset"] and back.meta["time"] == 1.5
    with np.load(tmp_path / "a.npz") as stored:  # bytes stay bytes, ids take what they need
        assert stored["bytes of rgb"].dtype == np.uint8
        assert stored["raw_labels"].dtype == np.uint16
        assert stored["instances"].dtype == np.uint32


PROGRAM = """
import sys
from pathlib import Path
from pcseg.data_prep import PrepareJob, prepare
import pcseg.data_prep.preparation as module
import time

save = module.save_scan
def slow(path, scan):
    time.sleep(0.15)
    save(path, scan)
module.save_scan = slow
prepare(PrepareJob("semantickitti", Path(sys.argv[1]), Path(sys.argv[2])))
"""


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_a_random_moment_and_resumed(
    dataset: Path, whole: Path, tmp_path: Path, seed: int
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-c", PROGRAM, str(dataset), str(out)]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 30
    while not list(out.glob("*/*.npz")) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(random.Random(seed).uniform(0.0, 1.2))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / MANIFEST).exists()
    with pytest.raises(DataError, match="not finished"):
        open_dataset("semantickitti", out, "all")
    before = set(out.glob("*/*.npz"))
    made = prepare(PrepareJob("semantickitti", dataset, out), workers=2)
    assert 0 < made.written < 12 and len(before) >= made.scans - made.written
    assert contents(out) == contents(whole)
    assert prepare(PrepareJob("semantickitti", dataset, out)).written == 0


def test_a_sound_folder_has_no_problems(dataset: Path, whole: Path) -> None:
    assert verify(whole, dataset) == []
    assert verify(whole, dataset, workers=2) == []


def one(folder: Path, number: int = 3) -> Path:
    return sorted(folder.glob("*/*.npz"))[number]


def edit_row(folder: Path, **changes: object) -> None:
    data = json.loads((folder / MANIFEST).read_text())
    data["items"][3].update(changes)
    data["items_sha256"] = items_sha256(data["items"])
    (folder / MANIFEST).write_text(json.dumps(data))


def miscount(folder: Path) -> None:
    text = (folder / MANIFEST).read_text()
    count = json.loads(text)["items"][3]["points"]
    (folder / MANIFEST).write_text(text.replace(f'"points": {count},', f'"points": {count + 1},'))


def drop_row(folder: Path) -> None:
    data = json.loads((folder / MANIFEST).read_text())
    del data["items"][3]
    (folder / MANIFEST).write_text(json.dumps(data))


def flip_a_bit(folder: Path) -> None:
    data = bytearray(one(folder).read_bytes())
    data[len(data) // 2] ^= 1
    one(folder).write_bytes(bytes(data))


def swap_two(folder: Path) -> None:
    a, b = one(folder, 3), one(folder, 4)
    first, second = a.read_bytes(), b.read_bytes()
    a.write_bytes(second)
    b.write_bytes(first)


def forge(folder: Path, **changes: np.ndarray) -> None:
    """Another scan in a file whose checksum and size the manifest vouches for."""
    from pcseg.data_prep.preparation import file_sha256

    scan = load_scan(one(folder)).replace(**changes)
    save_scan(one(folder), scan)
    edit_row(folder, bytes=one(folder).stat().st_size, sha256=file_sha256(one(folder)))


def forge_label(folder: Path) -> None:
    scan = load_scan(one(folder))
    assert scan.raw_labels is not None
    raw = scan.raw_labels.copy()
    raw[7] = 77
    forge(folder, raw_labels=raw)


def forge_nan(folder: Path) -> None:
    xyz = load_scan(one(folder)).xyz.copy()
    xyz[5, 1] = np.nan
    forge(folder, xyz=xyz)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file is gone": (lambda f: one(f).unlink(), "missing"),
    "a file is cut": (lambda f: one(f).write_bytes(one(f).read_bytes()[:-9]), "bytes, the man"),
    "a bit is flipped": (flip_a_bit, "checksum"),
    "two files are swapped": (swap_two, "bytes, the manifest|checksum"),
    "a stranger lies there": (lambda f: (f / "08" / "notes.txt").write_text("x"), "not in the"),
    "a label is unknown": (forge_label, "raw label 77"),
    "a point is NaN": (forge_nan, "NaN or infinite"),
    "the manifest lost a row": (drop_row, "its items were changed"),
    "the manifest counts wrongly": (miscount, "its items were changed"),
    "the manifest vouches for wrong counts": (
        lambda f: edit_row(f, points=1),
        "points, the manifest says 1",
    ),
    "the manifest is cut": (
        lambda f: (f / MANIFEST).write_text((f / MANIFEST).read_text()[:500]),
        "not valid JSON",
    ),
    "the manifest is of another format": (
        lambda f: (f / MANIFEST).write_text('{"format": "other/2"}'),
        "format 'other/2'",
    ),
    "the preparation is unfinished": (lambda f: (f / JOURNAL).write_text(""), "not finished"),
    "the source changed": (lambda f: edit_row(f, source={"bytes": 1}), "changed since"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_and_mended(name: str, dataset: Path, whole: Path, copy: Path) -> None:
    damage, message = DAMAGES[name]
    damage(copy)
    problems = verify(copy, dataset)
    assert problems
    assert any(re.search(message, str(problem)) for problem in problems), problems
    assert all(problem.path.is_relative_to(copy) for problem in problems)
    for stranger in (p.path for p in problems if "Delete it" in p.what):
        stranger.unlink()
    # What the manifest vouches for, checksum and all, is only made again when that is asked for.
    forged = name in ("a label is unknown", "a point is NaN") or "vouches" in name
    hidden = name in ("a bit is flipped", "two files are swapped")
    prepare(PrepareJob("semantickitti", dataset, copy), overwrite=forged or hidden)
    assert contents(copy) == contents(whole)


def test_new_and_vanished_scans(dataset: Path, copy: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(dataset, tmp_path / "dataset"))
    assert verify(copy, root) == []
    for name in ("velodyne/000002.bin", "labels/000002.label"):
        (root / "sequences" / "08" / name).unlink()
    (problem,) = verify(copy, root)
    assert "no longer in the dataset" in problem.what


def test_refusals(dataset: Path, copy: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"prepared differently.*split: there all, asked val"):
        prepare(PrepareJob("semantickitti", dataset, copy, "val"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(ConfigError, match=r"not empty \(thesis.tex\)"):
        prepare(PrepareJob("semantickitti", dataset, tmp_path / "full"))
    with pytest.raises(ConfigError, match="is the dataset itself"):
        prepare(PrepareJob("semantickitti", dataset, dataset))
    with pytest.raises(DataError, match="prepared from 'semantickitti', not from 'semanticposs'"):
        open_dataset("semanticposs", copy, "all")
    with pytest.raises(ConfigError, match="no option 'sweeps'"):
        prepare(PrepareJob("semantickitti", dataset, tmp_path / "new", options=(("sweeps", 3),)))


def test_no_path_escapes(copy: Path) -> None:
    for frame in (FrameId("..", "passwd"), FrameId("a/../../b", "1"), FrameId("00", "/etc/passwd")):
        with pytest.raises(DataError, match="cannot be the name"):
            scan_path(copy, frame)
    edit_row(copy, sequence="..")
    with pytest.raises(DataError, match="cannot be the name"):
        open_dataset("semantickitti", copy, "all")


def test_a_broken_scan_stops_and_keeps_the_others(dataset: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(dataset, tmp_path / "dataset"))
    labels = root / "sequences" / "08" / "labels" / "000003.label"
    sound = labels.read_bytes()
    labels.write_bytes(b"\xff" * len(sound))
    job = PrepareJob("semantickitti", root, tmp_path / "out")
    with pytest.raises(LabelError, match=r"000003.label: raw label 65535"):
        prepare(job)
    assert len(list(job.out.glob("*/*.npz"))) == 9
    labels.write_bytes(sound)
    assert prepare(job).written == 3


def test_estimate_is_near_and_writes_nothing(dataset: Path, whole: Path, tmp_path: Path) -> None:
    job = PrepareJob("semantickitti", dataset, tmp_path / "out")
    found = estimate(job)
    real = sum(path.stat().st_size for path in whole.glob("*/*.npz"))
    assert not job.out.exists()
    assert (found.scans, found.there) == (12, 0)
    assert 0.8 * real < found.bytes < 1.25 * real
    assert estimate(PrepareJob("semantickitti", dataset, whole)).there == 12
