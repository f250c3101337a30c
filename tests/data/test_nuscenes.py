"""nuScenes from tables written by hand: every field of a scan, sweeps, boxes, splits, the index."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from nuscenes_samples import (
    START_US,
    Tables,
    add_box,
    cloud_of,
    labels_of,
    make_tables,
    token,
    write_clouds,
    write_tables,
)

from pcseg.data.catalogue import open_dataset
from pcseg.data.dataset import FrameId, ScanDataset
from pcseg.data.labels import label_set, map_data
from pcseg.data.readers.nuscenes import index, reader
from pcseg.data.readers.nuscenes import rows as row_reader
from pcseg.data.readers.nuscenes.choice import BOXES_MAP
from pcseg.data.readers.nuscenes.reader import OUTSIDE, NuScenes
from pcseg.data.readers.nuscenes.rows import read_rows
from pcseg.data_prep import PrepareJob, prepare
from pcseg.errors import ConfigError, DataError, LabelError


@pytest.fixture
def tables() -> Tables:
    return make_tables({"scene-0061": 3, "scene-0103": 2})


@pytest.fixture
def root(tmp_path: Path, tables: Tables) -> Path:
    write_tables(tmp_path, tables)
    write_clouds(tmp_path, tables)
    return tmp_path


def test_scan_holds_every_field(root: Path) -> None:
    data = open_dataset("nuscenes", root, "scene-0061")
    assert isinstance(data, ScanDataset) and isinstance(data, NuScenes)
    assert data.frames == [FrameId("scene-0061", name) for name in ("00", "01", "02")]
    scan = data[1]
    cloud = cloud_of(2, 6).astype(np.float32)  # key frames are every second recording
    # x right, y forward, z up in the file; x forward, y left, z up in a scan.
    np.testing.assert_array_equal(scan.xyz, np.stack([cloud[:, 1], -cloud[:, 0], cloud[:, 2]], 1))
    np.testing.assert_allclose(scan.attrs["intensity"], cloud[:, 3] / 255, rtol=1e-6)
    assert scan.attrs["ring"].dtype == np.int16
    np.testing.assert_array_equal(scan.attrs["ring"], cloud[:, 4])
    raw, number = labels_of(6)
    np.testing.assert_array_equal(scan.raw_labels, raw)
    np.testing.assert_array_equal(scan.labels, label_set("nuscenes_lidarseg").encode(raw))
    # Objects are numbered anew in every category: the id holds both.
    np.testing.assert_array_equal(scan.instances, np.where(number > 0, raw * 1000 + number, 0))
    assert scan.meta["time"] == pytest.approx((START_US + 500_000) / 1e6)
    assert scan.meta["token"] == token("s", "scene-0061", 1)
    assert scan.meta["sweep_token"] == token("d", "scene-0061", 2)
    assert scan.meta["location"] == "boston-seaport"
    assert scan.meta["description"] == "Busy street"
    assert scan.meta["path"] == str(root / "samples/LIDAR_TOP/scene-0061_2.pcd.bin")


def test_pose_leads_from_pcsegs_axes_into_the_world(root: Path) -> None:
    pose = NuScenes(root, "scene-0061")[2].pose
    # The car looks along the world's x: so does the scan, from the roof, 0.94 m before the axle.
    expected = np.eye(4)
    expected[:3, 3] = [100.0 + 4 + 0.94, 50.0, 1.84]
    np.testing.assert_allclose(pose, expected, atol=1e-12)


def test_a_turned_car(tables: Tables, tmp_path: Path) -> None:
    half = np.pi / 6  # 60 degrees to the left
    for row in tables["ego_pose"]:
        row["rotation"] = [np.cos(half), 0.0, 0.0, np.sin(half)]
    write_tables(tmp_path, tables)
    write_clouds(tmp_path, tables)
    scan = NuScenes(tmp_path, "scene-0061")[0]
    ahead = scan.pose[:3, :3] @ [1.0, 0, 0]
    np.testing.assert_allclose(ahead, [0.5, np.sqrt(0.75), 0], atol=1e-9)


def test_sweeps_are_moved_marked_and_unlabelled(root: Path) -> None:
    alone = NuScenes(root, "scene-0061")[1]
    scan = NuScenes(root, "scene-0061", sweeps=2)[1]
    assert len(scan) == 18 and scan.meta["key_points"] == 6 and scan.meta["sweeps"] == 2
    np.testing.assert_array_equal(scan.xyz[:6], alone.xyz)
    np.testing.assert_array_equal(scan.labels[:6], alone.labels)
    for number, first in ((1, 6), (2, 12)):
        part = scan.select(np.arange(first, first + 6))
        cloud = cloud_of(2 - number, 6)
        # One metre a sweep: what was seen then lies so much farther back now.
        back = np.stack([cloud[:, 1] - number, -cloud[:, 0], cloud[:, 2]], 1)
        np.testing.assert_allclose(part.xyz, back, atol=1e-5)
        np.testing.assert_allclose(part.attrs["time"], -0.25 * number)
        assert (part.attrs["sweep"] == number).all()
        assert (part.labels == -1).all() and (part.raw_labels == -1).all()
        assert not part.instances.any()
    assert not scan.attrs["time"][:6].any() and not scan.attrs["sweep"][:6].any()


def test_a_scene_begins_with_fewer_sweeps(root: Path) -> None:
    data = NuScenes(root, "all", sweeps=3)
    assert [scan.meta["sweeps"] for scan in data] == [0, 2, 3, 0, 2]
    assert len(data) == 5
    assert data.point_counts().tolist() == [6, 18, 24, 6, 18]
    bare = NuScenes(root, "all", sweeps=3, labels="none")[1]
    assert bare.labels is None and bare.raw_labels is None and len(bare) == 18


@pytest.mark.filterwarnings("error")
def test_invalid_points_of_sweeps(root: Path) -> None:
    path = root / "sweeps/LIDAR_TOP/scene-0061_1.pcd.bin"
    cloud = np.fromfile(path, "<f4").reshape(-1, 5)
    cloud[1] = np.nan
    cloud.tofile(path)
    with pytest.raises(DataError, match=r"scene-0061_1.*1 points have NaN.*invalid=ignore"):
        NuScenes(root, "scene-0061", sweeps=1)[1]
    scan = NuScenes(root, "scene-0061", sweeps=1, invalid="ignore")[1]
    assert np.flatnonzero(~scan.attrs["valid"]).tolist() == [7]
    assert not scan.xyz[7].any() and np.isfinite(scan.xyz).all()


def test_counts_without_reading_points(root: Path) -> None:
    data = NuScenes(root, "all")
    assert data.point_counts().tolist() == [6] * 5
    assert data.class_counts()[3] == 2 * 5  # cars
    assert data.class_counts()[10] == 2 * 5  # road
    assert NuScenes(root, "all", labels_from="panoptic").class_counts()[3] == 2 * 5


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("train", ["scene-0061"]),
        ("val", ["scene-0103"]),
        ("mini_train", ["scene-0061"]),
        ("xmuda:train_usa", ["scene-0061"]),
        ("xmuda:test_usa", ["scene-0103"]),
        ("xmuda:test_day", ["scene-0103"]),
        ("all", ["scene-0061", "scene-0103"]),
    ],
)
def test_splits(root: Path, split: str, expected: list[str]) -> None:
    found = NuScenes(root, split).frames
    assert list(dict.fromkeys(frame.sequence for frame in found)) == expected


def test_xmudas_parts_follow_from_place_and_story(tmp_path: Path) -> None:
    # 0053 and 0349 are among the scenes set aside for choosing a model on Singapore.
    tables = make_tables({"scene-0349": 1, "scene-0350": 1, "scene-0053": 1, "scene-1059": 1})
    tables["log"][0]["location"] = "singapore-queenstown"
    write_tables(tmp_path, tables)
    write_clouds(tmp_path, tables)

    def scenes(split: str) -> list[str]:
        return [frame.sequence for frame in NuScenes(tmp_path, f"xmuda:{split}").frames]

    assert scenes("train_singapore") == ["scene-0350"]
    assert scenes("val_singapore") == ["scene-0053", "scene-0349"]
    assert scenes("test_singapore") == ["scene-1059"]
    assert scenes("train_night") == ["scene-0349"]  # "Night, cones"
    assert scenes("train_day") == ["scene-0053", "scene-0350"]
    assert scenes("test_night") == ["scene-1059"]
    with pytest.raises(DataError, match="xmuda:train_usa"):
        scenes("train_usa")


def test_frames_by_number(root: Path) -> None:
    assert NuScenes(root, "scene-0061:1-7;scene-0103:0").frames == [
        FrameId("scene-0061", "01"),
        FrameId("scene-0061", "02"),
        FrameId("scene-0103", "00"),
    ]
    with pytest.raises(ConfigError, match=r"'mini_tran' is not a split.*mini_train"):
        NuScenes(root, "mini_tran")


def test_missing_scenes_are_said(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        data = NuScenes(root, "train")
    assert len(data.missing) == 699 and "is incomplete" in caplog.text


def test_the_version_that_holds_the_split(root: Path, tables: Tables) -> None:
    write_tables(root, make_tables({"scene-0001": 1}), "v1.0-trainval")
    write_tables(root, make_tables({"scene-0077": 1}), "v1.0-test")
    assert NuScenes(root, "train").frames == [FrameId("scene-0001", "00")]
    assert NuScenes(root, "test").frames == [FrameId("scene-0077", "00")]
    assert len(NuScenes(root, "mini_train")) == 3
    assert len(NuScenes(root, "all", version="v1.0-mini")) == 5
    assert len(NuScenes(root / "v1.0-mini", "all")) == 5
    with pytest.raises(DataError, match=r"no tables of nuScenes, v1\.0-mni"):
        NuScenes(root, "all", version="v1.0-mni")


def test_labels_may_be_missing(tables: Tables, tmp_path: Path) -> None:
    del tables["lidarseg"][1], tables["panoptic"]
    write_tables(tmp_path, tables)
    write_clouds(tmp_path, tables)
    data = NuScenes(tmp_path, "scene-0061")
    assert [scan.labels is None for scan in data] == [False, True, False]
    assert data[0].instances is None
    assert len(NuScenes(tmp_path, "scene-0061", labels="only")) == 2
    assert data.frame_classes().sum(1).tolist() == [5, 0, 5]
    with pytest.raises(LabelError, match=r"no lidarseg labels.*frame scene-0061/01.*labels=only"):
        NuScenes(tmp_path, "scene-0061", labels="required")
    (tmp_path / "lidarseg/v1.0-mini" / f"{token('d', 'scene-0061', 0)}_lidarseg.bin").unlink()
    with pytest.raises(LabelError, match=r"_lidarseg\.bin: is missing.*nuScenes-lidarseg"):
        NuScenes(tmp_path, "scene-0061:0", labels="required")


def test_labels_from_boxes(tables: Tables, tmp_path: Path) -> None:
    # Points lie at forward 10·k, right k + 1 of a sensor 0.94 m before the axle, 1.8 m below it.
    add_box(tables, "scene-0061", 0, 17, [110.94, 48.0, 0.1], [2.0, 4.0, 1.5])
    add_box(tables, "scene-0061", 0, 7, [120.94, 47.0, 0.1], [1.0, 1.0, 1.0])
    add_box(tables, "scene-0061", 0, 2, [120.94, 47.0, 0.1], [2.0, 2.0, 2.0])
    add_box(tables, "scene-0061", 0, 7, [120.94, 47.0, 0.1], [1.0, 1.0, 1.0])
    add_box(tables, "scene-0061", 1, 23, [112.94, 48.0, 0.1], [1.9, 40.0, 40.0])
    write_tables(tmp_path, tables)
    write_clouds(tmp_path, tables)
    data = NuScenes(tmp_path, "scene-0061", labels_from="boxes")
    assert data.label_set.dataset == BOXES_MAP
    first, second, third = data
    # A stroller has no class in the detection task: it does not hide the person who pushes it.
    assert first.raw_labels.tolist() == [OUTSIDE, 17, 2, OUTSIDE, OUTSIDE, OUTSIDE]
    assert first.instances.tolist() == [0, 1, 3, 0, 0, 0]
    assert second.raw_labels.tolist() == [OUTSIDE, 23, OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE]
    assert (third.raw_labels == OUTSIDE).all()
    names = data.label_set.names
    assert [names[k] for k in first.labels] == [
        "background",
        "car",
        "pedestrian",
        *["background"] * 3,
    ]
    # The set's own map says where labels come from.
    by_set = NuScenes(tmp_path, "scene-0061", "nuscenes_boxes/bevdg_5")
    assert by_set[0].labels.tolist() == [4, 0, 3, 4, 4, 4]
    assert map_data(BOXES_MAP)["raw_names"][OUTSIDE] == "outside every box"


def test_borders_of_a_box_belong_to_it(tables: Tables, tmp_path: Path) -> None:
    # In frame 0 point 0 is 1 m right of the sensor: its world y is 49 exactly, z is 0.04.
    add_box(tables, "scene-0061", 0, 17, [100.94, 48.0, 0.0], [2.0, 1.0, 1.0])
    write_tables(tmp_path, tables)
    write_clouds(tmp_path, tables)
    assert NuScenes(tmp_path, "scene-0061", labels_from="boxes")[0].raw_labels[0] == 17


def test_settings_that_cannot_be(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"labels_from='box' is not possible.*boxes"):
        NuScenes(root, "all", labels_from="box")
    with pytest.raises(ConfigError, match="does not fit the label set nuscenes_boxes/bevdg_5"):
        NuScenes(root, "all", "nuscenes_boxes/bevdg_5", labels_from="lidarseg")
    with pytest.raises(ConfigError, match="sweeps=-1"):
        NuScenes(root, "all", sweeps=-1)
    with pytest.raises(ConfigError, match=r"no camera 'CAM_FRONT'.*none"):
        NuScenes(root, "all", cameras=["CAM_FRONT"])


def test_tables_are_read_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    build = reader.build_index
    monkeypatch.setattr(reader, "build_index", lambda path: made.append(path) or build(path))
    first = NuScenes(root, "all")[3]
    again = NuScenes(root, "all")[3]
    assert len(made) == 1
    assert first.meta == again.meta and np.array_equal(first.xyz, again.xyz)
    table = root / "v1.0-mini/scene.json"
    rows = json.loads(table.read_text())
    rows[0]["description"] = "Rain"
    table.write_text(json.dumps(rows))
    assert NuScenes(root, "all")[0].meta["description"] == "Rain"
    assert len(made) == 2


def test_a_broken_index_is_made_again(root: Path) -> None:
    NuScenes(root, "all")
    (stored,) = (index.cache_dir() / "nuscenes").iterdir()
    stored.write_bytes(stored.read_bytes()[:1000])
    assert len(NuScenes(root, "all")) == 5


def test_rows_come_one_by_one_from_any_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunks shorter than the file, rows that lie across their borders, all ways to indent."""
    monkeypatch.setattr(row_reader, "_CHUNK", 64)
    monkeypatch.setattr(row_reader, "LONGEST_ROW", 60)
    rows = [{"token": f"{k:04d}", "name": "é]},{[" * (k % 3)} for k in range(50)]
    path = tmp_path / "t.json"
    for indent in (None, 0, 2):
        path.write_text(json.dumps(rows, indent=indent, ensure_ascii=indent == 2), "utf-8")
        found = list(read_rows(path))
        assert [row.fields for row in found] == rows
        assert [row.number for row in found] == list(range(1, 51))
    path.write_text(" [ ] \n")
    assert not list(read_rows(path))


def test_prepared_scans_keep_splits_and_the_meaning_of_labels(
    root: Path, tables: Tables, tmp_path: Path
) -> None:
    add_box(tables, "scene-0061", 0, 17, [100.94, 48.0, 0.0], [2.0, 1.0, 1.0])
    write_tables(root, tables)
    for number, options in enumerate(({}, {"labels_from": "boxes"})):
        job = PrepareJob("nuscenes", root, tmp_path / f"p{number}", "all", tuple(options.items()))
        prepare(job)
        for split in ("mini_train", "xmuda:train_usa"):
            theirs = NuScenes(root, split, **options)
            ours = open_dataset("nuscenes", job.out, split)
            assert ours.frames == theirs.frames
            assert ours.label_set.to_dict() == theirs.label_set.to_dict()
            labels = [(a.labels, b.labels) for a, b in zip(ours, theirs, strict=True)]
            assert all(np.array_equal(*pair) for pair in labels)
