"""RGB-D folders (7-Scenes and what ScanNet's SensReader exports): each frame a posed scan."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.labels import LabelSet
from pcseg.data.reader import Reader
from pcseg.data.readers.rgbd.frames import (
    EXPORTED,
    SEVEN_SCENES,
    FolderFrames,
    RgbdFrame,
    exported_frames,
    exported_names,
    read_intrinsics,
    seven_scenes_names,
)
from pcseg.data.scan import Scan, concatenate
from pcseg.errors import ConfigError, DataError

INTRINSICS = "camera-intrinsics.txt"
CAMERA = "color"
_VIEWS = "views"
_DEEPEST = 2
"""7-Scenes has SCENE/seq-NN."""

SENSOR_FROM_CAMERA = np.array(
    [[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]],
)
"""From a camera (x right, y down, z forward) to a sensor (x forward, y left, z up)."""


class RGBD(Reader):
    """Depth pictures as scans: the pixels whose depth is known, row by row, in colour.

    Frames lie as in 7-Scenes (``frame-000000.color.jpg|png``, ``.depth.png`` in millimetres, 0 or
    65535 unknown, ``.pose.txt`` camera to world), in the root or in folders below it, or as
    ScanNet's SensReader exports them (``color/0.jpg``, ``depth/0.png``, ``pose/0.txt``,
    ``intrinsic/``). A picture of another size than its depth is interpolated at the depth's pixels,
    black where it does not reach.

    Points are in the frame of the depth camera, turned to x forward, y left, z up; ``pose`` leads
    from there into the world of the pose files (its axes are the data's own; 7-Scenes' are those
    of a camera). ``attrs["pixel"]`` is row x width + column in the depth picture.

    Frames whose camera was lost (their pose is not finite) are left out, with a notice. 7-Scenes
    gives no calibration; its depth and colour are used as one camera, as is usual.
    """

    name: str = "rgbd"
    frame_files: ClassVar[str] = "frame of colour, depth and pose"

    def __init__(
        self,
        root: str | Path,
        split: str = "all",
        label_set: str | LabelSet | None = None,
        *,
        sequences: Sequence[str] | None = None,
        labels: str = "optional",
        invalid: str = "error",
        every: int = 1,
        cameras: Sequence[str] = (CAMERA,),
        intrinsics: Sequence[float] | None = None,
        join: int = 1,
    ) -> None:
        """Find the frames.

        Args:
            root: a folder of frames, or of folders of frames.
            split: ``all``; ``train`` or ``test`` where ``TrainSplit.txt`` and ``TestSplit.txt``
                are there as in 7-Scenes; or folders and frames: ``seq-01:0-99``.
            label_set: classes for predictions, ``scannet`` by default; the frames have no labels.
            sequences: see `Reader`.
            labels: see `Reader`.
            invalid: see `Reader`.
            every: see `Reader`.
            cameras: ``color`` (the default: the picture is read for the colours of the points
                anyway) or none.
            intrinsics: fx, fy, cx, cy in pixels of the depth pictures, instead of
                ``camera-intrinsics.txt`` beside the frames or up to two folders above.
            join: so many of the chosen frames in a row make one scan, in the frame of the first,
                with ``attrs["frame"]`` saying which each point comes from.

        Raises:
            ConfigError: for a setting that does not exist.
            DataError: if there are no frames or no intrinsics.
        """
        if join < 1:
            raise ConfigError(f"join={join}: join one frame (1), two (2), and so on.")
        if intrinsics is not None and len(intrinsics) != 4:
            raise ConfigError(f"intrinsics={list(intrinsics)}: give fx, fy, cx, cy in pixels.")
        self._given, self._join = intrinsics, join
        super().__init__(
            root,
            split,
            label_set,
            sequences=sequences,
            labels=labels,
            invalid=invalid,
            every=every,
            cameras=cameras,
        )
        # A frame is read once for its points and its view, not by `Reader` for each camera.
        self._pictures, self._cameras = bool(self._cameras), ()
        names = dict.fromkeys(frame.sequence for frame in self.frames)
        self._recordings = {name: self._recording(self._folders[name]) for name in names}
        self._joined = _groups(self._tracked(), join)
        self.frames = list(self._joined)

    def _map_name(self, root: Path) -> str:
        return "scannet"  # only for the classes of predictions: these frames have no labels

    def _locate(self, root: Path) -> Path:
        self._folders = {name: folder for name, folder in _folders_with_frames(root)}
        if not self._folders:
            raise DataError(
                f"{root}: no frames here or in folders below. Expected *.depth.png with "
                "*.color.jpg and *.pose.txt beside them (7-Scenes), or folders color, depth and "
                "pose (ScanNet's SensReader). Give the folder that holds them."
            )
        return root

    def _sequences_there(self) -> list[str]:
        return list(self._folders)

    def _frames_there(self, sequence: str) -> list[str]:
        # Frames are asked for by number, so that is what they are called.
        folder = self._folders[sequence]
        return [name.removeprefix("frame-") for name in _names(folder)]

    def split_table(self) -> dict[str, dict[str, list[str]]]:
        """See `Reader`; what 7-Scenes' lists state."""
        return _official(self.folder)

    def _is_labelled(self, frame: FrameId) -> bool:
        return False

    def _cameras_there(self) -> list[str]:
        return [CAMERA]

    def _raw_scan(self, frame: FrameId) -> Scan:
        recording = self._recordings[frame.sequence]
        frames = [recording.read_one(self._file_name(part)) for part in self._joined[frame]]
        scans = [_points(rgbd) for rgbd in frames]
        scan = concatenate([_moved(scan, scans[0]) for scan in scans])
        if self._join > 1:
            number = np.repeat(np.arange(len(scans), dtype=np.int32), list(map(len, scans)))
            scan = scan.replace(attrs={**scan.attrs, "frame": number})
        views = [rgbd.view(_pose(scan), "depth") for rgbd in frames] if self._pictures else []
        return scan.replace(meta={"path": str(self._files_of(frame)[1]), _VIEWS: tuple(views)})

    def _read(self, index: int) -> Scan:
        scan = super()._read(index)
        meta = dict(scan.meta)
        return scan.replace(images=meta.pop(_VIEWS), meta=meta)

    def _tracked(self) -> list[FrameId]:
        """The frames whose camera was not lost: the others have no place."""
        kept: list[FrameId] = []
        for sequence, recording in self._recordings.items():
            mine = {self._file_name(f): f for f in self.frames if f.sequence == sequence}
            kept += [mine[name] for name in recording.tracked(list(mine))]
        if not kept:
            raise DataError(f"{self.folder}: the camera was lost in every frame of the split.")
        return kept

    def _file_name(self, frame: FrameId) -> str:
        seven_scenes = self._recordings[frame.sequence].patterns == SEVEN_SCENES
        return f"frame-{frame.frame}" if seven_scenes else frame.frame

    def _files(self, index: int) -> list[Path]:
        return [path for part in self._joined[self.frames[index]] for path in self._files_of(part)]

    def _files_of(self, frame: FrameId) -> tuple[Path, Path, Path]:
        return self._recordings[frame.sequence].files(self._file_name(frame))

    def _reading(self) -> str:
        return f"{super()._reading()} {self._given} {self._join}"

    def _recording(self, folder: Path) -> FolderFrames:
        names, patterns = seven_scenes_names(folder), SEVEN_SCENES
        if not names:
            if self._given is None:
                return exported_frames(folder)
            names, patterns = exported_names(folder), EXPORTED
        if self._given is not None:
            fx, fy, cx, cy = map(float, self._given)
            K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
        else:
            K = read_intrinsics(self._intrinsics_of(folder))
        return FolderFrames(folder, names, patterns, (None, K))

    @staticmethod
    def _intrinsics_of(folder: Path) -> Path:
        for place in (folder, *folder.parents[:_DEEPEST]):
            if (place / INTRINSICS).is_file():
                return place / INTRINSICS
        raise DataError(
            f"{folder / INTRINSICS}: missing, so the pixels have no direction. Write it (a 3x3 "
            "matrix fx 0 cx / 0 fy cy / 0 0 1), or give intrinsics=[fx, fy, cx, cy]; for 7-Scenes "
            "[585, 585, 320, 240] is usual."
        )


