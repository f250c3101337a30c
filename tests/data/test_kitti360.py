"""KITTI-360: labels found for single scans, windows as scans, and what breaks in its files."""

from __future__ import annotations

import logging
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from kitti360_sample import (
    BODY_FROM_SENSOR,
    CAR,
    DRIVE,
    IDS,
    MOVING_IDS,
    ROAD,
    Drive,
    write_drive,
    write_window,
)
from PIL import Image

from pcseg.data.projection import project
from pcseg.data.readers.kitti360.labels import compensated
from pcseg.data.readers.kitti360.reader import KITTI360
from pcseg.errors import ConfigError, DataError, LabelError


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Drive:
    return write_drive(tmp_path_factory.mktemp("kitti360"))


@pytest.fixture
def copied(drive: Drive, tmp_path: Path) -> Path:
    return Path(shutil.copytree(drive.root, tmp_path / "k"))


def test_scans_are_as_measured_and_compensation_undoes_the_motion(drive: Drive) -> None:
    raw = KITTI360(drive.root, "0003:12", labels="none")[0]
    known = drive.scans[12]
    stored = drive.root / "data_3d_raw" / DRIVE / "velodyne_points/data/0000000012.bin"
    assert np.array_equal(raw.xyz, np.fromfile(stored, "<f4").reshape(-1, 4)[:, :3])
    assert raw.labels is None and raw.meta["time"] % 60 == pytest.approx(1.2)
    np.testing.assert_allclose(raw.pose, known.pose, atol=1e-6)
    settled = KITTI360(drive.root, "0003:12", labels="none", compensate=True)[0]
    before = np.linalg.norm(raw.xyz - known.xyz, axis=1)
    after = np.linalg.norm(settled.xyz - known.xyz, axis=1)
    assert np.percentile(before, 90) > 0.2  # behind the car the sweep began 0.05 s earlier
    # Beams point up to 10 degrees aside, so at the seam behind the car azimuth misses the time.
    assert np.median(after) < 0.02 and np.percentile(after, 95) < 0.05


def test_compensation_turns_and_shifts_by_the_time_of_each_azimuth() -> None:
    ahead, behind_left = [10.0, 0.0, 0.0], [-10.0, 1e-6, 0.0]
    motion = np.eye(4)
    motion[0, 3] = -2.0  # the car drives 2 m a sweep: what was seen then lies 2 m nearer now
    moved = compensated(np.array([ahead, behind_left], np.float32), motion)
    np.testing.assert_allclose(moved, [[10, 0, 0], [-11, 0, 0]], atol=1e-4)
    angle = 0.2
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    moved = compensated(np.array([behind_left, [0, 8, 1]], np.float32), turn)
    np.testing.assert_allclose(moved[0], [-10 * np.cos(0.1), -10 * np.sin(0.1), 0], atol=1e-4)
    np.testing.assert_allclose(moved[1], [-8 * np.sin(0.05), 8 * np.cos(0.05), 1], atol=1e-4)


