"""Readers of the SemanticKITTI layout: `sequences/SS/{velodyne,labels,calib,poses,times}`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.labels import LabelSet
from pcseg.data.reader import Reader, check_choice
from pcseg.data.readers.kitti.cameras import Lens, kitti_lens, read_view
from pcseg.data.readers.kitti.files import (
    COLUMNS,
    coordinates,
    count_points,
    read_calib,
    read_cloud,
    read_label_file,
)
from pcseg.data.readers.kitti.sides import SMALL_FILES, SideFiles, read_side_files
from pcseg.data.scan import Scan, View
from pcseg.errors import DataError, LabelError


class KittiFamily(Reader):
    """Datasets in SemanticKITTI's layout; a subclass states as data what differs.

    Class attributes:
        name: of the dataset, as the catalogue lists it.
        label_map: the shipped label map that holds its classes and splits.
        inside: where below the root the sequences may lie.
        cloud_folder: of a sequence's ``.bin`` files.
        label_folder: of its ``.label`` files.
        columns: numbers of each point in a ``.bin`` file.
        intensity_max: what stored intensities are divided by, to lie in 0..1.
        camera_poses: whether poses.txt is in camera-0 coordinates (sensor pose = Tr⁻¹·T·Tr).
        camera_folders: of pictures that belong to frames by their name.
    """

    frame_files: ClassVar[str] = "velodyne/*.bin"
    inside: ClassVar[tuple[str, ...]] = ("sequences", "dataset/sequences", "")
    cloud_folder: ClassVar[str] = "velodyne"
    label_folder: ClassVar[str] = "labels"
    columns: ClassVar[int] = COLUMNS
    intensity_max: ClassVar[float] = 1.0
    camera_poses: ClassVar[bool] = True
    camera_folders: ClassVar[tuple[str, ...]] = ()

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
            require: files that must be there, of ``labels``, ``calib``, ``poses``, ``times`` and
                the names of cameras; without, a frame whose picture is missing has no view.
            invalid: see `Reader`.
            every: see `Reader`.
            cameras: see `Reader`.

        Raises:
            ConfigError: for a setting that does not exist.
            DataError: if nothing of the split is there, or a required or damaged small file.
        """
        for value in require:
            check_choice("require", value, ("labels", *SMALL_FILES, *self.camera_folders))
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
        found = list(dict.fromkeys(frame.sequence for frame in self.frames))
        self._sides = {sequence: self._side_files(sequence, require) for sequence in found}
        # Fail now, not in the middle of an epoch.
        for frame in self.frames:
            self._sides[frame.sequence].check(frame)
        for camera in set(self.camera_folders) & set(require):
            self._demand_pictures(camera)
        self._lenses = {
            (sequence, camera): self._lens(sequence, camera)
            for sequence in found
            for camera in self._cameras
            if (self.folder / sequence / camera).is_dir()
        }

    def cloud_path(self, frame: FrameId) -> Path:
        """The ``.bin`` of a frame."""
        return self.folder / frame.sequence / self.cloud_folder / f"{frame.frame}.bin"

    def label_path(self, frame: FrameId) -> Path:
        """The ``.label`` of a frame, whether it is there or not."""
        return self.folder / frame.sequence / self.label_folder / f"{frame.frame}.label"

    def picture_path(self, frame: FrameId, camera: str) -> Path:
        """The picture that a camera took of a frame, whether it is there or not."""
        return self.folder / frame.sequence / camera / f"{frame.frame}.png"

    def point_counts(self) -> np.ndarray:
        """(F,) int64 points of each frame, from the sizes of the files."""
        return np.array([self._count_points(i) for i in range(len(self))], np.int64)

    def _raw_scan(self, frame: FrameId) -> Scan:
        path = self.cloud_path(frame)
        cloud = read_cloud(path, self.columns)
        meta: dict[str, Any] = {"path": str(path), **self._facts_of(frame)}
        scan: dict[str, Any] = {
            "xyz": coordinates(cloud),
            "attrs": self._attrs_of(cloud, frame),
        }
        if self._has_labels(frame):
            raw, scan["instances"] = read_label_file(self.label_path(frame), path, len(cloud))
            scan["raw_labels"] = raw
        side = self._sides[frame.sequence]
        if side.times is not None:
            meta["time"] = float(side.times[side.line(frame)])
        pose = None if side.poses is None else side.poses[side.line(frame)]
        return Scan(pose=pose, meta=meta, **scan)

    def _side_files(self, sequence: str, require: Collection[str]) -> SideFiles:
        """Poses and times of a sequence."""
        return read_side_files(self.folder / sequence, require, self.camera_poses)

    def _attrs_of(self, cloud: np.ndarray, frame: FrameId) -> dict[str, np.ndarray]:
        """Attributes of the points: intensity; what else a dataset has is a subclass's."""
        return {"intensity": cloud[:, 3] / np.float32(self.intensity_max)}

    def _facts_of(self, frame: FrameId) -> dict[str, Any]:
        """What else is known of a frame, for `Scan.meta`."""
        return {}

    def _cameras_there(self) -> list[str]:
        sequences = {frame.sequence for frame in self.frames}
        return [
            camera
            for camera in self.camera_folders
            if any((self.folder / sequence / camera).is_dir() for sequence in sequences)
        ]

    def _view(self, frame: FrameId, camera: str, scan: Scan) -> View | None:
        picture = self.picture_path(frame, camera)
        if not picture.is_file():
            return None
        labels = picture.parent.with_name(f"{camera}_labels") / picture.name
        labelled = self._labels != "none" and labels.is_file()
        return read_view(
            self._lenses[frame.sequence, camera],
            picture,
            labels if labelled else None,
            self.label_set,
            name=camera,
            time=scan.meta.get("time"),
        )

    def _lens(self, sequence: str, camera: str) -> Lens:
        path = self.folder / sequence / "calib.txt"
        return kitti_lens(read_calib(path), int(camera.removeprefix("image_")), path)

    def _read_labels(self, index: int) -> np.ndarray | None:
        frame = self.frames[index]
        if not self._has_labels(frame):
            return None
        if self._invalid == "ignore":  # which labels count is then told by the points
            return self._read(index).labels
        cloud, path = self.cloud_path(frame), self.label_path(frame)
        num_points = count_points(cloud, self.columns)
        return self.label_set.encode(read_label_file(path, cloud, num_points)[0], path)

    def _count_points(self, index: int) -> int:
        return count_points(self.cloud_path(self.frames[index]), self.columns)

    def _files(self, index: int) -> list[Path]:
        frame = self.frames[index]
        paths = [self.cloud_path(frame)]
        return [*paths, self.label_path(frame)] if self._has_labels(frame) else paths

    def _label_source(self, frame: FrameId) -> Path:
        return self.label_path(frame)

    def _is_labelled(self, frame: FrameId) -> bool:
        return self.label_path(frame).exists()

    def _locate(self, root: Path) -> Path:
        return sequences_folder(root, self.cloud_folder, self.inside)

    def _sequences_there(self) -> list[str]:
        return sorted(path.parent.name for path in _cloud_folders(self.folder, self.cloud_folder))

    def _clouds_there(self, sequence: str) -> list[str]:
        folder = self.folder / sequence / self.cloud_folder
        return sorted(p.stem for p in folder.glob("*.bin") if not p.name.startswith("."))

    def _frames_there(self, sequence: str) -> list[str]:
        folder = self.folder / sequence / self.cloud_folder
        names = self._clouds_there(sequence)
        for name in names:
            if not name.isdecimal():
                raise DataError(f"{folder / name}.bin: clouds are named by number: 000000.bin.")
        return names

    def _demand_labels(self, frames: Sequence[FrameId]) -> None:
        for frame in frames:
            if not self._is_labelled(frame):
                raise LabelError(
                    f"{self.label_path(frame)}: missing, and labels are required here. Copy it, "
                    "or use labels=only (leaves such frames out) or labels=optional."
                )

    def _demand_pictures(self, camera: str) -> None:
        for frame in self.frames:
            if not self.picture_path(frame, camera).is_file():
                raise DataError(
                    f"{self.picture_path(frame, camera)}: missing, and pictures of {camera} are "
                    f"required here. Copy it from the dataset's archive of colour pictures, or "
                    f"take {camera} out of require= (a frame without it then has no view)."
                )