def _groups(frames: Sequence[FrameId], join: int) -> dict[FrameId, list[FrameId]]:
    """Frames by `join` in a row, never across sequences, under the first of them."""
    by_sequence: dict[str, list[FrameId]] = {}
    for frame in frames:
        by_sequence.setdefault(frame.sequence, []).append(frame)
    rows = [run[i : i + join] for run in by_sequence.values() for i in range(0, len(run), join)]
    return {row[0]: row for row in rows}


def _points(frame: RgbdFrame) -> Scan:
    """The pixels of known depth, row by row, in the sensor's frame."""
    rows, columns = np.nonzero(frame.depth > 0)
    z = frame.depth[rows, columns].astype(np.float64)
    K = frame.depth_K
    right, down = (columns - K[0, 2]) / K[0, 0] * z, (rows - K[1, 2]) / K[1, 1] * z
    rgb = frame.view(np.eye(4), "depth").rgb[rows, columns]
    pixel = rows * frame.depth.shape[1] + columns
    return Scan(
        np.stack([z, -right, -down], axis=1).astype(np.float32),
        {"rgb": rgb.astype(np.float32) / np.float32(255), "pixel": pixel.astype(np.int32)},
        pose=frame.pose @ np.linalg.inv(SENSOR_FROM_CAMERA),
    )