def test_labels_of_scans_are_found_in_the_window(drive: Drive) -> None:
    data = KITTI360(drive.root, "all")
    assert [frame.frame for frame in data.frames] == [f"{n:010d}" for n in range(10, 16)]
    for number in (11, 14):
        scan, known = data[number - 10], drive.scans[number]
        truth = IDS[known.raw_labels]
        assert scan.meta["recovered"] > 0.97  # what is lost lies at the seam behind the car
        found = scan.raw_labels > 0
        assert (scan.raw_labels == truth)[found].mean() > 0.99
        cars = truth == CAR
        assert (scan.raw_labels[cars] == CAR).mean() > 0.97
        assert (scan.instances[cars & (scan.raw_labels == CAR)] // 1000 == CAR).all()
        assert (scan.instances[truth == ROAD] == 0).mean() > 0.99
    assert data.class_counts().sum() > 0
    assert data.point_counts()[1] == len(drive.scans[11])
    copy = pickle.loads(pickle.dumps(data))
    assert np.array_equal(copy[1].labels, data[1].labels)


def test_moving_objects_count_only_where_they_are_at_the_time(drive: Drive, copied: Path) -> None:
    """A car's places before and after would otherwise label the road it drives over."""
    known = drive.scans[12]
    moves = np.isin(known.raw_labels, MOVING_IDS)
    assert moves.sum() > 20
    labels = KITTI360(copied, "0003:12")[0].raw_labels
    assert (labels == IDS[known.raw_labels])[moves].mean() > 0.9
    road = IDS[known.raw_labels] == ROAD
    assert (labels == CAR)[road].mean() < 0.002
    dynamic = copied / "data_3d_semantics/train" / DRIVE / "dynamic/0000000010_0000000015.ply"
    dynamic.unlink()
    labels = KITTI360(copied, "0003:12")[0].raw_labels
    assert (labels == IDS[known.raw_labels])[moves].mean() < 0.3


def test_found_labels_are_kept_and_read_again(copied: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    first = KITTI360(copied, "0003:12", keep_labels=kept)[0]
    path = kept / "0.5m" / DRIVE / "0000000012.label"
    assert path.is_file()
    shutil.rmtree(copied / "data_3d_semantics")  # nothing can be found any more
    data = KITTI360(copied, "all", keep_labels=kept, labels="only")
    assert [int(frame.frame) for frame in data.frames] == [12]
    again = data[0]
    for name in ("raw_labels", "instances", "labels"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    assert again.meta["recovered"] == first.meta["recovered"]
    assert data._files(0) == [data._bin(data.frames[0]), path]
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(LabelError, match=r"0\.5m/.*0000000012\.label: \d+ labels .* for the \d+"):
        data[0]


def test_a_smaller_tolerance_finds_fewer(drive: Drive) -> None:
    near = KITTI360(drive.root, "0003:12", tolerance_m=0.002)[0]
    assert near.meta["recovered"] < 0.9
    missed = near.raw_labels == 0
    assert (near.labels[missed] == -1).all()
    with pytest.raises(ConfigError, match="tolerance_m=0"):
        KITTI360(drive.root, "all", tolerance_m=0)


def test_frames_without_a_pose_or_window_have_no_labels(copied: Path) -> None:
    poses = copied / "data_poses" / DRIVE / "poses.txt"
    lines = poses.read_text().splitlines(True)
    poses.write_text("".join(line for line in lines if not line.startswith("13 ")))
    data = KITTI360(copied, "all", labels="only")
    assert [int(frame.frame) for frame in data.frames] == [10, 11, 12, 14, 15]
    stood = KITTI360(copied, "0003:13")[0]
    assert stood.labels is None and stood.pose is None
    with pytest.raises(LabelError, match=r"frame 0003/0000000013 has no labels"):
        KITTI360(copied, "all", labels="required")
    shutil.rmtree(copied / "data_3d_semantics/train")
    assert KITTI360(copied, "0003:12")[0].labels is None


def test_windows_are_scans_of_the_world(drive: Drive) -> None:
    data = KITTI360(drive.root, "all", unit="windows")
    assert [frame.frame for frame in data.frames] == ["0000000010_0000000015"]
    window = data[0]
    still = sum((~np.isin(s.raw_labels, MOVING_IDS)).sum() for s in drive.scans.values())
    assert len(window) == still and set(window.attrs) == {"rgb", "visible", "confidence"}
    assert np.array_equal(window.pose, np.eye(4)) and window.instances is not None
    both = KITTI360(drive.root, "0003:0-20", unit="windows", moving=True)[0]
    assert len(both) == sum(len(scan) for scan in drive.scans.values())
    assert set(np.unique(both.attrs["frame"])) <= {-1, *range(10, 16)}
    first = drive.scans[10]
    seen = first.xyz[~np.isin(first.raw_labels, MOVING_IDS)][:5]
    world = seen @ first.pose[:3, :3].T + first.pose[:3, 3]
    np.testing.assert_allclose(window.xyz[:5], world, atol=1e-4)


def test_known_empty_dynamic_files_are_passed_over_with_a_notice(
    copied: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dynamic = copied / "data_3d_semantics/train" / DRIVE / "dynamic/0000000010_0000000015.ply"
    head = dynamic.read_bytes().split(b"end_header\n")[0]
    lines = [b"element vertex 0" if w.startswith(b"element") else w for w in head.split(b"\n")]
    dynamic.write_bytes(b"\n".join(lines) + b"end_header\n")
    with caplog.at_level(logging.WARNING):
        scan = KITTI360(copied, "0003:12")[0]
    assert "no points of moving objects" in caplog.text and str(dynamic) in caplog.text
    assert scan.meta["recovered"] > 0.9


def test_splits_are_lists_of_windows(drive: Drive, copied: Path) -> None:
    scans = {number: drive.scans[number] for number in (14, 15)}
    write_window(copied, scans, "0000000014_0000000020")
    folder = copied / "data_3d_semantics/train"
    row = f"data_3d_semantics/train/{DRIVE}/static/"
    (folder / "2013_05_28_drive_train.txt").write_text(f"{row}0000000010_0000000015.ply\n")
    (folder / "2013_05_28_drive_val.txt").write_text(f"{row}0000000014_0000000020.ply\n")
    assert [int(f.frame) for f in KITTI360(copied, "train").frames] == [10, 11, 12, 13]
    assert [int(f.frame) for f in KITTI360(copied, "val").frames] == [14, 15]
    val = KITTI360(copied, "val", unit="windows")
    assert [frame.frame for frame in val.frames] == ["0000000014_0000000020"]
    (folder / DRIVE / "static/0000000014_0000000020.ply").unlink()
    with pytest.raises(
        DataError, match=r"1 windows of drive 0003 in split 'val' are missing.*0014_"
    ):
        KITTI360(copied, "val", unit="windows")
    (folder / "2013_05_28_drive_val.txt").write_text(f"../../{row}x.ply\n")
    with pytest.raises(DataError, match=r"drive_val\.txt, line 1: .* is not the path of a window"):
        KITTI360(copied, "val")
    (folder / "2013_05_28_drive_val.txt").unlink()
    with pytest.raises(DataError, match=r"drive_val\.txt: missing.*split=all"):
        KITTI360(copied, "val")


def test_test_windows_have_no_labels(drive: Drive, copied: Path) -> None:
    write_window(copied, drive.scans, "0000000010_0000000015", part="test")
    shutil.rmtree(copied / "data_3d_semantics/train")
    data = KITTI360(copied, "test", unit="windows")
    assert len(data) == 1 and data[0].labels is None
    assert len(KITTI360(copied, "test")) == 6 and KITTI360(copied, "test")[0].labels is None


def test_cameras_look_where_the_calibration_says(copied: Path) -> None:
    rng = np.random.default_rng(0)
    for camera in ("image_00", "image_01"):
        folder = copied / "data_2d_raw" / DRIVE / camera / "data_rect"
        folder.mkdir(parents=True)
        picture = rng.integers(0, 255, (47, 141, 3), np.uint8)
        Image.fromarray(picture).save(folder / "0000000012.png")
    stamps = [f"2013-05-28 08:46:{0.1 * i + 0.01:012.9f}" for i in range(16)]
    folder = copied / "data_2d_raw" / DRIVE / "image_00"
    (folder / "timestamps.txt").write_text("\n".join(stamps) + "\n")
    labels = copied / "data_2d_semantics/train" / DRIVE / "image_00/semantic"
    labels.mkdir(parents=True)
    Image.fromarray(np.full((47, 141), CAR, np.uint8)).save(labels / "0000000012.png")
    data = KITTI360(copied, "all", cameras=["all"])
    assert data[0].images == ()  # no picture of this frame
    scan = data[2]
    left, right = scan.images
    assert left.time == pytest.approx(scan.meta["time"] + 0.01) and right.time is None
    assert left.name == "image_00" and left.rgb.shape == (47, 141, 3)
    assert (left.labels == data.label_set.names.index("car")).all() and right.labels is None
    # A point 10 m straight ahead of the camera, found by hand: sensor -> body -> camera.
    body = np.array([11.57, 0.24, -0.1, 1.0])
    ahead = np.linalg.solve(BODY_FROM_SENSOR, body)[None, :3]
    np.testing.assert_allclose(project(left, ahead).uv, [[70, 23]], atol=1e-4)
    # The other camera sits 0.6 m to the right, so the point appears 0.6 / 10 · 55 to the left.
    np.testing.assert_allclose(project(right, ahead).uv, [[70 - 3.3, 23]], atol=1e-4)
    with pytest.raises(ConfigError, match="no camera 'image_02'"):
        KITTI360(copied, "all", cameras=["image_02"])


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("calibration/calib_cam_to_velo.txt", lambda t: t[:40], r"calib_cam_to_velo.*line 1: exp"),
        (
            "calibration/calib_cam_to_pose.txt",
            lambda t: t.replace("_00", "_07"),
            "no line 'image_00",
        ),
        (
            f"data_poses/{DRIVE}/poses.txt",
            lambda t: "x " + t,
            r"poses\.txt, line 1: .*frame number",
        ),
        (f"data_poses/{DRIVE}/poses.txt", lambda t: t[:60], r"poses\.txt, line 1: expected 12"),
    ],
)
def test_damaged_small_files(copied: Path, file: str, change: object, message: str) -> None:
    path = copied / file
    path.write_text(change(path.read_text()))  # type: ignore[operator]
    with pytest.raises(DataError, match=message):
        KITTI360(copied, "all")[0]


def test_damaged_windows_and_scans(copied: Path) -> None:
    window = copied / "data_3d_semantics/train" / DRIVE / "static/0000000010_0000000015.ply"
    good = window.read_bytes()
    window.write_bytes(good[:-100])
    with pytest.raises(DataError, match=r"static/0000000010_0000000015\.ply: truncated"):
        KITTI360(copied, "0003:12")[0]
    window.write_bytes(good.replace(b" semantic\n", b" other123\n"))
    with pytest.raises(LabelError, match=r"\.ply: no property 'semantic'"):
        KITTI360(copied, "0003:12")[0]
    head, data = good.split(b"end_header\n", 1)
    rows = len(data) // int(next(w.split()[2] for w in head.split(b"\n") if b"element" in w))
    labels = np.frombuffer(data, np.uint8).reshape(-1, rows).copy()
    at = _offset(head, b"semantic")
    labels[3, at : at + 4] = np.array([77], "<i4").view(np.uint8)
    window.write_bytes(head + b"end_header\n" + labels.tobytes())
    with pytest.raises(LabelError, match=r"0000000010_0000000015\.ply: raw label 77 \(1 points\)"):
        KITTI360(copied, "all", unit="windows")[0]
    with pytest.raises(LabelError, match=r"/static: raw label 77 \(\d+ points\)"):
        KITTI360(copied, "0003:10")[0]
    dynamic = window.parents[1] / "dynamic" / window.name
    whole = dynamic.read_bytes()
    dynamic.write_bytes(whole.replace(b" timestamp\n", b" elsewhere\n"))
    with pytest.raises(LabelError, match=r"dynamic/.*no property 'timestamp'"):
        KITTI360(copied, "all", unit="windows", moving=True)[0]
    dynamic.write_bytes(whole)
    nowhere = np.frombuffer(data, np.uint8).reshape(-1, rows).copy()
    nowhere[5, :4] = np.array([np.nan], "<f4").view(np.uint8)
    window.write_bytes(head + b"end_header\n" + nowhere.tobytes())
    with pytest.raises(DataError, match=r"0000000010_0000000015\.ply: 1 points have NaN"):
        KITTI360(copied, "0003:12")[0]
    window.write_bytes(good)
    cloud = copied / "data_3d_raw" / DRIVE / "velodyne_points/data/0000000012.bin"
    points = np.fromfile(cloud, "<f4").reshape(-1, 4)
    points[7, 1] = np.inf
    points.tofile(cloud)
    with pytest.raises(DataError, match=r"0000000012\.bin: 1 points have NaN or infinite"):
        KITTI360(copied, "0003:12")[0]
    settled = KITTI360(copied, "0003:12", invalid="ignore")[0]
    assert settled.labels[7] == -1 and settled.attrs["valid"].sum() == len(settled) - 1
    cloud.write_bytes(cloud.read_bytes()[:-3])
    with pytest.raises(DataError, match=r"0000000012\.bin: .*cut short"):
        KITTI360(copied, "0003:12", labels="none")[0]


def test_settings_and_roots_that_cannot_be(drive: Drive, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"unit='scan' is not possible\. Use one of: scans, windows"
    ):
        KITTI360(drive.root, "all", unit="scan")
    with pytest.raises(DataError, match="no folder data_3d_raw, which unit=scans reads"):
        KITTI360(tmp_path, "all")
    with pytest.raises(DataError, match=r"no frame 40-50 of sequence 0003.*10-15"):
        KITTI360(drive.root, "0003:40-50")


def _offset(head: bytes, name: bytes) -> int:
    sizes = {b"float": 4, b"int": 4, b"uchar": 1}
    at = 0
    for line in head.split(b"\n"):
        words = line.split()
        if words[:1] == [b"property"]:
            if words[2] == name:
                return at
            at += sizes[words[1]]
    raise AssertionError(name)
