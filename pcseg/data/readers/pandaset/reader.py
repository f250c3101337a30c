"""PandaSet: two LiDARs and six cameras on the streets of San Francisco, in world coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.labels import LabelSet
from pcseg.data.reader import Reader, check_choice, pixels_of
from pcseg.data.readers.pandaset.cuboids import instances_inside, read_cuboids
from pcseg.data.readers.pandaset.scene import Scene
from pcseg.data.readers.pandaset.tables import (
    read_classes_of_points,
    read_points,
    table_frames,
    table_path,
)
from pcseg.data.scan import Scan, View
from pcseg.errors import DataError
from pcseg.io.pictures import read_picture, read_pixel_ids

LIDARS = {"pandar64": 0, "pandargt": 1}
CAMERAS = (
    *("front_camera", "front_left_camera", "front_right_camera"),
    *("left_camera", "right_camera", "back_camera"),
)

SCAN_FROM_EGO = np.array(
    [[0.0, 1.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
)
"""The ego frame of poses.json is x right, y forward, z up, as its own trajectory shows."""


class PandaSet(Reader):
    """PandaSet. The clouds of both LiDARs are brought from the world into the frame of the car.

    That frame is the one of ``lidar/poses.json`` with its axes turned: x forward, y left. Its
    origin is near the ground (the road lies at about z = -0.15 m), 1.86 m under and 0.8 m behind
    the Pandar64. The PandarGT needs no transform of its own: its points are stored in the same
    world, and its roads lie on those of the Pandar64 (median distance 4 cm in frame 001/00).

    ``attrs`` has intensity 0..1, ``lidar`` (0 Pandar64, 1 PandarGT) and ``time``, seconds from the
    scan's time stamp: the Pandar64 turns before it, the PandarGT looks around it. ``meta`` has the
    time (Unix seconds), and ``gps`` of the frame if it is there. Not every scene has labels.

    Pictures are as stored: they fit a pinhole up to their edges (points on objects of 001/00), so
    the lens distortion that the cars' calibration lists is out of them already. They have no
    labels, unless simulation wrote some beside them: ``camera/<name>_labels/FF.png``, 16-bit raw
    ids.
    """

    name: str = "pandaset"
    label_map: ClassVar[str] = "pandaset"
    frame_files: ClassVar[str] = "lidar/*.pkl.gz"

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
        cameras: Sequence[str] = (),
        lidar: str = "both",
        cuboids: bool = False,
    ) -> None:
        """Find the frames of a split and read the small files (poses, times).

        Args:
            root: the folder that holds the scenes ``001`` to ``158``, or its parent.
            split: see `Reader`.
            label_set: see `Reader`.
            sequences: see `Reader`.
            labels: see `Reader`.
            invalid: see `Reader`.
            every: see `Reader`.
            cameras: see `Reader`.
            lidar: ``pandar64`` (all around), ``pandargt`` (ahead) or ``both``, in one scan.
            cuboids: whether the annotated boxes are read into ``meta`` (see `Cuboids.as_meta`) and
                the objects' points numbered in ``instances``: those inside a box that are of a
                thing's class, or all inside where there are no labels.

        Raises:
            ConfigError: for a setting that does not exist.
            DataError: if nothing of the split is there, or a damaged small file.
        """
        check_choice("lidar", lidar, (*LIDARS, "both"))
        self._lidar, self._with_cuboids = lidar, cuboids
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
        self._scenes = {
            name: Scene(self.folder / name, self._cameras)
            for name in dict.fromkeys(frame.sequence for frame in self.frames)
        }
        self._check_scenes()

    def _locate(self, root: Path) -> Path:
        for folder in (root, root / "pandaset", root / "PandaSet"):
            if _scenes_in(folder):
                return folder
        raise DataError(
            f"{root}: no NNN/lidar folder found in it, nor in its folder 'pandaset'. "
            "Give the folder that holds the scenes 001, 002, and so on."
        )

    def _sequences_there(self) -> list[str]:
        return _scenes_in(self.folder)

    def _frames_there(self, sequence: str) -> list[str]:
        return table_frames(self.folder / sequence / "lidar")

    def _is_labelled(self, frame: FrameId) -> bool:
        return self._label_source(frame).is_file()

    def _label_source(self, frame: FrameId) -> Path:
        return table_path(self.folder / frame.sequence / "annotations/semseg", frame.frame)

    def _cuboid_path(self, frame: FrameId) -> Path:
        return table_path(self.folder / frame.sequence / "annotations/cuboids", frame.frame)

    def _files(self, index: int) -> list[Path]:
        frame = self.frames[index]
        files = [table_path(self.folder / frame.sequence / "lidar", frame.frame)]
        return [*files, self._label_source(frame)] if self._has_labels(frame) else files

    def _reading(self) -> str:
        return f"{super()._reading()} {self._lidar}"

    def _raw_scan(self, frame: FrameId) -> Scan:
        path = table_path(self.folder / frame.sequence / "lidar", frame.frame)
        table = read_points(path)
        scene, number = self._scenes[frame.sequence], int(frame.frame)
        pose = scene.poses[number] @ np.linalg.inv(SCAN_FROM_EGO)
        time = float(scene.times[number])
        meta: dict[str, Any] = {"path": str(path), "time": time, **scene.gps(number)}
        columns = table.columns
        raw = None
        if self._has_labels(frame):
            raw = read_classes_of_points(self._label_source(frame), table, path)
        scan = Scan(
            xyz=_placed([columns[axis] for axis in "xyz"], np.linalg.inv(pose)),
            attrs={
                "intensity": (columns["i"] / 255.0).astype(np.float32),
                "time": (columns["t"] - time).astype(np.float32),
                "lidar": columns["d"].astype(np.uint8),
            },
            raw_labels=raw,
            pose=pose,
            meta=meta,
        )
        return self._boxed(self._chosen_lidar(scan), frame)

    def _chosen_lidar(self, scan: Scan) -> Scan:
        if self._lidar == "both":
            return scan
        chosen = scan.attrs["lidar"] == LIDARS[self._lidar]
        if not chosen.any():
            raise DataError(
                f"{scan.name}: no point of the {self._lidar}. Ask for lidar=both, or leave the "
                "frame out."
            )
        return scan.select(chosen)

    def _boxed(self, scan: Scan, frame: FrameId) -> Scan:
        path = self._cuboid_path(frame)
        if not self._with_cuboids or not path.is_file():
            return scan
        assert scan.pose is not None
        boxes = read_cuboids(path, scan.pose)
        instances = instances_inside(boxes, scan.xyz, scan.attrs["lidar"])
        if scan.raw_labels is not None:
            instances[~np.isin(scan.raw_labels, list(self.label_set.things))] = 0
        return scan.replace(instances=instances, meta={**scan.meta, **boxes.as_meta()})

    def _cameras_there(self) -> list[str]:
        scenes = {frame.sequence for frame in self.frames}
        folders = [self.folder / scene / "camera" for scene in sorted(scenes)]
        return [name for name in CAMERAS if any((f / name).is_dir() for f in folders)]

    def _view(self, frame: FrameId, camera: str, scan: Scan) -> View | None:
        folder = self.folder / frame.sequence / "camera"
        picture = folder / camera / f"{frame.frame}.jpg"
        if not picture.is_file():
            return None
        rgb = read_picture(picture)
        pixels = folder / f"{camera}_labels" / f"{frame.frame}.png"
        labels = None
        if self._labels != "none" and pixels.is_file():
            ids = read_pixel_ids(pixels, rgb.shape[:2])
            labels = pixels_of(ids, self.label_set, pixels)
        lens, number = self._scenes[frame.sequence].lenses[camera], int(frame.frame)
        assert scan.pose is not None
        return View(
            rgb=rgb,
            K=lens.K,
            camera_from_sensor=np.linalg.inv(lens.poses[number]) @ scan.pose,
            labels=labels,
            name=camera,
            time=float(lens.times[number]),
        )

    def _check_scenes(self) -> None:
        """Fail now, not in the middle of an epoch."""
        for frame in self.frames:
            self._scenes[frame.sequence].check_frame(frame)
        for scene in {frame.sequence for frame in self.frames if self._has_labels(frame)}:
            self._scenes[scene].check_classes(self.label_set)


def _placed(world: Sequence[np.ndarray], scan_from_world: np.ndarray) -> np.ndarray:
    """(N, 3) float32 from columns x, y, z; by columns, for BLAS is slow where rows are short."""
    xyz = np.empty((len(world[0]), 3), np.float32)
    for k, (*turn, shift) in enumerate(scan_from_world[:3]):
        xyz[:, k] = sum(w * values for w, values in zip(turn, world, strict=True)) + shift
    return xyz


def _scenes_in(folder: Path) -> list[str]:
    found = folder.glob("[!.]*/lidar")
    return sorted(path.parent.name for path in found if path.is_dir())
