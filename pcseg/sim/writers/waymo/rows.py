"""Rows of Waymo's parquet components: the columns, names and types that the data set has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from pcseg.data.readers.waymo.cameras import CAMERA_FROM_FRAME, CAMERAS, HALF_PIXEL
from pcseg.data.readers.waymo.segment import TOP
from pcseg.io.pictures import picture_bytes
from pcseg.optional import need
from pcseg.sim.camera import Picture
from pcseg.sim.rig import Camera
from pcseg.sim.writers.waymo.ids import CAMERA_IDS, SKY
from pcseg.sim.writers.waymo.images import RangeImages

DIVISOR = 1000
"""A camera label is class · divisor + number of the instance within the picture."""

_SHUTTER_S, _READOUT_S = 0.005, 0.011
_GLOBAL_SHUTTER = 5

Columns = dict[str, tuple[list[Any], Any]]
"""Values by row, and their Arrow type, of every column."""


def lidar_components(segment: str, micros: int, images: RangeImages) -> dict[str, Columns]:
    """Rows of ``lidar``, ``lidar_segmentation`` and ``lidar_pose`` for one frame."""
    keys = _keys(segment, micros, "laser", [TOP])
    lidar, labels = {**keys}, {**keys}
    for k in (0, 1):
        lidar |= _image(f"[LiDARComponent].range_image_return{k + 1}", images.ranges[k])
        name = f"[LiDARSegmentationLabelComponent].range_image_return{k + 1}"
        labels |= _image(name, images.labels[k])
    poses = keys | _image("[LiDARPoseComponent].range_image_return1", images.poses)
    return {"lidar": lidar, "lidar_segmentation": labels, "lidar_pose": poses}


def vehicle_pose(segment: str, micros: int, world_from_vehicle: np.ndarray) -> Columns:
    """The row of ``vehicle_pose`` for one frame."""
    name = "[VehiclePoseComponent].world_from_vehicle.transform"
    return _keys(segment, micros) | {name: ([world_from_vehicle.ravel()], _types().matrix)}


def camera_images(
    segment: str,
    micros: int,
    pictures: Sequence[Picture],
    world_from_vehicle: np.ndarray,
    velocity: np.ndarray,
    yaw_rate: float,
) -> Columns:
    """Rows of ``camera_image`` for one frame.

    Args:
        segment: its name.
        micros: time of the frame, at which all pictures are taken.
        pictures: of the cameras.
        world_from_vehicle: (4, 4) at that time.
        velocity: (3,) of the vehicle in the world (m/s).
        yaw_rate: of the vehicle (rad/s).
    """
    types, name, each = _types(), "[CameraImageComponent]", len(pictures)
    files = [picture_bytes(picture.rgb, "JPEG", quality=92) for picture in pictures]
    seconds = micros * 1e-6
    numbers: dict[str, tuple[float, Any]] = {}
    for axis, speed in zip("xyz", velocity, strict=True):
        numbers[f"velocity.linear_velocity.{axis}"] = (float(speed), types.float32)
    for axis, rate in zip("xyz", (0.0, 0.0, yaw_rate), strict=True):
        numbers[f"velocity.angular_velocity.{axis}"] = (float(rate), types.float64)
    # The picture shows one moment: its shutter opens before and closes after it.
    half = (_SHUTTER_S + _READOUT_S) / 2
    numbers |= {
        "pose_timestamp": (seconds, types.float64),
        "rolling_shutter_params.shutter": (_SHUTTER_S, types.float64),
        "rolling_shutter_params.camera_trigger_time": (seconds - half, types.float64),
        "rolling_shutter_params.camera_readout_done_time": (seconds + half, types.float64),
    }
    return {
        **_keys(segment, micros, "camera", [CAMERAS[p.camera.name] for p in pictures]),
        f"{name}.image": (files, types.binary),
        f"{name}.pose.transform": ([world_from_vehicle.ravel()] * each, types.matrix),
        **{f"{name}.{key}": ([n] * each, kind) for key, (n, kind) in numbers.items()},
    }


def camera_labels(segment: str, micros: int, pictures: Sequence[Picture]) -> Columns:
    """Rows of ``camera_segmentation`` for one frame: panoptic labels as 16-bit PNG."""
    types, name = _types(), "[CameraSegmentationLabelComponent]"
    made = [_panoptic(picture) for picture in pictures]
    local = [np.arange(1, len(ids) + 1, dtype=np.int32) for _, ids in made]
    one = [np.ones(p.labels.shape, np.uint8) for p in pictures]
    mapping = f"{name}.instance_id_to_global_id_mapping"
    return {
        **_keys(segment, micros, "camera", [CAMERAS[p.camera.name] for p in pictures]),
        f"{name}.panoptic_label_divisor": ([DIVISOR] * len(pictures), types.int32),
        f"{name}.panoptic_label": ([picture_bytes(label) for label, _ in made], types.binary),
        f"{mapping}.local_instance_ids": (local, types.ints),
        f"{mapping}.global_instance_ids": ([ids.astype(np.int32) for _, ids in made], types.ints),
        f"{mapping}.is_tracked": ([np.ones(len(ids), bool) for _, ids in made], types.bools),
        f"{name}.sequence_id": ([segment] * len(pictures), types.string),
        f"{name}.num_cameras_covered": ([picture_bytes(n) for n in one], types.binary),
    }


def lidar_calibration(
    segment: str, vehicle_from_lidar: np.ndarray, inclination: np.ndarray
) -> Columns:
    """The row of ``lidar_calibration``; inclinations (H,) in radians come from the top row down."""
    types, name = _types(), "[LiDARCalibrationComponent]"
    ascending = np.ascontiguousarray(inclination[::-1], np.float64)
    return {
        **_keys(segment, None, "laser", [TOP]),
        f"{name}.extrinsic.transform": ([vehicle_from_lidar.ravel()], types.matrix),
        f"{name}.beam_inclination.min": ([float(ascending[0])], types.float64),
        f"{name}.beam_inclination.max": ([float(ascending[-1])], types.float64),
        f"{name}.beam_inclination.values": ([ascending], types.doubles),
    }


def camera_calibration(
    segment: str, cameras: Sequence[Camera], vehicle_from_body: np.ndarray
) -> Columns:
    """Rows of ``camera_calibration``; the simulator's lenses do not distort."""
    types, name = _types(), "[CameraCalibrationComponent]"
    placed = [vehicle_from_body @ c.body_from_camera @ CAMERA_FROM_FRAME for c in cameras]
    numbers = {
        "f_u": [c.K[0, 0] for c in cameras],
        "f_v": [c.K[1, 1] for c in cameras],
        "c_u": [c.K[0, 2] + HALF_PIXEL for c in cameras],
        "c_v": [c.K[1, 2] + HALF_PIXEL for c in cameras],
        **{key: [0.0] * len(cameras) for key in ("k1", "k2", "p1", "p2", "k3")},
    }
    return {
        **_keys(segment, None, "camera", [CAMERAS[c.name] for c in cameras]),
        **{f"{name}.intrinsic.{key}": (n, types.float64) for key, n in numbers.items()},
        f"{name}.extrinsic.transform": ([m.ravel() for m in placed], types.matrix),
        f"{name}.width": ([c.width for c in cameras], types.int32),
        f"{name}.height": ([c.height for c in cameras], types.int32),
        f"{name}.rolling_shutter_direction": ([_GLOBAL_SHUTTER] * len(cameras), types.int8),
    }


