"""Readers of the SemanticKITTI layout: `sequences/SS/{velodyne,labels,calib,poses,times}`."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.labels import LabelSet
from pcseg.data.reader import Reader, check_choice
from pcseg.data.readers.kitti_files import (
    count_points,
    read_calib,
    read_cloud,
    read_label_file,
    read_poses,
    read_times,
)
from pcseg.data.scan import Scan
from pcseg.errors import DataError, LabelError

log = logging.getLogger(__name__)

REQUIRABLE = ("labels", "calib", "poses", "times")


class KittiFamily(Reader):
    """Datasets in SemanticKITTI's layout; a subclass states as data what differs.

    Class attributes:
        name: of the dataset, as the catalogue lists it.
        label_map: the shipped label map that holds its classes and splits.
        intensity_max: what stored intensities are divided by, to lie in 0..1.
        camera_poses: whether poses.txt is in camera-0 coordinates (sensor pose = Tr⁻¹·T·Tr).
    """

    frame_files: ClassVar[str] = "velodyne/*.bin"
    intensity_max: ClassVar[float] = 1.0
    camera_poses: ClassVar[bool] = True

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        label_set: str | LabelSet | None = None,
        *,
        sequences: Sequence[str] | None = None,
        labels: str = "optional",
        require: Collection[str] = (),
        invalid: str = "error",
        every: int = 1,
        cameras: Sequence[str] = (),
    ) -> None:
        """Find the frames of a split and read the small files (calib, poses, times).

        Args:
            root: the folder that holds ``sequences/``, or its parent, or ``sequences`` itself.
            split: see `Reader`.
            label_set: see `Reader`.
            sequences: see `Reader`.
            labels: see `Reader`.
            require: files that must be there, of ``labels``, ``calib``, ``poses``, ``times``.
            invalid: see `Reader`.
            every: see `Reader`.
            cameras: see `Reader`.

        Raises:
            ConfigError: for a setting that does not exist.
            DataError: if nothing of the split is there, or a required or damaged small file.
        """
        for value in require:
            check_choice("require", value, REQUIRABLE)
        super().__init__(
            root,
            split,
            label_set,
            sequences=sequences,
            labels="required" if "labels" in require else labels,
            invalid=invalid,
            every=every,
            cameras=cameras,
        )
        self._sides = {
            sequence: self._read_side(sequence, require)
            for sequence in dict.fromkeys(frame.sequence for frame in self.frames)
        }
        self._check_poses()

    def cloud_path(self, frame: FrameId) -> Path:
        """The ``.bin`` of a frame."""
        return self.folder / frame.sequence / "velodyne" / f"{frame.frame}.bin"

    def label_path(self, frame: FrameId) -> Path:
        """The ``.label`` of a frame, whether it is there or not."""
        return self.folder / frame.sequence / "labels" / f"{frame.frame}.label"

    def point_counts(self) -> np.ndarray:
        """(F,) int64 points of each frame, from the sizes of the files."""
        return np.array([self._count_points(i) for i in range(len(self))], np.int64)

    def _raw_scan(self, frame: FrameId) -> Scan:
        path = self.cloud_path(frame)
        cloud = read_cloud(path)
        meta: dict[str, Any] = {"path": str(path)}
        scan: dict[str, Any] = {
            "xyz": np.ascontiguousarray(cloud[:, :3]),
            "attrs": {"intensity": cloud[:, 3] / np.float32(self.intensity_max)},
        }
        if self._has_labels(frame):
            raw, scan["instances"] = read_label_file(self.label_path(frame), path, len(cloud))
            scan["raw_labels"] = raw
        side, number = self._sides[frame.sequence], int(frame.frame)
        if side.times is not None:
            meta["time"] = float(side.times[number])
        pose = None if side.poses is None else side.poses[number]
        return Scan(pose=pose, meta=meta, **scan)

    def _read_labels(self, index: int) -> np.ndarray | None:
        frame = self.frames[index]
        if not self._has_labels(frame):
            return None
        if self._invalid == "ignore":  # which labels count is then told by the points
            return self._read(index).labels
        cloud, path = self.cloud_path(frame), self.label_path(frame)
        return self.label_set.encode(read_label_file(path, cloud, count_points(cloud))[0], path)

    def _count_points(self, index: int) -> int:
        return count_points(self.cloud_path(self.frames[index]))

    def _files(self, index: int) -> list[Path]:
        frame = self.frames[index]
        paths = [self.cloud_path(frame)]
        return [*paths, self.label_path(frame)] if self._has_labels(frame) else paths

    def _label_source(self, frame: FrameId) -> Path:
        return self.label_path(frame)

    def _is_labelled(self, frame: FrameId) -> bool:
        return self.label_path(frame).exists()

    def _locate(self, root: Path) -> Path:
        return sequences_folder(root)

    def _sequences_there(self) -> list[str]:
        return sorted(path.parent.name for path in _velodyne_folders(self.folder))

    def _frames_there(self, sequence: str) -> list[str]:
        folder = self.folder / sequence / "velodyne"
        names = sorted(p.stem for p in folder.glob("*.bin") if not p.name.startswith("."))
        for name in names:
            if not name.isdecimal():
                raise DataError(f"{folder / name}.bin: clouds are named by number: 000000.bin.")
        return names

    def _read_side(self, sequence: str, require: Collection[str]) -> _SideFiles:
        folder = self.folder / sequence
        needed = {*require, "calib"} if "poses" in require and self.camera_poses else {*require}
        for name in sorted(needed - {"labels"}):
            path = folder / f"{name}.txt"
            if not path.is_file():
                raise DataError(
                    f"{path}: missing, but {' and '.join(sorted(require))} are required here. "
                    "Copy it from the dataset's archive of calibration, poses and times, "
                    "or use a method that does without."
                )
        poses = times = None
        if (folder / "poses.txt").is_file():
            poses = self._sensor_poses(folder)
        if (folder / "times.txt").is_file():
            times = read_times(folder / "times.txt")
        return _SideFiles(poses, times)

    def _sensor_poses(self, folder: Path) -> np.ndarray | None:
        poses = read_poses(folder / "poses.txt")
        if not self.camera_poses:
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

    def _check_poses(self) -> None:
        """Fail now, not in the middle of an epoch."""
        for frame in self.frames:
            side, folder = self._sides[frame.sequence], self.folder / frame.sequence
            for name, rows in (("poses.txt", side.poses), ("times.txt", side.times)):
                if rows is not None and len(rows) <= int(frame.frame):
                    raise DataError(
                        f"{folder / name}: {len(rows)} lines, but frame {frame} needs line "
                        f"{int(frame.frame) + 1} (one for each frame number from 0). "
                        f"Copy the whole file, or take it away to go on without."
                    )

    def _demand_labels(self, frames: Sequence[FrameId]) -> None:
        for frame in frames:
            if not self._is_labelled(frame):
                raise LabelError(
                    f"{self.label_path(frame)}: missing, and labels are required here. Copy it, "
                    "or use labels=only (leaves such frames out) or labels=optional."
                )


@dataclass(frozen=True)
class _SideFiles:
    """What a sequence has beside its clouds.

    Attributes:
        poses: (F, 4, 4) float64 sensor -> world by frame number, or None.
        times: (F,) float64 seconds by frame number, or None.
    """

    poses: np.ndarray | None
    times: np.ndarray | None


def sequences_folder(root: Path) -> Path:
    """The folder of the sequences under a dataset's root, found by the one rule of all readers.

    Raises:
        DataError: if there is none.
    """
    candidates = [root / "sequences", root / "dataset" / "sequences", root]
    for folder in candidates:
        if _velodyne_folders(folder):
            return folder
    there = sorted(path.name for path in root.iterdir())[:8] if root.is_dir() else None
    found = (
        "there is no such folder" if there is None else f"it holds: {', '.join(there) or 'nothing'}"
    )
    raise DataError(
        f"{root}: no SS/velodyne/*.bin found in {', '.join(str(c) for c in candidates)}; {found}. "
        "Give the folder that holds 'sequences' (in SemanticKITTI's archives it is 'dataset')."
    )


def _velodyne_folders(folder: Path) -> list[Path]:
    found = folder.glob("[!.]*/velodyne")
    return [path for path in found if path.is_dir()]
