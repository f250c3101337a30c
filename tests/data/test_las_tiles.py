"""Labelled LAS tiles and ParisLuco3D, both on the reader of people's own files; genuine clouds."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from pcseg.data.catalogue import open_dataset
from pcseg.data.dataset import ScanDataset
from pcseg.data.readers.generic.las import Las
from pcseg.data.readers.generic.parisluco3d import ParisLuco3D
from pcseg.data.readers.generic.reader import Generic
from pcseg.errors import ConfigError, DataError, LabelError
from pcseg.io import PointFile, write_points

OFFSET = np.array([447_000.0, 5_411_000.0, 0.0])
OWN_CLASSES = """\
dataset: mine
sets:
  cables:
    names: [ground, cable]
    raw_to_train: {1: -1, 2: 0, 6: -1, 64: 1}
"""


def tile(seed: int, classes: tuple[int, ...] = (2, 6, 1, 5)) -> PointFile:
    rng = np.random.default_rng(seed)
    xyz = OFFSET + rng.uniform(0, 100, (40, 3)).round(3)
    attrs = {
        "intensity": rng.integers(0, 65536, 40).astype(np.float32) / 65535,
        "return_number": rng.integers(1, 4, 40).astype(np.uint8),
    }
    return PointFile(xyz, attrs, np.resize(np.array(classes, np.int64), 40))


@pytest.fixture
def tiles(tmp_path: Path) -> Path:
    """Two tiles to train with, one for validation; one ends in capitals, notes lie beside."""
    write_points(tmp_path / "train/a.las", tile(0))
    write_points(tmp_path / "train/b.laz", tile(1))
    (tmp_path / "train/b.laz").rename(tmp_path / "train/b.LAZ")
    write_points(tmp_path / "val/c.las", tile(2, (2, 9, 7, 20)))
    (tmp_path / "train/measured.csv").write_text("x,y,z\n1,2,3\n")
    return tmp_path


def test_tiles_are_scans_and_nothing_is_lost(tiles: Path) -> None:
    data = Las(tiles, "train")
    assert isinstance(data, ScanDataset)
    assert [str(frame) for frame in data.frames] == ["train/a", "train/b"]
    for scan, seed in zip(data, (0, 1), strict=True):
        known = tile(seed)
        world = scan.xyz.astype(np.float64) + scan.meta["offset"]
        np.testing.assert_allclose(world, known.xyz, atol=5e-4)
        assert np.abs(scan.xyz[:, :2]).max() < 100  # near enough for float32
        np.testing.assert_allclose(scan.attrs["intensity"], known.attrs["intensity"], atol=1e-5)
        assert np.array_equal(scan.attrs["return_number"], known.attrs["return_number"])
        assert np.array_equal(scan.raw_labels, known.labels)
        assert scan.labels[:4].tolist() == [0, 4, -1, 3]  # ground, building, -, high vegetation
    val = Las(tiles, "val", "las/land_4")
    assert val[0].labels[:4].tolist() == [0, 3, -1, 0]
    assert len(Las(tiles)) == 3 and len(Las(tiles / "train/a.las")) == 1
    assert len(Las(tiles, "train", fractions={"train": 0.67, "val": 0.33})) == 2


def test_own_classes(tiles: Path) -> None:
    write_points(tiles / "train/d.las", tile(3, (2, 64, 1, 6)))
    with pytest.raises(LabelError, match=r"d\.las: raw label 64 \(10 points\) is not in label map"):
        Las(tiles, "train")[2]
    (tiles / "labels.yaml").write_text(OWN_CLASSES)
    data = Las(tiles, "train")
    assert data.label_set.names == ("ground", "cable")
    assert data[2].labels[:4].tolist() == [0, 1, -1, -1]
    assert Las(tiles, "val", "las/land_4").label_set.num_classes == 4


def test_what_is_no_tile(tiles: Path) -> None:
    with pytest.raises(DataError, match=r"measured\.csv: no \.las or \.laz file.*'generic'"):
        Las(tiles / "train/measured.csv")
    path = tiles / "train/a.las"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"a\.las: truncated"):
        Las(tiles, "train")[0]
    path.write_bytes(b"LASF" + bytes(400))
    with pytest.raises(DataError, match=r"a\.las: damaged, truncated, or no LAS file"):
        Las(tiles, "train")[0]
    with pytest.raises(ConfigError, match="labels='some'"):
        Las(tiles, "train", labels="some")


def test_never_classified_tiles_have_no_labels(tmp_path: Path) -> None:
    write_points(tmp_path / "a.las", tile(0, (0,)))
    assert Las(tmp_path)[0].labels is None
    with pytest.raises(LabelError, match=r"a\.las: has no labels"):
        Las(tmp_path, labels="required")[0]


@pytest.mark.parametrize("row", ["-1: 0", "-2: -1"])
def test_raw_ids_below_zero_can_only_be_the_ignored_minus_one(tmp_path: Path, row: str) -> None:
    (tmp_path / "labels.yaml").write_text(OWN_CLASSES.replace("1: -1,", f"{row},"))
    write_points(tmp_path / "a.ply", tile(0, (2, 6, 64)))
    with pytest.raises(
        LabelError, match=r"labels\.yaml: raw ids must not be negative: \[-\d\].*-1"
    ):
        Generic(tmp_path)
    (tmp_path / "labels.yaml").write_text(OWN_CLASSES.replace("1: -1,", "1000000000000: -1,"))
    with pytest.raises(LabelError, match=r"labels\.yaml: raw id 1000000000000 is too large"):
        Generic(tmp_path)
    (tmp_path / "labels.yaml").write_text(OWN_CLASSES)
    write_points(tmp_path / "a.ply", tile(0, (2, -1, 64)))
    with pytest.raises(LabelError, match=r"a\.ply: raw label -1 \(13 points\) is not in"):
        Generic(tmp_path)[0]


@pytest.mark.realdata
def test_genuine_tile(realdata: Path, tmp_path: Path) -> None:
    shutil.copy(realdata / "aerial/Topography.laz", tmp_path)
    data = open_dataset("las", tmp_path, "all")
    scan = data[0]
    ids, found = np.unique(scan.raw_labels, return_counts=True)
    counts = dict(zip(ids.tolist(), found.tolist(), strict=True))
    assert counts == {1: 61_347, 2: 8_159, 9: 3_897} and len(scan) == 73_403
    assert scan.meta["offset"] == [273_500.0, 5_274_499.0, 0.0]
    assert data.class_counts().sum() == 8_159 + 3_897  # 1 is "unassigned"


@pytest.mark.realdata
def test_genuine_labelled_ply_and_pcd_through_generic(realdata: Path, tmp_path: Path) -> None:
    """Somebody's files with somebody's classes: an airborne PLY, and a PCD with 77 parts."""
    shutil.copy(realdata / "aerial/cgal_b9_training.ply", tmp_path)
    (tmp_path / "labels.yaml").write_text(
        "dataset: b9\nsets:\n  main:\n    names: [ground, vegetation, roof]\n"
        "    raw_to_train: {-1: -1, 0: 0, 1: 1, 2: 2}\n"
    )
    data = Generic(tmp_path, suffix=".ply")
    scan = data[0]
    assert len(scan) == 22_300 and scan.attrs["rgb"].max() <= 1
    assert (scan.labels == -1).sum() == 19_853
    assert data.class_counts().tolist() == [1_567, 314, 566]

    views = tmp_path / "mosd"
    views.mkdir()
    shutil.copy(realdata / "mosd/learn/learn33.pcd", views)
    ids = np.unique(
        Generic(views, label_set=_parts(views, range(100)), invalid="ignore")[0].raw_labels
    )
    data = Generic(views, label_set=_parts(views, ids.tolist()), invalid="ignore")
    scan = data[0]
    assert len(scan) == 307_200 and scan.attrs["valid"].sum() == 179_131
    assert (scan.labels[~scan.attrs["valid"]] == -1).all()
    assert (scan.labels >= 0).sum() == data.class_counts().sum()


def _parts(folder: Path, ids: object) -> str:
    rows = ", ".join(f"{i}: {min(i // 10, 2) - (i == 0)}" for i in ids)  # type: ignore[attr-defined]
    (folder / "labels.yaml").write_text(
        "dataset: mosd\nsets:\n  objects:\n    names: [table, between, object]\n    "
        f"raw_to_train: {{{rows}}}\n"
    )
    return "objects"


def test_parisluco3d(tmp_path: Path) -> None:
    """What is taken to be its layout: PLY frames with ids inside, or beside them."""
    rng = np.random.default_rng(0)
    ids = np.resize(np.arange(45), 90).astype(np.int64)
    for number in range(2):
        xyz = rng.uniform(-30, 30, (90, 3)).astype(np.float32)
        attrs = {
            "intensity": rng.integers(0, 256, 90).astype(np.float32),
            "timestamp": np.linspace(0, 0.1, 90),
        }
        labels = ids if number == 0 else None
        path = tmp_path / f"00/frames/frame_{number:04d}.ply"
        write_points(path, PointFile(xyz, attrs, labels))
    (tmp_path / "00/labels").mkdir()
    ids.astype("<u4").tofile(tmp_path / "00/labels/frame_0001.label")
    data = open_dataset("parisluco3d", tmp_path, "all")
    for scan in data:
        assert scan.raw_labels.tolist() == ids.tolist() and scan.labels.max() == 16
        assert 0 <= scan.attrs["intensity"].min() and 0.9 < scan.attrs["intensity"].max() <= 1
        assert scan.attrs["time"][-1] == pytest.approx(0.1)
    ns16 = ParisLuco3D(tmp_path, "00", "parisluco3d/3dlabelprop_ns16")
    assert len(ns16) == 2 and ns16.label_set.num_classes == 16
    np.full(90, 45, "<u4").tofile(tmp_path / "00/labels/frame_0001.label")
    with pytest.raises(LabelError, match=r"frame_0001\.label: raw label 45 \(90 points\)"):
        data[1]
    np.full(89, 4, "<u4").tofile(tmp_path / "00/labels/frame_0001.label")
    with pytest.raises(LabelError, match=r"frame_0001\.label: 89 labels .* 90 points of .*\.ply"):
        data[1]
    path = tmp_path / "00/frames/frame_0000.ply"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"frame_0000\.ply: truncated"):
        data[0]
    with pytest.raises(DataError, match=r"no point files that end in \.ply"):
        ParisLuco3D(tmp_path / "00/labels")
