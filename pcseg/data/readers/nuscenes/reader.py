"""nuScenes: 1000 scenes of Boston and Singapore, 32 beams at 20 Hz, labels at 2 Hz, six cameras."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.labels import LabelSet
from pcseg.data.reader import Reader
from pcseg.data.readers.nuscenes.boxes import DETECTION, build_box_index, label_points
from pcseg.data.readers.nuscenes.cameras import read_view
from pcseg.data.readers.nuscenes.choice import (
    BOXES_MAP,
    LABEL_MAP,
    raw_ids,
    source_of_labels,
    tables_folder,
    xmuda_parts,
)
from pcseg.data.readers.nuscenes.files import (
    count_points,
    read_lidarseg,
    read_panoptic,
    read_sweep,
)
from pcseg.data.readers.nuscenes.index import BoxIndex, Index, keep, load
from pcseg.data.readers.nuscenes.sweeps import LIDAR_FROM_SENSOR, join_sweeps, turned
from pcseg.data.readers.nuscenes.tables import build_index
from pcseg.data.scan import Scan, View
from pcseg.errors import ConfigError, LabelError

log = logging.getLogger(__name__)

OUTSIDE = 24
"""Raw id in the map ``nuscenes_boxes`` of points that are in no box."""


class NuScenes(Reader):
    """nuScenes with lidarseg, read from its own tables: no devkit, no prepared files.

    Sequences are scenes (``scene-0061``), frames the key frames of a scene in order of time (``00``
    to ``39`` or so): ``scene-0061:0-7``. The file's x right, y forward becomes x forward, y left.
    Scans have ``attrs["intensity"]`` in 0..1 and ``attrs["ring"]`` (int16, 0 lowest), raw labels
    (``category.json``'s indices), the pose LiDAR -> world, and in ``meta`` the time (Unix seconds),
    the scene's location and description, and the tokens of sample and sweep, the latter for names
    of result files. Heights in the world mean little: the data set's localisation is flat, z of the
    car is 0. About a quarter of the points are returns of the car itself and rays without a return,
    at the sensor; they are labelled 31.

    With panoptic labels scans have instances. Pictures are undistorted; a view's pose goes through
    the world from the LiDAR's moment to the camera's.

    Splits beside the official ones: ``mini_train``, ``mini_val``, and xMUDA's (Jaritz et al., CVPR
    2020), by the rules of its published code: ``xmuda:train_usa`` and so on, of ``train`` or
    ``test`` (the official val) and ``usa`` (the log's location has "boston"), ``singapore`` (has
    "singapore"), ``night`` (the scene's description has "night") or ``day`` (has not); and
    ``xmuda:val_singapore``, ``xmuda:val_night``, scenes that the train parts lack.
    """

    name: str = "nuscenes"
    label_map: ClassVar[str] = LABEL_MAP
    frame_files: ClassVar[str] = "key frame"

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
        version: str | None = None,
        sweeps: int = 0,
        labels_from: str | None = None,
    ) -> None:
        """Find the frames of a split; the first time the tables are read, later their index.

        Args:
            root: the folder that holds ``samples/`` and the folder of tables, or the latter.
            split: see the class, and `Reader`.
            label_set: see `Reader`; a set of the map ``nuscenes_boxes`` takes labels from boxes.
            sequences: see `Reader`.
            labels: see `Reader`.
            invalid: see `Reader`.
            every: see `Reader`.
            cameras: see `Reader`.
            version: folder of the tables, for example ``v1.0-mini``; by default the one that
                holds the split.
            sweeps: so many sweeps before each key frame are added to its points, moved to where
                they lie in its own sensor frame (fewer at the beginning of a scene). They have
                label -1 and raw label -1, ``attrs["time"]`` in seconds before the key frame
                (negative) and ``attrs["sweep"]`` 1, 2, … backwards. The key frame's own points come
                first: ``meta["key_points"]`` of them.
            labels_from: ``lidarseg``; ``panoptic``, for the categories of its files; or ``boxes``:
                the category of the box a point lies in (see `label_points`).

        Raises:
            ConfigError: for a setting that does not exist.
            DataError: if tables are missing or broken, or nothing of the split is there.
        """
        self._source = source_of_labels(labels_from, label_set)
        if sweeps < 0:
            raise ConfigError(f"sweeps={sweeps}: how many sweeps to add, 0 for none.")
        self._sweeps, self._version = sweeps, version
        self._wanted = split
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

    def sweep_path(self, frame: FrameId) -> Path:
        """The ``.pcd.bin`` of a key frame."""
        return self._path(self._index.filename[self._index.frame_lidar[self._number(frame)]])

    def label_path(self, frame: FrameId) -> Path | None:
        """The file of a frame's labels; None if the tables have none, or they come from boxes."""
        if self._source == "boxes":
            return None
        table = "frame_lidarseg" if self._source == "lidarseg" else "frame_panoptic"
        name = getattr(self._index, table)[self._number(frame)]
        return self._path(name) if name else None

    def _locate(self, root: Path) -> Path:
        self._tables = tables_folder(root, self._version, self._wanted)
        index = load(Index, self._tables)
        if index is None:
            size = sum(path.stat().st_size for path in self._tables.glob("*.json"))
            log.info("%s: reading the tables (%.0f MB) once", self._tables, size / 1e6)
            index = build_index(self._tables)
            keep(index, self._tables)
        self._index = index
        self._boxes = self._box_index() if self._source == "boxes" else None
        self._raw_ids = raw_ids(index, self._tables)
        self._scenes = {name.decode(): i for i, name in enumerate(index.scene_name.tolist())}
        return self._tables.parent

    def _box_index(self) -> BoxIndex:
        boxes = load(BoxIndex, self._tables)
        if boxes is None:
            boxes = build_box_index(self._tables, self._index)
            keep(boxes, self._tables)
        return boxes

    def split_table(self) -> dict[str, dict[str, list[str]]]:
        """See `Reader`; xMUDA's parts are computed from places and descriptions."""
        conventions = super().split_table()
        conventions["xmuda"] |= xmuda_parts(
            self._index, conventions["official"], conventions["xmuda"]
        )
        return conventions

    def _map_name(self, root: Path) -> str:
        return BOXES_MAP if self._source == "boxes" else LABEL_MAP

    def _sequences_there(self) -> list[str]:
        return list(self._scenes)

    def _frames_there(self, sequence: str) -> list[str]:
        start = self._index.scene_start
        scene = self._scenes[sequence]
        return [f"{number:02d}" for number in range(start[scene + 1] - start[scene])]

    def _number(self, frame: FrameId) -> int:
        return int(self._index.scene_start[self._scenes[frame.sequence]]) + int(frame.frame)

    def _is_labelled(self, frame: FrameId) -> bool:
        if self._boxes is not None:
            return len(self._boxes.box) > 0  # the test version has none at all
        return self.label_path(frame) is not None

    def _read(self, index: int) -> Scan:
        scan = super()._read(index)
        if self._sweeps == 0:
            return scan
        recording = int(self._index.frame_lidar[self._number(self.frames[index])])
        return join_sweeps(scan, self._earlier(recording), self._invalid)

    def _earlier(self, recording: int) -> list[Scan]:
        """The sweeps before a recording, each with its own pose."""
        return [self._bare(before) for before in self._before(recording)]

    def _before(self, recording: int) -> list[int]:
        """The recordings of the sweeps that are added, the latest first."""
        return list(islice(self._index.sweeps_before(recording), self._sweeps))

    def _bare(self, recording: int) -> Scan:
        """Points, pose and time of a sweep."""
        index = self._index
        path = self._path(index.filename[recording])
        cloud = read_sweep(path)
        pose = index.world_from_car(recording) @ index.car_from_sensor(recording)
        with np.errstate(invalid="ignore"):  # of points that are no numbers, see `invalid`
            ring = cloud[:, 4].astype(np.int16)
        return Scan(
            xyz=turned(cloud),
            attrs={"intensity": cloud[:, 3] / np.float32(255), "ring": ring},
            pose=pose @ LIDAR_FROM_SENSOR,
            meta={"path": str(path), "time": float(index.time_us[recording] * 1e-6)},
        )

    def _raw_scan(self, frame: FrameId) -> Scan:
        index, number = self._index, self._number(frame)
        scan = self._bare(int(index.frame_lidar[number]))
        scene = self._scenes[frame.sequence]
        facts: dict[str, Any] = {
            "token": index.frame_token[number].decode(),
            "sweep_token": index.frame_lidar_token[number].decode(),
            "location": index.scene_location[scene].decode(),
            "description": index.scene_description[scene].decode(),
        }
        scan = scan.replace(meta={**scan.meta, **facts})
        return self._with_labels(frame, scan) if self._has_labels(frame) else scan

    def _with_labels(self, frame: FrameId, scan: Scan) -> Scan:
        number = self._number(frame)
        if self._boxes is not None:
            assert scan.pose is not None
            world = scan.xyz.astype(np.float64) @ scan.pose[:3, :3].T + scan.pose[:3, 3]
            raw, instances = label_points(
                world, self._boxes, number, self._raw_ids, self._first_boxes(), OUTSIDE
            )
            return scan.replace(raw_labels=raw, instances=instances)
        path = self.label_path(frame)
        assert path is not None
        sweep = Path(scan.meta["path"])
        panoptic = self._index.frame_panoptic[number]
        if panoptic:
            raw, instances = read_panoptic(self._path(panoptic), sweep, len(scan))
            scan = scan.replace(raw_labels=raw, instances=instances)
        if self._source == "lidarseg":
            scan = scan.replace(raw_labels=read_lidarseg(path, sweep, len(scan)))
        return scan

    def _first_boxes(self) -> np.ndarray:
        return np.isin(self._index.category_name, [name.encode() for name in DETECTION])

    def _label_source(self, frame: FrameId) -> Path:
        return self.label_path(frame) or self._tables / "sample_annotation.json"

    def _files(self, index: int) -> list[Path]:
        frame = self.frames[index]
        recording = int(self._index.frame_lidar[self._number(frame)])
        paths = [self._path(self._index.filename[r]) for r in [recording, *self._before(recording)]]
        return [*paths, self._label_source(frame)] if self._has_labels(frame) else paths

    def _read_labels(self, index: int) -> np.ndarray | None:
        frame = self.frames[index]
        if not self._has_labels(frame):
            return None
        if self._source != "lidarseg" or self._invalid == "ignore":
            return self._read(index).labels
        path, sweep = self.label_path(frame), self.sweep_path(frame)
        assert path is not None
        return self.label_set.encode(read_lidarseg(path, sweep, count_points(sweep)), path)

    def _count_points(self, index: int) -> int:
        recording = int(self._index.frame_lidar[self._number(self.frames[index])])
        recordings = [recording, *self._before(recording)]
        return sum(count_points(self._path(self._index.filename[r])) for r in recordings)

    def _reading(self) -> str:
        return f"{super()._reading()} {self._source} {self._sweeps}"

    def _demand_labels(self, frames: Sequence[FrameId]) -> None:
        for frame in frames:
            path = self.label_path(frame)
            if self._is_labelled(frame) and (path is None or path.is_file()):
                continue
            named = f"{path}: is missing" if path else f"{self._tables}: no {self._source} labels"
            raise LabelError(
                f"{named}, and labels are required here (frame {frame}). Unpack the archive of "
                "nuScenes-lidarseg, or use labels=only (leaves such frames out) or labels=optional."
            )

    def _cameras_there(self) -> list[str]:
        return [name.decode() for name in self._index.camera_name.tolist()]

    def _view(self, frame: FrameId, camera: str, scan: Scan) -> View | None:
        index = self._index
        column = self._cameras_there().index(camera)
        recording = int(index.frame_camera[self._number(frame), column])
        if recording < 0:
            return None
        assert scan.pose is not None
        labelled = self._labels != "none" and self._source != "boxes"
        path = self._path(index.filename[recording])
        return read_view(
            index, recording, path, camera, scan.pose, self.label_set if labelled else None
        )

    def _path(self, name: bytes) -> Path:
        """A file of the tables; none leads out of the folder, see `Row.file`."""
        return self._tables.parent / name.decode()
