"""The tables of a PandaSet scene: points and the classes of points, checked against each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pcseg.errors import DataError, LabelError
from pcseg.io.pickled_tables import PickledTable, read_pickled_table

POINT_COLUMNS = ("x", "y", "z", "i", "t", "d")


def table_path(folder: Path, frame: str) -> Path:
    """The table of a frame: ``FF.pkl.gz``, or ``FF.pkl`` where a mirror has unpacked it."""
    packed, plain = folder / f"{frame}.pkl.gz", folder / f"{frame}.pkl"
    return plain if plain.is_file() and not packed.is_file() else packed


def table_frames(folder: Path) -> list[str]:
    """Names of the frames that a folder has tables of, in order.

    Raises:
        DataError: for a table whose name is no number.
    """
    found = {p.name.partition(".")[0] for p in folder.glob("[!.]*.pkl*") if _is_table(p)}
    for name in sorted(found):
        if not name.isdecimal():
            raise DataError(f"{folder / name}.pkl.gz: tables are named by number: 00.pkl.gz.")
    return sorted(found, key=int)


def _is_table(path: Path) -> bool:
    return path.name.endswith((".pkl", ".pkl.gz"))


def read_points(path: Path) -> PickledTable:
    """Read ``lidar/FF.pkl.gz``: x, y, z in the world, i 0..255, t Unix seconds, d 0 or 1.

    Raises:
        DataError: if the file is damaged, empty, lacks a column or has another LiDAR in ``d``.
    """
    table = read_pickled_table(path)
    _check_columns(path, table, POINT_COLUMNS)
    if not len(table):
        raise DataError(f"{path}: empty scan, the table has no rows. Copy the file again.")
    known = np.isin(table.columns["d"], (0, 1))
    if not known.all():
        row = int(np.argmin(known))
        raise DataError(
            f"{path}, row {row}: LiDAR d = {table.columns['d'][row]} does not exist "
            "(0 Pandar64, 1 PandarGT). Copy the file again."
        )
    return table


def read_classes_of_points(path: Path, points: PickledTable, points_path: Path) -> np.ndarray:
    """Read ``annotations/semseg/FF.pkl.gz``: (N,) int64 class ids of the rows of `points`.

    Raises:
        DataError: if the file is damaged.
        LabelError: if its rows are not those of the points.
    """
    table = read_pickled_table(path)
    _check_columns(path, table, ("class",), "iu")
    if len(table) != len(points):
        raise LabelError(
            f"{path}: {len(table)} labels for the {len(points)} points of {points_path}. "
            "The two files do not belong together: copy both again."
        )
    same = table.index == points.index
    if not same.all():
        row = int(np.argmin(same))
        raise LabelError(
            f"{path}, row {row}: its index is {table.index[row]}, but {points.index[row]} in "
            f"{points_path}. The rows are in another order: copy both files again."
        )
    return table.columns["class"].astype(np.int64)


def _check_columns(
    path: Path, table: PickledTable, names: tuple[str, ...], kinds: str = "iuf"
) -> None:
    for name in names:
        if name not in table.columns:
            raise DataError(
                f"{path}: no column '{name}', found {', '.join(table.columns) or 'none'}. "
                f"Expected {' '.join(names)}: copy the file again."
            )
        if table.columns[name].dtype.kind not in kinds:
            raise DataError(
                f"{path}: column '{name}' is of type {table.columns[name].dtype}, not "
                f"{'whole numbers' if kinds == 'iu' else 'numbers'}. Copy the file again."
            )
