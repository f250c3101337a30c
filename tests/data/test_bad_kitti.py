"""Damaged SemanticKITTI files: each error names the file, the value and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pcseg.data.readers.kitti.semantickitti import SemanticKITTI
from pcseg.errors import DataError, LabelError

Write = Callable[..., Path]


def read(folder: Path, index: int = 0, **options: object) -> None:
    SemanticKITTI(folder.parents[1], "00", **options)[index]  # type: ignore[arg-type]


def edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def test_truncated_cloud(write_sequence: Write) -> None:
    folder = write_sequence()
    edit(folder / "velodyne" / "000000.bin", lambda data: data[:-5])
    message = r"000000\.bin: 75 bytes is not a whole number.*cut short after point 4.*Copy it again"
    with pytest.raises(DataError, match=message):
        read(folder)
    with pytest.raises(DataError, match=message):
        SemanticKITTI(folder.parents[1], "00").point_counts()


def test_cloud_cut_at_a_point_does_not_match_its_labels(write_sequence: Write) -> None:
    folder = write_sequence()
    edit(folder / "velodyne" / "000000.bin", lambda data: data[:-16])
    with pytest.raises(LabelError, match=r"000000\.label: 5 labels .* 4 points of .*000000\.bin"):
        read(folder)


def test_truncated_labels(write_sequence: Write) -> None:
    folder = write_sequence()
    edit(folder / "labels" / "000000.label", lambda data: data[:-2])
    with pytest.raises(LabelError, match=r"4\.5 labels \(18 bytes\) for the 5 points"):
        read(folder)


def test_empty_scan(write_sequence: Write) -> None:
    folder = write_sequence()
    edit(folder / "velodyne" / "000000.bin", lambda data: b"")
    with pytest.raises(DataError, match=r"000000\.bin: empty scan.*leave the frame out"):
        read(folder)


def test_unknown_raw_label(write_sequence: Write) -> None:
    folder = write_sequence(raw=(10, 12))
    with pytest.raises(LabelError, match=r"000000\.label: raw label 12 \(2 points\) is not in"):
        read(folder)
    with pytest.raises(LabelError, match="raw label 12"):
        SemanticKITTI(folder.parents[1], "00").class_counts()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_points_that_are_no_numbers(write_sequence: Write, value: float) -> None:
    folder = write_sequence()
    path = folder / "velodyne" / "000000.bin"
    cloud = np.fromfile(path, "<f4").reshape(-1, 4)
    cloud[[1, 4], 2] = value
    cloud.tofile(path)
    with pytest.raises(DataError, match=r"2 points have NaN or infinite.*first is point 1.*ignore"):
        read(folder)
    scan = SemanticKITTI(folder.parents[1], "00", invalid="ignore")[0]
    assert len(scan) == 5 and np.isfinite(scan.xyz).all()
    assert scan.attrs["valid"].tolist() == [True, False, True, True, False]
    assert scan.labels.tolist() == [0, -1, 0, -1, -1]
    assert scan.raw_labels[1] == 40  # what the file says is kept
    assert SemanticKITTI(folder.parents[1], "00:0", invalid="ignore").class_counts().sum() == 2


def test_missing_calib_and_poses(write_sequence: Write) -> None:
    folder = write_sequence()
    (folder / "calib.txt").unlink()
    with pytest.raises(DataError, match=r"calib\.txt: missing, but poses are required.*archive"):
        read(folder, require=("poses",))
    assert SemanticKITTI(folder.parents[1], "00")[0].pose is None
    (folder / "poses.txt").rename(folder / "calib.txt")
    with pytest.raises(DataError, match=r"poses\.txt: missing"):
        read(write_sequence(sides=False), require=("poses",))
    (folder / "times.txt").unlink()
    with pytest.raises(DataError, match=r"times\.txt: missing"):
        read(folder, require=("times",))
    assert "time" not in SemanticKITTI(folder.parents[1], "00")[0].meta


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 0 0 0 0 1 0 0 0 0 1 0\n", r"poses\.txt: 1 lines, but frame 00/000001 needs line 2"),
        ("", r"poses\.txt: 0 lines, but frame 00/000000 needs line 1"),
        ("1 0 0 0 0 1 0 0 0 0 1 x\n", r"poses\.txt, line 1: could not convert.*'x'"),
        ("1 0 0 0\n", r"line 1: expected 12 finite numbers .* found 4"),
        ("1 0 0 nan 0 1 0 0 0 0 1 0\n", r"line 1: expected 12 finite"),
        ("1 0 0 0 0 1 0 0 0 0 1 0\n2 0 0 0 0 2 0 0 0 0 2 0\n", r"line 2: not a rigid transform"),
        ("-1 0 0 0 0 1 0 0 0 0 1 0\n", r"line 1: not a rigid .*determinant -1"),
        ("\n", r"poses\.txt: 0 lines"),
    ],
)
def test_broken_poses(write_sequence: Write, text: str, message: str) -> None:
    folder = write_sequence()
    (folder / "poses.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        read(folder)


def test_broken_calib_and_times(write_sequence: Write) -> None:
    folder = write_sequence()
    calib = (folder / "calib.txt").read_text()
    (folder / "calib.txt").write_text(calib.replace("Tr:", "T_r:"))
    with pytest.raises(DataError, match=r"calib\.txt: no line 'Tr:'.*found P0, P1, P2, P3, T_r"):
        read(folder)
    (folder / "calib.txt").write_text("P0 1 2 3\n")
    with pytest.raises(DataError, match=r"calib\.txt, line 1: expected 'NAME: 12 numbers'"):
        read(folder)
    (folder / "calib.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not a text file"):
        read(folder)
    (folder / "calib.txt").write_text(calib)
    (folder / "times.txt").write_text("0.0\nsoon\n0.2\n")
    with pytest.raises(DataError, match=r"times\.txt, line 2: 'soon' is not a time"):
        read(folder)


def test_folders_that_hold_nothing(tmp_path: Path, write_sequence: Write) -> None:
    with pytest.raises(DataError, match=r"there is no such folder.*'sequences'"):
        SemanticKITTI(tmp_path / "nowhere", "all")
    (tmp_path / "image_2").mkdir()
    with pytest.raises(DataError, match="it holds: image_2"):
        SemanticKITTI(tmp_path, "all")
    folder = write_sequence(sizes=())
    with pytest.raises(DataError, match=r"no velodyne/\*\.bin in split '00'"):
        SemanticKITTI(folder.parents[1], "00")
    (folder / "velodyne" / "cloud.bin").write_bytes(b"")
    with pytest.raises(DataError, match=r"cloud\.bin: clouds are named by number"):
        SemanticKITTI(folder.parents[1], "00")


def test_cloud_that_vanishes(write_sequence: Write) -> None:
    folder = write_sequence()
    data = SemanticKITTI(folder.parents[1], "00")
    (folder / "velodyne" / "000000.bin").unlink()
    with pytest.raises(DataError, match=r"000000\.bin: cannot be read \(No such file"):
        data[0]
