"""RELLIS-3D: a robot off the road; Ouster scans and pictures, both with labels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.readers.kitti.cameras import Lens, read_view
from pcseg.data.readers.kitti.family import KittiFamily
from pcseg.data.readers.kitti.rellis3d_files import read_listing, rellis_lens
from pcseg.data.scan import Scan, View
from pcseg.data.splits import Part
from pcseg.errors import DataError

CAMERA = "pylon_camera_node"
_PICTURE = re.compile(r"frame(\d+)-(\d+)_(\d+)\.(?:jpg|png)")
"""Frame number, and seconds and milliseconds of Unix time."""


class Rellis3D(KittiFamily):
    """RELLIS-3D, the Ouster scans in KITTI's files.

    The grid of the sensor is written whole, 131,072 points a scan: points at the origin are rays
    without a return. They stay in their place, raw label 0 (void), and ``attrs["valid"]`` is False
    for them. Intensities are as stored, about 0..0.012. Poses are those of the LiDAR.

    Splits are lists of scans, ``pt_train.lst``, ``pt_val.lst`` and ``pt_test.lst``, beside the
    sequences or in the folder above (the archive of split files). The camera's pictures are as
    taken; ``camera_info.txt`` is a pinhole. The lens distortion that the dataset's example code
    has besides (up to 25 pixels in a corner) is left out: on its sample frame it brings labels of
    points and pixels no nearer to each other (77.3 % equal without, 77.1 % with it). A picture's
    time is Unix time; the scans in these files have none.
    """

    name: str = "rellis3d"
    label_map: ClassVar[str] = "rellis3d"
    frame_files: ClassVar[str] = "os1_cloud_node_kitti_bin/*.bin"
    inside: ClassVar[tuple[str, ...]] = ("", "Rellis-3D")
    cloud_folder: ClassVar[str] = "os1_cloud_node_kitti_bin"
    label_folder: ClassVar[str] = "os1_cloud_node_semantickitti_label_id"
    camera_poses: ClassVar[bool] = False
    camera_folders: ClassVar[tuple[str, ...]] = (CAMERA,)

    def picture_path(self, frame: FrameId, camera: str) -> Path:
        """The picture of a frame; their names hold the time, so it is looked up by its number."""
        found = self._pictures(frame.sequence, camera).get(int(frame.frame))
        missing = f"frame{frame.frame}-*.jpg"
        return self.folder / frame.sequence / camera / (found or missing)

    def _attrs_of(self, cloud: np.ndarray, frame: FrameId) -> dict[str, np.ndarray]:
        returned = np.asarray(cloud[:, :3].any(1))
        attrs = super()._attrs_of(cloud, frame)
        return attrs if returned.all() else {**attrs, "valid": returned}

    def _view(self, frame: FrameId, camera: str, scan: Scan) -> View | None:
        picture = self.picture_path(frame, camera)
        if not picture.is_file():
            return None
        labels = picture.parent.with_name(f"{camera}_label_id") / f"{picture.stem}.png"
        labelled = self._labels != "none" and labels.is_file()
        named = _PICTURE.fullmatch(picture.name)
        return read_view(
            self._lenses[frame.sequence, camera],
            picture,
            labels if labelled else None,
            self.label_set,
            name=camera,
            time=int(named[2]) + int(named[3]) / 1000 if named else None,
        )

    def _lens(self, sequence: str, camera: str) -> Lens:
        return rellis_lens(self.folder / sequence)

    def _locate(self, root: Path) -> Path:
        self._named: dict[tuple[str, str], dict[int, str]] = {}
        return super()._locate(root)

    def _parts(self, split: str) -> tuple[list[Part] | None, str | None]:
        self._listed: dict[str, list[str]] | None = None
        if split not in ("train", "val", "test"):
            return super()._parts(split)
        folders = (self.folder, self.folder.parent)
        lists = [folder / f"pt_{split}.lst" for folder in folders]
        for path in lists:
            if path.is_file():
                self._listed = read_listing(path)
                return [Part(sequence) for sequence in sorted(self._listed)], split
        raise DataError(
            f"{lists[0]}: missing, and only this list says which scans are in split '{split}'. "
            "Copy it from the dataset's archive of split files, or ask for sequences and frames "
            "(00000:0-99) or split=all."
        )

    def _chosen(self, part: Part) -> list[str]:
        if self._listed is None:
            return super()._chosen(part)
        there = set(self._frames_there(part.sequence))
        missing = [name for name in self._listed[part.sequence] if name not in there]
        if missing:
            raise DataError(
                f"{self.folder / part.sequence / self.cloud_folder}: {len(missing)} scans of split "
                f"'{self.split}' are missing, the first is {missing[0]}.bin. Copy them, or ask for "
                f"what is there ({part.sequence}:FIRST-LAST, or split=all)."
            )
        return self._listed[part.sequence]

    def _pictures(self, sequence: str, camera: str) -> dict[int, str]:
        if (sequence, camera) not in self._named:
            folder = self.folder / sequence / camera
            files = folder.iterdir() if folder.is_dir() else ()
            named = [found for path in files if (found := _PICTURE.fullmatch(path.name))]
            self._named[sequence, camera] = {int(found[1]): found[0] for found in named}
        return self._named[sequence, camera]
