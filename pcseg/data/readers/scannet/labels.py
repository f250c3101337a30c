"""Which ids ScanNet's labels are: the NYU40 ids of the releases, or the ids of raw categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pcseg.data.readers.scannet.files import LARGEST_NYU40, SceneObject
from pcseg.errors import DataError

NYU40, RAW = "nyu40", "raw"
LABEL_IDS = ("auto", NYU40, RAW)

Table = Mapping[str, tuple[int, int]]
"""Raw category -> (id, NYU40 id)."""

_CLEAR = 0.6
"""The share of agreeing vertices that decides, and what the other convention must stay below."""
_FEW = 0.05
"""Scenes with stray ids (50, 149) have them on fewer vertices than this."""


@dataclass(frozen=True)
class Evidence:
    """What speaks for a convention.

    Attributes:
        ids: the convention, or None if nothing tells.
        nyu40: share of annotated vertices whose label is the NYU40 id of their object's category.
        raw: the same for the id of the raw category.
        vertices: how many could be compared: those where the two ids differ.
    """

    ids: str | None
    nyu40: float
    raw: float
    vertices: int


class Segmented:
    """The vertices by segment.

    Attributes:
        row: of each segment id, 0..S-1 in rising order.
        of_vertex: (N,) int64 row of each vertex.
    """

    def __init__(self, segments: np.ndarray) -> None:
        """Take the segment id of each vertex, (N,)."""
        names, rows = np.unique(segments, return_inverse=True)
        self.row = {name: i for i, name in enumerate(names.tolist())}
        self.of_vertex = rows.reshape(-1)


def weigh(
    labels: np.ndarray,
    segments: Segmented | None,
    objects: Sequence[SceneObject],
    table: Table | None,
) -> Evidence:
    """Hold the labels of a scene against its objects.

    A vertex bears witness if it belongs to an object whose category stands in the table with two
    different ids. Without such vertices the ids themselves may tell: NYU40 has none above 40.

    Args:
        labels: (N,) ids as they stand in the file.
        segments: of the vertices, or None.
        objects: of the scene.
        table: or None if it is not there.
    """
    if segments is not None and table is not None:
        pairs = _pairs(segments, objects, table)
        telling = pairs[:, 0] != pairs[:, 1]
        if telling.any():
            raw, nyu40 = (labels[telling, None] == pairs[telling]).mean(0)
            decided = _decide(float(nyu40), float(raw))
            return Evidence(decided, float(nyu40), float(raw), int(telling.sum()))
    beyond = float((labels > LARGEST_NYU40).mean()) if len(labels) else 0.0
    return Evidence(RAW if beyond > _FEW else None, 0.0, 0.0, 0)


def to_nyu40(
    labels: np.ndarray, ids: str, table: Table | None
) -> tuple[np.ndarray, dict[int, int]]:
    """Labels as NYU40 ids, what is none set to 0 (unannotated).

    Args:
        labels: (N,) ids as they stand in the file.
        ids: what they are, `NYU40` or `RAW`.
        table: needed for `RAW`.

    Returns:
        (N,) int64 in 0..40, and the ids that are not known with their numbers of vertices.

    Raises:
        DataError: for `RAW` without a table.
    """
    if ids == RAW:
        if table is None:
            raise DataError("the labels are ids of raw categories, and the label table is missing.")
        lookup = {raw: nyu40 for raw, nyu40 in table.values()} | {0: 0}
    else:
        lookup = {i: i for i in range(LARGEST_NYU40 + 1)}
    values, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    mapped = np.array([lookup.get(int(value), 0) for value in values], np.int64)
    stray = {
        int(value): int(count)
        for value, count in zip(values, counts, strict=True)
        if int(value) not in lookup
    }
    return mapped[inverse.reshape(-1)], stray


def labels_of_objects(
    segments: Segmented, objects: Sequence[SceneObject], table: Table
) -> np.ndarray:
    """(N,) int64 NYU40 ids by the objects' categories, 0 where there is none or it has no row."""
    return _pairs(segments, objects, table)[:, 1]


def instances_of(segments: Segmented, objects: Sequence[SceneObject]) -> np.ndarray:
    """(N,) int64: 1 + object id, 0 where there is no object.

    Where two objects claim a segment the later one has it, as in ScanNet's own script.
    """
    return _spread(segments, objects, [np.array([o.object_id + 1]) for o in objects], 1)[:, 0]


def unknown_segments(segments: Segmented, objects: Sequence[SceneObject]) -> tuple[int, int]:
    """How many of the segments that objects name do not exist, and how many they name."""
    named = {segment for found in objects for segment in found.segments}
    return len(named - segments.row.keys()), len(named)


def _pairs(segments: Segmented, objects: Sequence[SceneObject], table: Table) -> np.ndarray:
    """(N, 2) id and NYU40 id of each vertex by its object, 0 and 0 where there is none."""
    pairs = [np.array(table.get(found.category, (0, 0))) for found in objects]
    return _spread(segments, objects, pairs, 2)


def _spread(
    segments: Segmented,
    objects: Sequence[SceneObject],
    values: Sequence[np.ndarray],
    width: int,
) -> np.ndarray:
    """(N, width) int64: the values of the object each vertex belongs to, 0 where there is none."""
    by_segment = np.zeros((len(segments.row), width), np.int64)
    for found, value in zip(objects, values, strict=True):
        by_segment[[segments.row[name] for name in found.segments if name in segments.row]] = value
    return by_segment[segments.of_vertex]


def _decide(nyu40: float, raw: float) -> str | None:
    if nyu40 >= _CLEAR and raw < 1 - _CLEAR:
        return NYU40
    if raw >= _CLEAR and nyu40 < 1 - _CLEAR:
        return RAW
    return None
