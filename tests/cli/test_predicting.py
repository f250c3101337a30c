"""What `predict`, `view` and `submit` make of awkward inputs, old files and interruptions."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from pcseg.data import LabelSet
from pcseg.evaluate.claims import claim
from pcseg.io import read_points, write_points
from tests.cli.test_verbs import ok, refused
from tests.scenes import write_kitti


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Two sequences of small scans, 08 and 11."""
    return write_kitti(tmp_path / "small", {"08": 2, "11": 2}, points=200)


@pytest.fixture
def other(trained: Path, tmp_path: Path) -> Path:
    """Another run, with as many updates."""
    copy = tmp_path / "other"
    shutil.copytree(trained, copy)
    return copy


def plain(small: Path, *targets: Path) -> None:
    for i, target in enumerate(targets):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(small / f"sequences/08/velodyne/{i:06d}.bin", target)


def test_files_of_one_name_get_a_prediction_each(
    trained: Path, small: Path, tmp_path: Path
) -> None:
    a, b, out = tmp_path / "a/s.bin", tmp_path / "b/s.bin", tmp_path / "out"
    plain(small, a, b)
    assert "2 predictions" in ok("predict", trained, a, b, "--out", out)
    for source, made in ((a, out / "a/s.label"), (b, out / "b/s.label")):
        assert made.stat().st_size * 4 == source.stat().st_size
    ok("view", b, "--pred", out, "--png", tmp_path / "b.png")


def test_inputs_that_would_share_a_prediction_are_refused(
    trained: Path, small: Path, tmp_path: Path
) -> None:
    copy, out = tmp_path / "copy", tmp_path / "out"
    shutil.copytree(small, copy)
    message = refused("predict", trained, small, copy, "--out", out)
    for root in (small, copy):
        assert str(root / "sequences/08/velodyne/000000.bin") in message
    plain(small, tmp_path / "a/s.bin", tmp_path / "b/s.bin")
    assert "would share" in refused(
        "predict", trained, tmp_path / "a", tmp_path / "b", "--out", out
    )
    assert not out.exists()


def test_a_folder_with_labels_and_notes_is_predicted_and_shown_with_truth(
    trained: Path, small: Path, tmp_path: Path
) -> None:
    folder, out, page = tmp_path / "mine", tmp_path / "mine" / "out", tmp_path / "a.html"
    points = read_points(small / "sequences/08/velodyne/000000.bin")
    write_points(folder / "val" / "x.npy", points)
    raw = np.fromfile(small / "sequences/08/labels/000000.label", "<u4") & 0xFFFF
    np.save(folder / "val" / "x.labels.npy", raw.astype(np.int64))
    (folder / "readme.txt").write_text("mine")
    assert "1 predictions" in ok("predict", trained, folder, "input.missing=zero", "--out", out)
    # The predictions below the folder are no scans of it when the call is repeated.
    again = ok("predict", trained, folder, "input.missing=zero", "--out", out)
    assert "0 predictions" in again and "1 kept" in again
    ok("view", folder, "--pred", out, "--layer", "error", "--html", page)
    assert page.is_file()


