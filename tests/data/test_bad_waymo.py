"""Damaged Waymo files: each error names the file, the place and the remedy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pcseg.data.readers.waymo import tables
from pcseg.data.readers.waymo.reader import Waymo
from pcseg.errors import ConfigError, DataError, LabelError
from tests.data.waymo_samples import SEGMENT, Twin, edit, with_value, write_twin

RANGES = "[LiDARComponent].range_image_return1"
LABELS = "[LiDARSegmentationLabelComponent].range_image_return1"
INCLINATION = "[LiDARCalibrationComponent].beam_inclination"

Change = Callable[[pa.Table], pa.Table]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    """Two frames of a 16-row LiDAR and one small picture each."""
    return write_twin(
        tmp_path_factory.mktemp("sound"),
        (1.0, 1.5),
        sensor="vlp16",
        thinned=(8, 2),
        cameras=("FRONT",),
        scale=0.05,
    )


@pytest.fixture
def twin(sound: Twin, tmp_path: Path) -> Twin:
    return Twin(Path(shutil.copytree(sound.root, tmp_path / "twin")), sound.frames)


def read(twin: Twin, frame: int = 0, **options: Any) -> None:
    assert len(Waymo(twin.root, **options)[frame]) > 0


def test_the_copy_is_sound(twin: Twin) -> None:
    for frame in (0, 1):
        read(twin, frame, labels="required", cameras=["all"])


def test_version_one_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "validation").mkdir()
    (tmp_path / "validation/segment-1.tfrecord").write_bytes(b"\xcc\x1f")
    with pytest.raises(DataError, match=r"segment-1\.tfrecord: is a TFRecord .* as version 2"):
        Waymo(tmp_path, "val")


@pytest.mark.realdata
def test_a_genuine_record_of_version_one(realdata: Path) -> None:
    folder = realdata / "mmdet3d_tiny/waymo/waymo_format"
    with pytest.raises(DataError, match=r"val\.tfrecord: is a TFRecord of Waymo Open v1"):
        Waymo(folder, "val")


def test_folders_that_are_not_waymo(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(DataError, match=r"no training/lidar/\*\.parquet .* it holds: other"):
        Waymo(tmp_path, "train")
    with pytest.raises(DataError, match="no such folder"):
        Waymo(tmp_path / "nowhere", "train")


def test_a_split_that_was_not_downloaded(twin: Twin) -> None:
    with pytest.raises(DataError, match=r"split 'val' needs sequence validation"):
        Waymo(twin.root, "val")


def test_settings_that_do_not_exist(twin: Twin) -> None:
    with pytest.raises(ConfigError, match=r"returns='3' is not possible. Use one of: 1, 2, both"):
        Waymo(twin.root, returns=3)
    with pytest.raises(ConfigError, match="there is no camera 'REAR'"):
        Waymo(twin.root, cameras=["REAR"])


@pytest.mark.parametrize(
    "component", ["lidar_pose", "vehicle_pose", "lidar_calibration", "camera_calibration"]
)
def test_component_that_was_not_downloaded(twin: Twin, component: str) -> None:
    twin.path(component).unlink()
    message = rf"{component}/{SEGMENT}\.parquet: missing\. Download component '{component}'"
    with pytest.raises(DataError, match=message):
        read(twin, cameras=["all"])


@pytest.mark.parametrize("component", ["lidar", "lidar_segmentation", "lidar_pose", "camera_image"])
@pytest.mark.parametrize("left", [0, 100, 0.5, -1])
def test_cut_short(twin: Twin, component: str, left: float) -> None:
    path = twin.path(component)
    data = path.read_bytes()
    path.write_bytes(data[: int(left * len(data)) if left == 0.5 else int(left)])
    message = rf"{component}/{SEGMENT}\.parquet: cannot be read as parquet .*Download it again"
    with pytest.raises(DataError, match=message):
        read(twin, labels="required", cameras=["all"])


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_bytes_changed_in_the_middle(twin: Twin, place: float) -> None:
    """Compressed pages do not survive it; whatever is said, it names the file."""
    path = twin.path("lidar")
    data = bytearray(path.read_bytes())
    start = int(place * len(data))
    data[start : start + 2000] = bytes(2000)
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match=rf"lidar/{SEGMENT}\.parquet: "):
        read(twin)
        read(twin, 1)


def test_another_component_under_its_name(twin: Twin) -> None:
    shutil.copy(twin.path("lidar_pose"), twin.path("lidar"))
    with pytest.raises(DataError, match=rf"no column '\{RANGES[:16]}.*not the component 'lidar'"):
        read(twin)
    shutil.copy(twin.path("vehicle_pose"), twin.path("lidar_pose"))
    shutil.copy(twin.path("lidar_segmentation"), twin.path("lidar"))
    with pytest.raises(DataError, match="no column"):
        read(twin)


def test_missing_rows(twin: Twin) -> None:
    for component in ("lidar_pose", "vehicle_pose"):
        edit(twin.path(component), lambda table: table.slice(1))
    with pytest.raises(DataError, match=r"no row for (key|time) 1550000001000000"):
        read(twin)
    read(twin, 1)


def test_rows_given_twice(twin: Twin) -> None:
    edit(twin.path("lidar"), lambda table: pa.concat_tables([table, table.slice(0, 1)]))
    with pytest.raises(DataError, match=r"two rows for time 1550000001000000 µs, sensor 1"):
        read(twin)


@pytest.mark.parametrize(
    ("component", "change", "message"),
    [
        ("lidar", (f"{RANGES}.values", [1.0, 2.0]), r"2 values for shape \[16, 1808, 4\]"),
        ("lidar", (f"{RANGES}.shape", [2**30, 2**30, 4]), "values for shape"),
        ("lidar", (f"{RANGES}.shape", [-16, -1808, 4]), "values for shape"),
        ("lidar", (f"{RANGES}.shape", [16, 904, 8]), "rows x columns x 4"),
        ("lidar", (f"{RANGES}.values", None), r"of shapes \[None"),
        ("lidar_pose", ("[LiDARPoseComponent].range_image_return1.values", None), "for nothing"),
        ("lidar_calibration", (f"{INCLINATION}.values", [0.1, 0.2]), "2 beam inclinations"),
        (
            "lidar_calibration",
            (f"{INCLINATION}.values", np.linspace(0.2, -0.2, 16)),
            "do not ascend",
        ),
        (
            "lidar_calibration",
            ("[LiDARCalibrationComponent].extrinsic.transform", [2.0] + [0.0] * 15),
            "not a rigid transform",
        ),
        (
            "vehicle_pose",
            ("[VehiclePoseComponent].world_from_vehicle.transform", [float("nan")] * 16),
            "not a rigid transform",
        ),
    ],
)
def test_values_that_cannot_be(
    twin: Twin, component: str, change: tuple[str, Any], message: str
) -> None:
    edit(twin.path(component), with_value(change[0], 0, change[1]))
    with pytest.raises(DataError, match=rf"{component}/{SEGMENT}\.parquet: .*{message}"):
        read(twin)


def test_labels_that_do_not_fit(twin: Twin) -> None:
    path = twin.path("lidar_segmentation")
    edit(path, with_value(f"{LABELS}.values", 0, None))
    with pytest.raises(LabelError, match=r"lidar_segmentation/.*is missing, the range image is"):
        read(twin)
    read(twin, labels="none")
    edit(path, with_value(f"{LABELS}.values", 0, np.zeros(8, np.int32)))
    edit(path, with_value(f"{LABELS}.shape", 0, [2, 2, 2]))
    with pytest.raises(LabelError, match=r"is \(2, 2\), the range image is \(16, 1808\)"):
        read(twin)


def test_class_that_is_not_in_the_map(twin: Twin) -> None:
    """As it happens where instance and class are swapped."""

    def swapped(table: pa.Table) -> pa.Table:
        pairs = np.asarray(table.column(f"{LABELS}.values")[0].values).reshape(-1, 2)
        return with_value(f"{LABELS}.values", 0, pairs[:, ::-1].ravel())(table)

    edit(twin.path("lidar_segmentation"), swapped)
    with pytest.raises(LabelError, match=r"lidar_segmentation/.*raw label .* is not in label map"):
        read(twin)


def test_points_that_are_no_numbers(twin: Twin) -> None:
    def spoilt(table: pa.Table) -> pa.Table:
        image = np.asarray(table.column(f"{RANGES}.values")[0].values).reshape(-1, 4).copy()
        image[np.flatnonzero(image[:, 0] > 0)[:3], 0] = np.inf
        return with_value(f"{RANGES}.values", 0, image.ravel())(table)

    edit(twin.path("lidar"), spoilt)
    with pytest.raises(DataError, match="3 points have NaN or infinite values"):
        read(twin)
    scan = Waymo(twin.root, invalid="ignore")[0]
    assert (~scan.attrs["valid"]).sum() == 3


def test_pictures_that_cannot_be(twin: Twin) -> None:
    image, label = "[CameraImageComponent].image", "[CameraSegmentationLabelComponent]"
    sound = pq.read_table(twin.path("camera_image"))
    for value, message in (
        (b"", "not a whole JPEG"),
        (sound.column(image)[0].as_py()[:300], "JPEG"),
    ):
        edit(twin.path("camera_image"), with_value(image, 0, value))
        with pytest.raises(DataError, match=rf"camera_image/.*camera FRONT.*{message}"):
            read(twin, cameras=["all"])
    read(twin)  # without pictures all is well
    pq.write_table(sound, twin.path("camera_image"))
    edit(twin.path("camera_segmentation"), with_value(f"{label}.panoptic_label_divisor", 0, 1))
    with pytest.raises(LabelError, match=r"labels of camera FRONT up to \d+ with divisor 1"):
        read(twin, cameras=["all"])
    edit(twin.path("camera_calibration"), with_value("[CameraCalibrationComponent].width", 0, 4000))
    with pytest.raises(DataError, match=r"has 96 x 64 pixels, camera_calibration says 4000 x 64"):
        read(twin, cameras=["all"])
    name = "[CameraCalibrationComponent].intrinsic.f_u"
    edit(twin.path("camera_calibration"), with_value(name, 0, 0.0))
    with pytest.raises(DataError, match=r"intrinsics \[0\.0, .*cannot be"):
        read(twin, cameras=["all"])


def test_files_that_would_fill_the_memory(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ROW_BYTES", 1000)
    with pytest.raises(DataError, match=r"claims .* GiB for 2 rows"):
        read(twin)


def test_converted_labels_of_another_cloud(tmp_path: Path) -> None:
    folder = tmp_path / "0000"
    (folder / "velodyne").mkdir(parents=True)
    (folder / "labels").mkdir()
    np.zeros((5, 4), "<f4").tofile(folder / "velodyne/000000.bin")
    np.zeros(7, "<u4").tofile(folder / "labels/000000.label")
    with pytest.raises(LabelError, match=r"000000\.label: 7 labels .* 5 points"):
        Waymo(tmp_path, "train")[0]


def test_columns_of_another_type(twin: Twin) -> None:
    def renamed(table: pa.Table) -> pa.Table:
        name = f"{RANGES}.values"
        index = table.schema.get_field_index(name)
        return table.set_column(index, name, pa.array([{"a": 1}] * len(table)))

    edit(twin.path("lidar"), renamed)
    with pytest.raises(DataError, match=r"values' is of type struct"):
        read(twin)
