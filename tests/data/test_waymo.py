"""Waymo: a simulated world comes back from its parquet files as it was, and nothing is lost."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pcseg.data.catalogue import open_dataset
from pcseg.data.projection import project
from pcseg.data.readers.waymo.converted import NOMINAL_MOUNT_M
from pcseg.data.readers.waymo.lens import Straightener
from pcseg.data.readers.waymo.reader import Waymo
from pcseg.data.scan import Scan
from pcseg.data_prep import PrepareJob, prepare
from pcseg.errors import DataError
from pcseg.sim.writers.waymo.ids import LIDAR_IDS, THINGS
from pcseg.sim.writers.waymo.writer import AXLE_M, VALIDATION
from tests.data.waymo_samples import SEGMENT, Twin, write_twin

TIMES = (1.0, 1.5, 2.0)


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    cameras = ("FRONT", "SIDE_LEFT")
    return write_twin(tmp_path_factory.mktemp("waymo"), TIMES, cameras=cameras)


def pairs(ours: Scan, theirs: Scan) -> np.ndarray:
    """The simulator's points in file order: row by row, and in a row as they were fired."""
    assert len(ours) == len(theirs)
    return np.lexsort((theirs.attrs["time"], theirs.attrs["ring"]))


@pytest.mark.parametrize("number", range(len(TIMES)))
def test_points_labels_and_pose_come_back(twin: Twin, number: int) -> None:
    made = twin.frames[number].scans[0]
    scan = Waymo(twin.root, returns=1, labels="required")[number]
    order = pairs(scan, made)
    assert made.raw_labels is not None and made.instances is not None
    # Both stand at the LiDAR with the vehicle's axes; float32 poses cost a little.
    assert np.abs(scan.xyz - made.xyz[order]).max() < 2e-4
    np.testing.assert_array_equal(scan.raw_labels, LIDAR_IDS[made.raw_labels[order]])
    things = np.isin(scan.raw_labels, THINGS)
    np.testing.assert_array_equal(scan.instances, np.where(things, made.instances[order], 0))
    np.testing.assert_allclose(scan.attrs["intensity"], made.attrs["intensity"][order], atol=1e-6)
    assert (scan.attrs["ring"] == 2 * made.attrs["ring"][order]).all()  # every second row is used
    np.testing.assert_allclose(scan.pose, made.pose, atol=1e-12)
    assert scan.labels is not None
    np.testing.assert_array_equal(scan.labels, scan.raw_labels - 1)  # 22 classes, 0 is ignored
    assert scan.meta["time"] == pytest.approx(1_550_000_000 + TIMES[number], abs=1e-6)
    assert scan.meta["mount_height_m"] == 2.184
    assert (scan.attrs["return"] == 1).all() and not scan.attrs["no_label_zone"].any()


def test_the_sweep_is_put_right_by_the_pose_of_each_pixel(twin: Twin) -> None:
    """Without it the vehicle's motion would show: the test above would not notice a still one."""
    speed = np.linalg.norm(twin.frames[0].scans[0].meta["motion"]["velocity"])
    assert speed > 5.0
    poses = pd.read_parquet(twin.path("lidar_pose")).iloc[0]
    image = np.reshape(poses["[LiDARPoseComponent].range_image_return1.values"], (64, 2650, 6))
    way = np.linalg.norm(np.ptp(image[..., 3:], axis=(0, 1)))
    assert way == pytest.approx(0.1 * speed, rel=0.02)  # of a tenth of a second


def test_returns_follow_each_other(twin: Twin) -> None:
    first, second, both = (Waymo(twin.root, returns=r)[0] for r in ("1", 2, "both"))
    assert len(second) > 100
    assert len(both) == len(first) + len(second)
    for k, part in enumerate((first, second)):
        chosen = both.select(both.attrs["return"] == k + 1)
        np.testing.assert_array_equal(chosen.xyz, part.xyz)
        np.testing.assert_array_equal(chosen.labels, part.labels)
    assert (np.diff(both.attrs["return"]) >= 0).all()
    assert (np.diff(second.attrs["ring"]) >= 0).all()


