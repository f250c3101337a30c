"""Every verb as a process, the way a user types it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pcseg.io import PointFile, read_points, write_points
from tests.conftest import pcseg, pcseg_here


def process(*words: object) -> str:
    """What a process prints that must succeed. Each verb is run so at least once."""
    done = pcseg(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ok(*words: object) -> str:
    """What a call in this process prints that must succeed."""
    done = pcseg_here(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(*words: object) -> str:
    """The message of a call that must fail cleanly: status 2, no traceback."""
    done = pcseg_here(*words)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stderr


def test_help_lists_every_verb() -> None:
    text = process("--help")
    for verb in ("train", "eval", "predict", "submit", "simulate", "view", "demo", "doctor"):
        assert verb in text


@pytest.mark.parametrize("verb", ["train", "eval", "predict", "submit", "simulate", "view", "demo"])
def test_each_verb_explains_itself(verb: str) -> None:
    text = ok(verb, "--help")
    assert "Usage" in text
    assert len(text) > 300


def test_version() -> None:
    from pcseg import __version__

    assert ok("--version").strip() == f"pcseg {__version__}"


def test_ls_lists_everything() -> None:
    text = process("ls")
    for word in (
        "semantickitti/minkunet",
        "SemanticPOSS",
        "spvcnn",
        "semantic_kitti/sk19",
        "hdl64e",
    ):
        assert word in text
    assert "optim.lr" in ok("ls", "settings")
    assert "cannot be listed" in refused("ls", "nonsense")


def test_cp_then_check(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    process("cp", "semantickitti/minkunet34_mix", mine)
    assert "37.88 M parameters" in process("check", mine)
    assert "is there already" in refused("cp", "semantickitti/minkunet", mine)
    mine.write_text(mine.read_text() + "trian: {}\n")
    message = refused("check", mine)
    assert "did you mean train?" in message
    assert f"{mine}, line" in message


def test_doctor_finds_a_sound_backend() -> None:
    text = process("doctor")
    assert "numba" in text
    assert "sound" in text
    assert "unsound" not in text


def test_training_leaves_a_whole_run(trained: Path) -> None:
    names = {path.name for path in trained.iterdir()}
    assert {"best.pt", "last.pt", "log.jsonl", "config.yaml", "best.json"} <= names
    lines = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    values = [line["train/loss"] for line in lines if "train/loss" in line]
    assert len(values) == 24
    assert sum(values[-4:]) < sum(values[:4])


def test_finished_training_is_not_repeated(trained: Path, kitti: Path) -> None:
    before = (trained / "last.pt").stat().st_mtime_ns
    done = pcseg(
        "train", trained / "config.yaml", f"data.root={kitti}", f"out={trained}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "finished already" in done.stdout
    assert (trained / "last.pt").stat().st_mtime_ns == before


def test_eval_scores_every_point(trained: Path, kitti: Path, tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    text = process("eval", trained, "data.split=00:0-3", "--json", target)
    assert "per point" in text
    result = json.loads(target.read_text())
    points = sum(
        len(np.fromfile(kitti / f"sequences/00/labels/{i:06d}.label", "<u4")) for i in range(4)
    )
    assert result["scored_points"] == points
    assert 0.0 <= result["miou"] <= 1.0
    assert set(result["classes"]["road"]) == {"iou", "points"}
    assert result["seed"] == 0
    assert result["versions"]["pcseg"]


def test_eval_defaults_to_the_validation_scans(trained: Path, tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    ok("eval", trained, "--json", target)
    assert json.loads(target.read_text())["miou"] == pytest.approx(
        json.loads((trained / "best.json").read_text())["miou"], abs=1e-6
    )


def test_test_time_augmentation_is_named(trained: Path, tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    assert "TTA 4 turns" in ok("eval", trained, "data.split=08:0", "eval.tta=4", "--json", target)


@pytest.mark.parametrize("suffix", [".ply", ".pcd", ".npy", ".npz", ".las", ".xyz", ".bin"])
def test_predict_labels_any_file(trained: Path, kitti: Path, tmp_path: Path, suffix: str) -> None:
    source = read_points(kitti / "sequences/00/velodyne/000000.bin")
    path = tmp_path / f"cloud{suffix}"
    write_points(path, PointFile(source.xyz, {"intensity": source.attrs["intensity"]}))
    out = tmp_path / "out"
    ok("predict", trained, path, "input.missing=zero", "--out", out, "--format", "npz")
    stored = np.load(next(out.glob("*.npz")))
    assert len(stored["labels"]) == len(source.xyz)
    assert ((stored["confidence"] >= 0) & (stored["confidence"] <= 1)).all()


def test_predict_folder_in_kitti_layout_and_go_on(
    trained: Path, kitti: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process("predict", trained, kitti / "sequences/08", "--out", out)
    files = sorted((out / "sequences/08/predictions").glob("*.label"))
    assert len(files) == 2
    for i, file in enumerate(files):
        cloud = kitti / f"sequences/08/velodyne/{i:06d}.bin"
        assert file.stat().st_size == cloud.stat().st_size // 4
    files[1].unlink()
    before = files[0].stat().st_mtime_ns
    assert "1 predictions" in ok("predict", trained, kitti / "sequences/08", "--out", out)
    assert files[0].stat().st_mtime_ns == before
    assert "other weights or settings" in refused(
        "predict", trained, kitti / "sequences/08", "eval.tta=2", "--out", out
    )


def test_view_writes_picture_and_page(trained: Path, kitti: Path, tmp_path: Path) -> None:
    out, png, html = tmp_path / "out", tmp_path / "a.png", tmp_path / "a.html"
    ok("predict", trained, kitti / "sequences/08", "--out", out)
    process("view", kitti / "sequences/08", "--pred", out, "--png", png, "--html", html)
    assert png.read_bytes().startswith(b"\x89PNG")
    page = html.read_text()
    assert "prediction" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_view_without_predictions_or_display(kitti: Path, tmp_path: Path) -> None:
    cloud = kitti / "sequences/00/velodyne/000003.bin"
    ok("view", cloud, "--png", tmp_path / "one.png")
    assert "no prediction for" in refused(
        "view", cloud, "--pred", tmp_path, "--png", tmp_path / "x.png"
    )


def test_submit_makes_a_valid_archive(trained: Path, kitti: Path, tmp_path: Path) -> None:
    archive = tmp_path / "submission.zip"
    text = process("submit", trained, archive, f"data.root={kitti}", "--sequences", "11")
    assert "2 label files" in text


def test_simulate_then_train_and_eval(tmp_path: Path) -> None:
    data, out = tmp_path / "streets", tmp_path / "run"
    process("simulate", data, "--sequences", "00,08", "--frames", "2", "--columns-step", "8")
    ok(
        "train", "simulated/demo", f"data.root={data}", f"out={out}", "data.split=00",
        "model.width=0.125", "input.voxel_size=0.5", "train.max_steps=2", "data.workers=0",
    )  # fmt: skip
    text = ok("eval", out, "data.split=08")
    assert "simulated" in text


def test_wrong_words_are_refused_cleanly(trained: Path, kitti: Path, tmp_path: Path) -> None:
    assert "data.root is not set" in refused("train", "semantickitti/minkunet")
    assert "there is no file and no shipped" in refused("train", "nonsense")
    assert "not a trained run" in refused("eval", tmp_path / "nowhere")
    assert "no such file or folder" in refused("predict", trained, tmp_path / "nothing.ply")
    assert "cannot be changed" in refused("eval", trained, "model.width=2")
    assert "no files were given" in refused("predict", trained, "eval.tta=2")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no point files" in refused("predict", trained, empty)
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    (copy / "best.pt").write_bytes((copy / "best.pt").read_bytes()[:1000])
    assert "damaged" in refused("eval", copy)
