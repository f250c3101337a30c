"""Waymo Open v2 on the disk: split folders, components, a parquet file for each segment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.readers.waymo.cameras import CAMERAS
from pcseg.data.readers.waymo.segment import Segment
from pcseg.data.scan import Scan, View
from pcseg.data.splits import Part

SPLIT_FOLDERS = ("training", "validation", "testing")


class ParquetLayout:
    """Segments ``<split>/<component>/<segment>.parquet``; one is open at a time."""

    counts_are_cheap = False

    def __init__(self, folders: Mapping[str, Path], returns: Sequence[int]) -> None:
        self._returns = tuple(returns)
        self._folder_of = {
            path.stem: folder
            for folder in folders.values()
            for path in sorted((folder / "lidar").glob("[!.]*.parquet"))
        }
        self._split_of = {name: f.name for name, f in self._folder_of.items()}
        self._times: dict[str, list[int]] = {}
        self._labelled: dict[str, frozenset[int]] = {}
        self._open: tuple[int, Segment] | None = None

    def segments_of(self, part: Part) -> list[str]:
        """Sequences that a part of a split means: those of a split's folder, or itself."""
        if part.sequence not in SPLIT_FOLDERS:
            return [part.sequence]
        # A folder that is not there is named as what is missing.
        inside = [name for name, split in self._split_of.items() if split == part.sequence]
        return inside or [part.sequence]

    def sequences(self) -> list[str]:
        """Names of all sequences, sorted."""
        return sorted(self._folder_of)

    def frames(self, sequence: str) -> list[str]:
        """Names of the frames of a sequence, in the order of time."""
        return [f"{number:06d}" for number in range(len(self._times_of(sequence)))]

    def is_labelled(self, frame: FrameId) -> bool:
        """Whether labels of a frame are there."""
        if frame.sequence not in self._labelled:
            self._labelled[frame.sequence] = self._segment(frame.sequence).labelled()
        return self._time(frame) in self._labelled[frame.sequence]

    def scan(self, frame: FrameId, labelled: bool) -> Scan:
        """The points of a frame, with raw labels if asked for."""
        return self._segment(frame.sequence).scan(self._time(frame), self._returns, labelled)

    def labels(self, frame: FrameId) -> np.ndarray:
        """(N,) int64 raw ids of a frame."""
        return self._segment(frame.sequence).labels(self._time(frame), self._returns)[0]

    def count_points(self, frame: FrameId) -> int:
        """Number of points of a frame."""
        return self._segment(frame.sequence).count_points(self._time(frame), self._returns)

    def files(self, frame: FrameId, labelled: bool) -> list[Path]:
        """Files that a frame is read from, that of its labels last."""
        components = ["lidar", "lidar_pose", "lidar_calibration", "vehicle_pose"]
        components += ["lidar_segmentation"] if labelled else []
        segment = Segment(self._folder_of[frame.sequence], frame.sequence)
        return [segment.path(component) for component in components]

    def cameras(self) -> list[str]:
        """Names of the cameras that can be asked for."""
        folders = {folder for folder in self._folder_of.values()}
        return list(CAMERAS) if any((f / "camera_image").is_dir() for f in folders) else []

    def view(
        self, frame: FrameId, camera: str, pose: np.ndarray, labelled: bool
    ) -> tuple[View, np.ndarray | None] | None:
        """The picture that belongs to a scan with that pose, and raw ids of its pixels."""
        return self._segment(frame.sequence).view(self._time(frame), camera, pose, labelled)

    def __getstate__(self) -> dict[str, Any]:
        """Open files stay behind when a reader is sent to another process."""
        return {**self.__dict__, "_open": None}

    def _times_of(self, sequence: str) -> list[int]:
        if sequence not in self._times:
            self._times[sequence] = self._segment(sequence).times()
        return self._times[sequence]

    def _time(self, frame: FrameId) -> int:
        return self._times_of(frame.sequence)[int(frame.frame)]

    def _segment(self, name: str) -> Segment:
        """The segment, kept open until another is asked for; a forked process opens its own."""
        if self._open is None or (self._open[0], self._open[1].name) != (os.getpid(), name):
            self._open = (os.getpid(), Segment(self._folder_of[name], name))
        return self._open[1]
