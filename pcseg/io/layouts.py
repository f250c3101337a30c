"""Columns without names: what they mean by their number, checked against the values."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pcseg.errors import DataError

log = logging.getLogger(__name__)

Columns = tuple[str, ...]
"""Names of columns in file order; names that begin with ``_`` are skipped."""

LAYOUTS = {
    3: ("x y z",),
    4: ("x y z intensity",),
    6: ("x y z nx ny nz", "x y z red green blue"),
    7: ("x y z red green blue label", "x y z intensity red green blue"),
    8: ("x y z intensity red green blue label",),
    9: ("x y z red green blue nx ny nz", "x y z nx ny nz red green blue"),
    10: ("x y z red green blue nx ny nz label", "x y z nx ny nz red green blue label"),
}
"""Number of columns -> layouts tried in this order; the first that the values allow is taken."""


def parse_columns(columns: str | Sequence[str] | None) -> Columns | None:
    """Column names as a tuple.

    Args:
        columns: ``"x y z _ label"``, ``"x,y,z"``, or a sequence of names.

    Raises:
        DataError: if x, y or z is missing or a name stands twice.
    """
    if columns is None:
        return None
    names = columns.replace(",", " ").split() if isinstance(columns, str) else list(columns)
    kept = [name for name in names if not name.startswith("_")]
    if not {"x", "y", "z"} <= {name.lower() for name in kept} or len(set(kept)) < len(kept):
        raise DataError(
            f"columns={' '.join(names)!r}: the columns must include x, y and z, each name once. "
            "Give for example columns='x y z intensity label'; '_' skips a column."
        )
    return tuple(names)


def name_table(path: Path, table: np.ndarray, columns: Columns | None) -> dict[str, np.ndarray]:
    """Give the columns of an unnamed table their names.

    Args:
        path: named in errors.
        table: (N, C) numbers.
        columns: their names, or None to go by `LAYOUTS`.

    Returns:
        (N,) arrays by name; skipped columns are left out.

    Raises:
        DataError: if the number of names is wrong, or none are given and no layout fits.
    """
    names = columns or _guess(path, table)
    if len(names) != table.shape[1]:
        raise DataError(
            f"{path}: has {table.shape[1]} columns, but {len(names)} names are given "
            f"({' '.join(names)}). Name each column; '_' skips one."
        )
    return {name: table[:, i] for i, name in enumerate(names) if not name.startswith("_")}


def _guess(path: Path, table: np.ndarray) -> Columns:
    for layout in LAYOUTS.get(table.shape[1], ()):
        names = tuple(layout.split())
        if _plausible({name: table[:, i] for i, name in enumerate(names)}):
            if len(LAYOUTS[len(names)]) > 1:
                log.info("%s: columns taken as %s; say columns=… if not.", path, layout)
            return names
    known = "; ".join(layout for layouts in LAYOUTS.values() for layout in layouts)
    raise DataError(
        f"{path}: cannot tell what its {table.shape[1]} unnamed columns are. Name them, for "
        f"example columns='x y z intensity label' ('_' skips one). Known without names: {known}."
    )


def _plausible(columns: dict[str, np.ndarray]) -> bool:
    """Whether the values allow this reading: unit normals, one scale of colours, whole labels."""
    with np.errstate(invalid="ignore", over="ignore"):
        if "nx" in columns:
            squares = sum(columns[name].astype(np.float64) ** 2 for name in ("nx", "ny", "nz"))
            if not np.all(np.abs(squares - 1) < 0.02):
                return False
        if "red" in columns:
            rgb = np.stack([columns[name] for name in ("red", "green", "blue")])
            steps = rgb.max() > 1 and np.array_equal(rgb, np.rint(rgb)) and rgb.max() <= 255
            if rgb.min() < 0 or not (steps or rgb.max() <= 1):
                return False
        labels = columns.get("label")
    return labels is None or bool(np.array_equal(labels, np.rint(labels)))
