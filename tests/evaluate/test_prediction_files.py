"""Prediction files: exact bytes, order and count kept, round trips, refusals and their words."""

from __future__ import annotations

import subprocess

import laspy
import numpy as np
import pytest
from plyfile import PlyData
from prediction_samples import SK19, a_label_set, a_las_file, a_prediction, a_scan

from pcseg.data import IGNORE, Prediction, Scan
from pcseg.errors import ConfigError, DataError, LabelError, PcsegError
from pcseg.evaluate import find_prediction, prediction_path, read_prediction, write_prediction
from pcseg.evaluate.formats import FORMATS


@pytest.mark.parametrize("suffix", FORMATS)
def test_round_trip_keeps_order_count_and_confidence(tmp_path, suffix) -> None:
    scan, prediction = a_scan(), a_prediction()
    path = write_prediction(tmp_path / f"a{suffix}", scan, prediction, SK19)
    assert path == tmp_path / f"a{suffix}"
    back = read_prediction(path, SK19)
    np.testing.assert_array_equal(back.labels, prediction.labels)
    assert back.labels.dtype == np.int64
    if suffix == ".label":
        assert np.isnan(back.confidence).all()
    else:
        np.testing.assert_array_equal(back.confidence, prediction.confidence)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]  # nothing temporary is left


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_single_point(tmp_path, suffix) -> None:
    path = write_prediction(tmp_path / f"a{suffix}", a_scan(1), a_prediction(1), SK19)
    assert read_prediction(path, SK19).labels.tolist() == a_prediction(1).labels.tolist()


def test_label_bytes_are_raw_ids_in_little_endian_uint32(tmp_path) -> None:
    prediction = Prediction(np.array([0, 18, 9, IGNORE]), np.ones(4, np.float32))
    path = write_prediction(tmp_path / "a.label", a_scan(4), prediction, SK19)
    assert path.read_bytes() == bytes.fromhex("0a000000 51000000 2c000000 00000000")
    np.testing.assert_array_equal(read_prediction(path, SK19).labels, prediction.labels)


def test_label_reading_ignores_the_instance_half(tmp_path) -> None:
    (tmp_path / "a.label").write_bytes(np.array([10 | 7 << 16], "<u4").tobytes())
    assert read_prediction(tmp_path / "a.label", SK19).labels.tolist() == [0]


def test_ply_holds_the_points_in_class_colours(tmp_path) -> None:
    scan, prediction = a_scan(), a_prediction()
    ply = PlyData.read(str(write_prediction(tmp_path / "a.ply", scan, prediction, SK19)))
    assert not ply.text
    vertex = ply["vertex"].data
    np.testing.assert_array_equal(np.stack([vertex[a] for a in "xyz"], 1), scan.xyz)
    assert vertex["x"].dtype == np.float32
    colors = np.stack([vertex[c] for c in ("red", "green", "blue")], 1)
    np.testing.assert_array_equal(colors, SK19.colors[prediction.labels])
    np.testing.assert_array_equal(vertex["label"], SK19.decode(prediction.labels))
    np.testing.assert_array_equal(vertex["confidence"], prediction.confidence)
    assert "class 10 car" in ply.comments


def test_ply_restores_the_offset_in_double_precision(tmp_path) -> None:
    offset = (412_345.0, 5_123_456.0, 120.0)
    scan = a_scan(offset=offset)
    vertex = PlyData.read(str(write_prediction(tmp_path / "a.ply", scan, a_prediction(), SK19)))
    xyz = np.stack([vertex["vertex"][axis] for axis in "xyz"], 1)
    assert xyz.dtype == np.float64
    np.testing.assert_array_equal(xyz, scan.xyz.astype(np.float64) + offset)


@pytest.mark.parametrize("point_format", [1, 3, 6, 7])
def test_las_input_keeps_everything_but_the_classification(tmp_path, point_format) -> None:
    source = tmp_path / "tile.las"
    a_las_file(source, point_format)
    scan, prediction = a_scan(40, path=str(source)), a_prediction(40, num_classes=4)
    classes = a_label_set({0: 2, 1: 5, 2: 6, 3: 17})
    path = write_prediction(tmp_path / "out", scan, prediction, classes)
    assert path == tmp_path / "out" / "tile.las"
    before, after = laspy.read(str(source)), laspy.read(str(path))
    assert after.header.point_format.id == point_format
    np.testing.assert_array_equal(after.header.scales, before.header.scales)
    np.testing.assert_array_equal(after.header.offsets, before.header.offsets)
    for name in before.point_format.dimension_names:
        if name != "classification":
            np.testing.assert_array_equal(after[name], before[name], err_msg=name)
    np.testing.assert_array_equal(after.classification, classes.decode(prediction.labels))
    np.testing.assert_array_equal(after["confidence"], prediction.confidence)