def test_second_returns_lie_behind_first_ones_in_the_same_pixels(twin: Twin) -> None:
    row = pd.read_parquet(twin.path("lidar")).iloc[0]
    one, two = (
        np.reshape(row[f"[LiDARComponent].range_image_return{k}.values"], (64, 2650, 4))[..., 0]
        for k in (1, 2)
    )
    hit = two > 0
    assert (one[hit] > 0).all() and (two[hit] > one[hit] + 1.0).all()


def test_frames_splits_and_counts(twin: Twin) -> None:
    data = Waymo(twin.root, "train", labels="only")
    assert [str(frame) for frame in data.frames] == [f"{SEGMENT}/{k:06d}" for k in range(3)]
    assert [f.frame for f in Waymo(twin.root, f"{SEGMENT}:1-2").frames] == ["000001", "000002"]
    assert len(Waymo(twin.root / "training", "all", every=2)) == 2
    assert len(Waymo(twin.root / "training", "train")) == 3
    assert "08" in VALIDATION
    counts = data.point_counts()
    assert counts.tolist() == [len(data[k]) for k in range(3)]
    classes = np.stack([np.bincount(s.labels[s.labels >= 0], minlength=22) for s in data])  # type: ignore[index]
    np.testing.assert_array_equal(data.frame_classes(), classes)
    assert isinstance(open_dataset("waymo", twin.root, "train", "waymo/dglss_10"), Waymo)