def sequences_folder(
    root: Path,
    cloud_folder: str = "velodyne",
    inside: Sequence[str] = ("sequences", "dataset/sequences", ""),
) -> Path:
    """The folder of the sequences under a dataset's root, found by the one rule of all readers.

    Args:
        root: what the user gave.
        cloud_folder: of each sequence, by which it is known.
        inside: where below the root they may lie.

    Raises:
        DataError: if there is none.
    """
    candidates = [root / name for name in inside]
    for folder in candidates:
        if _cloud_folders(folder, cloud_folder):
            return folder
    there = sorted(path.name for path in root.iterdir())[:8] if root.is_dir() else None
    found = (
        "there is no such folder" if there is None else f"it holds: {', '.join(there) or 'nothing'}"
    )
    holding = f"'{inside[0]}'" if inside[0] else "the sequences"
    raise DataError(
        f"{root}: no SS/{cloud_folder}/*.bin found in {', '.join(str(c) for c in candidates)}; "
        f"{found}. Give the folder that holds {holding}"
        + (" (in SemanticKITTI's archives it is 'dataset')." if inside[0] == "sequences" else ".")
    )


def _cloud_folders(folder: Path, name: str) -> list[Path]:
    return [path for path in folder.glob(f"[!.]*/{name}") if path.is_dir()]
