"""Where Waymo's frames lie: in parquet components per segment, or in converted KITTI folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.readers.waymo.converted import ConvertedLayout
from pcseg.data.readers.waymo.parquet import SPLIT_FOLDERS, ParquetLayout
from pcseg.data.scan import Scan, View
from pcseg.data.splits import Part
from pcseg.errors import DataError


class Layout(Protocol):
    """What the reader asks of the files; see `Reader` for the meaning of each."""

    counts_are_cheap: bool

    def segments_of(self, part: Part) -> list[str]:
        """Sequences that a part of a split means: those of a split's folder, or itself."""
        ...

    def sequences(self) -> list[str]:
        """Names of all sequences, sorted."""
        ...

    def frames(self, sequence: str) -> list[str]:
        """Names of the frames of a sequence, in the order of time."""
        ...

    def is_labelled(self, frame: FrameId) -> bool:
        """Whether labels of a frame are there."""
        ...

    def scan(self, frame: FrameId, labelled: bool) -> Scan:
        """The points of a frame, with raw labels if asked for."""
        ...

    def labels(self, frame: FrameId) -> np.ndarray:
        """(N,) int64 raw ids of a frame."""
        ...

    def count_points(self, frame: FrameId) -> int:
        """Number of points of a frame."""
        ...

    def files(self, frame: FrameId, labelled: bool) -> list[Path]:
        """Files that a frame is read from, that of its labels last."""
        ...

    def cameras(self) -> list[str]:
        """Names of the cameras that can be asked for."""
        ...

    def view(
        self, frame: FrameId, camera: str, pose: np.ndarray, labelled: bool
    ) -> tuple[View, np.ndarray | None] | None:
        """The picture that belongs to a scan with that pose, and raw ids of its pixels."""
        ...


def find_layout(root: Path, returns: Sequence[int], origin: str) -> Layout:
    """Tell by the files how Waymo lies in a folder.

    Args:
        root: given by the user.
        returns: numbers of the returns to read.
        origin: of converted clouds, ``"vehicle"`` or ``"sensor"``.

    Raises:
        DataError: if it is not there, or only in the first version's TFRecords.
    """
    folders = {name: root / name for name in SPLIT_FOLDERS if (root / name / "lidar").is_dir()}
    if not folders and (root / "lidar").is_dir():
        folders = {root.name: root}
    if folders:
        return ParquetLayout(folders, returns)
    for folder in (root, root / "sequences"):
        if any(path.is_dir() for path in folder.glob("[0-9]*/velodyne")):
            return ConvertedLayout(folder, origin)
    records = next(iter([*root.glob("*.tfrecord"), *root.glob("*/*.tfrecord")]), None)
    if records is not None:
        raise DataError(
            f"{records}: is a TFRecord of Waymo Open v1, which only TensorFlow reads. Download "
            "the same segments as version 2 (parquet): components lidar, lidar_segmentation, "
            "lidar_calibration, lidar_pose and vehicle_pose, for pictures also camera_image and "
            "camera_calibration."
        )
    there = sorted(path.name for path in root.iterdir())[:8] if root.is_dir() else None
    found = "no such folder" if there is None else f"it holds: {', '.join(there) or 'nothing'}"
    raise DataError(
        f"{root}: no training/lidar/*.parquet (Waymo Open v2) and no 0000/velodyne/*.bin "
        f"(converted) found; {found}. Give the folder that holds 'training' and 'validation'."
    )