def _moved(scan: Scan, first: Scan) -> Scan:
    """A scan in the sensor frame of the first one."""
    if scan is first:
        return scan
    motion = np.linalg.inv(_pose(first)) @ _pose(scan)
    xyz = scan.xyz.astype(np.float64) @ motion[:3, :3].T + motion[:3, 3]
    return scan.replace(xyz=xyz.astype(np.float32), pose=first.pose)


def _pose(scan: Scan) -> np.ndarray:
    assert scan.pose is not None  # every frame that is read has one
    return scan.pose


def _folders_with_frames(root: Path) -> list[tuple[str, Path]]:
    """(name, folder): the root itself under its own name, or folders below by their path."""
    if _names(root):
        return [(root.resolve().name, root)]
    found = []
    for folder, below, _ in os.walk(root):
        depth = len(Path(folder).relative_to(root).parts)
        below[:] = sorted(n for n in below if not n.startswith(".")) if depth < _DEEPEST else []
        if depth and _names(Path(folder)):
            found.append((Path(folder).relative_to(root).as_posix(), Path(folder)))
            below.clear()
    return sorted(found)


def _names(folder: Path) -> list[str]:
    return seven_scenes_names(folder) or exported_names(folder)


def _official(root: Path) -> dict[str, dict[str, list[str]]]:
    """The splits that 7-Scenes' lists state: ``sequence1`` means ``seq-01``."""
    table: dict[str, list[str]] = {}
    for split in ("train", "test"):
        name = f"{split.capitalize()}Split.txt"
        for path in [*root.glob(name), *sorted(root.glob(f"*/{name}"))]:
            prefix = path.parent.relative_to(root).as_posix()
            for line in path.read_text(errors="replace").split():
                number = int("".join(filter(str.isdigit, line)) or 0)
                folder = f"seq-{number:02d}" if prefix == "." else f"{prefix}/seq-{number:02d}"
                table.setdefault(split, []).append(folder)
    return {"7scenes": table} if table else {}
