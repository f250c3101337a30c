"""A PandaSet scene without clouds and pictures: where the car and its cameras were, and when."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.labels import LabelSet
from pcseg.data.readers.pandaset.files import (
    check_class_names,
    read_intrinsics,
    read_list,
    read_poses,
    read_times,
)
from pcseg.errors import DataError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lens:
    """A camera of a scene.

    Attributes:
        K: (3, 3) float64 intrinsics in pixels.
        poses: (F, 4, 4) float64 camera -> world, by frame number.
        times: (F,) float64 Unix seconds.
    """

    K: np.ndarray
    poses: np.ndarray
    times: np.ndarray


class Scene:
    """The small files of a scene.

    Attributes:
        poses: (F, 4, 4) float64 ego -> world, by frame number.
        times: (F,) float64 Unix seconds.
        lenses: the chosen cameras that the scene has, by name.
    """

    def __init__(self, folder: Path, cameras: Sequence[str]) -> None:
        """Read poses and times of the LiDAR and of the named cameras.

        Raises:
            DataError: for a missing or damaged file.
        """
        self._folder = folder
        self._lengths: dict[Path, int] = {}
        self.poses, self.times = self._timed(folder / "lidar")
        self.lenses = {name: self._lens(name) for name in cameras if self._has(name)}
        gps = folder / "meta/gps.json"
        self._gps = read_list(gps) if gps.is_file() else []

    def gps(self, number: int) -> dict[str, Any]:
        """``{"gps": …}`` as stored for a frame: lat, long, height, xvel, yvel; empty if unknown."""
        return {"gps": self._gps[number]} if number < len(self._gps) else {}

    def check_frame(self, frame: FrameId) -> None:
        """Demand that the lists of the scene reach a frame.

        Raises:
            DataError: naming the file and its length.
        """
        needed = int(frame.frame) + 1
        for path, count in self._lengths.items():
            if count < needed:
                raise DataError(
                    f"{path}: {count} entries, but frame {frame} needs entry {needed} "
                    "(one for each frame number from 0). Copy the whole file."
                )

    def check_classes(self, table: LabelSet) -> None:
        """Compare the scene's own class names with those of the label map.

        Raises:
            LabelError: if an id means something else in the scene.
        """
        path = self._folder / "annotations/semseg/classes.json"
        if not check_class_names(path, table.raw_names):
            log.warning(
                "%s: missing, so nothing vouches that the ids are those of the label map; "
                "going on. Copy it from the dataset",
                path,
            )

    def _has(self, camera: str) -> bool:
        return (self._folder / "camera" / camera).is_dir()

    def _lens(self, camera: str) -> Lens:
        folder = self._folder / "camera" / camera
        return Lens(read_intrinsics(folder / "intrinsics.json"), *self._timed(folder))

    def _timed(self, folder: Path) -> tuple[np.ndarray, np.ndarray]:
        poses, times = folder / "poses.json", folder / "timestamps.json"
        found = read_poses(poses), read_times(times)
        self._lengths |= {poses: len(found[0]), times: len(found[1])}
        if len(found[0]) != len(found[1]):
            raise DataError(
                f"{poses}: {len(found[0])} poses, but {len(found[1])} times in {times.name}. "
                "Copy both files again."
            )
        return found
