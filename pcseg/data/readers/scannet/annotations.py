"""What is annotated in a ScanNet scene: a NYU40 id and an object for each vertex."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pcseg.data.readers.scannet.files import (
    TABLE,
    SceneFiles,
    SceneObject,
    read_objects,
    read_table,
    read_vertex_labels,
)
from pcseg.data.readers.scannet.labels import (
    NYU40,
    RAW,
    Segmented,
    Table,
    instances_of,
    labels_of_objects,
    to_nyu40,
    unknown_segments,
    weigh,
)
from pcseg.errors import DataError, LabelError
from pcseg.hints import listed
from pcseg.io.points import PointFile

log = logging.getLogger(__name__)

FROM_PLY, FROM_OBJECTS = "ply", "aggregation"
LABEL_SOURCES = (FROM_PLY, FROM_OBJECTS)


class Annotated(NamedTuple):
    """The annotation of a scene with N vertices.

    Attributes:
        nyu40: (N,) int64 ids, 0 where not annotated.
        instances: (N,) int64, 1 + object id, 0 for none; None without objects and segments.
        ids: which ids ``labels.ply`` holds, ``nyu40`` or ``raw``; None if it was not asked.
    """

    nyu40: np.ndarray
    instances: np.ndarray | None
    ids: str | None


class Annotations:
    """Reads annotations by the same settings for all scenes, and says once what it found out."""

    def __init__(self, source: str, ids: str, table_path: Path | None, root: Path) -> None:
        """Read the label table.

        Args:
            source: one of `LABEL_SOURCES`.
            ids: one of `pcseg.data.readers.scannet.labels.LABEL_IDS`.
            table_path: of the label table, if there is one.
            root: of the dataset, where the table is usually put.

        Raises:
            DataError: if the table is damaged.
        """
        self.source, self.ids, self._root = source, ids, root
        self.table_path = table_path
        self.table: Table | None = read_table(table_path) if table_path else None
        self._said: set[str] = set()

    def of(self, files: SceneFiles, mesh: PointFile, segments: np.ndarray | None) -> Annotated:
        """The annotation of a scene.

        Args:
            files: of the scene.
            mesh: whose vertices are annotated.
            segments: (N,) segment of each vertex, or None if that file is missing.

        Raises:
            DataError: for damaged files, or files that belong to another mesh.
            LabelError: if the label table is needed and missing.
        """
        by_segment = None if segments is None else Segmented(segments)
        objects = self._objects(files, by_segment)
        instances = None
        if by_segment is not None and files.aggregation.is_file():
            instances = instances_of(by_segment, objects)
        if self.source == FROM_PLY:
            nyu40, ids = self._from_ply(files, mesh, by_segment, objects)
            return Annotated(nyu40, instances, ids)
        if by_segment is None:
            raise DataError(
                f"{files.segments}: missing, so the objects of {files.aggregation.name} have no "
                f"vertices. Copy it, or use labels_from={FROM_PLY}."
            )
        return Annotated(self._from_objects(files, by_segment, objects), instances, None)

    def say_once(self, key: str, level: int, message: str, *values: object) -> None:
        """Log a message, but only the first of each key."""
        if key not in self._said:
            self._said.add(key)
            log.log(level, message, *values)

    def _from_ply(
        self,
        files: SceneFiles,
        mesh: PointFile,
        segments: Segmented | None,
        objects: Sequence[SceneObject],
    ) -> tuple[np.ndarray, str]:
        stored = read_vertex_labels(files.labels, mesh, files.mesh)
        ids = self.ids
        if ids not in (NYU40, RAW):
            ids = self._found_out(files, stored, segments, objects)
        table = self._needed_table(files.labels) if ids == RAW else self.table
        nyu40, stray = to_nyu40(stored, ids, table)
        if stray:
            log.warning(
                "%s: ids that are not in the label table are ignored: %s",
                files.labels,
                listed([f"{value} ({count} vertices)" for value, count in stray.items()]),
            )
        return nyu40, ids

    def _found_out(
        self,
        files: SceneFiles,
        stored: np.ndarray,
        segments: Segmented | None,
        objects: Sequence[SceneObject],
    ) -> str:
        """Which ids a ``labels.ply`` holds; said once for each answer, with its reason."""
        found = weigh(stored, segments, objects, self.table)
        ids = found.ids or NYU40
        if found.vertices:
            reason = (
                f"of {found.vertices} vertices that tell, {found.nyu40:.1%} hold the NYU40 id and "
                f"{found.raw:.1%} the id of the raw category"
            )
        elif found.ids:
            reason = "many are above 40, the last NYU40 id"
        else:
            reason = "nothing tells: no objects or no label table"
        self.say_once(
            f"{ids} {found.ids is None}",
            logging.INFO if found.ids else logging.WARNING,
            "%s: its labels are taken as %s ids (%s). Say label_ids=%s to be sure",
            *(files.labels, ids, reason, ids),
        )
        return ids

    def _from_objects(
        self, files: SceneFiles, segments: Segmented, objects: Sequence[SceneObject]
    ) -> np.ndarray:
        table = self._needed_table(files.aggregation)
        unknown = sorted({found.category for found in objects} - set(table))
        if unknown:
            log.warning(
                "%s: categories without a row in the label table: %s",
                files.aggregation,
                listed(unknown),
            )
        return labels_of_objects(segments, objects, table)

    def _objects(self, files: SceneFiles, segments: Segmented | None) -> list[SceneObject]:
        if segments is None or not files.aggregation.is_file():
            return []
        objects = read_objects(files.aggregation)
        unknown, named = unknown_segments(segments, objects)
        if unknown > named / 2:
            raise LabelError(
                f"{files.aggregation}: {unknown} of the {named} segments it names are not in "
                f"{files.segments.name}. It belongs to another mesh (the finer one has "
                "_vh_clean.aggregation.json): copy both again."
            )
        if unknown:
            log.warning("%s: %d of %d segments do not exist", files.aggregation, unknown, named)
        return objects

    def _needed_table(self, path: Path) -> Table:
        if self.table is None:
            raise LabelError(
                f"{path}: needs ScanNet's label table to become NYU40 ids. Copy {TABLE} into "
                f"{self._root}, or give its path with table=."
            )
        return self.table
