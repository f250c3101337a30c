"""Waymo's labelled frames in SemanticKITTI's layout, as DGLSS and OpenPCSeg prepare them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.readers.kitti.files import count_points, read_cloud, read_label_file
from pcseg.data.scan import Scan, View
from pcseg.data.splits import Part

CONVERTED = {"training": range(798), "validation": range(798, 1000), "testing": range(1000, 1150)}
"""Folder numbers of each split: the 798, 202 and 150 segments, counted through."""

NOMINAL_MOUNT_M = (1.43, 0.0, 2.184)
"""Usual place of the TOP LiDAR in the vehicle frame; converted clouds come without calibration."""


class ConvertedLayout:
    """Folders ``0000`` … ``0999`` with ``velodyne/*.bin`` and ``labels/*.label``."""

    counts_are_cheap = True

    def __init__(self, folder: Path, origin: str) -> None:
        self._folder, self._origin = folder, origin

    def segments_of(self, part: Part) -> list[str]:
        """Sequences that a part of a split means: those of a split's folder, or itself."""
        if part.sequence not in CONVERTED:
            return [part.sequence]
        there = self.sequences()
        inside = [name for name in there if int(name) in CONVERTED[part.sequence]]
        return inside or [part.sequence]

    def sequences(self) -> list[str]:
        """Names of all sequences, sorted."""
        found = self._folder.glob("[0-9]*/velodyne")
        return sorted(p.parent.name for p in found if p.is_dir() and p.parent.name.isdecimal())

    def frames(self, sequence: str) -> list[str]:
        """Names of the frames of a sequence, in the order of time."""
        clouds = (self._folder / sequence / "velodyne").glob("[!.]*.bin")
        return sorted(path.stem for path in clouds)

    def is_labelled(self, frame: FrameId) -> bool:
        """Whether labels of a frame are there."""
        return self._label_path(frame).is_file()

    def scan(self, frame: FrameId, labelled: bool) -> Scan:
        """The points of a frame, with raw labels if asked for."""
        path = self._cloud_path(frame)
        cloud = read_cloud(path)
        raw = instances = None
        if labelled:
            raw, instances = self._labels(frame)
        xyz, bright = np.ascontiguousarray(cloud[:, :3]), np.ascontiguousarray(cloud[:, 3])
        meta: dict[str, Any] = {"path": str(path), "mount_height_m": NOMINAL_MOUNT_M[2]}
        if self._origin == "vehicle":
            xyz -= np.array(NOMINAL_MOUNT_M, np.float32)
        attrs = {"intensity": np.tanh(np.maximum(bright, 0)), "intensity_raw": bright}
        return Scan(xyz, attrs, raw_labels=raw, instances=instances, meta=meta)

    def labels(self, frame: FrameId) -> np.ndarray:
        """(N,) int64 raw ids of a frame."""
        return self._labels(frame)[0]

    def count_points(self, frame: FrameId) -> int:
        """Number of points of a frame."""
        return count_points(self._cloud_path(frame))

    def files(self, frame: FrameId, labelled: bool) -> list[Path]:
        """Files that a frame is read from, that of its labels last."""
        return [self._cloud_path(frame), *([self._label_path(frame)] if labelled else [])]

    def cameras(self) -> list[str]:
        """Names of the cameras that can be asked for."""
        return []

    def view(
        self, frame: FrameId, camera: str, pose: np.ndarray, labelled: bool
    ) -> tuple[View, np.ndarray | None] | None:
        """The picture that belongs to a scan with that pose, and raw ids of its pixels."""
        return None

    def _labels(self, frame: FrameId) -> tuple[np.ndarray, np.ndarray]:
        """Raw ids and instances: one word a point as in SemanticKITTI, or a pair (instance, class).

        Which of the two is told by the size of the file.
        """
        cloud, path = self._cloud_path(frame), self._label_path(frame)
        points = count_points(cloud)
        if points and path.stat().st_size == 8 * points:
            pairs = np.fromfile(path, "<i4").reshape(-1, 2).astype(np.int64)
            return np.maximum(pairs[:, 1], 0), np.maximum(pairs[:, 0], 0)
        return read_label_file(path, cloud, points)

    def _cloud_path(self, frame: FrameId) -> Path:
        return self._folder / frame.sequence / "velodyne" / f"{frame.frame}.bin"

    def _label_path(self, frame: FrameId) -> Path:
        return self._folder / frame.sequence / "labels" / f"{frame.frame}.label"
