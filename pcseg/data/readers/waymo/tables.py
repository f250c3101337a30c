"""Waymo's parquet files: one component of one segment, read row by row in bounded memory."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.errors import DataError
from pcseg.optional import need

TIME_KEY = "key.frame_timestamp_micros"
LASER_KEY, CAMERA_KEY = "key.laser_name", "key.camera_name"

MAX_ROW_BYTES = 256 << 20
"""A row of range images has 20 MB, one of a picture 1 MB; more is a damaged or hostile file."""

_REMEDY = "Download it again (Waymo Open Dataset v2, 'perception'), or leave the segment out."

Key = tuple[int, ...]

_LISTS = re.compile("(fixed_size_|large_)?list<")
_SIMPLE = re.compile(r"u?int\d+|float|double|(large_)?binary")
"""Names of the Arrow types that the columns have."""


class Table:
    """One parquet file, whose rows are found by their keys.

    A file has few and large groups of rows (about 50 frames, 1 GB unpacked). A row is unpacked
    alone, but everything before it in its group must be unpacked on the way; the place where the
    last read ended is kept, so that reading in order unpacks everything once.

    Attributes:
        path: of the file.
    """

    def __init__(self, path: Path, keys: Sequence[str]) -> None:
        """Open a file and read the keys of its rows.

        Args:
            path: of the file.
            keys: names of the key columns, for example `TIME_KEY` and `LASER_KEY`.

        Raises:
            DataError: if the file is missing, is not parquet, or lacks a key column.
            MissingExtra: if pyarrow is not installed.
        """
        parquet = need("pyarrow.parquet", "datasets", "reading Waymo's parquet files")
        self.path = path
        if not path.is_file():
            raise DataError(
                f"{path}: missing. Download component '{path.parent.name}' of this segment "
                "(Waymo Open Dataset v2, 'perception'), or leave the segment out."
            )
        with _explained(path):
            # No memory map and no read-ahead: only the pages of the row asked for are held.
            self._file = parquet.ParquetFile(
                path, pre_buffer=False, buffer_size=1 << 18, page_checksum_verification=True
            )
            self._columns = set(self._file.schema_arrow.names)
        self._check_size()
        self.demand(keys)
        self._places = self._find_rows(keys)
        self._cursor: _Cursor | None = None

    @property
    def keys(self) -> list[Key]:
        """The key of every row, in file order."""
        return list(self._places)

    def __contains__(self, key: Key) -> bool:
        return key in self._places

    def demand(self, columns: Sequence[str]) -> None:
        """Make sure that columns are there.

        Raises:
            DataError: naming the first that is missing.
        """
        for name in columns:
            if name not in self._columns:
                listed = ", ".join(sorted(self._columns)[:8])
                raise DataError(
                    f"{self.path}: no column '{name}', so this is not the component "
                    f"'{self.path.parent.name}' of Waymo v2. Columns there: {listed}. {_REMEDY}"
                )

    def row(self, key: Key, columns: Sequence[str]) -> dict[str, Any]:
        """Some columns of the row with a key.

        Args:
            key: values of the key columns.
            columns: what to read; the others are not unpacked.

        Returns:
            Column name: (N,) array for a list of numbers, bytes for binary, a number, or None.

        Raises:
            DataError: if there is no such row or column, or the file is damaged there.
        """
        self.demand(columns)
        if key not in self._places:
            raise DataError(
                f"{self.path}: no row for {_named(key)}, though other components of the segment "
                f"have one. {_REMEDY}"
            )
        group, place = self._places[key]
        cursor = self._cursor
        if cursor is None or not cursor.serves(group, place, columns):
            with _explained(self.path):
                cursor = _Cursor(self._file, group, tuple(columns))
        self._cursor = None  # a damaged file leaves no half-read place behind
        with _explained(self.path):
            batch = cursor.at(place)
        self._cursor = cursor
        return {name: self._value(batch, name) for name in columns}

    def _value(self, batch: Any, name: str) -> Any:
        """The one value of a column of one row, without a detour over Python numbers."""
        column = batch.column(batch.schema.get_field_index(name))
        kind = column.type
        item = kind.value_type if _LISTS.match(str(kind)) else kind
        if not _SIMPLE.fullmatch(str(item)):
            raise DataError(f"{self.path}: column '{name}' is of type {kind}. {_REMEDY}")
        if not column[0].is_valid:
            return None
        return column[0].as_py() if item is kind else np.asarray(column[0].values)

    def _find_rows(self, keys: Sequence[str]) -> dict[Key, tuple[int, int]]:
        """Group and place of the row with each key."""
        places: dict[Key, tuple[int, int]] = {}
        for group in range(self._file.metadata.num_row_groups):
            with _explained(self.path):
                table = self._file.read_row_group(group, columns=list(keys), use_threads=False)
                columns = [np.asarray(table.column(name)) for name in keys]
            for place, row in enumerate(zip(*columns, strict=True)):
                key = tuple(int(value) for value in row)
                if key in places:
                    raise DataError(f"{self.path}: two rows for {_named(key)}. {_REMEDY}")
                places[key] = (group, place)
        return places

    def _check_size(self) -> None:
        """Refuse what would unpack to more than the machine may have."""
        facts = self._file.metadata
        for group in range(facts.num_row_groups):
            # The facts of single columns would tell more, but asking for damaged ones ends the
            # process: pyarrow lets an exception of C++ through.
            rows, size = facts.row_group(group).num_rows, facts.row_group(group).total_byte_size
            if size > MAX_ROW_BYTES * max(rows, 1):
                raise DataError(
                    f"{self.path}: claims {size / 2**30:.1f} GiB for {rows} rows (group {group}), "
                    f"which no picture or range image has. {_REMEDY}"
                )


class _Cursor:
    """A place within a group of rows, moving forwards."""

    def __init__(self, file: Any, group: int, columns: tuple[str, ...]) -> None:
        self._group, self._columns, self._next = group, columns, 0
        self._batches: Iterator[Any] = file.iter_batches(
            batch_size=1, row_groups=[group], columns=list(columns), use_threads=False
        )

    def serves(self, group: int, place: int, columns: Sequence[str]) -> bool:
        """Whether that row still lies ahead."""
        return (group, tuple(columns)) == (self._group, self._columns) and place >= self._next

    def at(self, place: int) -> Any:
        """The record batch of one row; those before it are unpacked and dropped."""
        while True:
            batch = next(self._batches)
            self._next += 1
            if self._next > place:
                return batch


def image(
    row: Mapping[str, Any], name: str, channels: int, dtype: type, path: Path
) -> np.ndarray | None:
    """A range image from its columns ``values`` and ``shape``.

    Args:
        row: of a table.
        name: of the image, for example ``"[LiDARComponent].range_image_return1"``.
        channels: that it must have.
        dtype: of the values.
        path: of the file, for messages.

    Returns:
        (H, W, channels), or None if the row has no such image.

    Raises:
        DataError: if the values do not fill the shape.
    """
    values, shape = row[f"{name}.values"], row[f"{name}.shape"]
    if values is None or shape is None:
        return None
    height, width, depth = (int(n) for n in shape) if len(shape) == 3 else (0, 0, 0)
    if min(height, width) < 1 or depth != channels or height * width * depth != len(values):
        raise DataError(
            f"{path}: '{name}' has {len(values)} values for shape {[int(n) for n in shape]}, "
            f"expected rows x columns x {channels}. {_REMEDY}"
        )
    return np.asarray(values, dtype).reshape(height, width, channels)


def matrix(row: Mapping[str, Any], name: str, path: Path) -> np.ndarray:
    """A rigid transform (4, 4) float64 from its 16 numbers.

    Raises:
        DataError: if it is not one.
    """
    values = np.asarray(row[name] if row[name] is not None else [], np.float64)
    if values.shape == (16,) and np.isfinite(values).all():
        found = values.reshape(4, 4)
        off = np.abs(found[:3, :3] @ found[:3, :3].T - np.eye(3)).max()
        if off < 1e-2 and np.linalg.det(found[:3, :3]) > 0:
            return found
    raise DataError(f"{path}: '{name}' is not a rigid transform of 16 numbers. {_REMEDY}")


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what pyarrow says of a damaged file into an error that names it and the remedy."""
    arrow = need("pyarrow", "datasets", "reading Waymo's parquet files")
    try:
        yield
    except (arrow.ArrowException, OSError, StopIteration, ValueError, OverflowError) as error:
        said = str(error).strip().splitlines() or ["it ends too early"]
        raise DataError(
            f"{path}: cannot be read as parquet ({said[0]}): cut short or damaged. {_REMEDY}"
        ) from error


def _named(key: Key) -> str:
    return "time {} µs, sensor {}".format(*key) if len(key) == 2 else f"key {key[0]}"