def test_las_of_five_class_bits_grows_where_ids_need_more(tmp_path) -> None:
    source = tmp_path / "tile.las"
    before = a_las_file(source, point_format=3)
    scan, prediction = a_scan(40, path=str(source)), a_prediction(40)
    path = write_prediction(tmp_path / "out", scan, prediction, SK19)
    after = laspy.read(str(path))
    assert after.header.point_format.id == 7
    np.testing.assert_array_equal(after.classification, SK19.decode(prediction.labels))
    for name in ("X", "Y", "Z", "intensity", "return_number", "gps_time", "red", "amplitude"):
        np.testing.assert_array_equal(after[name], before[name], err_msg=name)


def test_las_refuses_ids_above_255(tmp_path) -> None:
    classes = a_label_set({0: 10, 1: 300})
    with pytest.raises(LabelError, match=r"raw id 300 does not fit a las.*\.ply or \.npz"):
        write_prediction(tmp_path / "a.las", a_scan(), a_prediction(num_classes=2), classes)
    assert not list(tmp_path.iterdir())


def test_las_refuses_a_source_that_has_changed(tmp_path) -> None:
    a_las_file(tmp_path / "tile.las", size=40)
    scan = a_scan(39, path=str(tmp_path / "tile.las"))
    with pytest.raises(DataError, match=r"tile\.las: has 40 points, but the scan .* 39"):
        write_prediction(tmp_path / "out.las", scan, a_prediction(39), SK19)


def test_las_from_other_formats_are_written_on_a_fine_grid(tmp_path) -> None:
    scan = a_scan(offset=(4e5, 5e6, 0.0))
    las = laspy.read(str(write_prediction(tmp_path / "a.laz", scan, a_prediction(), SK19)))
    expected = scan.xyz.astype(np.float64) + np.array([4e5, 5e6, 0.0])
    np.testing.assert_allclose(las.xyz, expected, atol=1e-6)
    classes = SK19.decode(a_prediction().labels)
    np.testing.assert_array_equal(las.classification, classes)
    np.testing.assert_array_equal(las.red // 257, SK19.colors[a_prediction().labels, 0])


@pytest.mark.parametrize("suffix", FORMATS)
def test_counts_must_be_equal(tmp_path, suffix) -> None:
    with pytest.raises(LabelError, match=r"a\.bin: 49 predicted labels for 50 points"):
        scan = a_scan(path="a.bin")
        write_prediction(tmp_path / f"a{suffix}", scan, a_prediction(49), SK19)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".label", ".ply", ".las"])
def test_labels_that_would_read_back_as_others_are_refused(tmp_path, suffix) -> None:
    path = tmp_path / f"a{suffix}"
    with pytest.raises(LabelError, match=r"predicted labels .*19.* outside the 19 classes"):
        write_prediction(path, a_scan(20), a_prediction(20, num_classes=20, seed=4), SK19)
    some_ignored = Prediction(np.array([IGNORE, 1]), np.ones(2, np.float32))
    with pytest.raises(LabelError, match=r"1 points have no predicted class.*Write \.npz"):
        write_prediction(path, a_scan(2), some_ignored, a_label_set({0: 0, 1: 1}))
    with pytest.raises(LabelError, match=r"class 'c1' of 'mine/all' has the raw id 5, which reads"):
        write_prediction(path, a_scan(2), some_ignored, a_label_set({0: 4, 1: 5}, {4: 0, 5: 0}))
    with pytest.raises(LabelError, match="has no raw id"):
        no_way = a_label_set({0: 4, 1: 5})
        no_way = type(no_way)(**{**_fields(no_way), "train_to_raw": {0: 4}})
        write_prediction(path, a_scan(2), some_ignored, no_way)


def test_label_refuses_ids_of_more_than_16_bits(tmp_path) -> None:
    with pytest.raises(LabelError, match="raw id 65536 does not fit the 16 bits"):
        classes = a_label_set({0: 1, 1: 1 << 16})
        write_prediction(tmp_path / "a.label", a_scan(), a_prediction(num_classes=2), classes)


def test_default_formats_and_names(tmp_path) -> None:
    for source, name in {
        "x/cloud.bin": "cloud.label",
        "x/cloud.ply": "cloud.ply",
        "x/cloud.pcd": "cloud.pcd.ply",
        "x/cloud.laz": "cloud.laz",
        "x/cloud.npy": "cloud.npy.npz",
        "x/cloud.npz": "cloud.npz",
        "x/cloud.txt": "cloud.txt.ply",
    }.items():
        assert prediction_path("out", {"path": source}).as_posix() == f"out/{name}"
    kitti = a_scan(path="s/08/velodyne/000123.bin", sequence="08", frame="000123")
    expected = "out/sequences/08/predictions/000123.label"
    assert prediction_path("out", kitti.meta).as_posix() == expected
    assert prediction_path("out", kitti.meta, "ply").as_posix() == "out/000123.bin.ply"
    nested = a_scan(path="in/a/b.ply")
    assert prediction_path("out", nested.meta, root="in").as_posix() == "out/a/b.ply"


def test_predictions_are_found_in_whatever_format(tmp_path) -> None:
    scan = a_scan(path="in/a.pcd")
    assert find_prediction(tmp_path, scan.meta) is None
    for format in (".npz", "ply", ".label"):
        written = write_prediction(tmp_path / format.strip("."), scan, a_prediction(), SK19, format)
        assert find_prediction(written.parent, scan.meta) == written


