"""A2D2: five tilted LiDARs seen through a camera, labelled by the camera's pictures."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.labels import LabelSet
from pcseg.data.reader import Reader, check_choice, pixels_of
from pcseg.data.readers.a2d2.cameras import VIEWS, Calibration, read_calibration
from pcseg.data.readers.a2d2.colours import UNLABELLED, check_class_list, classes_of
from pcseg.data.readers.a2d2.files import has_pixels, point_files, read_point_file
from pcseg.data.scan import Scan, View
from pcseg.errors import DataError, LabelError
from pcseg.files import read_json
from pcseg.io.pictures import read_picture

log = logging.getLogger(__name__)

CAMERA_FROM_VIEW = np.array(
    [[0.0, -1.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
)
_MICRO = 1e-6


class A2D2(Reader):
    """A2D2's labelled frames: the points of all five LiDARs that one camera's picture shows.

    Points are as stored: in the frame of that camera, with its axes x forward, y left, z up ("LiDAR
    data is provided in a camera reference frame", tutorial of the data set).
    ``meta["vehicle_from_sensor"]`` leads to the car's frame. There are no poses in the world.

    A point's label is the colour of the undistorted label picture at the nearest pixel to its
    stored row and column. Points outside the picture, and those that the data set marks as not
    valid (the five LiDARs see their own car; ``attrs["valid"]``), are unlabelled.

    ``attrs`` has intensity 0..1, ``lidar`` (number of the device), ``pixel`` (row and column in
    the undistorted picture), ``boundary`` (first or last ring) and ``time``: seconds from the
    picture's where both are known, else from the earliest point. Frames without row and column
    are left out, with a notice. Pictures are undistorted.
    """

    name: str = "a2d2"
    label_map: ClassVar[str] = "a2d2"
    frame_files: ClassVar[str] = "point file with pixels (lidar/cam_*/*.npz)"

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        label_set: str | LabelSet | None = None,
        *,
        sequences: Sequence[str] | None = None,
        labels: str = "optional",
        invalid: str = "error",
        every: int = 1,
        cameras: Sequence[str] = (),
        view: str = "front_center",
    ) -> None:
        """Find the frames of a split and read the calibration.

        Args:
            root: the folder that holds the scenes (``camera_lidar_semantic``), or its parent;
                ``cams_lidars.json`` lies in one of them.
            split: see `Reader`.
            label_set: see `Reader`.
            sequences: see `Reader`.
            labels: see `Reader`.
            invalid: see `Reader`.
            every: see `Reader`.
            cameras: ``["front_center"]``, or what `view` is: other cameras have other points.
            view: the camera through which the points are seen.

        Raises:
            ConfigError: for a setting that does not exist.
            DataError: if nothing of the split is there, or a damaged file.
        """
        check_choice("view", view, VIEWS)
        self._view_name = view
        self._points: dict[str, dict[str, Path]] = {}
        super().__init__(
            root,
            split,
            label_set,
            sequences=sequences,
            labels=labels,
            invalid=invalid,
            every=every,
            cameras=cameras,
        )
        if any(self._has_labels(frame) for frame in self.frames):
            self._check_colours()
            _ = self._calibration  # fail now, not in the middle of an epoch

    def _locate(self, root: Path) -> Path:
        for folder in (root, root / "camera_lidar_semantic"):
            if self._scenes_in(folder):
                return folder
        raise DataError(
            f"{root}: no <scene>/lidar/cam_{self._view_name} folder found in it, nor in its folder "
            "'camera_lidar_semantic'. Give the folder that holds the scenes 20180807_145028 and so "
            "on; scenes 20181016_095036 and 20181204_191844 have no LiDAR."
        )

    def _scenes_in(self, folder: Path) -> list[str]:
        found = folder.glob(f"[!.]*/lidar/cam_{self._view_name}")
        return sorted(path.parents[1].name for path in found if path.is_dir())

    def _sequences_there(self) -> list[str]:
        return self._scenes_in(self.folder)

    def _frames_there(self, sequence: str) -> list[str]:
        folder = self.folder / sequence / "lidar" / f"cam_{self._view_name}"
        found = point_files(folder, self._view_name)
        self._points[sequence] = {name: path for name, path in found.items() if has_pixels(path)}
        left_out = [path for name, path in found.items() if name not in self._points[sequence]]
        if left_out:
            log.warning(
                "%s: %d of %d point files have no 'row' and are left out, the first is %s",
                folder, len(left_out), len(found), left_out[0].name,
            )  # fmt: skip
        return list(self._points[sequence])

    def _beside(self, frame: FrameId, kind: str, suffix: str) -> Path:
        """The file of another kind (label, camera) that belongs to a point file."""
        points = self._points[frame.sequence][frame.frame]
        name = points.name.replace("_lidar_", f"_{kind}_").removesuffix(".npz")
        return self.folder / frame.sequence / kind / points.parent.name / f"{name}{suffix}"

    def _is_labelled(self, frame: FrameId) -> bool:
        return self._label_source(frame).is_file()

    def _label_source(self, frame: FrameId) -> Path:
        return self._beside(frame, "label", ".png")

    def _files(self, index: int) -> list[Path]:
        frame = self.frames[index]
        files = [self._points[frame.sequence][frame.frame]]
        return [*files, self._label_source(frame)] if self._has_labels(frame) else files

    def _reading(self) -> str:
        return f"{super()._reading()} {self._view_name}"

    def _raw_scan(self, frame: FrameId) -> Scan:
        path = self._points[frame.sequence][frame.frame]
        arrays = read_point_file(path)
        stamp = self._stamp(frame)
        meta: dict[str, Any] = {"path": str(path)}
        if stamp is not None:
            meta["time"] = stamp * _MICRO
        if self._config is not None:
            meta["vehicle_from_sensor"] = self._calibration.vehicle_from_view
        labels = self._labels_of(frame, arrays) if self._has_labels(frame) else None
        return Scan(
            xyz=np.ascontiguousarray(arrays["points"], np.float32),
            attrs=_attrs(arrays, stamp),
            raw_labels=labels,
            meta=meta,
        )

    def _labels_of(self, frame: FrameId, arrays: dict[str, np.ndarray]) -> np.ndarray:
        path, lens = self._label_source(frame), self._calibration
        picture = self._picture(path)
        row, column = (np.rint(arrays[key].astype(np.float64)) for key in ("row", "col"))
        inside = lens.holds(row, column)  # NaN is not
        row[~inside], column[~inside] = 0, 0
        source = lens.source(row, column)
        inside &= lens.holds(*source)
        if "valid" in arrays:
            inside &= arrays["valid"].astype(bool)
        pixels = tuple(np.rint(place[inside]).astype(np.int64) for place in source)
        labels = np.full(len(row), UNLABELLED, np.int64)
        labels[inside] = classes_of(picture[pixels], path)
        return labels

    def _stamp(self, frame: FrameId) -> int | None:
        """Microseconds of the picture's time (TAI), if its JSON file is there."""
        path = self._beside(frame, "camera", ".json")
        if not path.is_file():
            return None
        facts = read_json(path)
        stamp = facts.get("cam_tstamp") if isinstance(facts, dict) else None
        if isinstance(stamp, bool) or not isinstance(stamp, int):
            raise DataError(f"{path}: 'cam_tstamp' is {stamp!r}, not microseconds. Copy it again.")
        return stamp

    def _cameras_there(self) -> list[str]:
        folders = {self.folder / frame.sequence / "camera" for frame in self.frames}
        there = any((folder / f"cam_{self._view_name}").is_dir() for folder in folders)
        return [self._view_name] if there else []

    def _view(self, frame: FrameId, camera: str, scan: Scan) -> View | None:
        path = self._beside(frame, "camera", ".png")
        if not path.is_file():
            return None
        lens, labels = self._calibration, None
        if self._has_labels(frame):
            source = self._label_source(frame)
            ids = lens.undistorted_ids(classes_of(self._picture(source), source), UNLABELLED)
            labels = pixels_of(ids.astype(np.int64), self.label_set, source)
        return View(
            rgb=lens.undistorted(self._picture(path)),
            K=lens.K,
            camera_from_sensor=CAMERA_FROM_VIEW,
            labels=labels,
            name=camera,
            time=scan.meta.get("time"),
        )

    def _picture(self, path: Path) -> np.ndarray:
        picture, size = read_picture(path), self._calibration.size
        if picture.shape[:2] != size:
            height, width = picture.shape[:2]
            raise (LabelError if "_label_" in path.name else DataError)(
                f"{path}: {width} x {height} pixels, but {size[1]} x {size[0]} in "
                f"{self._config}. Take the pictures of the data set as they are."
            )
        return picture

    @cached_property
    def _config(self) -> Path | None:
        places = (self.folder / "cams_lidars.json", self.folder.parent / "cams_lidars.json")
        return next((path for path in places if path.is_file()), None)

    @cached_property
    def _calibration(self) -> Calibration:
        path = self._config or self.folder / "cams_lidars.json"
        return read_calibration(path, self._view_name)

    def _check_colours(self) -> None:
        path = self.folder / "class_list.json"
        if not check_class_list(path):
            log.warning(
                "%s: missing, so nothing vouches that the colours mean what the label map says; "
                "going on. Copy it from the data set",
                path,
            )


def _attrs(arrays: dict[str, np.ndarray], stamp: int | None) -> dict[str, np.ndarray]:
    pixel = np.stack([arrays["row"], arrays["col"]], 1)
    attrs = {
        "intensity": (arrays["reflectance"] / 255.0).astype(np.float32),
        "pixel": pixel.astype(np.float32),
    }
    if "lidar_id" in arrays:
        attrs["lidar"] = arrays["lidar_id"].astype(np.int16)
    if "boundary" in arrays:
        attrs["boundary"] = arrays["boundary"].astype(bool)
    if "valid" in arrays and not arrays["valid"].all():
        attrs["valid"] = arrays["valid"].astype(bool)
    times = arrays.get("rectime", arrays.get("timestamp"))
    if times is not None:
        # Only the recording time has the picture's clock; the other lags by the leap seconds.
        zero = stamp if stamp is not None and "rectime" in arrays else times.min()
        attrs["time"] = ((times - zero) * _MICRO).astype(np.float32)
    return attrs
