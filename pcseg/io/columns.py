"""Named columns and points: which column of a file means what, in both directions.

PLY, PCD, LAS, structured NPY and text files all are tables with named columns. Only here is it
decided what a column called ``scalar_Label`` or ``nx`` is. Names are compared without case and
without CloudCompare's prefix ``scalar_``; of several columns with one meaning the first named below
is taken and the others stay attributes of their own name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.errors import DataError, LabelError
from pcseg.io.points import PointFile, Stored
from pcseg.io.ranges import restore, unit_range

TRIPLES = {
    "rgb": (
        ("red", "green", "blue"),
        ("r", "g", "b"),
        ("diffuse_red", "diffuse_green", "diffuse_blue"),
    ),
    "normal": (("nx", "ny", "nz"), ("normal_x", "normal_y", "normal_z")),
}
"""Attributes made of three columns, and what these may be called."""

SCALARS = {
    "intensity": ("intensity", "i", "reflectance", "remission", "reflectivity"),
    "ring": ("ring", "laser_id", "laserid", "beam"),
    "time": ("time", "timestamp", "t"),
    "confidence": ("confidence",),
    "instance": ("instance", "instance_id", "instances"),
}
"""Attributes of one column, and what it may be called."""

LABELS = ("label", "labels", "semantic_label", "semantic", "class", "classification", "category")
"""What the column of raw label ids may be called."""


def from_columns(path: Path, columns: Mapping[str, np.ndarray], **rest: Any) -> PointFile:
    """Make points of named columns.

    Args:
        path: named in errors.
        columns: (N,) or (N, C) arrays by the file's own names.
        rest: further fields of `PointFile`, for example ``faces``.

    Raises:
        DataError: if there is no x, y, z, or no point, or colours lie outside any known range.
        LabelError: if labels are not whole numbers.
    """
    left = {name: _native(values) for name, values in columns.items()}
    xyz = np.stack([left.pop(name) for name in _axes(path, left)], axis=1)
    if not len(xyz):
        raise DataError(f"{path}: holds no points. Remove the file, or make it again.")
    if xyz.dtype not in (np.float32, np.float64):
        xyz = xyz.astype(np.float64)
    labels, stored = _take_labels(path, left)
    attrs: dict[str, np.ndarray] = {}
    for attr, names in _known(left).items():
        taken = [left.pop(name) for name in names]
        values = taken[0] if len(taken) == 1 else np.stack(taken, axis=1)
        attrs[attr], scale = unit_range(path, attr, values)
        stored[attr] = Stored(names, values.dtype, scale)
    attrs.update(_joined(left, stored))
    place = {name: i for i, name in enumerate(columns)}
    stored = dict(sorted(stored.items(), key=lambda item: place[item[1].names[0]]))
    attrs = {name: attrs[name] for name in stored if name in attrs}
    return PointFile(xyz, attrs, labels, stored=stored, **rest)


def to_columns(
    path: Path,
    points: PointFile,
    *,
    wide: int = 1,
    byte_colors: bool = False,
    spaces: bool = False,
) -> dict[str, np.ndarray]:
    """The named columns of points, the inverse of `from_columns`.

    Args:
        path: of the file to be written, named in errors.
        points: to be written.
        wide: how many values a column of the format may have. Wider (N, C) attributes become the
            columns ``name_0 … name_{C-1}``, which `from_columns` joins again.
        byte_colors: write colours as ``red``, ``green``, ``blue`` of 8 bits (rounded), however they
            stood in the file they come from.
        spaces: whether names may hold spaces, which else become ``_``.

    Raises:
        DataError: if two columns would have one name, or scaled values have left their range.
    """
    if byte_colors and "rgb" in points.attrs:
        stored = {**points.stored, "rgb": Stored(TRIPLES["rgb"][0], np.dtype(np.uint8), 255.0)}
        points = points.replace(stored=stored)
    columns = {axis: points.xyz[:, i] for i, axis in enumerate("xyz")}
    pieces = {
        attr: _pieces(path, points, attr, values, wide) for attr, values in points.attrs.items()
    }
    if points.labels is not None:
        pieces["labels"] = [_label_column(points)]
    order = sorted(pieces, key=lambda attr: _rank(points, attr))
    for name, values in (piece for attr in order for piece in pieces[attr]):
        clean = name if spaces else re.sub(r"\s+", "_", name)
        if clean in columns:
            raise DataError(f"{path}: two columns would be called '{clean}'. Rename an attribute.")
        columns[clean] = values
    return columns


def canonical(name: str) -> str:
    """The plain name of a column: ``"label"``, ``"red"``, ``"intensity"``…, else as it is."""
    key = _key(name)
    if key in LABELS:
        return "label"
    for choices in TRIPLES.values():
        for names in choices:
            if key in names:
                return choices[0][names.index(key)]
    return next((attr for attr, names in SCALARS.items() if key in names), name)


def _axes(path: Path, columns: Mapping[str, np.ndarray]) -> list[str]:
    by_key = _by_key(columns)
    if not {"x", "y", "z"} <= set(by_key):
        raise DataError(
            f"{path}: no columns x, y and z; there is {', '.join(columns) or 'no column at all'}. "
            "Rename the columns in the file."
        )
    return [by_key[axis] for axis in "xyz"]


def _by_key(columns: Mapping[str, Any]) -> dict[str, str]:
    """The file's column names by their plain form; the first of equal ones counts."""
    by_key: dict[str, str] = {}
    for name in columns:
        by_key.setdefault(_key(name), name)
    return by_key


