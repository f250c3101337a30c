"""How cost grows from 10,000 to two million voxels, and what two loader workers beside it cost.

    python benchmarks/scaling.py [--quick] [--json FILE] [--plot FILE.svg]

Scenes are slices of one long sequence of scans, so that they differ in size and not in density.
For each size and operation: median milliseconds, and the megabytes that a process adds to its peak.
The exponent is the slope of the line through all sizes in a log-log plot: 1 is linear. Then a
U-Net is trained on scans that two DataLoader workers voxelise meanwhile, against the same scans
voxelised before; both engines in turn.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from _plot import lines
from _room import room_points
from _run import options, record
from _sparse.ops import count, parse_op
from _sparse.session import Effort, Session, save_scene
from scenes import aggregate, crop, drive, tiny

from pcseg.files import write_json

ENGINES = ("numba", "naive")
OPS = ("map3", "map3+down", "down64_f", "subm64_f", "subm64_fb")
TINY_OPS = ("map3", "subm64_fb")
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 2_000_000)
SCANS_FOR = {2_000_000: 36, 300_000: 8}
"""How many scans hold so many voxels."""

MEMORY_AIM = 1.1
JUDGED_MB = 8.0
"""Where naive needs less, buffers of fixed size weigh more than the voxels."""


def main() -> None:
    """Measure, print, write JSON and plot."""
    given = parse()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        effort = Effort(given.rounds, given.budget, 600.0)
        session = Session(ENGINES, "cpu", given.threads, "float32", None, effort, print)
        try:
            for coords in slices(given):
                rows += one_size(session, coords, given, Path(folder))
        finally:
            session.close()
        beside = [] if given.no_loader else beside_loader(given, Path(folder))
    exponents = fit(rows)
    memory = [row["memory_ratio"] for row in rows if row["memory_ratio"] is not None]
    print("\nexponent (1 is linear), " + ", ".join(f"{k} {v:.2f}" for k, v in exponents.items()))
    if memory:
        verdict = "met" if max(memory) <= MEMORY_AIM else "missed"
        print(
            f"most memory against naive: {max(memory):.2f}   aim: at most {MEMORY_AIM}   {verdict}"
        )
    if given.json:
        facts = {"exponents": exponents, "beside_loader": beside}
        write_json(given.json, record(rows, **facts) | {"threads": given.threads})
    if given.plot:
        plot(given.plot, rows)


def slices(given: argparse.Namespace) -> list[np.ndarray]:
    """Scenes of growing size."""
    if given.tiny:
        return [crop(tiny(), 1000), tiny()]
    whole = aggregate(SCANS_FOR[max(given.sizes)] if max(given.sizes) in SCANS_FOR else 36)
    return [crop(whole, size) for size in given.sizes]


def one_size(
    session: Session, coords: np.ndarray, given: argparse.Namespace, folder: Path
) -> list[dict[str, Any]]:
    """All operations on one scene."""
    scene = save_scene("aggregate", coords, count(coords), folder)
    voxels, neighbours = len(coords), scene.counts.neighbours
    print(f"\n{voxels} voxels, {neighbours:.1f} neighbours each, {given.threads} threads")
    rows = []
    for name in TINY_OPS if given.tiny else OPS:
        found = session.compare(parse_op(name), scene, memory=not given.no_memory)
        peaks = {row["engine"]: row["peak_mb"] or 0.0 for row in found}
        theirs = peaks.get("naive", 0.0)
        for row in found:
            judged = theirs >= JUDGED_MB and row["engine"] != "naive" and row["peak_mb"]
            ratio = row["peak_mb"] / theirs if judged else None
            rows.append(row | {"voxels": voxels, "memory_ratio": ratio})
        print(f"{name:>12}" + "".join(_cell(row) for row in found), flush=True)
    return rows


def fit(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Exponent of time over voxels, by operation and engine."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row["ms"]:
            curves.setdefault(f"{row['op']} {row['engine']}", []).append((row["voxels"], row["ms"]))
    return {name: _slope(curve) for name, curve in curves.items() if len(curve) > 1}


def beside_loader(given: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Training steps a second alone, and with two workers that voxelise scans meanwhile."""
    points = folder / "points.npy"
    rng = np.random.default_rng(0)
    np.save(points, room_points(rng)[::100] if given.tiny else next(drive(1, first_s=6.0)).xyz)
    found: list[dict[str, Any]] = []
    print("\ntraining steps of the U-Net, ms: scans voxelised before, and by two workers meanwhile")
    for engine in ENGINES:
        command = [sys.executable, "-m", "_sparse.beside", engine, str(points)]
        command += [str(given.threads), str(given.steps)]
        done = subprocess.run(
            command, cwd=Path(__file__).parent, check=True, capture_output=True, text=True
        )
        row = {"engine": engine, **json.loads(done.stdout.splitlines()[-1])}
        found.append(row)
        print(
            f"{engine:>12} {row['alone_ms']:8.0f} {row['beside_ms']:8.0f}   "
            f"{row['slowdown']:.2f} times as long"
        )
    return found


def plot(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Milliseconds over voxels."""
    series: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row["ms"] and row["op"] in ("map3", "subm64_f", "subm64_fb"):
            name = f"{row['op']} {row['engine']}"
            series.setdefault(name, []).append((row["voxels"], row["ms"]))
    lines(path, "cost of maps and layers", series, "voxels", "ms")


def _cell(row: dict[str, Any]) -> str:
    if row["ms"] is None:
        return f"   {row['engine']}: {row.get('error', 'not measured')}"
    apart = "?" if row["difference"] is None else f"{row['difference']:.0e}"
    peak = "" if row["peak_mb"] is None else f"{row['peak_mb']:7.0f} MB"
    return f"   {row['engine']} {row['ms']:9.1f} ms {peak} off {apart}"


def _slope(curve: Sequence[tuple[float, float]]) -> float:
    xs, ys = ([math.log(point[axis]) for point in curve] for axis in (0, 1))
    slope, _ = np.polyfit(xs, ys, 1)
    return float(slope)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = options(__doc__, quick="up to 300,000 voxels, fewer rounds")
    parser.add_argument("--tiny", action="store_true", help="few voxels, to see that it runs")
    parser.add_argument("--sizes", help="numbers of voxels, for example 10000,100000")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--budget", type=float, default=30.0, help="seconds for each line, about")
    parser.add_argument("--steps", type=int, help="training steps of each kind beside the loader")
    parser.add_argument("--no-memory", action="store_true", help="do not measure memory")
    parser.add_argument("--no-loader", action="store_true", help="leave out the loader")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a plot as SVG")
    given = parser.parse_args()
    small = given.quick or given.tiny
    sizes = [size for size in SIZES if size <= 300_000] if small else list(SIZES)
    given.sizes = [int(size) for size in given.sizes.split(",")] if given.sizes else sizes
    given.rounds = given.rounds or (3 if small else 5)
    given.steps = given.steps or (1 if given.tiny else 8 if small else 24)
    return given


if __name__ == "__main__":
    main()
