"""Parquet files that grow frame by frame: a part for each frame, joined when all are there."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pcseg.files import atomic_path, explained_refusals, remove_leftovers
from pcseg.optional import need

FRAMES_PER_GROUP = 8
"""Frames that are packed together; the published files have about 50."""

PARTS = ".parts"


class GrowingFile:
    """One parquet file of which frames are written in any order, by several processes."""

    def __init__(self, path: Path, parts: Path, rows_per_frame: int) -> None:
        """Name a file.

        Args:
            path: of the finished file.
            parts: folder for the frames until then.
            rows_per_frame: of every frame.
        """
        self.path, self._parts, self._rows = path, parts, rows_per_frame

    def has(self, frame: int) -> bool:
        """Whether a frame is in the file or waits to be joined into it, whole."""
        return self.joined(frame + 1) or row_count(self._part(frame)) == self._rows

    def joined(self, frames: int) -> bool:
        """Whether the finished file is there, with at least so many frames."""
        return row_count(self.path) >= frames * self._rows

    def add(self, frame: int, table: Any) -> None:
        """Store the rows of a frame."""
        write_table(self._part(frame), [table])

    def join(self, frames: int) -> None:
        """Make the finished file of the parts, in order; a few frames are held at a time."""
        parquet = _parquet()
        groups = (
            range(first, min(first + FRAMES_PER_GROUP, frames))
            for first in range(0, frames, FRAMES_PER_GROUP)
        )
        write_table(
            self.path,
            (_joined([parquet.read_table(self._part(k)) for k in group]) for group in groups),
        )

    def remove_leftovers(self) -> None:
        """Remove the half-written files of a process that was killed."""
        remove_leftovers(self.path.parent, "*.parquet")
        remove_leftovers(self._parts, "*.parquet")

    def forget_parts(self) -> None:
        """Remove the parts, once the file is joined."""
        with explained_refusals(self._parts, "delete parts"):
            shutil.rmtree(self._parts, ignore_errors=True)

    def _part(self, frame: int) -> Path:
        return self._parts / f"{frame:06d}.parquet"


def table_of(columns: Mapping[str, tuple[list[Any], Any]]) -> Any:
    """An Arrow table from {column: (values by row, Arrow type)}; arrays serve as lists."""
    arrow = need("pyarrow", "datasets", "simulating Waymo's files")
    made = {}
    for name, (values, kind) in columns.items():
        made[name] = _column(arrow, values, kind)
    return arrow.table(made)


def write_table(path: Path, tables: Iterable[Any]) -> None:
    """Write tables of one schema as the groups of one parquet file, whole or not at all."""
    parquet, writer = _parquet(), None
    with atomic_path(path) as temporary, ExitStack() as stack:
        for table in tables:
            if writer is None:
                options = {"compression": "zstd", "write_page_checksum": True}
                opened = parquet.ParquetWriter(temporary, table.schema, **options)
                writer = stack.enter_context(opened)
            writer.write_table(table, row_group_size=max(len(table), 1))


def row_count(path: Path) -> int:
    """Rows of a parquet file by its footer; -1 if it is missing or cut off."""
    if not path.is_file():
        return -1
    arrow = need("pyarrow", "datasets", "simulating Waymo's files")
    try:
        return int(_parquet().read_metadata(path).num_rows)
    except (arrow.ArrowException, OSError):
        return -1


def _column(arrow: Any, values: list[Any], kind: Any) -> Any:
    """Lists are laid end to end: millions of numbers never become Python's."""
    if arrow.types.is_fixed_size_list(kind):
        flat = arrow.array([x for row in values for x in row], kind.value_type)
        return arrow.FixedSizeListArray.from_arrays(flat, type=kind)
    if arrow.types.is_list(kind) and all(v is not None for v in values):
        offsets = [0]
        for row in values:
            offsets.append(offsets[-1] + len(row))
        parts = [arrow.array(row, kind.value_type) for row in values]
        flat = arrow.concat_arrays(parts) if parts else arrow.array([], kind.value_type)
        return arrow.ListArray.from_arrays(arrow.array(offsets, arrow.int32()), flat, type=kind)
    return arrow.array(values, kind)


def _joined(tables: list[Any]) -> Any:
    return need("pyarrow", "datasets", "simulating Waymo's files").concat_tables(tables)


def _parquet() -> Any:
    return need("pyarrow.parquet", "datasets", "simulating Waymo's files")
