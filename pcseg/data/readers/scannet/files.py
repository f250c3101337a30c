"""The files of a ScanNet scene: mesh, labels, over-segmentation, objects, facts and label table."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.errors import DataError, LabelError
from pcseg.files import read_json
from pcseg.io import read_points
from pcseg.io.ply_header import parse_header
from pcseg.io.points import PointFile

TABLE = "scannetv2-labels.combined.tsv"
"""Raw categories, their ids, and the NYU40 ids they are mapped to."""

LARGEST_NYU40 = 40

_SAME_PLACE_M = 0.01
_LARGEST_TEXT = 1 << 20


@dataclass(frozen=True)
class SceneFiles:
    """Where the files of a scene lie, whether they are there or not."""

    folder: Path

    @property
    def mesh(self) -> Path:
        """The mesh whose vertices the benchmark scores."""
        return self._named("_vh_clean_2.ply")

    @property
    def labels(self) -> Path:
        """The same mesh with a label for each vertex."""
        return self._named("_vh_clean_2.labels.ply")

    @property
    def segments(self) -> Path:
        """The over-segmentation of this mesh (``_vh_clean.segs.json`` is of the finer one)."""
        return self._named("_vh_clean_2.0.010000.segs.json")

    @property
    def aggregation(self) -> Path:
        """The objects, as lists of segments."""
        return self._named(".aggregation.json")

    @property
    def facts(self) -> Path:
        """Sizes of the pictures, intrinsics, axis alignment, kind of room."""
        return self._named(".txt")

    @property
    def stream(self) -> Path:
        """The recording."""
        return self._named(".sens")

    def _named(self, ending: str) -> Path:
        return self.folder / f"{self.folder.name}{ending}"


@dataclass(frozen=True)
class SceneObject:
    """One annotated object.

    Attributes:
        object_id: from 0.
        category: raw category, as the annotator typed it.
        segments: ids of the segments it is made of.
    """

    object_id: int
    category: str
    segments: tuple[int, ...]


def read_mesh(path: Path) -> PointFile:
    """Read a mesh: vertices with colours, and triangles.

    Raises:
        DataError: if it is missing, damaged or truncated.
    """
    if not path.is_file():
        raise DataError(f"{path}: missing. Copy the mesh, or leave the scene out.")
    return read_points(path)


def count_vertices(path: Path) -> int:
    """Number of vertices of a mesh, by its header.

    Raises:
        DataError: as `read_mesh`.
    """
    if not path.is_file():
        raise DataError(f"{path}: missing. Copy the mesh, or leave the scene out.")
    header = parse_header(path, path.read_bytes())
    return sum(element.size for element in header.elements if element.name == "vertex")


def read_vertex_labels(path: Path, mesh: PointFile, mesh_path: Path) -> np.ndarray:
    """Read a ``_vh_clean_2.labels.ply``.

    Returns:
        (N,) int64 ids as they stand there, whatever convention they follow.

    Raises:
        LabelError: if it has no labels, or is of another mesh.
    """
    points = read_points(path)
    if points.labels is None:
        raise LabelError(f"{path}: its vertices have no property 'label'. Copy the file again.")
    if len(points) != len(mesh):
        raise LabelError(
            f"{path}: {len(points)} labels for the {len(mesh)} vertices of {mesh_path}. The two "
            "files do not belong together: copy both again."
        )
    apart = np.abs(points.xyz - mesh.xyz).max(initial=0)
    if apart > _SAME_PLACE_M:
        raise LabelError(
            f"{path}: its vertices lie up to {apart:.3g} m from those of {mesh_path}, so the "
            "order may differ. The two files do not belong together: copy both again."
        )
    return points.labels


def read_segments(path: Path, num_vertices: int) -> np.ndarray:
    """Read a ``segs.json``: (N,) int32 segment id of each vertex.

    Raises:
        DataError: if it is no list of whole numbers, or not one for each vertex.
    """
    data = read_json(path)
    ids = data.get("segIndices") if isinstance(data, dict) else None
    segments = _whole_numbers(ids)
    if segments is None:
        raise DataError(
            f"{path}: 'segIndices' is not a list of whole numbers from 0. Copy the file again."
        )
    if len(segments) != num_vertices:
        raise DataError(
            f"{path}: {len(segments)} segment ids for {num_vertices} vertices. It belongs to "
            "another mesh (the finer one has _vh_clean.segs.json), or is truncated: copy it again."
        )
    return segments.astype(np.int32)


def read_objects(path: Path) -> list[SceneObject]:
    """Read an ``aggregation.json``, its objects in the order of the file.

    Groups that repeat an earlier one (scene0217_00 lists all of its objects twice, the second time
    under ids from 31 on) are left out.

    Raises:
        DataError: if it is not what ScanNet calls an aggregation, naming the group.
    """
    data = read_json(path)
    groups = data.get("segGroups") if isinstance(data, dict) else None
    if not isinstance(groups, list):
        raise DataError(f"{path}: has no list 'segGroups'. Copy the file again.")
    objects: dict[tuple[str, tuple[int, ...]], SceneObject] = {}
    for number, group in enumerate(groups):
        found = _object(group)
        if found is None:
            raise DataError(
                f"{path}: group {number} needs 'objectId' (a whole number), 'label' (text) and "
                "'segments' (whole numbers). Copy the file again."
            )
        objects.setdefault((found.category, found.segments), found)
    return list(objects.values())


def read_table(path: Path) -> dict[str, tuple[int, int]]:
    """Read the label table: raw category -> (id, NYU40 id).

    Only numbers are taken from it, so it does not matter that it spells a class ``refridgerator``.

    Raises:
        DataError: if columns or numbers are missing, naming the line.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a table ({error}). Copy it again.") from error
    table: dict[str, tuple[int, int]] = {}
    for line, row in enumerate(rows, 2):
        try:
            table[row["raw_category"]] = int(row["id"]), _nyu40(row["nyu40id"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{path}, line {line}: needs the columns id, raw_category and nyu40id with whole "
                f"numbers ({type(error).__name__}: {error}). Copy the file again."
            ) from error
    if not table:
        raise DataError(f"{path}: has no lines. Copy the file again.")
    return table


def read_facts(path: Path) -> dict[str, str]:
    """Read a scene's ``.txt``: lines ``name = value``. An absent file has no facts."""
    if not path.is_file():
        return {}
    text = path.read_bytes()[:_LARGEST_TEXT].decode("utf-8", "replace")
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def axis_alignment(facts: dict[str, str], path: Path) -> np.ndarray | None:
    """The matrix that turns a scene's walls along the axes: (4, 4) float64, or None.

    Scenes of the test split and a few others have none.

    Raises:
        DataError: if it is not sixteen numbers of a rigid transform.
    """
    text = facts.get("axisAlignment")
    if text is None:
        return None
    try:
        matrix = np.array([float(word) for word in text.split()]).reshape(4, 4)
    except ValueError as error:
        raise DataError(
            f"{path}: axisAlignment is not 16 numbers ({error}). Copy the file again."
        ) from error
    R = matrix[:3, :3]
    if not np.isfinite(matrix).all() or np.abs(R @ R.T - np.eye(3)).max() > 1e-2:
        raise DataError(f"{path}: axisAlignment is not a rotation. Copy the file again.")
    return matrix


def _nyu40(text: str) -> int:
    number = int(text or 0)
    if not 0 <= number <= LARGEST_NYU40:
        raise ValueError(f"NYU40 has no id {number}")
    return number


def _object(group: Any) -> SceneObject | None:
    if not isinstance(group, dict):
        return None
    object_id, category = group.get("objectId"), group.get("label")
    segments = _whole_numbers(group.get("segments"))
    known = isinstance(object_id, int) and object_id >= 0 and isinstance(category, str)
    if not known or segments is None:
        return None
    return SceneObject(int(object_id), str(category), tuple(segments.tolist()))  # type: ignore[arg-type]


def _whole_numbers(values: Any) -> np.ndarray | None:
    """A list as (N,) int64 if it holds nothing but whole numbers that int32 can hold."""
    if not isinstance(values, list):
        return None
    try:
        numbers = np.array(values)
    except (ValueError, OverflowError):  # lists within
        return None
    if not len(values):
        return np.empty(0, np.int64)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        return None
    if numbers.min() < 0 or numbers.max() > np.iinfo(np.int32).max:
        return None
    return numbers.astype(np.int64)
