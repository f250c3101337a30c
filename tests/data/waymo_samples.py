"""A simulated Waymo segment with the frames it was made of, and ways to damage its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pcseg.sim.record import Frame, Recorder
from pcseg.sim.writers.waymo.writer import WaymoWriter, segment_name
from tests.data.small_street import small_street

SEGMENT = segment_name("00")


@dataclass(frozen=True)
class Twin:
    """What was recorded, and where it was written."""

    root: Path
    frames: tuple[Frame, ...]

    def path(self, component: str, split: str = "training") -> Path:
        return self.root / split / component / f"{SEGMENT}.parquet"


def write_twin(
    root: Path,
    times: Sequence[float],
    *,
    sensor: str | None = None,
    thinned: tuple[int, int] = (4, 2),
    cameras: Sequence[str] = (),
    scale: float = 0.1,
) -> Twin:
    """Drive along a short street and store it."""
    rig = WaymoWriter.rig(sensor).with_cameras(cameras, scale).thinned(*thinned)
    recorder = Recorder(small_street(), rig)
    frames = tuple(recorder.record(time, [7, k]) for k, time in enumerate(times))
    writer = WaymoWriter(root, rig)
    writer.write_sequence("00", [frame.body for frame in frames], times)  # type: ignore[arg-type]
    for number in reversed(range(len(frames))):  # any order will do
        writer.write_frame("00", number, frames[number])
    writer.finish(["00"], len(frames))
    return Twin(root, frames)


def edit(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Write a parquet file anew, changed."""
    pq.write_table(change(pq.read_table(path)), path)


def with_value(name: str, row: int, value: Any) -> Callable[[pa.Table], pa.Table]:
    """A change: another value in one row of a column."""

    def change(table: pa.Table) -> pa.Table:
        index = table.schema.get_field_index(name)
        kind = table.schema.field(index).type
        column = table.column(index)
        kept = [column.slice(k, 1).combine_chunks() for k in range(len(column))]
        kept[row] = pa.array([value], kind)
        return table.set_column(index, name, pa.concat_arrays(kept))

    return change
