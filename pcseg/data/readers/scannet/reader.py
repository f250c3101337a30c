"""ScanNet v2: indoor scenes as labelled meshes, and the RGB-D frames they are made of."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pcseg.data.dataset import FrameId
from pcseg.data.labels import LabelSet
from pcseg.data.reader import Reader, check_choice, check_every, pixels_of
from pcseg.data.readers.rgbd.frames import GRIDS, Frames, RgbdFrame, SensFrames, exported_frames
from pcseg.data.readers.rgbd.images import nearest, scaled_intrinsics, size_of
from pcseg.data.readers.scannet.annotations import (
    FROM_OBJECTS,
    FROM_PLY,
    LABEL_SOURCES,
    Annotations,
)
from pcseg.data.readers.scannet.files import (
    TABLE,
    SceneFiles,
    axis_alignment,
    count_vertices,
    read_facts,
    read_mesh,
    read_segments,
)
from pcseg.data.readers.scannet.labels import LABEL_IDS, RAW, to_nyu40
from pcseg.data.readers.scannet.mesh import vertex_normals
from pcseg.data.readers.scannet.pictures import LabelPictures
from pcseg.data.scan import Scan, View
from pcseg.errors import DataError

log = logging.getLogger(__name__)

MESH = "mesh"
"""The one frame of a scene."""
_FOLDERS = ("scans", "scans_test")


class ScanNet(Reader):
    """Scenes of ScanNet v2: one scan each, its points the vertices of ``_vh_clean_2.ply``.

    Coordinates are the scene's own, z up; most networks for semantic segmentation take them so,
    and the benchmark scores vertices, so walls are turned along the axes only if asked for.

    Attributes of points: ``rgb`` (alpha is 255 throughout and left out), ``normal`` (area-weighted
    mean of the faces'), ``segment`` (id in the over-segmentation) and ``vertex`` (number in the
    file). ``meta["faces"]`` are the triangles by these numbers:
    `pcseg.data.readers.scannet.mesh.faces_of` gives those of any choice of the points.
    ``meta["axis_alignment"]`` is the matrix of the scene's ``.txt``, where it has one.

    Raw labels are NYU40 ids, whichever ids the files hold; what they hold is found out from the
    objects, said once in the log, and stands in ``meta["label_ids"]``.
    """

    name: str = "scannet"
    label_map: ClassVar[str] = "scannet"
    frame_files: ClassVar[str] = "scene with *_vh_clean_2.ply"

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
        align: bool = False,
        label_ids: str = "auto",
        labels_from: str = "ply",
        table: str | Path | None = None,
    ) -> None:
        """Find the scenes of a split.

        Args:
            root: the folder with ``scans`` (and ``scans_test``), or one of these.
            split: see `Reader`; a sequence is a scene, ``scene0000_00``.
            label_set: see `Reader`.
            sequences: see `Reader`.
            labels: see `Reader`.
            invalid: see `Reader`.
            every: see `Reader`.
            align: turn scenes by their axis alignment.
            label_ids: what ``labels.ply`` holds: ``nyu40`` ids, ``raw`` ids (column ``id`` of the
                label table, as in early releases), or ``auto``: found out for each scene.
            labels_from: ``ply``, as the 20-class baselines do, or ``aggregation``: from the
                categories of the objects. The two do not agree on every vertex of the dataset.
            table: path of ``scannetv2-labels.combined.tsv``; looked for in the root by default.

        Raises:
            ConfigError: for a setting that does not exist.
            DataError: if nothing of the split is there.
        """
        check_choice("label_ids", label_ids, LABEL_IDS)
        check_choice("labels_from", labels_from, LABEL_SOURCES)
        self._align, self._label_ids, self._labels_from = align, label_ids, labels_from
        super().__init__(
            root,
            split,
            label_set,
            sequences=sequences,
            labels=labels,
            invalid=invalid,
            every=every,
        )
        path = Path(table) if table is not None else self._find_table()
        self._annotations = Annotations(labels_from, label_ids, path, self.folder)

    def files(self, frame: FrameId) -> SceneFiles:
        """Where the files of a scene lie."""
        return SceneFiles(self._folders[frame.sequence])

    def frames_of(self, index: int) -> Frames:
        """The recording of scene number `index`.

        Exported frames (``color/ depth/ pose/ intrinsic/`` in the folder of the scene) go before
        the ``.sens`` stream.

        Raises:
            DataError: if there is neither, or it is damaged.
        """
        files = self.files(self.frames[index])
        if (files.folder / "color").is_dir():
            return exported_frames(files.folder, _picture_sizes(read_facts(files.facts)))
        if files.stream.is_file():
            return SensFrames(files.stream)
        raise DataError(
            f"{files.stream}: missing, and no folder {files.folder / 'color'}: the scene has no "
            "frames. Copy its .sens, or export the frames there with ScanNet's SensReader."
        )

    def views(self, index: int, every: int = 20, grid: str = "color") -> Iterator[View]:
        """Stream the frames of scene number `index` as views of its scan, one in memory at a time.

        Colour and depth camera are taken to be at one place, as is usual for ScanNet. Frames whose
        tracking was lost are left out, with a notice. Pixels get train ids where the scene has
        pictures of labels (``label-filt/`` or its archive) and the label table is there.
        A view's name is the number of its frame.

        Args:
            index: of the scene.
            every: take each n-th frame of the recording.
            grid: ``color``: pictures as recorded, depth of the nearest pixel; ``depth``: depth as
                recorded, pictures interpolated there (four times fewer pixels).

        Raises:
            ConfigError: for another grid.
            DataError: for missing or damaged frames.
        """
        check_every(every)
        check_choice("grid", grid, GRIDS)
        sensor_to_world = np.eye(4)
        if self._align:
            files = self.files(self.frames[index])
            matrix = axis_alignment(read_facts(files.facts), files.facts)
            sensor_to_world = np.eye(4) if matrix is None else np.linalg.inv(matrix)
        with closing(self._label_pictures(index)) as pictures:
            for frame in self.frames_of(index).read(every):
                view = frame.view(sensor_to_world, grid)
                stored = pictures.read(frame.name)
                yield view if stored is None else self._with_labels(view, frame, stored)

    def _label_pictures(self, index: int) -> LabelPictures:
        """The label pictures of a scene; none if they are not wanted or cannot be understood."""
        folder = self.files(self.frames[index]).folder
        pictures = LabelPictures(folder)
        if self._labels == "none":
            return LabelPictures(None)
        if pictures and self._annotations.table is None:
            self._annotations.say_once(
                "pictures",
                logging.WARNING,
                "%s: its pictures of labels are left out, because %s is missing",
                *(folder, TABLE),
            )
            return LabelPictures(None)
        return pictures

    def _with_labels(self, view: View, frame: RgbdFrame, stored: np.ndarray) -> View:
        raw, _ = to_nyu40(stored.reshape(-1), RAW, self._annotations.table)
        nyu40 = raw.reshape(stored.shape)
        # As large as the pictures were recorded, though these may have been exported smaller.
        K = scaled_intrinsics(frame.color_K, size_of(frame.rgb), size_of(nyu40))
        on_grid = nearest(nyu40, K, view.K, size_of(view.rgb))
        return replace(view, labels=pixels_of(on_grid, self.label_set, f"frame {frame.name}"))

    def _locate(self, root: Path) -> Path:
        folders = [root / name for name in _FOLDERS if (root / name).is_dir()] or [root]
        scenes = [scene for folder in folders for scene in folder.glob("[!.]*") if _is_scene(scene)]
        if not scenes and _is_scene(root):
            scenes = [root]
        if not scenes:
            raise DataError(
                f"{root}: no scenes. Expected scans/scene0000_00/scene0000_00_vh_clean_2.ply and "
                "so on under it. Give the folder that holds 'scans' and 'scans_test'."
            )
        self._folders = {scene.name: scene for scene in sorted(scenes, key=lambda s: s.name)}
        return root

    def _sequences_there(self) -> list[str]:
        return list(self._folders)

    def _frames_there(self, sequence: str) -> list[str]:
        return [MESH]

    def _is_labelled(self, frame: FrameId) -> bool:
        files = self.files(frame)
        if self._labels_from == FROM_OBJECTS:
            return files.aggregation.is_file()
        return files.labels.is_file()

    def _label_source(self, frame: FrameId) -> Path:
        files = self.files(frame)
        return files.labels if self._labels_from == FROM_PLY else files.aggregation

    def _files(self, index: int) -> list[Path]:
        files = self.files(self.frames[index])
        paths = [files.mesh, files.labels, files.segments, files.aggregation, files.facts]
        table = self._annotations.table_path
        paths += [table] if table else []
        return [path for path in paths if path.is_file()]

    def _reading(self) -> str:
        return f"{super()._reading()} {self._label_ids} {self._labels_from}"

    def _count_points(self, index: int) -> int:
        return count_vertices(self.files(self.frames[index]).mesh)

    def _read_labels(self, index: int) -> np.ndarray | None:
        frame = self.frames[index]
        if not self._has_labels(frame):
            return None
        if self._invalid == "ignore":  # which labels count is then told by the points
            return self._read(index).labels
        files = self.files(frame)
        mesh = read_mesh(files.mesh)
        nyu40 = self._annotations.of(files, mesh, _segments(files, len(mesh))).nyu40
        return self.label_set.encode(nyu40, self._label_source(frame))

    def _raw_scan(self, frame: FrameId) -> Scan:
        files = self.files(frame)
        mesh = read_mesh(files.mesh)
        meta: dict[str, Any] = {"path": str(files.mesh)}
        facts = read_facts(files.facts)
        if "sceneType" in facts:
            meta["room"] = facts["sceneType"]
        xyz = self._aligned(mesh.xyz, axis_alignment(facts, files.facts), meta)
        attrs = {"vertex": np.arange(len(mesh), dtype=np.int32)}
        if "rgb" in mesh.attrs:
            attrs["rgb"] = mesh.attrs["rgb"].astype(np.float32, copy=False)
        if mesh.faces is not None:
            meta["faces"] = mesh.faces.astype(np.int32)
            attrs["normal"] = vertex_normals(xyz, mesh.faces)
        segments = _segments(files, len(mesh))
        if segments is not None:
            attrs["segment"] = segments
        scan = Scan(xyz, attrs, pose=np.eye(4), meta=meta)
        if not self._has_labels(frame):
            return scan
        found = self._annotations.of(files, mesh, segments)
        if found.ids is not None:
            meta = {**meta, "label_ids": found.ids}
        return scan.replace(raw_labels=found.nyu40, instances=found.instances, meta=meta)

    def _aligned(
        self, xyz: np.ndarray, matrix: np.ndarray | None, meta: dict[str, Any]
    ) -> np.ndarray:
        xyz = xyz.astype(np.float32, copy=False)
        if matrix is None:
            if self._align:
                log.warning("%s: has no axisAlignment, so it stays as it is", meta["path"])
            return xyz
        meta["axis_alignment"] = matrix.tolist()
        if not self._align:
            return xyz
        return (xyz.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)

    def _find_table(self) -> Path | None:
        places = [folder / TABLE for folder in (self.folder, *self.folder.parents[:2])]
        return next((path for path in places if path.is_file()), None)


def _segments(files: SceneFiles, num_vertices: int) -> np.ndarray | None:
    return read_segments(files.segments, num_vertices) if files.segments.is_file() else None


def _is_scene(folder: Path) -> bool:
    return SceneFiles(folder).mesh.is_file()


def _picture_sizes(
    facts: dict[str, str],
) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """(height, width) that the intrinsics of colour and depth are for, where the facts say so."""

    def size(camera: str) -> tuple[int, int] | None:
        words = [facts.get(f"{camera}{side}", "") for side in ("Height", "Width")]
        if not all(re.fullmatch(r"[1-9]\d{0,4}", word) for word in words):
            return None
        return int(words[0]), int(words[1])

    return size("color"), size("depth")
