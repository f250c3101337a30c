"""S3DIS: rooms of six indoor areas as coloured points, by class and object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.labels import LabelSet, map_data
from pcseg.data.reader import Reader, check_choice
from pcseg.data.readers.s3dis.files import ANNOTATIONS, annotation_files, read_room, room_file
from pcseg.data.scan import Scan
from pcseg.errors import DataError

ORDERS = ("annotations", "room")
_RELEASE = "Stanford3dDataset_v1.2_Aligned_Version"


class S3DIS(Reader):
    """Rooms of S3DIS v1.2: a sequence is an area, ``Area_1``, and a frame a room, ``office_1``.

    Points are those of the annotation files, see `read_room`; ``rgb`` is their colour. Instances
    are numbered from 1 in each room. Coordinates are the area's, z up; there is no sensor.

    Splits: ``train`` and ``val`` are Area 5 against the others, ``fold-1:train`` to ``fold-6:val``
    the six folds. Label sets: ``s3dis/s3dis13``, and ``s3dis/s3dis12`` without clutter (GrowSP).

    The text takes long to read: `pcseg prepare s3dis` makes one small file of each room.
    """

    name: str = "s3dis"
    label_map: ClassVar[str] = "s3dis"
    frame_files: ClassVar[str] = "room"

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
        order: str = "annotations",
    ) -> None:
        """Find the rooms of a split.

        Args:
            root: the folder with ``Area_1`` and so on, or its parent.
            split: see `Reader`.
            label_set: see `Reader`.
            sequences: see `Reader`; areas.
            labels: see `Reader`.
            invalid: see `Reader`.
            every: see `Reader`.
            order: of the points: ``annotations`` or ``room``, see `read_room`.

        Raises:
            ConfigError: for a setting that does not exist.
            DataError: if nothing of the split is there.
        """
        check_choice("order", order, ORDERS)
        self._order = order
        self._classes = _class_names(self.label_map)
        super().__init__(
            root,
            split,
            label_set,
            sequences=sequences,
            labels=labels,
            invalid=invalid,
            every=every,
        )

    def room_folder(self, frame: FrameId) -> Path:
        """The folder of a room."""
        return self.folder / frame.sequence / frame.frame

    def _locate(self, root: Path) -> Path:
        for folder in (root, root / _RELEASE):
            if any(_rooms(area) for area in folder.glob("Area_*")):
                return folder
        raise DataError(
            f"{root}: no rooms. Expected Area_1/office_1/{ANNOTATIONS}/*.txt and so on under it. "
            f"Give the folder that holds the areas ({_RELEASE})."
        )

    def _sequences_there(self) -> list[str]:
        return sorted(area.name for area in self.folder.glob("Area_*") if _rooms(area))

    def _frames_there(self, sequence: str) -> list[str]:
        return _rooms(self.folder / sequence)

    def _is_labelled(self, frame: FrameId) -> bool:
        return bool(annotation_files(self.room_folder(frame)))

    def _label_source(self, frame: FrameId) -> Path:
        return self.room_folder(frame) / ANNOTATIONS

    def _files(self, index: int) -> list[Path]:
        folder = self.room_folder(self.frames[index])
        annotated = annotation_files(folder)
        if not annotated:
            return [room_file(folder)]
        return [*annotated, room_file(folder)] if self._order == "room" else annotated

    def _raw_scan(self, frame: FrameId) -> Scan:
        folder = self.room_folder(frame)
        room = read_room(folder, self._classes, self._order)
        rgb = room.rgb.astype(np.float32) / np.float32(255)
        scan = Scan(room.xyz, {"rgb": rgb}, meta={"path": str(folder), "room": _kind(frame.frame)})
        if room.labels is None or room.instances is None or not self._has_labels(frame):
            return scan
        return scan.replace(
            raw_labels=room.labels.astype(np.int64), instances=room.instances.astype(np.int64)
        )


def _rooms(area: Path) -> list[str]:
    """Names of the folders that hold a room, sorted."""
    folders = (path for path in area.glob("[!.]*") if path.is_dir())
    return sorted(f.name for f in folders if (f / ANNOTATIONS).is_dir() or any(f.glob("*.txt")))


def _class_names(label_map: str) -> list[str]:
    """Classes by raw id: the ids of the map count them."""
    names = map_data(label_map)["raw_names"]
    return [str(names[i]) for i in range(len(names)) if i in names]


def _kind(room: str) -> str:
    """``office`` of ``office_1``."""
    return room.rpartition("_")[0] or room