def test_frames_without_labels(twin: Twin, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    from tests.data.waymo_samples import edit

    root = copy_of(twin, tmp_path)
    labels = root / "training/lidar_segmentation" / f"{SEGMENT}.parquet"
    edit(labels, lambda table: table.slice(1, 1))
    assert pq.read_metadata(labels).num_rows == 1
    assert [frame.frame for frame in Waymo(root, labels="only").frames] == ["000001"]
    scans = list(Waymo(root))
    assert [scan.labels is None for scan in scans] == [True, False, True]
    assert all(scan.labels is None for scan in Waymo(root, labels="none"))
    labels.unlink()
    assert all(scan.raw_labels is None for scan in Waymo(root))


def copy_of(twin: Twin, folder: Path) -> Path:
    import shutil

    return Path(shutil.copytree(twin.root, folder / "copy"))


def test_pictures_and_their_labels(twin: Twin) -> None:
    data = Waymo(twin.root, cameras=["all"])
    scan, frame = data[1], twin.frames[1]
    assert [view.name for view in scan.images] == ["FRONT", "SIDE_LEFT"]
    for view, picture in zip(scan.images, frame.pictures, strict=True):
        assert view.rgb.shape == picture.rgb.shape and view.time == scan.meta["time"]
        np.testing.assert_allclose(view.K, picture.camera.K, atol=1e-9)
        away = view.camera_from_sensor @ np.linalg.inv(scan.pose) @ picture.pose  # type: ignore[arg-type]
        np.testing.assert_allclose(away, np.eye(4), atol=1e-9)
        # JPEG is not exact, but it is the same picture.
        assert np.abs(view.rgb.astype(int) - picture.rgb).mean() < 12
        assert view.labels is not None
        cars = picture.labels == 10
        assert (view.labels[cars] == 0).all()
        assert (view.labels[picture.depth == 0] == -1).all()
    assert not any(
        v.labels is not None for v in Waymo(twin.root, cameras=["FRONT"], labels="none")[0].images
    )


def test_points_meet_pixels_of_their_class(twin: Twin) -> None:
    """Of near points that a picture shows; at the edges of thin things a pixel may differ."""
    agree = total = 0
    for scan in Waymo(twin.root, cameras=["all"], returns=1):
        assert scan.labels is not None
        still = (scan.labels >= 0) & (np.linalg.norm(scan.xyz, axis=1) < 20)
        for view in scan.images:
            found = project(view, scan.xyz)
            chosen = replace(found, inside=found.inside & still)
            row, column = chosen.pixels()
            assert view.labels is not None
            seen, wanted = view.labels[row, column], scan.labels[chosen.inside]
            known = seen >= 0
            total += int(known.sum())
            agree += int((same_to_cameras(wanted[known]) == seen[known]).sum())
    assert total > 1000
    assert agree / total > 0.9


def same_to_cameras(labels: np.ndarray) -> np.ndarray:
    """Trunks are vegetation and kerbs sidewalk to camera labels."""
    return np.where(labels == 15, 14, np.where(labels == 16, 21, labels))


def test_reading_in_any_order_and_in_other_processes(twin: Twin) -> None:
    data = Waymo(twin.root)
    expected = [data[k].xyz for k in range(3)]
    for k in (2, 0, 1, 1):
        np.testing.assert_array_equal(data[k].xyz, expected[k])
    sent = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(sent[2].xyz, expected[2])


def test_vehicle_frame_is_a_shift_away(twin: Twin) -> None:
    scan, frame = Waymo(twin.root)[0], twin.frames[0]
    place = scan.meta["vehicle_from_sensor"]
    np.testing.assert_allclose(place[:3, 3], [AXLE_M, 0, 2.184])
    row = pd.read_parquet(twin.path("vehicle_pose")).iloc[0]
    world = np.reshape(row["[VehiclePoseComponent].world_from_vehicle.transform"], (4, 4))
    np.testing.assert_allclose(world @ place, scan.pose, atol=1e-9)
    # Its origin lies on the ground, behind the LiDAR.
    np.testing.assert_allclose(
        (np.linalg.inv(frame.body) @ world)[:3, 3], [-AXLE_M, 0, 0], atol=1e-9
    )


@pytest.mark.parametrize("pairs_of_int", [True, False])
def test_converted_folders(tmp_path: Path, pairs_of_int: bool) -> None:
    cloud = np.array([[11.43, 2, 2.184, 0.5], [1.43, 0, 0.184, 3000.0]], "<f4")
    for sequence in ("0003", "0799"):
        folder = tmp_path / sequence
        (folder / "velodyne").mkdir(parents=True)
        (folder / "labels").mkdir()
        cloud.tofile(folder / "velodyne/000000.bin")
        words = np.array([[7, 1], [-1, 18]] if pairs_of_int else [7 << 16 | 1, 18], "<i4")
        words.tofile(folder / "labels/000000.label")
    train, val = Waymo(tmp_path, "train"), Waymo(tmp_path, "val", origin="sensor")
    assert [str(f) for f in (*train.frames, *val.frames)] == ["0003/000000", "0799/000000"]
    scan = train[0]
    np.testing.assert_allclose(scan.xyz, [[10, 2, 0], [0, 0, -2]], atol=1e-6)
    np.testing.assert_allclose(val[0].xyz, cloud[:, :3])
    np.testing.assert_allclose(scan.attrs["intensity"], [np.tanh(0.5), 1.0])
    assert scan.raw_labels is not None and scan.instances is not None
    assert scan.raw_labels.tolist() == [1, 18] and scan.instances.tolist() == [7, 0]
    assert train.point_counts().tolist() == [2] and NOMINAL_MOUNT_M[2] == 2.184


def test_pictures_of_a_lens_that_distorts(twin: Twin, tmp_path: Path) -> None:
    from tests.data.waymo_samples import edit, with_value

    root = copy_of(twin, tmp_path)
    path = root / "training/camera_calibration" / f"{SEGMENT}.parquet"
    edit(path, with_value("[CameraCalibrationComponent].intrinsic.k1", 0, -0.3))
    bent, straight = (Waymo(r, cameras=["FRONT"])[0].images[0] for r in (root, twin.root))
    np.testing.assert_array_equal(bent.K, straight.K)
    lens = Straightener(straight.K, (-0.3, 0, 0, 0, 0), straight.rgb.shape[:2])
    np.testing.assert_array_equal(bent.rgb, lens.colors(straight.rgb))
    assert (bent.rgb != straight.rgb).mean() > 0.2
    assert bent.labels is not None and straight.labels is not None
    np.testing.assert_array_equal(bent.labels, lens.labels(straight.labels, -1))


def test_prepared_segments_keep_their_splits(twin: Twin, tmp_path: Path) -> None:
    prepare(PrepareJob("waymo", twin.root, tmp_path / "p"))
    train, theirs = open_dataset("waymo", tmp_path / "p", "train"), Waymo(twin.root, "train")
    assert train.frames == theirs.frames
    with pytest.raises(DataError, match="split 'val' needs sequence validation"):
        open_dataset("waymo", tmp_path / "p", "val")
