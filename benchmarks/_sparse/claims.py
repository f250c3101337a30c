"""What the rows must show: ratios between engines, with the aim of each beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Claim:
    """How many times faster than another engine an operation must be."""

    op: str
    against: str
    aim: float


ON_CPU = (
    Claim("map3", "spconv", 4.0),
    Claim("map3", "naive", 9.0),
    Claim("map3+down", "spconv", 3.0),
    Claim("subm32_f", "spconv", 2.0),
    Claim("subm64_f", "spconv", 2.0),
    Claim("subm128_f", "spconv", 1.2),
    Claim("subm32_fb", "naive", 3.5),
    Claim("subm64_fb", "naive", 3.5),
    Claim("subm128_fb", "naive", 2.1),
    Claim("unet_f", "spconv", 1.6),
    Claim("unet_f", "naive", 2.6),
    Claim("unet_fb", "naive", 2.2),
)
"""Of numba, float32, two threads."""

FLOOR_SHARE = ("subm64_f", 0.75)
"""Share of the time that the multiply-adds alone need at the best rate of the same run."""

MEMORY = 1.1
"""Peak memory of anything, against the naive version's."""

ON_CUDA_LAYER, ON_CUDA_MEAN, ON_CUDA_STEP = 1.0, 1.2, 1.2
"""Of triton against the best peer: each layer, their geometric mean, the U-Net's training step."""


def ratios(rows: Sequence[Row], device: str) -> list[Row]:
    """What was reached, for every scene, number of threads and number format that was measured."""
    found = []
    keys = ("scene", "threads", "dtype")
    for group in dict.fromkeys(tuple(row[key] for key in keys) for row in rows):
        chosen = [row for row in rows if tuple(row[key] for key in keys) == group]
        where = dict(zip(keys, group, strict=True))
        if device == "cuda":
            found += [where | entry for entry in _on_cuda(chosen)]
        elif where["dtype"] == "float32":
            found += [where | entry for entry in _on_cpu(chosen)]
    return found + _of_bfloat16(rows)


def _on_cpu(rows: Sequence[Row]) -> Iterator[Row]:
    for claim in ON_CPU:
        ours, theirs = _row(rows, claim.op, "numba"), _row(rows, claim.op, claim.against)
        if ours and theirs:
            ratio = theirs["ms"] / ours["ms"]
            yield _entry(claim.op, "time", claim.against, ratio, claim.aim, ratio >= claim.aim)
    op, aim = FLOOR_SHARE
    ours = _row(rows, op, "numba")
    if ours and ours["floor_share"]:
        share = ours["floor_share"]
        yield _entry(op, "share of floor", "gemm", share, aim, share >= aim)
    for op in dict.fromkeys(row["op"] for row in rows):
        ours, theirs = _row(rows, op, "numba"), _row(rows, op, "naive")
        if ours and theirs and ours["peak_mb"] and theirs["peak_mb"]:
            ratio = ours["peak_mb"] / theirs["peak_mb"]
            yield _entry(op, "memory", "naive", ratio, MEMORY, ratio <= MEMORY)


def _on_cuda(rows: Sequence[Row]) -> Iterator[Row]:
    layers = []
    for op in dict.fromkeys(row["op"] for row in rows):
        ours = _row(rows, op, "triton")
        peers = [_row(rows, op, name) for name in ("spconv", "spconv-triton", "ocnn")]
        times = {row["engine"]: row["ms"] for row in peers if row}
        if not ours or not times:
            continue
        best = min(times, key=lambda name: times[name])
        ratio = times[best] / ours["ms"]
        if op.startswith(("subm", "down", "up")):
            layers.append(ratio)
            yield _entry(op, "time", best, ratio, ON_CUDA_LAYER, ratio >= ON_CUDA_LAYER)
        elif op == "unet_fb":
            yield _entry(op, "time", best, ratio, ON_CUDA_STEP, ratio >= ON_CUDA_STEP)
    if layers:
        mean = math.exp(sum(map(math.log, layers)) / len(layers))
        yield _entry("layers", "geometric mean", "best", mean, ON_CUDA_MEAN, mean >= ON_CUDA_MEAN)


def _of_bfloat16(rows: Iterable[Row]) -> list[Row]:
    """Half the bytes against all of them, same engine; nothing is promised of it."""
    found = []
    times = {(r["scene"], r["threads"], r["op"], r["engine"], r["dtype"]): r["ms"] for r in rows}
    for (scene, threads, op, engine, dtype), ms in times.items():
        full = times.get((scene, threads, op, engine, "float32"))
        if dtype == "bfloat16" and engine in ("numba", "triton") and ms and full:
            where = {"scene": scene, "threads": threads, "dtype": dtype}
            found.append(where | _entry(op, "time", f"{engine} float32", full / ms, None, None))
    return found


def _row(rows: Sequence[Row], op: str, engine: str) -> Row | None:
    for row in rows:
        if row["op"] == op and row["engine"] == engine and row["ms"]:
            return row
    return None


def _entry(
    op: str, what: str, against: str, ratio: float, aim: float | None, met: bool | None
) -> Row:
    return {"op": op, "what": what, "against": against, "ratio": ratio, "aim": aim, "met": met}
