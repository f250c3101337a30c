"""KITTI-360: single scans with recovered labels, or the accumulated windows that were labelled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.labels import LabelSet
from pcseg.data.reader import Reader, check_choice
from pcseg.data.readers.kitti.cameras import Lens, read_view
from pcseg.data.readers.kitti.files import (
    coordinates,
    count_points,
    packed,
    read_cloud,
    read_label_file,
)
from pcseg.data.readers.kitti360.files import Window, drive_name, read_lens
from pcseg.data.readers.kitti360.labels import TOLERANCE_M, compensated, read_window, recover
from pcseg.data.readers.kitti360.tree import Tree, WindowFiles
from pcseg.data.readers.kitti360.windows import read_accumulated
from pcseg.data.scan import Scan, View
from pcseg.data.splits import Part, choose_frames
from pcseg.errors import ConfigError, DataError
from pcseg.files import write_bytes

UNITS = ("scans", "windows")
CAMERAS = ("image_00", "image_01")
_SPLITS = ("train", "val", "test")


class KITTI360(Reader):
    """KITTI-360; sequences are the numbers of its drives, ``0000`` to ``0018``.

    The dataset labels clouds accumulated over about 240 frames, not scans.

    With ``unit="scans"`` a frame is one Velodyne sweep, as measured: not compensated for the
    motion of the car (``compensate=True`` does that, as SemanticKITTI's are). Its labels are those
    of the nearest accumulated point within ``tolerance_m``, searched for after compensation, in
    the windows of the frame and the ones before and after; what has no neighbour is raw id 0.
    ``meta["recovered"]`` is the share of labelled points. Frames without a pose (the car stood)
    have no labels. A window of three million points takes about two seconds to be made ready, and
    a process keeps the last four: read in order, or give a folder with ``keep_labels=``, in which
    the labels of every scan are stored when they were found, to be read from there ever after.

    With ``unit="windows"`` a frame is the static cloud of a window, in the world's frame, with
    ``rgb``, ``visible`` and ``confidence``; ``moving=True`` adds the points of moving objects
    (``attrs["frame"]`` says when they were seen, -1 for what stands still).

    The splits are the official lists of windows (``2013_05_28_drive_train.txt`` and ``…_val.txt``
    in ``data_3d_semantics/train``); test are the windows of the folder ``test``. A scan belongs to
    val if a window of that list holds it, else to train if one of that list does. Drive 0018 is
    reported to repeat the first 4,380 frames of drive 0002: do not count them as two places.

    Sources: cvlibs.net/datasets/kitti-360/documentation.php and the development kit.
    """

    name: str = "kitti360"
    label_map: ClassVar[str] = "kitti360"
    frame_files: ClassVar[str] = "velodyne_points/data/*.bin, or window"

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        label_set: str | LabelSet | None = None,
        *,
        unit: str = "scans",
        tolerance_m: float = TOLERANCE_M,
        keep_labels: str | Path | None = None,
        compensate: bool = False,
        moving: bool = False,
        sequences: Sequence[str] | None = None,
        labels: str = "optional",
        invalid: str = "error",
        every: int = 1,
        cameras: Sequence[str] = (),
    ) -> None:
        """Find the frames of a split.

        Args:
            root: the folder that holds ``data_3d_raw`` and ``data_3d_semantics``.
            split: see the class; ``all``, or sequences and frames (``0003:0-500``; windows are
                chosen by their first frame).
            label_set: see `Reader`.
            unit: ``scans`` or ``windows``.
            tolerance_m: how far from a point of a scan its label may be found.
            keep_labels: folder in which found labels are kept, apart for each tolerance, as
                ``0.5m/DRIVE/FRAME.label`` (uint32: instance << 16 | raw id). Delete it when the
                dataset's labels, poses or calibration were replaced.
            compensate: move the points of scans to where they lie in mid-sweep.
            moving: add moving objects to windows.
            sequences: see `Reader`.
            labels: see `Reader`.
            invalid: see `Reader`.
            every: see `Reader`.
            cameras: ``image_00``, ``image_01`` (perspective, rectified), with their labels where
                they are there; for scans only.

        Raises:
            ConfigError: for a setting that does not exist.
            DataError: if nothing of the split is there, or a damaged small file.
        """
        check_choice("unit", unit, UNITS)
        if not 0 < tolerance_m < np.inf:
            raise ConfigError(f"tolerance_m={tolerance_m}: must be a positive distance in metres.")
        self.unit, self._tolerance_m = unit, float(tolerance_m)
        self._compensate, self._with_moving = compensate, moving
        self._kept = None if keep_labels is None else Path(keep_labels) / f"{tolerance_m:g}m"
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
        self._lenses = {camera: self._lens(camera) for camera in self._cameras}

    def _locate(self, root: Path) -> Path:
        wanted = "data_3d_raw" if self.unit == "scans" else "data_3d_semantics"
        if not (root / wanted).is_dir():
            there = sorted(path.name for path in root.iterdir())[:8] if root.is_dir() else []
            raise DataError(
                f"{root}: no folder {wanted}, which unit={self.unit} reads; it holds: "
                f"{', '.join(there) or 'nothing'}. Give the folder of the dataset."
            )
        self._tree = Tree(root)
        return root

    def _sequences_there(self) -> list[str]:
        return self._tree.drives(self.unit)

    def _frames_there(self, sequence: str) -> list[str]:
        if self.unit == "windows":
            return [files.window.name for files in self._tree.windows(sequence)]
        names = (path.stem for path in self._tree.scan_folder(sequence).glob("*.bin"))
        return sorted(name for name in names if name.isdecimal())

    def _parts(self, split: str) -> tuple[list[Part] | None, str | None]:
        self._wanted: dict[str, list[Window]] | None = None
        if split not in _SPLITS:
            return super()._parts(split)
        self._wanted = self._tree.split_windows(split)
        # Windows overlap: a scan that a window for validation holds is not trained on.
        held_out = split == "train" and self.unit == "scans"
        self._unwanted = self._tree.split_windows("val") if held_out else {}
        return [Part(sequence) for sequence in sorted(self._wanted)], split

    def _chosen(self, part: Part) -> list[str]:
        names = self._frames_there(part.sequence)
        if self._wanted is not None:
            if self.unit == "windows":
                self._demand_windows(part.sequence, names)
            return [name for name in names if self._in_split(part.sequence, name)]
        by_first = {name.partition("_")[0]: name for name in names}
        chosen = choose_frames(sorted(by_first), part, self.folder / drive_name(part.sequence))
        return [by_first[name] for name in chosen]

    def _in_split(self, sequence: str, name: str) -> bool:
        assert self._wanted is not None
        wanted = self._wanted[sequence]
        if self.unit == "windows":
            return any(window.name == name for window in wanted)
        unwanted = self._unwanted.get(sequence, [])
        number = int(name)
        return any(w.holds(number) for w in wanted) and not any(w.holds(number) for w in unwanted)

    def _demand_windows(self, sequence: str, names: Sequence[str]) -> None:
        assert self._wanted is not None
        missing = [w.name for w in self._wanted[sequence] if w.name not in names]
        if missing:
            raise DataError(
                f"{self.folder}: {len(missing)} windows of drive {sequence} in split "
                f"'{self.split}' are missing, the first is {missing[0]}.ply. Copy them, or ask for "
                f"what is there ({sequence}:FIRST-LAST, or split=all)."
            )

    def _is_labelled(self, frame: FrameId) -> bool:
        if self.unit == "windows":
            return self._window(frame).labelled
        kept, number = self._kept_path(frame), int(frame.frame)
        if kept is not None and kept.is_file():
            return True
        posed = self._tree.pose(frame.sequence, number) is not None
        return posed and bool(self._tree.labelled_around(frame.sequence, number))

    def _raw_scan(self, frame: FrameId) -> Scan:
        if self.unit == "scans":
            return self._sweep(frame)
        files = self._window(frame)
        return read_accumulated(files, self._with_moving, self._has_labels(frame))

    def _sweep(self, frame: FrameId) -> Scan:
        path, number = self._bin(frame), int(frame.frame)
        cloud = read_cloud(path)
        raw = coordinates(cloud)
        settled = compensated(raw, self._tree.motion(frame.sequence, number))
        pose = self._tree.pose(frame.sequence, number)
        meta: dict[str, Any] = {"path": str(path)}
        if (time := self._tree.time(path.parents[1], number)) is not None:
            meta["time"] = time
        labels = instances = None
        if self._has_labels(frame):
            labels, instances = self._found(frame, settled, pose)
            meta["recovered"] = float((labels > 0).mean())
        return Scan(
            settled if self._compensate else raw,
            {"intensity": cloud[:, 3]},
            raw_labels=labels,
            instances=instances,
            pose=pose,
            meta=meta,
        )

    def _found(
        self, frame: FrameId, xyz: np.ndarray, pose: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Labels and instances of a scan: those that were kept, else found and then kept."""
        kept, number = self._kept_path(frame), int(frame.frame)
        if kept is not None and kept.is_file():
            return read_label_file(kept, self._bin(frame), len(xyz))
        assert pose is not None  # else nothing says that it is labelled
        around = self._tree.labelled_around(frame.sequence, number)
        windows = [read_window(files.static, files.dynamic) for files in around]
        world = xyz.astype(np.float64) @ pose[:3, :3].T + pose[:3, 3]
        labels, instances = recover(world, number, windows, self._tolerance_m)
        if kept is not None:
            write_bytes(kept, packed(labels, instances))
        return labels, instances

    def _cameras_there(self) -> list[str]:
        if self.unit == "windows":
            return []
        drives = {frame.sequence for frame in self.frames}
        return [c for c in CAMERAS if any(self._pictures(d, c).is_dir() for d in drives)]

    def _view(self, frame: FrameId, camera: str, scan: Scan) -> View | None:
        picture = self._pictures(frame.sequence, camera) / f"{frame.frame}.png"
        if not picture.is_file():
            return None
        drive = self.folder / "data_2d_semantics" / "train" / drive_name(frame.sequence)
        labels = drive / camera / "semantic" / picture.name
        return read_view(
            self._lenses[camera],
            picture,
            labels if self._labels != "none" and labels.is_file() else None,
            self.label_set,
            name=camera,
            time=self._tree.time(picture.parents[1], int(frame.frame)),
        )

    def _lens(self, camera: str) -> Lens:
        folder = self.folder / "calibration"
        if self._tree.mounts is None:
            raise DataError(
                f"{folder / 'calib_cam_to_velo.txt'}: missing, so no camera has a place. "
                "Copy the calibration of the dataset, or read without cameras."
            )
        return read_lens(folder, camera, self._tree.mounts)

    def _files(self, index: int) -> list[Path]:
        frame = self.frames[index]
        kept = self._kept_path(frame)
        if self.unit == "windows":
            files, paths = [self._window(frame)], []
        elif kept is not None and kept.is_file() and self._labels != "none":
            return [self._bin(frame), kept]
        else:
            around = self._tree.labelled_around(frame.sequence, int(frame.frame))
            files = around if self._has_labels(frame) else []
            paths = [self._bin(frame)]
        both = [path for each in files for path in (each.dynamic, each.static)]
        return [*paths, *(path for path in both if path.is_file())]

    def _label_source(self, frame: FrameId) -> Path:
        """The file; where several may be to blame, their folder."""
        found = [path for path in self._files(self.frames.index(frame)) if path.suffix != ".bin"]
        return found[-1] if len(found) == 1 or self.unit == "windows" else found[-1].parent

    def _count_points(self, index: int) -> int:
        if self.unit == "windows":
            return super()._count_points(index)
        return count_points(self._bin(self.frames[index]))

    def _reading(self) -> str:
        return f"{super()._reading()} {self.unit} {self._tolerance_m} {self._with_moving}"

    def _window(self, frame: FrameId) -> WindowFiles:
        windows = self._tree.windows(frame.sequence)
        return next(files for files in windows if files.window.name == frame.frame)

    def _bin(self, frame: FrameId) -> Path:
        return self._tree.scan_folder(frame.sequence) / f"{frame.frame}.bin"

    def _kept_path(self, frame: FrameId) -> Path | None:
        if self._kept is None or self.unit == "windows":
            return None
        return self._kept / drive_name(frame.sequence) / f"{frame.frame}.label"

    def _pictures(self, sequence: str, camera: str) -> Path:
        return self.folder / "data_2d_raw" / drive_name(sequence) / camera / "data_rect"
