"""ScanNet layout: a reconstructed mesh, its labels and segments, and the RGB-D stream behind it."""

from __future__ import annotations

import json
import re
import zipfile
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from pcseg.data.splits import splits
from pcseg.errors import ConfigError
from pcseg.files import atomic_path, remove_leftovers, write_text
from pcseg.io.pictures import picture_bytes
from pcseg.ops.mesh_segments import mesh_segments
from pcseg.sim.mesh import pose
from pcseg.sim.rig import looking
from pcseg.sim.rooms import mesh_ply, sens_file
from pcseg.sim.rooms.fusion import Fusion
from pcseg.sim.rooms.kinds import kinds_by_id, nyu40_ids
from pcseg.sim.rooms.layouts import Step
from pcseg.sim.rooms.plan import ROOM_KINDS
from pcseg.sim.rooms.rgbd import RgbdCamera, record
from pcseg.sim.rooms.room import Room
from pcseg.sim.rooms.scannet_files import label_colors, label_table, scene_facts
from pcseg.sim.rooms.surface import Surface, roughened, tessellate

CAMERA = RgbdCamera(
    looking("color", (1296, 968), 1170.19, (0, 0, 0)),
    looking("depth", (640, 480), 577.87, (0, 0, 0)),
)
"""Sizes and focal lengths of ScanNet's tablets; here both look from the same place."""

EDGE_M, ROUGHNESS_M = 0.06, 0.0015
"""Of the mesh: longest edge and how far vertices are moved."""
LABEL_TABLE = "scannetv2-labels.combined.tsv"
_LOST_SHARE = 0.01
_SEGMENTS = "_vh_clean_2.0.010000.segs.json"
_SUFFIXES = (
    ".sens",
    "_2d-label-filt.zip",
    "_2d-instance-filt.zip",
    "_vh_clean_2.ply",
    "_vh_clean_2.labels.ply",
    _SEGMENTS,
    ".aggregation.json",
    ".txt",
)


