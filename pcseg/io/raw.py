"""Raw float32 scans (.bin) of KITTI and nuScenes: no header, so columns must be known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pcseg.errors import DataError
from pcseg.files import write_bytes
from pcseg.io.columns import TRIPLES, canonical, from_columns, to_columns
from pcseg.io.layouts import Columns, name_table
from pcseg.io.points import PointFile

KITTI: Columns = ("x", "y", "z", "intensity")
NUSCENES: Columns = (*KITTI, "ring")


def read(path: Path, columns: Columns | None = None) -> PointFile:
    """Read raw float32 rows: x y z intensity, or with ring if the name ends with ``.pcd.bin``.

    Intensity stays as stored (0..1 in KITTI, 0..255 in nuScenes). A file whose values speak
    against the assumed columns is refused rather than misread; naming the columns settles it.

    Raises:
        DataError: if the size is no multiple of a row (truncated, or other columns), if the file
            is empty, or if its values look like rows of another length.
    """
    names = columns or columns_of(path)
    size = path.stat().st_size
    row = 4 * len(names)
    if size % row:
        fitting = [str(n) for n in (3, 4, 5, 6, 7, 8) if size % (4 * n) == 0]
        hint = f" (it does fit rows of {' or '.join(fitting)} columns)" if fitting else ""
        raise DataError(
            f"{path}: truncated, or of other columns: {size} bytes are {size // row} points of "
            f"{len(names)} float32 ({' '.join(names)}) and {size % row} bytes left over{hint}. "
            "Copy the file again, or name its columns, for example "
            "columns='x y z intensity ring'."
        )
    values = np.fromfile(path, "<f4")
    if columns is None:
        _refuse_other_row_length(path, values, len(names))
    return from_columns(path, name_table(path, values.reshape(-1, len(names)), names))


def write(path: Path, points: PointFile, columns: Columns | None, encoding: str | None) -> None:
    """Write raw float32 rows. A column that the points lack is written as zeros.

    Raises:
        DataError: if float32 cannot hold the coordinates to a millimetre.
    """
    names = columns or columns_of(path)
    rgb = points.stored.get("rgb")
    as_floats = rgb is not None and rgb.dtype.kind == "f"  # 0..255 stays 0..255, bytes become 0..1
    stored = {"rgb": rgb._replace(names=TRIPLES["rgb"][0])} if rgb and as_floats else {}
    named = to_columns(path, points.replace(stored=stored))
    table = np.zeros((len(points), len(names)), "<f4")
    for i, name in enumerate(names):
        if canonical(name) in named:
            table[:, i] = named[canonical(name)]
    with np.errstate(invalid="ignore"):
        loss = np.abs(table[:, [names.index(axis) for axis in "xyz"]] - points.xyz)
    if np.nanmax(loss, initial=0) > 1e-3:
        raise DataError(
            f"{path}: .bin holds float32, which would move these points by up to "
            f"{np.nanmax(loss):.3g}. Subtract an offset first, or write .npz, .ply or .las."
        )
    write_bytes(path, table.tobytes())


def columns_of(path: Path) -> Columns:
    """The columns a raw file is assumed to have, by its name."""
    return NUSCENES if path.name.lower().endswith(".pcd.bin") else KITTI


def holds(path: Path, columns: Columns | None) -> set[str]:
    """The attributes that a raw file with these columns can hold."""
    found = {canonical(name) for name in columns or columns_of(path)}
    found |= {attr for attr, choices in TRIPLES.items() if found >= set(choices[0])}
    return found | ({"labels"} if "label" in found else set())


def _refuse_other_row_length(path: Path, values: np.ndarray, num_columns: int) -> None:
    """Compare each value with its neighbour one row on: at the true row length they are alike.

    Read with a wrong length, x is compared with y or intensity, which differ by metres. Only row
    lengths that fit the size compete, and one must be far better to speak against the assumption.
    Multiples of the assumed length do not compete: two beams stored in turn look like that.
    """
    sample = values[:_SAMPLE].astype(np.float64)
    sample = np.log1p(np.abs(sample[np.isfinite(sample)])) * np.sign(sample[np.isfinite(sample)])
    others = [n for n in (3, 4, 5, 6, 7, 8) if len(values) % n == 0 and n % num_columns]
    if len(sample) < 64 * num_columns or not others:
        return
    steps = {n: float(np.abs(sample[n:] - sample[:-n]).mean()) for n in (*others, num_columns)}
    best = min(steps, key=lambda n: steps[n])
    if steps[best] < _FAR_BETTER * steps[num_columns]:
        example = " ".join([*KITTI, "_", "_", "_", "_"][:best])
        raise DataError(
            f"{path}: looks like rows of {best} columns, not {num_columns}. Name the columns, for "
            f"example columns='{example}' ('_' skips a column)."
        )


_SAMPLE = 40_000
_FAR_BETTER = 0.5