def test_a_prediction_made_together_with_others_is_found_for_its_scan_alone(tmp_path) -> None:
    for name in ("a", "b"):
        (tmp_path / "out" / name).mkdir(parents=True)
        (tmp_path / "out" / name / "s.label").touch()
    meta = {"path": str(tmp_path / "in" / "b" / "s.bin")}
    found = find_prediction(tmp_path / "out", meta, tmp_path / "in" / "b")
    assert found == tmp_path / "out" / "b" / "s.label"
    assert find_prediction(tmp_path / "out", {"path": str(tmp_path / "in/c/s.bin")}) is None


def test_the_input_itself_is_never_replaced(tmp_path) -> None:
    source = tmp_path / "a.ply"
    source.write_bytes(b"precious")
    with pytest.raises(ConfigError, match="would replace its own input"):
        write_prediction(tmp_path, a_scan(path=str(source)), a_prediction(), SK19)
    assert source.read_bytes() == b"precious"


def test_name_and_format_must_agree_and_a_folder_may_look_like_a_file(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"a\.ply: the format \.npz needs a name that ends so"):
        write_prediction(tmp_path / "a.ply", a_scan(), a_prediction(), SK19, "npz")
    (tmp_path / "run.npz").mkdir()
    scan = a_scan(path="in/a.bin")
    written = write_prediction(tmp_path / "run.npz", scan, a_prediction(), SK19)
    assert written == tmp_path / "run.npz" / "a.label"


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_full_disk_leaves_the_old_prediction(small_disk, suffix) -> None:
    path = small_disk / f"a{suffix}"
    write_prediction(path, a_scan(20), a_prediction(20), SK19)
    before = path.read_bytes()
    with pytest.raises(PcsegError, match=r"the disk is full\. Free some space"):
        write_prediction(path, a_scan(200_000), a_prediction(200_000), SK19)
    assert path.read_bytes() == before
    assert [p.name for p in small_disk.iterdir()] == [path.name]


def test_damaged_and_foreign_files(tmp_path) -> None:
    with pytest.raises(DataError, match=r"gone\.label: there is no such prediction"):
        read_prediction(tmp_path / "gone.label", SK19)
    with pytest.raises(ConfigError, match=r"'\.doc'\. Formats: \.label, \.ply"):
        write_prediction(tmp_path, a_scan(), a_prediction(), SK19, "doc")
    for name, damage, message in [
        ("a.label", lambda data: data[:-3], r"a\.label: 197 bytes are no whole number"),
        ("a.ply", lambda data: data[:-9], r"a\.ply: truncated"),
        ("a.ply", lambda data: data.replace(b"int label", b"int other"), r"a\.ply: has no labels"),
        ("a.npz", lambda data: data[:100], r"a\.npz: not a prediction of pcseg"),
        ("a.las", lambda data: data[:200], r"a\.las: damaged, truncated, or no LAS file"),
    ]:
        path = write_prediction(tmp_path / name, a_scan(), a_prediction(), SK19)
        path.write_bytes(damage(path.read_bytes()))
        with pytest.raises(DataError, match=message):
            read_prediction(path, SK19)
    (tmp_path / "b.label").write_bytes(np.array([10, 12], "<u4").tobytes())
    with pytest.raises(
        LabelError, match=r"b\.label: raw label 12 \(1 points\) is not in label map"
    ):
        read_prediction(tmp_path / "b.label", SK19)


def test_npz_of_other_classes_and_pickles_are_refused(tmp_path) -> None:
    path = write_prediction(tmp_path / "a.npz", a_scan(), a_prediction(num_classes=2), SK19)
    with pytest.raises(LabelError, match=r"a\.npz: holds the classes car, bicycle.*'mine/all': c0"):
        read_prediction(path, a_label_set({0: 1, 1: 2}))
    pickled = np.array([{"a": 1}], object)
    np.savez(tmp_path / "b.npz", labels=pickled, confidence=pickled, class_names=pickled)
    with pytest.raises(DataError, match=r"b\.npz: not a prediction of pcseg \(ValueError.*pickle"):
        read_prediction(tmp_path / "b.npz", SK19)


@pytest.mark.realdata
def test_a_genuine_scan_keeps_its_124668_points(realdata, tmp_path) -> None:
    base = realdata / "semantickitti_seq00_genuine/dataset/sequences/00"
    cloud = np.fromfile(base / "velodyne/000000.bin", "<f4").reshape(-1, 4)
    raw = np.fromfile(base / "labels/000000.label", "<u4").astype(np.int64) & 0xFFFF
    labels = SK19.encode(raw)
    scan = Scan(cloud[:, :3].copy(), meta={"sequence": "00", "frame": "000000"})
    prediction = Prediction(labels, np.ones(len(labels), np.float32))
    path = write_prediction(tmp_path, scan, prediction, SK19)
    assert path.stat().st_size == 4 * 124_668
    np.testing.assert_array_equal(read_prediction(path, SK19).labels, labels)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 128 kB, where the system lets us have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a tmpfs is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _fields(classes):
    return {name: getattr(classes, name) for name in classes.__dataclass_fields__}
