"""nuScenes on genuine files: one key frame with cameras and boxes, three with lidarseg labels."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nuscenes_samples import START_US, Tables, add_box, make_tables, token, write_tables

from pcseg.data.projection import project
from pcseg.data.readers.nuscenes.boxes import label_points
from pcseg.data.readers.nuscenes.index import BoxIndex
from pcseg.data.readers.nuscenes.reader import OUTSIDE, NuScenes
from pcseg.sim.writers.nuscenes.rig import nuscenes_rig, quaternion

pytestmark = pytest.mark.realdata

SCENE = "scene-0061"  # that the sample is from
DETECTION = {  # mmdetection3d's numbers of the classes: lidarseg indices that stand for them
    **{0: 17, 1: 23, 2: 22, 3: 16, 4: 18, 5: 14, 6: 21, 7: 2, 8: 12, 9: 9},
    -1: 7,
}


class _Numbers(pickle.Unpickler):
    """Opens the sample's info file, in which everything but NumPy scalars is plain data."""

    def find_class(self, module: str, name: str) -> Any:
        allowed = {
            ("numpy.core.multiarray", "scalar"): lambda kind, data: np.frombuffer(data, kind)[0],
            ("numpy", "dtype"): np.dtype,
            ("_codecs", "encode"): lambda text, _: text.encode("latin1"),
        }
        return allowed[module, name]


@pytest.fixture(scope="module")
def info(realdata: Path) -> dict[str, Any]:
    (path,) = (realdata / "nuscenes_sample").glob("*.pkl")
    with path.open("rb") as file:
        found: dict[str, Any] = _Numbers(file).load()["data_list"][0]
    return found


