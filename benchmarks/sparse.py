"""Sparse convolution: maps, layers and networks on every engine that can be found, side by side.

    python benchmarks/sparse.py [--quick] [--peers DIR] [--json FILE] [--plot FILE.svg]

Each engine runs in a process of its own, all in turn, round after round; medians are printed, the
least beside them. Features, weights and gradients are random and the same for all; `off` is the
largest difference to plain PyTorch (`naive`), relative to its largest value. The floor is what the
multiply-adds alone would take at the best matrix product of the same run; gathers are not in it.
Networks build their maps in every call unless the name ends in _cached. (Gradients of whole
networks differ by float32 sums that lead a ReLU to the other side of zero.)

Peers are compared where they are installed, or in the folder --peers. spconv runs on a CPU as it
is: it has no backward there, and with two threads it returns wrong rows.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
import time
from pathlib import Path
from typing import Any

# Two threads that spin for each other on a busy machine make every figure random.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from _plot import bars
from _run import options, record
from _sparse import report
from _sparse.claims import ratios
from _sparse.engines import DEFAULTS, HOW_TO_INSTALL, NAMES, ON_CUDA, REFERENCE
from _sparse.ops import ALL, QUICK, Op, count, gflop, parse_op
from _sparse.programs import DTYPES
from _sparse.session import Effort, Scene, Session, save_scene
from scenes import SCENES

from pcseg.files import write_json

HALF = ("float16", "bfloat16")
OURS = ("numba", "triton", "torch")
TINY = ("map3", "map3+down", "subm32_fb", "down32_f", "up32_fb", "unet_f")


def main() -> None:
    """Measure, print tables, write JSON and plot."""
    given = parse()
    began, rows, versions = time.perf_counter(), [], {}
    with tempfile.TemporaryDirectory() as folder:
        scenes = make_scenes(given, Path(folder))
        for threads in given.threads:
            for dtype in given.dtype:
                session = open_session(given, threads, dtype)
                try:
                    rows += run(session, scenes, given)
                finally:
                    session.close()
                versions |= session.versions
    reached = ratios(rows, given.device)
    print(f"\nAimed at and reached\n{report.summary(reached)}")
    print(f"{(time.perf_counter() - began) / 60:.1f} minutes")
    result = record(
        rows,
        given.device,
        scenes={s.name: vars(s.counts) | {"neighbours": s.counts.neighbours} for s in scenes},
        gflop={s.name: {op.name: gflop(op, s.counts) for op in given.only} for s in scenes},
        ratios=reached,
    )
    result["versions"] |= versions
    result["threads"] = max(given.threads)
    if given.json:
        write_json(given.json, result)
    if given.plot:
        plot(given.plot, rows, result["device"])


def make_scenes(given: argparse.Namespace, folder: Path) -> list[Scene]:
    """Make the scenes and say how large they are."""
    made = []
    for name in given.scenes:
        coords = SCENES[name]()
        scene = save_scene(name, coords, count(coords), folder)
        voxels, neighbours = scene.counts.voxels[0], scene.counts.neighbours
        print(f"{name}: {voxels} voxels, {neighbours:.1f} neighbours each")
        for op in given.only:
            if op.kind == "net" and not op.cached:
                print(f"  {op.name}: {gflop(op, scene.counts):.0f} GFLOP")
        made.append(scene)
    return made


def open_session(given: argparse.Namespace, threads: int, dtype: str) -> Session:
    """Start the engines, and say which are missing and what would bring them."""
    effort = Effort(given.rounds, given.budget, given.limit, given.patience)
    engines = given.engines
    if given.device == "cpu" and dtype in HALF:  # no peer has it there
        engines = [name for name in engines if name in (*OURS, REFERENCE)]
    session = Session(engines, given.device, threads, dtype, given.peers, effort, print)
    for name, reason in session.missing.items():
        print(f"without {name}: {reason}")
        if name in HOW_TO_INSTALL:
            print(f"  {HOW_TO_INSTALL[name]}    then: --peers DIR")
            if given.device == "cuda" and name in ON_CUDA:
                print(f"  {ON_CUDA[name]}")
    return session


def run(session: Session, scenes: list[Scene], given: argparse.Namespace) -> list[dict[str, Any]]:
    """All operations on all scenes with one setting of threads and number format."""
    rows = []
    half = session.dtype in HALF
    for scene in scenes:
        print(f"\n{scene.name}, {session.threads} threads, {session.dtype}")
        print(report.heading(given.engines), flush=True)
        for op in given.only:
            # Maps hold no numbers, and on a CPU half precision is for inference.
            if half and (op.kind == "map" or (op.backward and given.device == "cpu")):
                continue
            found = session.compare(op, scene, wants_memory(op, given.memory))
            print(report.line(found, given.engines), flush=True)
            below = report.details(found)
            if below:
                print(f"{'':>15} {below}", flush=True)
            rows += found
    return rows


def wants_memory(op: Op, memory: str) -> bool:
    """Whether the peak of memory is measured too: it takes two more calls of each engine."""
    return memory == "all" or (memory == "unet" and op.name == "unet_fb")


def plot(path: Path, rows: list[dict[str, Any]], device: str) -> None:
    """Bars of the medians of the first scene and setting."""
    first = {key: rows[0][key] for key in ("scene", "threads", "dtype")}
    groups: dict[str, dict[str, float]] = {}
    for row in rows:
        if row["ms"] and all(row[key] == value for key, value in first.items()):
            groups.setdefault(row["op"], {})[row["engine"]] = row["ms"]
    title = f"ms, {first['scene']}, {first['threads']} threads, {first['dtype']}, {device}"
    bars(path, title, groups)


def parse() -> argparse.Namespace:
    """The command line, with names checked."""
    parser = options(__doc__, quick="the LiDAR scan, fewer operations and rounds: ten minutes")
    parser.add_argument("--tiny", action="store_true", help="few voxels, to see that it runs")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--engines", metavar="NAMES", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--scenes", metavar="NAMES", help=f"of {', '.join(SCENES)}")
    parser.add_argument("--only", metavar="OPS", help=f"of {', '.join(ALL)}")
    parser.add_argument("--threads", metavar="NUMBERS", help="for example 1,2")
    parser.add_argument("--dtype", metavar="NAMES", help=f"of {', '.join(DTYPES)}")
    parser.add_argument("--peers", metavar="DIR", help="folder with packages of peers")
    parser.add_argument("--memory", choices=("all", "unet", "none"), help="peaks of which")
    parser.add_argument("--rounds", type=int, help="turns of each engine, at most")
    parser.add_argument("--budget", type=float, help="seconds for each operation, about")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds for a single request")
    parser.add_argument(
        "--patience", type=float, help="seconds in all after which a slow peer sits out"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write bars as SVG")
    given = parser.parse_args()
    small = given.quick or given.tiny
    given.rounds = given.rounds or (3 if small else 7)
    given.budget = given.budget or (24.0 if small else 80.0)
    given.patience = given.patience or (150.0 if small else math.inf)
    given.memory = given.memory or ("unet" if small else "all")
    engines = given.engines or ",".join(DEFAULTS[given.device])
    given.engines = list(dict.fromkeys([*engines.split(","), REFERENCE]))
    scenes = given.scenes or (
        "tiny" if given.tiny else "lidar" if small else "lidar,room,aggregate"
    )
    given.scenes = scenes.split(",")
    dtypes = given.dtype or ("float32" if given.device == "cpu" else ",".join(DTYPES))
    given.dtype = dtypes.split(",")
    given.threads = [int(n) for n in (given.threads or str(torch.get_num_threads())).split(",")]
    ops = given.only.split(",") if given.only else TINY if given.tiny else QUICK if small else ALL
    try:
        given.only = [parse_op(name) for name in ops]
    except ValueError as error:
        parser.error(str(error))
    for names, known in ((given.engines, NAMES), (given.scenes, SCENES), (given.dtype, DTYPES)):
        unknown = [name for name in names if name not in known]
        if unknown:
            parser.error(f"unknown: {', '.join(unknown)}. There are: {', '.join(known)}")
    return given


if __name__ == "__main__":
    main()
