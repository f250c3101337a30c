"""What a sequence in SemanticKITTI's layout has beside its clouds: poses and times by frame."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.readers.kitti.files import read_calib, read_poses, read_times
from pcseg.errors import DataError

log = logging.getLogger(__name__)

SMALL_FILES = ("calib", "poses", "times")


@dataclass(frozen=True)
class SideFiles:
    """The small files of a sequence.

    Attributes:
        folder: of the sequence.
        poses: (F, 4, 4) float64 sensor -> world, a row for each line, or None.
        times: (F,) float64 seconds, or None.
        ranks: line of each frame's name where it is not its number.
    """

    folder: Path
    poses: np.ndarray | None
    times: np.ndarray | None
    ranks: Mapping[str, int] = field(default_factory=dict)

    def line(self, frame: FrameId) -> int:
        """Which line of the files, from 0, belongs to a frame: its number."""
        return self.ranks[frame.frame] if self.ranks else int(frame.frame)

    def by_order(self, names: Sequence[str]) -> SideFiles:
        """The same, lines counted by the order of the clouds if their numbers leave gaps.

        That is so if there are as many lines as clouds, and numbers beyond the last line.

        Args:
            names: of all clouds of the sequence, sorted.
        """
        rows = {len(values) for values in (self.poses, self.times) if values is not None}
        if rows != {len(names)} or int(names[-1]) < len(names):
            return self
        log.warning(
            "%s: clouds are numbered up to %s, but poses and times have %d lines, as many as there "
            "are clouds: line k is taken for the k-th cloud",
            self.folder,
            names[-1],
            len(names),
        )
        return replace(self, ranks={name: rank for rank, name in enumerate(names)})

    def check(self, frame: FrameId) -> None:
        """Demand a line of each file for a frame.

        Raises:
            DataError: if a file is too short.
        """
        for name, rows in (("poses.txt", self.poses), ("times.txt", self.times)):
            if rows is not None and len(rows) <= self.line(frame):
                raise DataError(
                    f"{self.folder / name}: {len(rows)} lines, but frame {frame} needs line "
                    f"{int(frame.frame) + 1} (one for each frame number from 0). "
                    f"Copy the whole file, or take it away to go on without."
                )


def read_side_files(folder: Path, require: Collection[str], camera_poses: bool) -> SideFiles:
    """Read poses.txt and times.txt of a sequence, as far as they are there.

    Args:
        folder: of the sequence.
        require: names of `SMALL_FILES` that must be there; others are passed over.
        camera_poses: whether poses are those of camera 0 (sensor pose = Tr⁻¹·T·Tr).

    Raises:
        DataError: for a required or a damaged file.
    """
    needed = {*require, "calib"} if "poses" in require and camera_poses else {*require}
    for name in sorted(needed & set(SMALL_FILES)):
        path = folder / f"{name}.txt"
        if not path.is_file():
            raise DataError(
                f"{path}: missing, but {' and '.join(sorted(require))} are required here. "
                "Copy it from the dataset's archive of calibration, poses and times, "
                "or use a method that does without."
            )
    poses = times = None
    if (folder / "poses.txt").is_file():
        poses = _sensor_poses(folder, camera_poses)
    if (folder / "times.txt").is_file():
        times = read_times(folder / "times.txt")
    return SideFiles(folder, poses, times)


def _sensor_poses(folder: Path, camera_poses: bool) -> np.ndarray | None:
    poses = read_poses(folder / "poses.txt")
    if not camera_poses:
        return poses
    path = folder / "calib.txt"
    if not path.is_file():
        log.warning("%s: missing, so poses.txt cannot be used: scans have no pose", path)
        return None
    calib = read_calib(path)
    if "Tr" not in calib:
        raise DataError(
            f"{path}: no line 'Tr:' (sensor to camera 0), "
            f"found {', '.join(calib) or 'nothing'}. Copy the calib.txt "
            "of the dataset, or take poses.txt away to go on without poses."
        )
    return np.linalg.inv(calib["Tr"]) @ poses @ calib["Tr"]
