"""Scans from named paths: what is a scan, in which order, with which labels, by which reader."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import numpy as np
import pytest

from pcseg.data import IGNORE, LabelSet, label_set
from pcseg.data.paths import PathScans
from pcseg.data.readers.generic.files import find_point_files
from pcseg.errors import DataError
from pcseg.io import PointFile, write_points
from tests.scenes import write_kitti

SK19 = label_set("semantic_kitti")
RAW = np.array([40, 10, 50, 80, 0], np.int64)


def cloud(labels: np.ndarray | None = None) -> PointFile:
    xyz = np.arange(15, dtype=np.float32).reshape(5, 3)
    return PointFile(xyz, {"intensity": np.linspace(0, 1, 5, dtype=np.float32)}, labels)


def names(scans: PathScans, root: Path) -> list[str]:
    return [source.path.relative_to(root).as_posix() for source in scans.sources]


def mine(dataset: str = "mine") -> LabelSet:
    return dataclasses.replace(SK19, dataset=dataset, name="main")


def test_labels_and_texts_in_a_folder_are_no_scans(tmp_path: Path) -> None:
    write_points(tmp_path / "x.npy", cloud())
    np.save(tmp_path / "x.labels.npy", RAW)
    (tmp_path / "readme.txt").write_text("about these scans")
    scans = PathScans([tmp_path], SK19)
    assert names(scans, tmp_path) == ["x.npy"]
    assert scans[0].labels is not None and scans[0].raw_labels is not None
    assert scans[0].raw_labels.tolist() == RAW.tolist()
    assert scans[0].labels.tolist() == SK19.encode(RAW).tolist()
    assert PathScans([tmp_path], SK19, labels="none")[0].raw_labels is None


def test_label_files_beside_points_are_read_with_instances(tmp_path: Path) -> None:
    write_points(tmp_path / "points" / "a.bin", cloud())
    (tmp_path / "labels").mkdir()
    (RAW.astype("<u4") | np.uint32(7 << 16)).astype("<u4").tofile(tmp_path / "labels" / "a.label")
    scan = PathScans([tmp_path / "points"], SK19)[0]
    assert scan.labels is not None and scan.labels.tolist() == SK19.encode(RAW).tolist()
    assert scan.instances is not None and scan.instances.tolist() == [7] * 5


def test_sub_folders_are_searched_in_natural_order_but_not_those_of_predictions(
    tmp_path: Path,
) -> None:
    for name in ("s10/1.ply", "s2/10.ply", "s2/9.ply", "out/1.ply"):
        write_points(tmp_path / name, cloud())
    (tmp_path / "out" / "predictions.json").write_text("{}")
    expected = ["s2/9.ply", "s2/10.ply", "s10/1.ply"]
    assert names(PathScans([tmp_path]), tmp_path) == expected
    assert [p.relative_to(tmp_path).as_posix() for p in find_point_files(tmp_path)] == expected
    assert names(PathScans([tmp_path / "out"]), tmp_path) == ["out/1.ply"]


def test_two_formats_of_one_name_are_two_scans_and_none_is_taken_twice(tmp_path: Path) -> None:
    for name in ("a.bin", "a.ply"):
        write_points(tmp_path / name, cloud())
    assert names(PathScans([tmp_path, tmp_path / "a.ply"]), tmp_path) == ["a.bin", "a.ply"]


def test_files_are_known_by_their_place_below_their_common_folder(tmp_path: Path) -> None:
    for name in ("a/s.bin", "b/s.bin"):
        write_points(tmp_path / name, cloud())
    scans = PathScans([tmp_path / "a/s.bin", tmp_path / "b/s.bin"])
    assert {source.root for source in scans.sources} == {tmp_path}


@pytest.mark.parametrize(
    ("inside", "named", "expected"),
    [
        ("sequences/08", "velodyne/000000.bin", ["000000"]),
        ("sequences/08", "velodyne", ["000000", "000001"]),
        ("sequences/08", ".", ["000000", "000001"]),
        ("sequences/08/velodyne", "000001.bin", ["000001"]),
        ("sequences/08/velodyne", ".", ["000000", "000001"]),
        ("sequences", ".", ["000000", "000000", "000001"]),
        (".", ".", ["000000", "000000", "000001"]),
    ],
)
def test_relative_paths_into_the_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str, named: str, expected: list[str]
) -> None:
    write_kitti(tmp_path, {"00": 1, "08": 2}, points=20)
    monkeypatch.chdir(tmp_path / inside)
    scans = PathScans([Path(named)], SK19)
    assert [source.meta["frame"] for source in scans.sources] == expected
    assert {source.root for source in scans.sources} == {tmp_path / "sequences"}
    assert scans[0].labels is not None


@pytest.mark.parametrize("name", ["test", "train", "drive", "all"])
def test_a_sequence_may_have_any_name(tmp_path: Path, name: str) -> None:
    write_kitti(tmp_path, {"00": 1, "08": 2}, points=20)
    (tmp_path / "sequences/08").rename(tmp_path / "sequences" / name)
    for path in (name, f"{name}/velodyne", f"{name}/velodyne/000001.bin"):
        sources = PathScans([tmp_path / "sequences" / path]).sources
        assert {source.meta["sequence"] for source in sources} == {name}
        assert len(sources) == (1 if path.endswith(".bin") else 2)


def test_a_linked_folder_of_clouds_belongs_to_the_sequence_it_is_linked_into(
    tmp_path: Path,
) -> None:
    write_kitti(tmp_path, {"08": 1}, points=20)
    (tmp_path / "sequences/08/velodyne").rename(tmp_path / "store")
    (tmp_path / "sequences/08/velodyne").symlink_to(tmp_path / "store")
    source = PathScans([tmp_path / "sequences/08/velodyne/000000.bin"]).sources[0]
    assert source.meta["sequence"] == "08"


def test_clouds_without_numbers_are_plain_files(tmp_path: Path) -> None:
    write_points(tmp_path / "scene/velodyne/yard.bin", cloud())
    for path in ("", "scene", "scene/velodyne"):
        scans = PathScans([tmp_path / path])
        assert names(scans, tmp_path) == ["scene/velodyne/yard.bin"]
        assert scans.sources[0].dataset is None


def test_the_reader_follows_the_dataset_of_the_table(tmp_path: Path) -> None:
    write_kitti(tmp_path, {"00": 1}, points=20)
    for labels in (tmp_path / "sequences/00/labels").iterdir():
        np.full(labels.stat().st_size // 4, 22, "<u4").tofile(labels)
    poss = label_set("semantic_poss")
    scans = PathScans([tmp_path], poss)
    dataset = scans.sources[0].dataset
    assert dataset is not None and dataset.name == "semanticposs"
    assert scans[0].labels is not None
    assert set(scans[0].labels) == {poss.raw_to_train[22]}


def test_labels_of_another_dataset_are_left_out_aloud(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_kitti(tmp_path, {"00": 1}, points=20)
    with caplog.at_level(logging.WARNING):
        assert PathScans([tmp_path], mine())[0].labels is None
    assert "raw ids of semantic_kitti, but the label set mine/main" in caplog.text
    caplog.clear()
    assert PathScans([tmp_path], mine("semantic_kitti"))[0].labels is not None
    assert PathScans([tmp_path], mine(), labels="none")[0].labels is None
    assert not caplog.text


@pytest.mark.parametrize("column", [0, 3], ids=["x", "intensity"])
def test_broken_points_stay_in_their_place_and_are_marked(tmp_path: Path, column: int) -> None:
    write_kitti(tmp_path, {"00": 1}, points=20)
    in_layout, plain = tmp_path / "sequences/00/velodyne/000000.bin", tmp_path / "plain.bin"
    values = np.fromfile(in_layout, "<f4").reshape(-1, 4)
    values[2, column] = np.nan
    for path in (in_layout, plain):
        values.tofile(path)
    labels = tmp_path / "sequences/00/labels/000000.label"
    (tmp_path / "plain.label").write_bytes(labels.read_bytes())
    for path in (in_layout, plain):
        scan = PathScans([path], SK19)[0]
        assert scan.attrs["valid"].tolist() == [i != 2 for i in range(len(values))]
        assert np.isfinite(scan.xyz).all() and np.isfinite(scan.attrs["intensity"]).all()
        assert scan.labels is not None and scan.labels[2] == IGNORE


def test_paths_that_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        PathScans([tmp_path / "gone"])
    with pytest.raises(DataError, match="no point files"):
        PathScans([tmp_path])
    with pytest.raises(DataError, match="no path was given"):
        PathScans([])
