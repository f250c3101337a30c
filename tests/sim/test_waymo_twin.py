"""Simulated Waymo segments: the layout's tables, resumption, determinism, refusals."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pcseg.data.labels import label_set
from pcseg.data.readers.waymo.reader import Waymo
from pcseg.errors import ConfigError
from pcseg.sim import simulate
from pcseg.sim.classes import CURB, ROAD_MARKING, TRAFFIC_CONE
from pcseg.sim.writers.waymo.ids import CAMERA_IDS, LIDAR_IDS
from pcseg.sim.writers.waymo.writer import WaymoWriter, segment_name, time_micros

LIGHT: dict[str, Any] = {
    "layout": "waymo",
    "sensor": "vlp16",
    "columns_step": 8,
    "rows_step": 2,
    "frames": 3,
    "cameras": ("FRONT", "SIDE_RIGHT"),
    "image_scale": 0.05,
}
SEGMENT = segment_name("00")
COMPONENTS = {
    "camera_calibration",
    "camera_image",
    "camera_segmentation",
    "lidar",
    "lidar_calibration",
    "lidar_pose",
    "lidar_segmentation",
    "vehicle_pose",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("waymo"), sequences=("00",), seed=3, **LIGHT).root


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def table(root: Path, component: str) -> pd.DataFrame:
    return pd.read_parquet(root / "training" / component / f"{SEGMENT}.parquet")


def test_files_and_keys_as_in_the_data_set(made: Path) -> None:
    assert sorted(path.name for path in made.iterdir()) == ["simulation.json", "training"]
    assert {path.name for path in (made / "training").iterdir()} == COMPONENTS
    for component in COMPONENTS:
        rows = table(made, component)
        assert (rows["key.segment_context_name"] == SEGMENT).all()
        assert rows.columns[0] == "index" and rows["index"].is_unique
        if "calibration" not in component:
            times = rows["key.frame_timestamp_micros"]
            assert times.is_monotonic_increasing
            assert sorted(set(times)) == [time_micros("00", k / 2) for k in range(3)]  # 2 Hz


def test_types_of_the_data_set(made: Path) -> None:
    """Those that the published classes of components declare."""

    def types(component: str) -> dict[str, str]:
        schema = pq.read_schema(made / "training" / component / f"{SEGMENT}.parquet")
        return {field.name: str(field.type) for field in schema}

    lidar = types("lidar")
    assert lidar["key.frame_timestamp_micros"] == "int64" and lidar["key.laser_name"] == "int8"
    for k in (1, 2):
        image = f"[LiDARComponent].range_image_return{k}"
        assert lidar[f"{image}.values"] == "list<element: float>"
        assert lidar[f"{image}.shape"] == "fixed_size_list<element: int32>[3]"
        image = f"[LiDARSegmentationLabelComponent].range_image_return{k}"
        assert types("lidar_segmentation")[f"{image}.values"] == "list<element: int32>"
    matrix = "fixed_size_list<element: double>[16]"
    calibration = types("lidar_calibration")
    assert calibration["[LiDARCalibrationComponent].extrinsic.transform"] == matrix
    name = "[LiDARCalibrationComponent].beam_inclination"
    assert calibration[f"{name}.values"] == "list<element: double>"
    assert types("vehicle_pose")["[VehiclePoseComponent].world_from_vehicle.transform"] == matrix
    assert types("camera_image")["[CameraImageComponent].image"] == "binary"
    camera = types("camera_calibration")
    assert camera["[CameraCalibrationComponent].intrinsic.k3"] == "double"
    assert camera["[CameraCalibrationComponent].rolling_shutter_direction"] == "int8"


def test_range_images_read_by_pandas(made: Path) -> None:
    rows, labels = table(made, "lidar"), table(made, "lidar_segmentation")
    known = label_set("waymo").raw_to_train
    for (_, row), (_, label) in zip(rows.iterrows(), labels.iterrows(), strict=True):
        for k in (1, 2):
            name = f"[LiDARComponent].range_image_return{k}"
            assert row[f"{name}.shape"].tolist() == [16, 1808, 4]
            image = row[f"{name}.values"].reshape(16, 1808, 4)
            empty = image[..., 0] <= 0
            assert (image[empty] == -1).all() and (image[~empty, 0] < 100).all()
            name = f"[LiDARSegmentationLabelComponent].range_image_return{k}"
            pairs = label[f"{name}.values"].reshape(16, 1808, 2)
            assert (pairs[empty] == 0).all()
            assert set(np.unique(pairs[..., 1])) <= known.keys()
            things = np.isin(pairs[..., 1], list(label_set("waymo").things))
            assert ((pairs[..., 0] > 0) == things).all()
    inclinations = table(made, "lidar_calibration").iloc[0][
        "[LiDARCalibrationComponent].beam_inclination.values"
    ]
    assert (np.diff(inclinations) > 0).all() and len(inclinations) == 16


def test_camera_labels_are_16_bit_pictures(made: Path) -> None:
    rows, images = table(made, "camera_segmentation"), table(made, "camera_image")
    name = "[CameraSegmentationLabelComponent]"
    assert len(rows) == len(images) == 6
    for (_, row), (_, image) in zip(rows.iterrows(), images.iterrows(), strict=True):
        with Image.open(io.BytesIO(row[f"{name}.panoptic_label"])) as picture:
            assert picture.format == "PNG" and picture.mode.startswith("I;16")
            label = np.asarray(picture).astype(int)
        with Image.open(io.BytesIO(image["[CameraImageComponent].image"])) as picture:
            assert picture.format == "JPEG" and picture.size == label.shape[::-1]
        classes, local = np.divmod(label, row[f"{name}.panoptic_label_divisor"])
        assert classes.max() <= 28 and 25 in classes  # the sky
        mapping = f"{name}.instance_id_to_global_id_mapping"
        assert set(np.unique(local)) - {0} <= set(row[f"{mapping}.local_instance_ids"])
        assert len(row[f"{mapping}.global_instance_ids"]) == local.max()


@pytest.mark.slow  # starting processes takes longer than the work
def test_same_bytes_on_any_number_of_processes(made: Path, tmp_path: Path) -> None:
    simulate(tmp_path, sequences=("00",), seed=3, workers=2, **LIGHT)
    assert contents(tmp_path) == contents(made)


def test_resumes_and_joins_what_is_missing(made: Path, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(done: int, total: int, message: str) -> None:
        if done == 2:
            raise Stop

    def run(**more: Any) -> int:
        return simulate(tmp_path, sequences=("00",), seed=3, **LIGHT, **more).written

    with pytest.raises(Stop):
        run(progress=stop)
    assert not (tmp_path / "training/lidar").exists()  # parts wait aside
    assert len(list((tmp_path / ".parts" / SEGMENT / "lidar").iterdir())) == 2
    cut = tmp_path / ".parts" / SEGMENT / "lidar_pose/000000.parquet"
    cut.write_bytes(cut.read_bytes()[:-20])
    assert run() == 2  # the third, and the one cut off
    assert contents(tmp_path) == contents(made)
    assert run() == 0
    lidar = tmp_path / "training/lidar" / f"{SEGMENT}.parquet"
    lidar.write_bytes(lidar.read_bytes()[:-20])
    (tmp_path / "training/camera_calibration" / f"{SEGMENT}.parquet").unlink()
    assert run() == 3
    assert contents(tmp_path) == contents(made)


def test_an_interrupted_join_goes_on(made: Path, tmp_path: Path) -> None:
    """Some files joined, the parts of all still there: nothing is computed again."""
    root = Path(shutil.copytree(made, tmp_path / "twin"))
    lidar = root / "training/lidar" / f"{SEGMENT}.parquet"
    parts = root / ".parts" / SEGMENT / "lidar"
    parts.mkdir(parents=True)
    rows = pq.read_table(lidar)
    for k in range(3):
        pq.write_table(rows.slice(k, 1), parts / f"{k:06d}.parquet")
    half = lidar.parent / f".{SEGMENT}.abcd1234.parquet"  # as a killed process leaves it
    half.write_bytes(b"half")
    lidar.unlink()
    assert simulate(root, sequences=("00",), seed=3, **LIGHT).written == 0
    assert not (root / ".parts").exists() and not half.exists()
    assert pq.read_table(lidar).equals(rows)


def test_without_cameras_and_for_validation(tmp_path: Path) -> None:
    light = {**LIGHT, "cameras": (), "frames": 1}
    root = simulate(tmp_path, sequences=("08",), **light).root
    assert {p.name for p in (root / "validation").iterdir()} == {
        component for component in COMPONENTS if not component.startswith("camera")
    }
    data = Waymo(root, "val")
    assert data.simulated and data.frames[0].sequence == segment_name("08")
    assert not data[0].images


def test_rig_of_the_vehicles() -> None:
    rig = WaymoWriter.rig(None)
    assert (rig.main.sensor.rows, rig.main.sensor.columns, rig.frame_rate_hz) == (64, 2650, 2.0)
    sizes = {camera.name: (camera.width, camera.height) for camera in rig.cameras}
    assert len(sizes) == 5
    assert sizes["FRONT"] == (1920, 1280) and sizes["SIDE_LEFT"] == (1920, 886)


@pytest.mark.parametrize("name", ["hdl64e_s3", "pandar_gt"])
def test_lidars_that_range_images_cannot_hold(name: str) -> None:
    with pytest.raises(ConfigError, match=r"do not leave one point.*use vlp16 or hdl32e"):
        WaymoWriter.rig(name)


def test_finer_kinds_have_classes_of_their_own() -> None:
    assert LIDAR_IDS[[TRAFFIC_CONE, CURB, ROAD_MARKING]].tolist() == [11, 17, 20]
    assert CAMERA_IDS[[TRAFFIC_CONE, CURB, ROAD_MARKING]].tolist() == [14, 23, 22]