class ScanNetWriter:
    """Writes rooms under ``root/scans/SCENE``; each file is whole or absent.

    ``labels.ply`` holds NYU40 ids, as the current release does; the pictures of labels hold ids of
    the category table, as ScanNet's own do.
    """

    entries: ClassVar[tuple[str, ...]] = ("scans", LABEL_TABLE)
    own: ClassVar[str] = rf"{re.escape(LABEL_TABLE)}|scans/(?P<sequence>[^/]+)/.*"
    frames: ClassVar[int] = 60
    what: ClassVar[str] = "frame"
    sensor: ClassVar[str] = "Structure Sensor (RGB-D)"

    def __init__(self, root: Path, image_scale: float, frames: int) -> None:
        if not 0.02 <= image_scale <= 4:
            raise ConfigError(f"pictures cannot be scaled by {image_scale}: choose 0.02 to 4.")
        self.root, self._count = root, frames
        self._camera = CAMERA.scaled(image_scale)
        # Fewer pixels can only tell coarser shapes.
        self._edge_m = EDGE_M * max(1.0, 0.25 / image_scale)

    @staticmethod
    def room_kind(number: int) -> str:
        """All kinds take turns."""
        return list(ROOM_KINDS)[number % len(ROOM_KINDS)]

    @staticmethod
    def room_name(number: int) -> str:
        """Name of the scene, from the official lists: every fourth room is for validation.

        Raises:
            ConfigError: for more rooms than the lists have names for.
        """
        if number >= len(_names()):
            raise ConfigError(
                f"ScanNet's lists have names for {len(_names())} rooms that are scanned once. "
                "Simulate no more than these."
            )
        return _names()[number]

    def remove_leftovers(self, number: int) -> None:
        """Remove the half-written files of a process that was killed."""
        folder = self._folder(number)
        for suffix in {Path(suffix).suffix for suffix in _SUFFIXES}:
            remove_leftovers(folder, f"*{suffix}")
        remove_leftovers(self.root, "*.tsv")

    def has_room(self, number: int) -> bool:
        """Whether all files of a scene are there, and as long as they should be."""
        paths = {suffix: self._path(number, suffix) for suffix in _SUFFIXES}
        if not all(path.is_file() and path.stat().st_size for path in paths.values()):
            return False
        for suffix in ("_vh_clean_2.ply", "_vh_clean_2.labels.ply"):
            if not mesh_ply.is_whole(paths[suffix]):
                return False
        for suffix in ("_2d-label-filt.zip", "_2d-instance-filt.zip"):
            if not zipfile.is_zipfile(paths[suffix]):
                return False
        for suffix in (_SEGMENTS, ".aggregation.json", ".txt"):
            if not paths[suffix].read_bytes().endswith(b"\n"):
                return False
        return sens_file.is_whole(paths[".sens"], self._header())

    def write_room(self, number: int, room: Room, seed: int, step: Step) -> int:
        """Record a room, fuse the frames to a mesh, and write both."""
        rng = np.random.default_rng([seed, 2])
        # The scan's own frame has any heading; the alignment leads back.
        placed = pose(rng.uniform((-4, -4, -0.1), (4, 4, 0.1)), rng.uniform(-np.pi, np.pi))
        surface = roughened(tessellate(room.static, self._edge_m), ROUGHNESS_M, rng)
        fusion = Fusion(surface, self._camera.depth)
        lost = rng.random(self._count) < _LOST_SHARE
        if not self._record(number, room, seed, placed, fusion, lost, step):
            return 0
        fused = fusion.fused()
        vertices = fused.vertices @ placed[:3, :3].T + placed[:3, 3]
        self._write_mesh(number, replace(fused, vertices=vertices.astype(np.float32)))
        facts = scene_facts(room, self._camera, np.linalg.inv(placed), self._count)
        write_text(self._path(number, ".txt"), facts)
        return len(fused)

    def finish(self, numbers: range) -> None:
        """Write the table of categories, with how often each was annotated."""
        write_text(self.root / LABEL_TABLE, label_table(self.root / "scans"))

    def _record(
        self,
        number: int,
        room: Room,
        seed: int,
        placed: np.ndarray,
        fusion: Fusion,
        lost: np.ndarray,
        step: Step,
    ) -> bool:
        """Write the stream and the pictures of labels while the frames come."""
        with suppress(_Stopped), ExitStack() as stack:

            def opened(suffix: str) -> Path:
                return stack.enter_context(atomic_path(self._path(number, suffix)))

            labels = stack.enter_context(zipfile.ZipFile(opened("_2d-label-filt.zip"), "w"))
            instances = stack.enter_context(zipfile.ZipFile(opened("_2d-instance-filt.zip"), "w"))
            file = stack.enter_context(opened(".sens").open("wb"))
            file.write(self._header().bytes())
            for frame in record(room, self._camera, self._count, seed):
                found = None if lost[frame.number] else placed @ frame.pose
                sens_file.write_frame(file, found, frame.time, frame.picture.rgb, frame.depth_mm)
                _add_picture(labels, f"label-filt/{frame.number}.png", frame.picture.labels)
                few = frame.picture.instances.astype(np.uint8)  # a room has some fifty
                _add_picture(instances, f"instance-filt/{frame.number}.png", few)
                if found is not None:
                    fusion.add(frame)
                if not step(frame.number):
                    raise _Stopped
            sens_file.write_end(file)
            return True
        return False

    def _write_mesh(self, number: int, mesh: Surface) -> None:
        name = self.room_name(number)
        nyu40 = nyu40_ids()[mesh.label]
        segments = mesh_segments(mesh.vertices, mesh.faces)
        write_mesh = mesh_ply.write_mesh
        write_mesh(self._path(number, "_vh_clean_2.ply"), mesh)
        colored = replace(mesh, rgb=label_colors()[nyu40])
        write_mesh(self._path(number, "_vh_clean_2.labels.ply"), colored, nyu40)
        parts = {
            "params": {"kThresh": "0.01", "segMinVerts": "20"},
            "sceneId": name,
            "segIndices": segments.tolist(),
        }
        _write_compact(self._path(number, _SEGMENTS), parts)
        aggregation = {
            "sceneId": f"scannet.{name}",
            "appId": "Aggregator.v2",
            "segGroups": _groups(mesh, segments),
            "segmentsFile": f"scannet.{name}{_SEGMENTS}",
        }
        _write_compact(self._path(number, ".aggregation.json"), aggregation)

    def _header(self) -> sens_file.SensHeader:
        return sens_file.SensHeader(self._camera.color, self._camera.depth, self._count)

    def _folder(self, number: int) -> Path:
        return self.root / "scans" / self.room_name(number)

    def _path(self, number: int, suffix: str) -> Path:
        return self._folder(number) / f"{self.room_name(number)}{suffix}"


@lru_cache(maxsize=1)
def _names() -> tuple[str, ...]:
    """First scans of scenes: three of the training list, one of the validation list, and so on."""
    official = splits("scannet")["official"]
    train, val = (
        [name for name in official[part] if name.endswith("_00")] for part in ("train", "val")
    )
    rows = zip(train[::3], train[1::3], train[2::3], val, strict=False)
    return tuple(name for row in rows for name in row)


class _Stopped(Exception):
    """Leaves the recording so that none of its files is kept."""


def _groups(mesh: Surface, segments: np.ndarray) -> list[dict[str, object]]:
    """One group for each object: its segments, which belong to it alone, and its category."""
    pairs, first = np.unique(np.column_stack([mesh.instance, segments]), axis=0, return_index=True)
    found = []
    for instance in np.unique(pairs[:, 0]).tolist():
        mine = pairs[:, 0] == instance
        kind = kinds_by_id()[int(mesh.label[first[mine][0]])]
        number = instance - 1
        group = {"id": number, "objectId": number, "segments": pairs[mine, 1].tolist()}
        found.append({**group, "label": kind.name})
    return found


def _write_compact(path: Path, value: object) -> None:
    write_text(path, json.dumps(value, separators=(",", ":")) + "\n")


def _add_picture(archive: zipfile.ZipFile, name: str, pixels: np.ndarray) -> None:
    """Add a PNG of 8 or 16 bits to an archive; always the same bytes."""
    entry = zipfile.ZipInfo(name)  # dated 1980; by default it would carry the time of day
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, picture_bytes(pixels))
