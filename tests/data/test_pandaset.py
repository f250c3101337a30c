"""PandaSet: the genuine sample's known figures; world -> disk -> reader on a simulated twin."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pcseg.data import open_dataset
from pcseg.data.projection import project, visible
from pcseg.data.readers.pandaset.reader import CAMERAS as ALL_CAMERAS
from pcseg.data.readers.pandaset.reader import PandaSet
from pcseg.errors import ConfigError
from pcseg.sim.classes import MOVING
from pcseg.sim.writers.pandaset.rig import BODY_FROM_EGO, CLASS_OF
from tests.data.pandaset_twin import CAMERAS, TIMES, Twin, make_twin

pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    return make_twin(tmp_path_factory)


@pytest.fixture(scope="module")
def genuine(realdata: Path) -> PandaSet:
    return PandaSet(realdata / "pandaset", "001", cameras=["all"], cuboids=True)


@pytest.mark.realdata
def test_genuine_points_and_labels(genuine: PandaSet) -> None:
    assert [str(frame) for frame in genuine.frames] == ["001/00", "001/01"]
    assert genuine.point_counts().tolist() == [169_171, 168_814]
    scan = genuine[0]
    assert np.bincount(scan.attrs["lidar"]).tolist() == [106_886, 62_285]
    names = [genuine.label_set.raw_names[raw] for raw in np.unique(scan.raw_labels).tolist()]
    counts = dict(zip(names, np.unique(scan.raw_labels, return_counts=True)[1], strict=True))
    assert len(counts) == 23
    assert (counts["Road"], counts["Building"], counts["Vegetation"], counts["Car"]) == (
        *(57_746, 34_429),
        *(26_775, 20_052),
    )
    assert 0 <= scan.attrs["intensity"].min() and scan.attrs["intensity"].max() == 1.0
    # The Pandar64 turns before the stamp, the PandarGT looks around it.
    time = scan.attrs["time"]
    assert -0.102 < time.min() and time.max() < 0.05
    assert scan.meta["time"] == 1557539924.49981 and scan.meta["gps"]["lat"] > 37.7


@pytest.mark.realdata
def test_genuine_axes_follow_the_trajectory(genuine: PandaSet) -> None:
    here, there = genuine[0], genuine[1]
    assert here.pose is not None and there.pose is not None
    moved = np.linalg.inv(here.pose) @ there.pose[:, 3]
    assert moved[0] > 0.7 and abs(moved[1]) < 0.02 and abs(moved[2]) < 0.02  # 8 m/s, straight on
    ahead = here.xyz[here.attrs["lidar"] == 1]
    assert ahead[:, 0].min() > 5  # the PandarGT looks forward
    road = (here.raw_labels == 7) & (np.linalg.norm(here.xyz[:, :2], axis=1) < 10)
    assert -0.3 < np.median(here.xyz[road, 2]) < 0.0
    # Labelled points of one frame lie on those of the next only if poses are used rightly.
    world = here.xyz[road].astype(float) @ here.pose[:3, :3].T + here.pose[:3, 3]
    assert abs(np.median(world[:, 2])) < 0.5


@pytest.mark.realdata
def test_genuine_points_in_the_picture(genuine: PandaSet) -> None:
    (view,) = genuine[0].images
    assert view.rgb.shape == (1080, 1920, 3) and view.name == "front_camera" and view.labels is None
    found = project(view, genuine[0].xyz)
    u, v = found.uv.T
    # Counted as the development kit does, by the corners of pixels, the figure is 68,430.
    whole = (found.depth > 0) & (u >= 0) & (v >= 0) & (u < 1920) & (v < 1080)
    assert int(whole.sum()) == 68_430
    assert int(found.inside.sum()) == 68_426


@pytest.mark.realdata
def test_genuine_cuboids_hold_their_points(genuine: PandaSet) -> None:
    scan, after = genuine[0], genuine[1]
    instances = scan.meta["cuboid_instance"]
    cars = instances[np.array(scan.meta["cuboid_name"]) == "Car"]
    is_car = scan.raw_labels == 13
    inside = np.isin(scan.instances, cars)
    assert inside[is_car].mean() > 0.98
    assert is_car[inside].mean() > 0.99
    # The same objects have the same ids in the next frame.
    shared = set(instances.tolist()) & set(after.meta["cuboid_instance"].tolist())
    assert len(shared) > 0.85 * len(set(instances.tolist()))
    # Two boxes of one moving object share their id, and each takes its own LiDAR's points.
    assert len(instances) - len(set(instances.tolist())) == 12
    assert set(scan.meta["cuboid_lidar"].tolist()) == {-1, 0, 1}


@pytest.mark.realdata
def test_both_lidars_see_the_same_road(genuine: PandaSet) -> None:
    from scipy.spatial import cKDTree

    scan = genuine[0]
    road = (scan.raw_labels == 7) & (scan.xyz[:, 0] > 8) & (scan.xyz[:, 0] < 25)
    spinning, ahead = (scan.xyz[road & (scan.attrs["lidar"] == k)] for k in (0, 1))
    distance, near = cKDTree(spinning[:, :2]).query(ahead[:, :2])
    close = distance < 0.2
    assert close.sum() > 1000
    height = ahead[close, 2] - spinning[near[close], 2]
    assert abs(np.median(height)) < 0.05


def test_points_come_back(twin: Twin) -> None:
    data = open_dataset("pandaset", twin.root, "all")
    assert data.name == "pandaset" and len(data) == len(TIMES)
    for number, frame in enumerate(twin.frames):
        scan = data[number]
        assert len(scan) == frame.points
        assert scan.pose is not None and scan.raw_labels is not None
        first = twin.recorder.world.body_pose(0.0) @ BODY_FROM_EGO
        start = 0
        for lidar, original in enumerate(frame.scans):
            rows = slice(start, start + len(original))
            start += len(original)
            order = np.argsort(original.attrs["time"], kind="stable")
            assert original.pose is not None and original.raw_labels is not None
            was = original.xyz[order] @ original.pose[:3, :3].T + original.pose[:3, 3]
            now = scan.xyz[rows].astype(float) @ scan.pose[:3, :3].T + scan.pose[:3, 3]
            np.testing.assert_allclose(now + first[:3, 3], was, atol=1e-4)
            assert (scan.attrs["lidar"][rows] == lidar).all()
            assert (scan.raw_labels[rows] == CLASS_OF[original.raw_labels[order]]).all()
            bright = original.attrs["intensity"][order]
            np.testing.assert_allclose(scan.attrs["intensity"][rows], bright, atol=0.5 / 255 + 1e-6)
            time = original.attrs["time"][order]
            # Unix seconds in float64 have steps of a quarter of a microsecond.
            np.testing.assert_allclose(scan.attrs["time"][rows], time, atol=1e-6)


def test_pose_and_frame_of_the_car(twin: Twin) -> None:
    data = PandaSet(twin.root, "004")
    poses = [scan.pose for scan in data]
    assert np.allclose(poses[0][:3, 3], 0, atol=1e-9)
    moved = np.linalg.inv(poses[0]) @ poses[1][:, 3]
    assert moved[0] == pytest.approx(0.8, abs=0.01)  # 8 m/s forward is along x
    assert abs(moved[1]) < 0.05
    road = (data[0].raw_labels == 7) & (np.linalg.norm(data[0].xyz[:, :2], axis=1) < 12)
    assert road.sum() > 20 and abs(np.median(data[0].xyz[road, 2])) < 0.6


def test_choice_of_lidar(twin: Twin) -> None:
    both, spinning, ahead = (
        PandaSet(twin.root, "all", lidar=lidar) for lidar in ("both", "pandar64", "pandargt")
    )
    assert len(both[0]) == len(spinning[0]) + len(ahead[0])
    assert np.array_equal(both[0].xyz[: len(spinning[0])], spinning[0].xyz)
    assert (ahead[0].attrs["lidar"] == 1).all() and ahead[0].xyz[:, 0].min() > 0
    counts = [data.class_counts() for data in (both, spinning, ahead)]
    assert np.array_equal(counts[0], counts[1] + counts[2]) and counts[2].sum() > 0
    with pytest.raises(ConfigError, match="lidar='pandar' is not possible"):
        PandaSet(twin.root, "all", lidar="pandar")


def test_pixels_come_back_and_agree_with_points(twin: Twin) -> None:
    data = PandaSet(twin.root, "all", cameras=["all"])
    agreeing = seen = 0
    for number, frame in enumerate(twin.frames):
        scan = data[number]
        assert [view.name for view in scan.images] == list(CAMERAS)
        for view, picture in zip(scan.images, frame.pictures, strict=True):
            assert view.labels is not None
            wanted = data.label_set.encode(CLASS_OF[picture.labels].ravel())
            assert np.array_equal(view.labels.ravel(), wanted)
            difference = view.rgb.astype(int) - picture.rgb
            assert np.abs(difference).mean() < 6  # JPEG
            np.testing.assert_allclose(view.K, picture.camera.K)
            assert view.time == pytest.approx(scan.meta["time"])
            in_view = view.__class__(**{**vars(view), "depth": picture.depth})
            found = project(in_view, scan.xyz)
            shown = visible(in_view, found) & (scan.labels >= 0)
            rows, columns = found.pixels()
            same = view.labels[rows, columns] == scan.labels[found.inside]
            agreeing += int(same[shown[found.inside]].sum())
            seen += int(shown.sum())
    assert seen > 2000
    assert agreeing / seen >= 0.95


def test_cameras_look_where_their_names_say(twin: Twin) -> None:
    data = PandaSet(twin.root, "004:0", cameras=["left_camera", "front_camera"])
    left, front = data[0].images
    forward, leftward = (np.linalg.inv(view.camera_from_sensor)[:3, 2] for view in (front, left))
    assert forward[0] > 0.99 and leftward[1] > 0.99
    with pytest.raises(ConfigError, match="no camera 'back_camera'"):
        PandaSet(twin.root, "all", cameras=["back_camera"])
    assert len(ALL_CAMERAS) == 6


def test_cuboids_number_the_objects(twin: Twin) -> None:
    scan = PandaSet(twin.root, "all", cuboids=True)[0]
    assert scan.instances is not None and scan.raw_labels is not None
    things = np.isin(scan.raw_labels, list(PandaSet(twin.root, "all").label_set.things))
    assert not scan.instances[~things].any()
    scans = twin.frames[0].scans
    orders = [np.argsort(s.attrs["time"], kind="stable") for s in scans]
    original = np.concatenate([s.instances[o] for s, o in zip(scans, orders, strict=True)])
    kinds = np.concatenate([s.raw_labels[o] for s, o in zip(scans, orders, strict=True)])
    moving = np.isin(kinds, list(MOVING.values()))
    still = things & (original > 0) & ~moving
    assert still.sum() > 100 and (scan.instances[still] > 0).mean() > 0.99
    # During a sweep movers leave the box of its middle by up to half a metre.
    assert (scan.instances[things & moving] > 0).mean() > 0.8
    made = {box.instance: box for box in twin.frames[0].boxes()}
    lengths = sorted(float(box.size[0]) for box in made.values())
    assert all(np.isclose(lengths, length).any() for length in scan.meta["cuboid_size"][:, 0])
    assert scan.meta["cuboids"].shape == (len(scan.meta["cuboid_name"]), 4, 4)
    # The two numberings name the same groups of points.
    pairs = np.unique(np.stack([original[still], scan.instances[still]], 1), axis=0)
    assert len(pairs) < 1.1 * len(np.unique(pairs[:, 0]))


def test_the_public_package_reads_our_tables(twin: Twin) -> None:
    pandas = pytest.importorskip("pandas")
    points = pandas.read_pickle(twin.scene / "lidar/00.pkl.gz")
    assert list(points) == ["x", "y", "z", "i", "t", "d"] and points.index.name == "index"
    assert points["d"].is_monotonic_increasing and points["i"].max() <= 255
    assert (points["i"] == points["i"].round()).all()
    classes = pandas.read_pickle(twin.scene / "annotations/semseg/00.pkl.gz")
    assert list(classes) == ["class"] and classes.index.equals(points.index)
    boxes = pandas.read_pickle(twin.scene / "annotations/cuboids/00.pkl.gz")
    assert len(boxes.columns) == 17 and boxes["uuid"].is_unique
    siblings = boxes[boxes["cuboids.sibling_id"] != "-"]
    assert set(siblings["cuboids.sibling_id"]) == set(siblings["uuid"])
    assert set(siblings["cuboids.sensor_id"]) <= {0, 1}
    assert (siblings["attributes.object_motion"] == "Moving").all()


def test_pictures_are_ordinary_files(twin: Twin) -> None:
    with Image.open(twin.scene / "camera/front_camera/00.jpg") as picture:
        assert picture.format == "JPEG" and picture.size == (384, 216)
    packed = (twin.scene / "lidar/00.pkl.gz").read_bytes()
    with gzip.open(io.BytesIO(packed)) as file:
        assert file.read(2) == b"\x80\x04"
    assert packed[4:8] == bytes(4)  # no time of writing: the same bytes each time


def test_unlabelled_scenes_and_copies_unpacked_by_a_mirror(twin: Twin, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(twin.root, tmp_path, dirs_exist_ok=True)
    scene = tmp_path / "pandaset/004"
    shutil.rmtree(scene / "annotations")
    packed = scene / "lidar/00.pkl.gz"
    (scene / "lidar/00.pkl").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    data = PandaSet(tmp_path, "all", cuboids=True)
    assert len(data) == 2 and data[0].labels is None and data[0].instances is None
    assert np.array_equal(data[0].xyz, PandaSet(twin.root, "all")[0].xyz)
