"""Where things lie in KITTI-360: scans, windows, poses and times of each drive, read on demand."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pcseg.data.readers.kitti360.files import (
    DRIVE,
    Mounts,
    Window,
    drive_name,
    read_body_poses,
    read_mounts,
    read_stamps,
    read_window_list,
    windows_in,
)
from pcseg.errors import DataError


class WindowFiles(NamedTuple):
    """A window and its files.

    Attributes:
        window: its frames.
        static: cloud of what stands still.
        dynamic: cloud of what moves; the file may be missing.
        labelled: whether it lies among the windows for training.
    """

    window: Window
    static: Path
    dynamic: Path
    labelled: bool


class Tree:
    """The folders of the dataset; small files are read when they are asked for and kept."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._poses: dict[str, dict[int, np.ndarray]] = {}
        self._times: dict[Path, np.ndarray | None] = {}
        self._windows: dict[str, list[WindowFiles]] = {}

    def scan_folder(self, sequence: str) -> Path:
        """Of the sweeps of a drive."""
        return self.root / "data_3d_raw" / drive_name(sequence) / "velodyne_points" / "data"

    def drives(self, unit: str) -> list[str]:
        """Numbers of the drives that have scans, or windows."""
        if unit == "scans":
            scans = self.root.glob("data_3d_raw/*/velodyne_points/data")
            names = [folder.parents[1].name for folder in scans]
        else:
            names = [folder.parent.name for folder in self._static_folders("*")]
        return sorted({found[1] for name in names if (found := DRIVE.fullmatch(name))})

    def windows(self, sequence: str) -> list[WindowFiles]:
        """All windows of a drive, sorted."""
        if sequence not in self._windows:
            found = [
                WindowFiles(
                    window,
                    folder / f"{window.name}.ply",
                    folder.with_name("dynamic") / f"{window.name}.ply",
                    folder.parts[-3] != "test",
                )
                for folder in self._static_folders(drive_name(sequence))
                for window in windows_in(folder)
            ]
            self._windows[sequence] = sorted(found)
        return self._windows[sequence]

    def split_windows(self, split: str) -> dict[str, list[Window]]:
        """The windows of ``train``, ``val`` (by the lists) or ``test`` (by the folder).

        Raises:
            DataError: if the list is missing.
        """
        if split == "test":
            drives = self.drives("windows")
            found = {d: [w.window for w in self.windows(d) if not w.labelled] for d in drives}
            return {drive: windows for drive, windows in found.items() if windows}
        name = f"2013_05_28_drive_{split}.txt"
        folders = (self.root / "data_3d_semantics" / "train", self.root / "data_3d_semantics")
        for folder in folders:
            if (folder / name).is_file():
                return read_window_list(folder / name)
        raise DataError(
            f"{folders[0] / name}: missing, and only this list says which windows are in split "
            f"'{split}'. Copy it from the archive of 3D semantics, or ask for sequences and frames "
            "(0003:0-500) or split=all."
        )

    def labelled_around(self, sequence: str, frame: int) -> list[WindowFiles]:
        """The labelled windows that hold a frame, and those before and after; none if none does."""
        windows = [files for files in self.windows(sequence) if files.labelled]
        holding = [i for i, files in enumerate(windows) if files.window.holds(frame)]
        if not holding:
            return []
        return windows[max(0, holding[0] - 1) : holding[-1] + 2]

    @cached_property
    def mounts(self) -> Mounts | None:
        """Where the sensors sit; None if there is no calibration.

        Raises:
            DataError: if it is damaged.
        """
        folder = self.root / "calibration"
        return read_mounts(folder) if (folder / "calib_cam_to_velo.txt").is_file() else None

    def pose(self, sequence: str, frame: int) -> np.ndarray | None:
        """(4, 4) sensor -> world; None where it is not published, or the calibration is missing.

        Raises:
            DataError: if poses.txt is damaged.
        """
        if self.mounts is None:
            return None
        if sequence not in self._poses:
            path = self.root / "data_poses" / drive_name(sequence) / "poses.txt"
            self._poses[sequence] = read_body_poses(path) if path.is_file() else {}
        body = self._poses[sequence].get(frame)
        return None if body is None else body @ self.mounts.body_from_sensor

    def motion(self, sequence: str, frame: int) -> np.ndarray:
        """(4, 4) points seen one sweep ago -> seen now; at rest where a pose is missing."""
        now, before = self.pose(sequence, frame), self.pose(sequence, frame - 1)
        if now is None or before is None:
            return np.eye(4)
        moved: np.ndarray = np.linalg.inv(now) @ before
        return moved

    def time(self, folder: Path, frame: int) -> float | None:
        """Unix time of a frame in seconds, by ``timestamps.txt`` of its folder; None if not known.

        Raises:
            DataError: if timestamps.txt is damaged.
        """
        if folder not in self._times:
            path = folder / "timestamps.txt"
            self._times[folder] = read_stamps(path) if path.is_file() else None
        times = self._times[folder]
        return float(times[frame]) if times is not None and frame < len(times) else None

    def _static_folders(self, drive: str) -> list[Path]:
        """``static`` of the parts ``train`` and ``test``, and of releases without parts."""
        semantics = self.root / "data_3d_semantics"
        return [
            folder
            for part in ("train/", "test/", "")
            for folder in semantics.glob(f"{part}{drive}/static")
        ]