def _key(name: str) -> str:
    return name.lower().removeprefix("scalar_").replace(" ", "_")


def _known(columns: Mapping[str, np.ndarray]) -> dict[str, tuple[str, ...]]:
    """The attributes found, each with the file's names of its columns."""
    by_key = _by_key({name: None for name, values in columns.items() if values.ndim == 1})
    found: dict[str, tuple[str, ...]] = {}
    for attr, choices in TRIPLES.items():
        for names in choices:
            if attr not in found and set(names) <= set(by_key):
                found[attr] = tuple(by_key.pop(name) for name in names)
    for attr, alternatives in SCALARS.items():
        named = next((by_key[name] for name in alternatives if name in by_key), None)
        if named is not None:
            found[attr] = (named,)
    for attr in [attr for attr, names in found.items() if attr in columns and names != (attr,)]:
        del found[attr]  # a column of that very name exists already and keeps it
    return found


def _take_labels(
    path: Path, left: dict[str, np.ndarray]
) -> tuple[np.ndarray | None, dict[str, Stored]]:
    by_key = _by_key(left)
    name = next((by_key[name] for name in LABELS if name in by_key), None)
    if name is None or left[name].ndim != 1:
        return None, {}
    values = left.pop(name)
    return whole_labels(path, name, values), {"labels": Stored((name,), values.dtype)}


def whole_labels(path: Path, name: str, values: np.ndarray) -> np.ndarray:
    """Label ids (N,) int64 of a column of any number type, which must hold whole numbers."""
    labels = np.zeros(len(values), np.int64)
    if values.dtype.kind == "f":
        fits = np.isfinite(values) & (np.abs(values) < 2**53)
        labels[fits] = values[fits].astype(np.int64)
        wrong = ~fits | (labels != values)
    elif values.dtype.kind in "iub":
        wrong = values > np.iinfo(np.int64).max
        labels = values.astype(np.int64)
    else:
        wrong = np.ones(len(values), bool)
    if wrong.any():
        first = int(np.argmax(wrong))
        raise LabelError(
            f"{path}: column '{name}' holds labels, but {int(wrong.sum())} values are not whole "
            f"numbers (first: {values[first]} of point {first}). Mend them or rename the column."
        )
    return labels


def _joined(left: Mapping[str, np.ndarray], stored: dict[str, Stored]) -> dict[str, np.ndarray]:
    """The remaining columns as attributes; ``name_0``, ``name_1``… of one type become one array."""
    attrs: dict[str, np.ndarray] = {}
    for name, values in left.items():
        stem, _, number = name.rpartition("_")
        if stem in attrs and name in stored[stem].names:
            continue
        row = _numbered(left, stem) if number == "0" and stem and stem not in left else ()
        if len(row) > 1 and stem not in attrs:
            attrs[stem] = np.stack([left[part] for part in row], axis=1)
            stored[stem] = Stored(row, values.dtype)
        else:
            attrs[name] = values
            stored[name] = Stored((name,), values.dtype)
    return attrs


def _numbered(columns: Mapping[str, np.ndarray], stem: str) -> tuple[str, ...]:
    names: list[str] = []
    while (name := f"{stem}_{len(names)}") in columns and columns[name].ndim == 1:
        if columns[name].dtype != columns[f"{stem}_0"].dtype:
            break
        names.append(name)
    return tuple(names)


def _pieces(
    path: Path, points: PointFile, attr: str, values: np.ndarray, wide: int
) -> list[tuple[str, np.ndarray]]:
    stored = points.stored.get(attr)
    values = restore(path, attr, values, stored)
    width = 1 if values.ndim == 1 else values.shape[1]
    triple = attr in TRIPLES and width == 3
    if values.ndim == 1 or (width <= wide and not triple):
        return [(stored.names[0] if stored and len(stored.names) == 1 else attr, values)]
    if stored and len(stored.names) == width:
        names = stored.names
    else:
        names = TRIPLES[attr][0] if triple else tuple(f"{attr}_{i}" for i in range(width))
    return [(name, values[:, i]) for i, name in enumerate(names)]


def _label_column(points: PointFile) -> tuple[str, np.ndarray]:
    labels, stored = points.labels, points.stored.get("labels")
    assert labels is not None
    if stored and np.array_equal(labels.astype(stored.dtype), labels):
        return stored.names[0], labels.astype(stored.dtype)
    name = stored.names[0] if stored else "label"
    small = not len(labels) or max(-labels.min(), labels.max()) < 2**31
    return name, labels.astype(np.int32) if small else labels


def _rank(points: PointFile, attr: str) -> int:
    """Columns stand in the order of the file they come from, new ones behind."""
    return list(points.stored).index(attr) if attr in points.stored else len(points.stored)


def _native(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, values.dtype.newbyteorder("="))