@pytest.fixture(scope="module")
def sample(info: dict[str, Any], realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample with tables around it, made from mmdetection3d's facts about it."""
    root = tmp_path_factory.mktemp("nuscenes")
    tables = make_tables({SCENE: 1})
    lidar, car = np.array(info["lidar_points"]["lidar2ego"]), np.array(info["ego2global"])
    tables["calibrated_sensor"][0] |= _place(lidar)
    tables["ego_pose"][0] |= _place(car)
    (name,) = (path.name for path in (realdata / "nuscenes_sample").glob("*LIDAR_TOP*"))
    tables["sample_data"][0]["filename"] = f"samples/LIDAR_TOP/{name}"
    tables["sample_data"][0]["timestamp"] = round(info["timestamp"] * 1e6)
    tables["lidarseg"], tables["panoptic"] = [], []
    for channel, camera in info["images"].items():
        _add_camera(tables, channel, camera, car @ lidar)
    for box in info["instances"]:
        x, y, z, length, width, height, yaw = box["bbox_3d"]
        add_box(
            tables, SCENE, 0, DETECTION[box["bbox_label_3d"]], [0, 0, 0], [width, length, height]
        )
        # Genuine boxes stand upright in the world; the info file has them upright in the sensor.
        ahead = (car @ lidar)[:3, :3] @ [np.cos(yaw), np.sin(yaw), 0.0]
        half = np.arctan2(ahead[1], ahead[0]) / 2
        tables["sample_annotation"][-1] |= {
            "translation": (car @ lidar @ [x, y, z, 1.0])[:3].tolist(),
            "rotation": [np.cos(half), 0.0, 0.0, np.sin(half)],
        }
    write_tables(root, tables)
    for row in tables["sample_data"]:
        path = root / row["filename"]
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(realdata / "nuscenes_sample" / path.name, path)
    return root


def _place(matrix: np.ndarray) -> dict[str, list[float]]:
    return {"translation": matrix[:3, 3].tolist(), "rotation": quaternion(matrix[:3, :3])}


def _add_camera(tables: Tables, channel: str, camera: dict[str, Any], lidar: np.ndarray) -> None:
    """Rows of a camera; where the car was at its moment follows from ``lidar2cam``."""
    mount = np.array(camera["cam2ego"])
    world = lidar @ np.linalg.inv(np.array(camera["lidar2cam"]))  # of the camera
    tables["sensor"].append({"token": channel, "channel": channel, "modality": "camera"})
    intrinsic = {"camera_intrinsic": camera["cam2img"]}
    row = {"token": f"m{channel}", "sensor_token": channel, **intrinsic, **_place(mount)}
    tables["calibrated_sensor"].append(row)
    pose = {"token": channel, "timestamp": 0, **_place(world @ np.linalg.inv(mount))}
    tables["ego_pose"].append(pose)
    tables["sample_data"].append(
        {
            **tables["sample_data"][0],
            **{"token": channel, "ego_pose_token": channel, "width": 1600, "height": 900},
            "calibrated_sensor_token": f"m{channel}",
            "timestamp": round(camera["timestamp"] * 1e6),
            "filename": f"samples/{channel}/{camera['img_path']}",
        }
    )


def test_every_point(sample: Path) -> None:
    scan = NuScenes(sample, SCENE)[0]
    assert len(scan) == 34_688 == 32 * 1084  # every firing of a turn, with or without a return
    assert scan.labels is None and scan.instances is None
    assert np.bincount(scan.attrs["ring"]).tolist() == [1084] * 32
    distance = np.linalg.norm(scan.xyz, axis=1)
    # Without a return at the sensor, or from the car's own roof: a quarter.
    assert (distance < 1.2).mean() == pytest.approx(0.24, abs=0.01)
    high = np.degrees(np.arcsin(scan.xyz[:, 2] / np.maximum(distance, 1e-9)))[distance > 2]
    by_ring = [np.median(high[scan.attrs["ring"][distance > 2] == ring]) for ring in range(32)]
    np.testing.assert_allclose(by_ring, np.linspace(-30.67, 10.67, 32), atol=0.4)
    assert 0 < scan.attrs["intensity"].mean() < 0.2 and scan.attrs["intensity"].max() <= 1


def test_axes_and_pose(sample: Path, info: dict[str, Any]) -> None:
    scan = NuScenes(sample, SCENE)[0]
    car = np.array(info["ego2global"])
    lidar = np.array(info["lidar_points"]["lidar2ego"])
    # Ahead of the scan is ahead of the car, left is left; the sensor is where it was mounted.
    np.testing.assert_allclose(
        np.linalg.inv(car) @ scan.pose @ [1, 0, 0, 0], [1, 0, 0, 0], atol=0.03
    )
    np.testing.assert_allclose(
        np.linalg.inv(car) @ scan.pose @ [0, 1, 0, 0], [0, 1, 0, 0], atol=0.03
    )
    np.testing.assert_allclose(scan.pose[:3, 3], (car @ lidar)[:3, 3], atol=1e-5)
    # The ground around the car is below the sensor by the height of its mount.
    near = np.hypot(*scan.xyz[:, :2].T)
    ground = scan.xyz[(near > 4) & (near < 12) & (scan.xyz[:, 2] < -1.2)]
    assert np.median(ground[:, 2]) == pytest.approx(-1.84, abs=0.15)


def test_six_cameras(sample: Path, info: dict[str, Any]) -> None:
    scan = NuScenes(sample, SCENE, cameras=["all"])[0]
    assert sorted(view.name for view in scan.images) == sorted(info["images"])
    lidar_from_scan = np.array([[0, -1.0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    for view in scan.images:
        facts = info["images"][view.name]
        expected = np.array(facts["lidar2cam"]) @ lidar_from_scan
        np.testing.assert_allclose(view.camera_from_sensor, expected, atol=2e-5)
        np.testing.assert_array_equal(view.K, facts["cam2img"])
        assert view.rgb.shape == (900, 1600, 3) and 40 < view.rgb.mean() < 200
        assert abs(view.time - scan.meta["time"]) < 0.05
        found = project(view, scan.xyz)
        assert found.inside.sum() > 1500
    # Each camera sees what lies on its side; what is right ahead is seen by the front one.
    ahead = {"CAM_FRONT": 1, "CAM_BACK": -1}
    for view in scan.images:
        if view.name in ahead:
            seen = scan.xyz[project(view, scan.xyz).inside]
            assert (np.sign(seen[:, 0]) == ahead[view.name]).all()
    left = next(view for view in scan.images if view.name == "CAM_FRONT_LEFT")
    assert np.median(scan.xyz[project(left, scan.xyz).inside][:, 1]) > 0


def test_boxes_hold_the_points_counted_in_them(sample: Path, info: dict[str, Any]) -> None:
    data = NuScenes(sample, SCENE, labels_from="boxes")
    scan, boxes = data[0], data._boxes
    assert boxes is not None and len(boxes.box) == 69
    world = scan.xyz.astype(np.float64) @ scan.pose[:3, :3].T + scan.pose[:3, 3]
    each = np.arange(len(boxes.category))
    held = []
    for k in each:  # boxes overlap, and each counts its own points
        rows = {"category": np.array([0]), "instance": np.array([1]), "start": np.array([0, 1])}
        alone = BoxIndex(box=boxes.box[k : k + 1], size=boxes.size[k : k + 1], **rows)
        labels, _ = label_points(world, alone, 0, np.array([17]), np.array([True]), OUTSIDE)
        held.append(int((labels == 17).sum()))
    counted = [box["num_lidar_pts"] for box in info["instances"]]
    # The info file's poses are float32: a point on a border may change sides.
    off = np.abs(np.array(held) - counted)
    assert off.max() <= 1 and off.sum() <= 3 and sum(held) > 500
    assert 0 < (scan.raw_labels != OUTSIDE).sum() <= sum(counted)


def test_the_simulated_rig_is_the_genuine_one(sample: Path, info: dict[str, Any]) -> None:
    view_of = {view.name: view for view in NuScenes(sample, SCENE, cameras=["all"])[0].images}
    for camera in nuscenes_rig(None).cameras:
        facts = info["images"][camera.name]
        np.testing.assert_allclose(camera.K, view_of[camera.name].K)
        lidar = np.array(info["lidar_points"]["lidar2ego"])
        above_body = np.array(facts["cam2ego"])[:3, 3] - [lidar[0, 3], 0, 0]
        np.testing.assert_allclose(camera.body_from_camera[:3, 3], above_body, atol=1e-5)
        np.testing.assert_allclose(
            camera.body_from_camera[:3, :3], np.array(facts["cam2ego"])[:3, :3], atol=1e-6
        )


def test_three_labelled_scans(realdata: Path, tmp_path: Path) -> None:
    source = realdata / "nuscenes_lidarseg_converted"
    tables = make_tables({SCENE: 3})
    tables["panoptic"] = []
    tables["sample_data"] = tables["sample_data"][::2]  # no sweeps in between
    for k, row in enumerate(tables["sample_data"]):
        row |= {"prev": tables["sample_data"][k - 1]["token"] if k else "", "is_key_frame": True}
        row["filename"] = f"samples/LIDAR_TOP/train_{10 * k}.pcd.bin"
        tables["lidarseg"][k]["filename"] = f"lidarseg/train_{10 * k}_lidarseg.bin"
    write_tables(tmp_path, tables)
    (tmp_path / "samples").symlink_to(source / "samples")
    (tmp_path / "lidarseg").symlink_to(source / "lidarseg")
    data = NuScenes(tmp_path, SCENE, labels="required")
    assert data.point_counts().tolist() == [25_175, 26_194, 26_410]
    names = data.label_set.names
    counts = dict(zip(names, data.class_counts().tolist(), strict=True))
    assert counts["driveable_surface"] == 12_200 + 6658 + 10_176
    assert counts["car"] == 401 + 4 and counts["pedestrian"] == 19 + 58 + 110
    for k, scan in enumerate(data):
        assert scan.meta["time"] == pytest.approx(START_US / 1e6 + 0.5 * k)
        assert scan.meta["token"] == token("s", SCENE, k)
        road = scan.xyz[scan.labels == names.index("driveable_surface")]
        assert np.median(road[:, 2]) == pytest.approx(-1.8, abs=0.2)
        # A street leads on ahead and back: its points spread more along x than along y.
        assert road[:, 0].std() > road[:, 1].std()
