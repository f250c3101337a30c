"""One segment of Waymo v2: its components joined, frame by frame, into points and labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.data.readers.waymo import cameras
from pcseg.data.readers.waymo.geometry import points_in_vehicle, row_inclinations
from pcseg.data.readers.waymo.tables import CAMERA_KEY, LASER_KEY, TIME_KEY, Table, image, matrix
from pcseg.data.scan import Scan, View
from pcseg.errors import DataError, LabelError

TOP = 1
"""Number of the LiDAR on the roof, the only one with semantic labels."""

_KEYS = {
    "lidar": (TIME_KEY, LASER_KEY),
    "lidar_segmentation": (TIME_KEY, LASER_KEY),
    "lidar_pose": (TIME_KEY, LASER_KEY),
    "lidar_calibration": (LASER_KEY,),
    "vehicle_pose": (TIME_KEY,),
    "camera_image": (TIME_KEY, CAMERA_KEY),
    "camera_segmentation": (TIME_KEY, CAMERA_KEY),
    "camera_calibration": (CAMERA_KEY,),
}
"""Key columns of the components that are read."""

_RANGES = "[LiDARComponent].range_image_return{}"
_LABELS = "[LiDARSegmentationLabelComponent].range_image_return{}"
_POSES = "[LiDARPoseComponent].range_image_return1"
_VEHICLE = "[VehiclePoseComponent].world_from_vehicle.transform"
_CALIBRATION = "[LiDARCalibrationComponent]."
_EXTRINSIC = f"{_CALIBRATION}extrinsic.transform"
_INCLINATION = f"{_CALIBRATION}beam_inclination."


class Segment:
    """The files ``<split>/<component>/<segment>.parquet`` of one segment, opened when needed."""

    def __init__(self, folder: Path, name: str) -> None:
        """Name a segment.

        Args:
            folder: of the split, which holds a folder for each component.
            name: the segment's context name.
        """
        self.folder, self.name = folder, name
        self._tables: dict[str, Table] = {}
        self._cameras: dict[int, cameras.Calibration] = {}

    def path(self, component: str) -> Path:
        """The file of a component, whether it is there or not."""
        return self.folder / component / f"{self.name}.parquet"

    def times(self) -> list[int]:
        """Times of all frames of the TOP LiDAR, in microseconds, in order."""
        return sorted(time for time, laser in self._table("lidar").keys if laser == TOP)

    def labelled(self) -> frozenset[int]:
        """Times of the frames with semantic labels."""
        if not self.path("lidar_segmentation").is_file():
            return frozenset()
        return frozenset(t for t, laser in self._table("lidar_segmentation").keys if laser == TOP)

    def scan(self, time: int, returns: Sequence[int], labelled: bool) -> Scan:
        """The points of the TOP LiDAR at a time, return after return, row after row.

        Args:
            time: of the frame, in microseconds.
            returns: 1, 2 or both.
            labelled: read the labels too.

        Raises:
            DataError: if a file is missing or damaged.
            LabelError: if labels do not fit the points.
        """
        images = self._ranges(time, returns)
        rows = images[0].shape[0]
        vehicle_from_lidar, inclination = self._calibration(rows)
        world_from_vehicle = matrix(
            self._table("vehicle_pose").row((time,), (_VEHICLE,)),
            _VEHICLE,
            self.path("vehicle_pose"),
        )
        poses = self._pixel_poses(time, images[0].shape[:2])
        mount = vehicle_from_lidar[:3, 3]
        parts = [
            points_in_vehicle(i[..., 0], inclination, vehicle_from_lidar, poses, world_from_vehicle)
            for i in images
        ]
        # The vehicle's axes at the LiDAR's place: its own x points somewhere else.
        vehicle_from_sensor = np.eye(4)
        vehicle_from_sensor[:3, 3] = mount
        raw = instances = None
        if labelled:
            raw, instances = self.labels(time, returns, images)
        return Scan(
            xyz=(np.concatenate(parts) - mount).astype(np.float32),
            attrs=_attributes(images, returns),
            raw_labels=raw,
            instances=instances,
            pose=world_from_vehicle @ vehicle_from_sensor,
            meta={
                "path": str(self.path("lidar")),
                "time": time * 1e-6,
                "timestamp_micros": time,
                "mount_height_m": float(mount[2]),
                "vehicle_from_sensor": vehicle_from_sensor,
            },
        )

    def labels(
        self, time: int, returns: Sequence[int], images: Sequence[np.ndarray] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """(N,) int64 raw ids and (N,) int64 instance ids of the points of a frame.

        Args:
            time: of the frame, in microseconds.
            returns: 1, 2 or both.
            images: range images if they were read already.

        Raises:
            LabelError: if they are of another shape than the range images.
        """
        images = self._ranges(time, returns) if images is None else images
        path = self.path("lidar_segmentation")
        names = [_LABELS.format(k) for k in returns]
        row = self._table("lidar_segmentation").row((time, TOP), _image_columns(names))
        found = []
        for name, ranges in zip(names, images, strict=True):
            pairs = image(row, name, 2, np.int32, path)
            if pairs is None or pairs.shape[:2] != ranges.shape[:2]:
                raise LabelError(
                    f"{path}: '{name}' at time {time} µs is "
                    f"{'missing' if pairs is None else pairs.shape[:2]}, the range image is "
                    f"{ranges.shape[:2]}. Download lidar and lidar_segmentation of the segment "
                    "again, or use labels=none."
                )
            found.append(pairs[ranges[..., 0] > 0])
        # (instance, class) in this order; -1 stands for none of either.
        instances, raw = np.maximum(np.concatenate(found).astype(np.int64), 0).T
        return np.ascontiguousarray(raw), np.ascontiguousarray(instances)

    def count_points(self, time: int, returns: Sequence[int]) -> int:
        """Number of points of a frame, without computing where they are."""
        return sum(int(np.count_nonzero(i[..., 0] > 0)) for i in self._ranges(time, returns))

    def view(
        self, time: int, camera: str, world_from_sensor: np.ndarray, labelled: bool
    ) -> tuple[View, np.ndarray | None] | None:
        """The picture of a camera at a time, and raw ids of its pixels; None if it was not taken.

        Pictures are labelled in some segments only, once or twice a second.

        Raises:
            DataError: if a file is missing or damaged.
        """
        key = (time, cameras.CAMERAS[camera])
        if key not in self._table("camera_image"):
            return None
        labels = None
        path = self.path("camera_segmentation")
        if labelled and path.is_file() and key in self._table("camera_segmentation"):
            table = self._table("camera_segmentation")
            labels = (table.row(key, cameras.LABEL_COLUMNS), path)
        return cameras.view(
            self._table("camera_image").row(key, cameras.PICTURE_COLUMNS),
            self._camera(key[1]),
            camera,
            world_from_sensor,
            self.path("camera_image"),
            labels,
        )

    def _camera(self, number: int) -> cameras.Calibration:
        if number not in self._cameras:
            row = self._table("camera_calibration").row((number,), cameras.CALIBRATION_COLUMNS)
            path = self.path("camera_calibration")
            self._cameras[number] = cameras.calibration(row, path)
        return self._cameras[number]

    def _ranges(self, time: int, returns: Sequence[int]) -> list[np.ndarray]:
        """(H, W, 4) range, intensity, elongation, no-label zone of each return."""
        names = [_RANGES.format(k) for k in returns]
        row = self._table("lidar").row((time, TOP), _image_columns(names))
        path = self.path("lidar")
        images = [image(row, name, 4, np.float32, path) for name in names]
        made = [i for i in images if i is not None]
        if len(made) < len(images) or len({i.shape for i in made}) != 1:
            shapes = [None if i is None else i.shape for i in images]
            raise DataError(
                f"{path}: range images of the frame at {time} µs are of shapes {shapes}, they "
                "must be there and alike. Download component 'lidar' of the segment again, or "
                "leave it out."
            )
        return made

    def _pixel_poses(self, time: int, shape: tuple[int, ...]) -> np.ndarray:
        path = self.path("lidar_pose")
        row = self._table("lidar_pose").row((time, TOP), _image_columns([_POSES]))
        poses = image(row, _POSES, 6, np.float32, path)
        if poses is None or poses.shape[:2] != tuple(shape):
            raise DataError(
                f"{path}: poses of the frame at {time} µs are for "
                f"{'nothing' if poses is None else poses.shape[:2]}, the range image is "
                f"{tuple(shape)}. Download lidar and lidar_pose of the segment again."
            )
        return poses

    def _calibration(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """(4, 4) extrinsic of the TOP LiDAR, and (H,) inclinations from the top row down."""
        path = self.path("lidar_calibration")
        columns = (_EXTRINSIC, *(f"{_INCLINATION}{key}" for key in ("min", "max", "values")))
        row = self._table("lidar_calibration").row((TOP,), columns)
        low, high, values = (row[name] for name in columns[1:])
        limits = [np.nan if n is None else float(n) for n in (low, high)]
        inclination = row_inclinations(values, limits[0], limits[1], rows)
        if inclination is None or not np.isfinite(inclination).all():
            raise DataError(
                f"{path}: {0 if values is None else len(values)} beam inclinations between {low} "
                f"and {high} rad for a range image of {rows} rows. Download component "
                "'lidar_calibration' of the segment again."
            )
        if np.any(np.diff(inclination) >= 0):
            raise DataError(
                f"{path}: the beam inclinations do not ascend, so nobody knows which row is the "
                "top one. Download component 'lidar_calibration' of the segment again."
            )
        return matrix(row, _EXTRINSIC, path), inclination

    def _table(self, component: str) -> Table:
        if component not in self._tables:
            self._tables[component] = Table(self.path(component), _KEYS[component])
        return self._tables[component]


def _image_columns(names: Sequence[str]) -> list[str]:
    return [f"{name}.{part}" for name in names for part in ("values", "shape")]


def _attributes(images: Sequence[np.ndarray], returns: Sequence[int]) -> dict[str, Any]:
    """Per-point facts of all returns together."""
    masks = [i[..., 0] > 0 for i in images]
    pixels = np.concatenate([i[mask] for i, mask in zip(images, masks, strict=True)])
    rows = np.concatenate([np.nonzero(mask)[0] for mask in masks])
    counts = [int(np.count_nonzero(mask)) for mask in masks]
    return {
        # Raw values are unbounded, thousands on retro-reflectors.
        "intensity": np.tanh(np.maximum(pixels[:, 1], 0)),
        "intensity_raw": np.ascontiguousarray(pixels[:, 1]),
        "elongation": np.ascontiguousarray(pixels[:, 2]),
        "ring": rows.astype(np.int16),
        "return": np.repeat(np.asarray(returns, np.int8), counts),
        "no_label_zone": pixels[:, 3] > 0,
    }