def test_an_interrupted_overwriting_leaves_nothing_of_other_weights(
    trained: Path, other: Path, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans, out = small / "sequences/08", tmp_path / "out"
    ok("predict", trained, scans, "--out", out)
    files = sorted((out / "sequences/08/predictions").iterdir())
    with monkeypatch.context() as patch:
        patch.setattr("pcseg.evaluate.prediction_files.write_prediction", _interrupted)
        with pytest.raises(_Interrupted):
            ok("predict", other, scans, "--out", out, "--overwrite")
    assert not any(file.exists() for file in files)
    assert "2 predictions" in ok("predict", other, scans, "--out", out)


def test_files_that_the_note_does_not_list_are_neither_kept_nor_replaced(
    trained: Path, other: Path, small: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ok("predict", trained, small, "--out", out)
    ok("predict", other, small / "sequences/08", "--out", out, "--overwrite")
    message = refused("predict", other, small / "sequences/11", "--out", out)
    assert "000000.label: is there already" in message
    assert "4 predictions" in ok("predict", other, small, "--out", out, "--overwrite")
    # A label file beside its scan is the user's own.
    beside = tmp_path / "beside"
    plain(small, beside / "s.bin")
    (beside / "s.label").write_bytes(b"truth")
    assert "is there already" in refused("predict", trained, beside / "s.bin", "--out", beside)
    assert (beside / "s.label").read_bytes() == b"truth"


def test_predictions_of_another_copy_of_the_data_are_not_kept(
    trained: Path, small: Path, tmp_path: Path
) -> None:
    copy, out = tmp_path / "copy", tmp_path / "out"
    shutil.copytree(small, copy)
    ok("predict", trained, small / "sequences/08", "--out", out)
    message = refused("predict", trained, copy / "sequences/08", "--out", out)
    assert f"the prediction of {small}" in message


def test_an_input_is_never_removed(trained: Path, small: Path, tmp_path: Path) -> None:
    write_points(tmp_path / "a.ply", read_points(small / "sequences/08/velodyne/000000.bin"))
    before = (tmp_path / "a.ply").read_bytes()
    message = refused("predict", trained, tmp_path / "a.ply", "--out", tmp_path, "--overwrite")
    assert "would replace its own input" in message
    assert (tmp_path / "a.ply").read_bytes() == before


def test_relative_paths_within_a_sequence(
    trained: Path, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(small / "sequences/08")
    out = tmp_path / "out"
    assert "1 predictions" in ok("predict", trained, "velodyne/000000.bin", "--out", out)
    assert "1 kept" in ok("predict", trained, ".", "--out", out)
    assert "0 predictions" in ok("predict", trained, "velodyne", "--out", out)


def test_broken_points_do_not_stop_a_prediction(trained: Path, small: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "s.bin", tmp_path / "out"
    values = np.fromfile(small / "sequences/08/velodyne/000000.bin", "<f4").reshape(-1, 4)
    values[3, 0], values[5, 3] = np.nan, np.inf
    in_layout = small / "sequences/08/velodyne/000001.bin"
    for target in (path, in_layout):
        values.tofile(target)
    ok("predict", trained, path, in_layout, "--out", out, "--format", "npz")
    for made in out.rglob("*.npz"):
        stored = np.load(made)
        broken = np.flatnonzero(stored["labels"] == -1)
        assert broken.tolist() == [3, 5]
        assert (stored["confidence"][broken] == 0).all()
    assert len(list(out.rglob("*.npz"))) == 2


def test_view_reads_predictions_with_the_users_own_classes(small: Path, tmp_path: Path) -> None:
    plain(small, tmp_path / "s.bin")
    count = (tmp_path / "s.bin").stat().st_size // 16
    classes = LabelSet(
        "mine", "main", ("lawn", "shed"), np.full((2, 3), 99, np.uint8),
        {0: -1, 7001: 0, 7002: 1}, {0: 7001, 1: 7002}, {},
    )  # fmt: skip
    out = tmp_path / "out"
    claim(out, {}, classes, [out / "s.label"], [tmp_path / "s.bin"])
    np.full(count, 7002, "<u4").tofile(out / "s.label")
    page = tmp_path / "a.html"
    for pred in (out, out / "s.label"):
        ok("view", tmp_path / "s.bin", "--pred", pred, "--html", page)
        assert "shed" in page.read_text()


def test_submit_keeps_only_what_this_run_made(trained: Path, small: Path, tmp_path: Path) -> None:
    run, archive = tmp_path / "run", tmp_path / "s.zip"
    shutil.copytree(trained, run)
    words = ("submit", run, archive, f"data.root={small}", "--sequences", "11")
    ok(*words)
    folder = next(run.glob("submission-*"))
    files = sorted(folder.rglob("*.label"))
    assert len(files) == 2
    for file in files:
        os.utime(file, ns=(1, 1))
    ok(*words)
    assert [file.stat().st_mtime_ns for file in files] == [1, 1]
    ok(*words, "eval.tta=2")
    assert all(file.stat().st_mtime_ns > 1 for file in files)
    # Another copy of the data, with fewer frames: what is left over would spoil the archive.
    less = write_kitti(tmp_path / "less", {"11": 1}, points=300)
    assert "1 label files" in ok("submit", run, archive, f"data.root={less}", "--sequences", "11")


def test_submit_takes_a_folder_that_predict_has_filled(
    trained: Path, small: Path, tmp_path: Path
) -> None:
    out, archive = tmp_path / "out", tmp_path / "s.zip"
    ok("predict", trained, small / "sequences/11", "--out", out)
    before = json.loads((out / "predictions.json").read_text())
    words = ("submit", out, archive, "--sequences", "11")
    assert "2 label files" in ok(*words, f"data.root={small}")
    assert "data.root=DIR is needed" in refused(*words)
    assert "nothing else can be set" in refused(*words, f"data.root={small}", "eval.tta=2")
    before["label_set"]["dataset"] = "semantic_poss"
    (out / "predictions.json").write_text(json.dumps(before))
    assert "holds classes of semantic_poss" in refused(*words, f"data.root={small}")


class _Interrupted(Exception):
    pass


def _interrupted(*_: object) -> None:
    raise _Interrupted