def _keys(
    segment: str, micros: int | None, kind: str = "", numbers: Sequence[int] = (0,)
) -> Columns:
    """Index and key columns, in the order of the data set."""
    types, each = _types(), len(numbers)
    words = [[segment, *([str(micros)] if micros is not None else [])]] * each
    if kind:
        words = [[*word, str(number)] for word, number in zip(words, numbers, strict=True)]
    columns: Columns = {
        "index": ([";".join(word) for word in words], types.string),
        "key.segment_context_name": ([segment] * each, types.string),
    }
    if micros is not None:
        columns["key.frame_timestamp_micros"] = ([micros] * each, types.int64)
    if kind:
        columns[f"key.{kind}_name"] = (list(numbers), types.int8)
    return columns


def _image(name: str, image: np.ndarray) -> Columns:
    types = _types()
    kind = types.floats if image.dtype.kind == "f" else types.ints
    flat = np.ascontiguousarray(image).reshape(-1)
    return {f"{name}.values": ([flat], kind), f"{name}.shape": ([list(image.shape)], types.shape)}


def _panoptic(picture: Picture) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) uint16 label, and the instance ids that its numbers 1, 2, … stand for."""
    classes = CAMERA_IDS[picture.labels]
    classes[picture.depth == 0] = SKY
    # More instances than the divisor has room for are never in one picture.
    ids, local = np.unique(picture.instances, return_inverse=True)
    if ids[0] != 0:
        local = local + 1
    known = ids[ids != 0][: DIVISOR - 1]
    local = np.minimum(local.reshape(classes.shape), DIVISOR - 1)
    return (classes * DIVISOR + local).astype(np.uint16), known


@lru_cache(maxsize=1)
def _types() -> SimpleNamespace:
    """Arrow types of the columns; fixed lists for matrices (16 doubles) and shapes (3 ints)."""
    arrow = need("pyarrow", "datasets", "simulating Waymo's files")
    return SimpleNamespace(
        string=arrow.string(),
        binary=arrow.binary(),
        int8=arrow.int8(),
        int32=arrow.int32(),
        int64=arrow.int64(),
        float32=arrow.float32(),
        float64=arrow.float64(),
        bools=arrow.list_(arrow.bool_()),
        ints=arrow.list_(arrow.int32()),
        floats=arrow.list_(arrow.float32()),
        doubles=arrow.list_(arrow.float64()),
        matrix=arrow.list_(arrow.float64(), 16),
        shape=arrow.list_(arrow.int32(), 3),
    )
