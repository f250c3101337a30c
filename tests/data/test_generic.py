"""One's own files: found, labelled, split and read, whatever their format, without any code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pcseg.data import label_set
from pcseg.data.dataset import FrameId, ScanDataset
from pcseg.data.readers.generic.reader import Generic
from pcseg.errors import ConfigError, DataError, LabelError
from pcseg.io import PointFile, write_points

MAP = """\
dataset: mine
sets:
  main: {names: [ground, building], raw_to_train: {0: -1, 1: 0, 2: 1, 6: 1}}
  coarse: {names: [thing], raw_to_train: {0: -1, 1: 0, 2: 0, 6: 0}}
"""

RAW = np.array([0, 1, 2, 6, 1], np.int64)


def points(seed: int = 0, labels: np.ndarray | None = RAW, shift: float = 0.0) -> PointFile:
    rng = np.random.default_rng(seed)
    xyz = rng.uniform(-9, 9, (5, 3)) + shift
    intensity = rng.uniform(0, 1, 5).astype(np.float32)
    return PointFile(xyz if shift else xyz.astype(np.float32), {"intensity": intensity}, labels)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "labels.yaml").write_text(MAP)
    return tmp_path


def ten(folder: Path, where: str = "") -> None:
    for i in range(10):
        write_points(folder / where / f"tile_{i}.ply", points(i))


@pytest.mark.parametrize("suffix", [".ply", ".npz", ".pcd", ".las"])
def test_labels_inside_the_file(folder: Path, suffix: str) -> None:
    write_points(folder / f"a{suffix}", points())
    data = Generic(folder)
    assert isinstance(data, ScanDataset) and data.frames == [FrameId("", "a")]
    scan = data[0]
    assert np.allclose(scan.xyz, points().xyz, atol=1e-3)
    assert scan.raw_labels.tolist() == RAW.tolist() and scan.labels.tolist() == [-1, 0, 1, 1, 0]
    assert data.class_counts().tolist() == [2, 2] and data.point_counts().tolist() == [5]


def label_uint32(path: Path) -> None:
    (RAW.astype("<u4") | (np.uint32(7) << 16)).astype("<u4").tofile(path)


def label_npy(path: Path) -> None:
    np.save(path, RAW.astype(np.uint8))


@pytest.mark.parametrize(
    ("cloud", "labels", "save"),
    [
        ("a.bin", "a.label", label_uint32),
        ("a.ply", "a.npy", label_npy),
        ("a.xyz", "a.labels.npy", label_npy),
        ("a.npy", "a_labels.npy", label_npy),
        ("scene/velodyne/a.bin", "scene/labels/a.label", label_uint32),
        ("points/a.ply", "labels/a.npy", label_npy),
        ("a.pcd", "labels/a.npy", label_npy),
    ],
)
def test_labels_beside_the_file(
    folder: Path, cloud: str, labels: str, save: Callable[[Path], None]
) -> None:
    write_points(folder / cloud, points(labels=None))
    (folder / labels).parent.mkdir(parents=True, exist_ok=True)
    save(folder / labels)
    data = Generic(folder, labels="only")
    assert len(data) == 1
    scan = data[0]
    assert scan.labels.tolist() == [-1, 0, 1, 1, 0]
    assert (scan.instances is not None) == (save is label_uint32)
    assert Generic(folder, labels="none")[0].raw_labels is None


def test_large_coordinates_keep_their_offset(folder: Path) -> None:
    write_points(folder / "a.ply", points(shift=4.5e6))
    scan = Generic(folder)[0]
    assert np.allclose(scan.xyz + np.array(scan.meta["offset"]), points(shift=4.5e6).xyz, atol=1e-5)


def test_splits_by_folder(folder: Path) -> None:
    for where, count in (("train", 3), ("val", 2)):
        for i in range(count):
            write_points(folder / where / f"{i}.ply", points(i))
    assert len(Generic(folder, "train")) == 3
    assert Generic(folder, "val").frames == [FrameId("val", "0"), FrameId("val", "1")]
    assert len(Generic(folder, "all")) == 5
    with pytest.raises(DataError, match="nothing says which files belong to split 'test'"):
        Generic(folder, "test")


def test_splits_by_list(folder: Path) -> None:
    ten(folder, "area_1")
    (folder / "train.txt").write_text("tile_3\narea_1/tile_0.ply\n\n")
    assert [f.frame for f in Generic(folder, "train").frames] == ["tile_3", "tile_0"]
    assert len(Generic(folder, "all")) == 10  # the list itself is not taken for points
    assert len(Generic(folder, "area_1")) == 10
    (folder / "val.txt").write_text("tile_77\n")
    with pytest.raises(DataError, match=r"val\.txt names 'tile_77', which is neither"):
        Generic(folder, "val")


def test_splits_by_share(folder: Path) -> None:
    ten(folder)
    shares = {"train": 0.7, "val": 0.3}
    train, val = (Generic(folder, split, fractions=shares) for split in shares)
    assert len(train) == 7 and len(val) == 3
    assert not set(train.frames) & set(val.frames)
    assert Generic(folder, "train", fractions=shares).frames == train.frames
    assert Generic(folder, "train", fractions=shares, seed=1).frames != train.frames
    with pytest.raises(ConfigError, match="sum to at most 1"):
        Generic(folder, "train", fractions={"train": 0.9, "val": 0.3})
    with pytest.raises(DataError, match="which is none"):
        Generic(folder, "val", fractions={"train": 0.99, "val": 0.01})


def test_splits_in_the_label_map(folder: Path) -> None:
    ten(folder)
    write_points(folder / "far" / "x.ply", points())
    (folder / "labels.yaml").write_text(MAP + "splits: {train: [tile_1, far], val: [tile_2]}\n")
    assert [f.frame for f in Generic(folder, "train").frames] == ["tile_1", "x"]
    (folder / "labels.yaml").write_text(MAP + "splits: {train: 0.9, valid: 0.1}\n")
    assert len(Generic(folder, "train")) == 10 and len(Generic(folder, "val")) == 1


def test_label_sets(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    write_points(folder / "a.ply", points())
    assert Generic(folder).label_set.names == ("ground", "building")
    assert Generic(folder, label_set="coarse")[0].labels.tolist() == [-1, 0, 0, 0, 0]
    given = label_set("semantic_kitti/sk19")
    assert Generic(folder, label_set=given, labels="optional").label_set is given
    bare = tmp_path_factory.mktemp("bare")
    write_points(bare / "a.ply", points())
    with pytest.raises(LabelError, match=r"no label map. Write .*labels\.yaml with your classes"):
        Generic(bare)
    assert Generic(bare, label_map=folder / "labels.yaml")[0].labels is not None


def test_counts_follow_the_settings(folder: Path) -> None:
    write_points(folder / "a.ply", points())
    assert Generic(folder).class_counts().tolist() == [2, 2]
    assert Generic(folder, labels="none").class_counts().tolist() == [0, 0]
    assert Generic(folder, label_set="coarse").class_counts().tolist() == [4]


def test_only_labelled_files(folder: Path) -> None:
    write_points(folder / "a.ply", points())
    write_points(folder / "b.bin", points(labels=None))
    assert [f.frame for f in Generic(folder, labels="only").frames] == ["a"]
    assert Generic(folder)[1].labels is None
    with pytest.raises(LabelError, match=r"b\.bin: has no labels.*b\.label or b\.labels\.npy"):
        Generic(folder, labels="required")[1]
    (folder / "a.ply").unlink()
    with pytest.raises(LabelError, match="none of the 1 files of split 'all' has labels"):
        Generic(folder, labels="only")


def test_files_that_are_no_points_are_left_alone(folder: Path) -> None:
    write_points(folder / "a.ply", points())
    (folder / "README.txt").write_text("made by hand")
    (folder / "photo.jpg").write_bytes(b"")
    assert len(Generic(folder)) == 1
    write_points(folder / "a.pcd", points())
    with pytest.raises(DataError, match=r"the same scan as .*suffix="):
        Generic(folder)
    assert len(Generic(folder, suffix=".pcd")) == 1


def test_a_single_file(folder: Path) -> None:
    write_points(folder / "a.ply", points())
    assert Generic(folder / "a.ply").frames == [FrameId("", "a")]


def test_bad_files_are_named(folder: Path) -> None:
    with pytest.raises(DataError, match="no point files under this folder"):
        Generic(folder)
    write_points(folder / "a.ply", points(labels=np.array([0, 1, 9, 9, 1])))
    with pytest.raises(LabelError, match=r"a\.ply: raw label 9 \(2 points\)"):
        Generic(folder)[0]
    np.save(folder / "a.npy", RAW[:3])
    with pytest.raises(LabelError, match=r"a\.npy: labels of shape \(3,\) .* 5 points of .*a\.ply"):
        Generic(folder)[0]
    np.save(folder / "a.npy", RAW.astype(float))
    with pytest.raises(LabelError, match="type float64"):
        Generic(folder)[0]
    np.save(folder / "a.npy", np.array([{}] * 5), allow_pickle=True)
    with pytest.raises(LabelError, match="cannot be read as labels"):
        Generic(folder)[0]  # a pickle is refused, not run
    header = {"descr": "<i8", "fortran_order": False, "shape": (10**14,)}
    with (folder / "a.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(LabelError, match=r"a\.npy: cannot be read as labels.*truncated"):
        Generic(folder)[0]  # nor is memory taken for what it claims


def test_points_that_are_no_numbers(folder: Path) -> None:
    bad = points()
    bad.xyz[3, 1] = np.nan
    write_points(folder / "a.ply", bad)
    with pytest.raises(DataError, match=r"1 points have NaN or infinite.*first is point 3"):
        Generic(folder)[0]
    scan = Generic(folder, invalid="ignore")[0]
    assert len(scan) == 5 and scan.labels.tolist() == [-1, 0, 1, -1, 0]
    assert scan.attrs["valid"].tolist() == [True, True, True, False, True]


@pytest.mark.realdata
def test_genuine_aerial_tiles(realdata: Path, tmp_path: Path) -> None:
    table = "{names: [ground, water], raw_to_train: {2: 0, 9: 1, 1: -1}}"
    (tmp_path / "labels.yaml").write_text(f"dataset: aerial\nsets:\n  one: {table}\n")
    data = Generic(realdata / "aerial", label_map=tmp_path / "labels.yaml", suffix=".laz")
    assert len(data) == 1 and len(data[0]) == data.point_counts()[0] == 73_403
    assert data.class_counts()[1] == 3897
