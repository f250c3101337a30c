"""Seconds to the first training step of a fresh process: nothing compiled yet, and compiled before.

    python benchmarks/startup.py [--quick] [--json FILE]

The step is forward and backward of a submanifold, a strided and an inverse layer with their norms
on a LiDAR scan. `cold` starts with an empty NUMBA_CACHE_DIR, `warm` with the one that the cold
process before it filled. Importing torch and pcseg is counted apart.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from _run import options, record
from scenes import lidar, tiny

from pcseg.files import write_json

AIMS_S = {"cold": 8.0, "warm": 1.0}
"""Of the first step."""

STEP = Path(__file__).parent / "_sparse" / "first_step.py"


def main() -> None:
    """Measure, print, write JSON."""
    given = parse()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        scene = Path(folder) / "scene.npy"
        np.save(scene, tiny() if given.tiny else lidar())
        for number in range(given.repeats):
            with tempfile.TemporaryDirectory() as cache:
                for kind in AIMS_S:
                    found = first_step(scene, cache, show=number == 0)
                    rows.append({"cache": kind, "repeat": number} | found)
                    print(
                        f"{kind}: import {found['import_s']:.2f} s, first step "
                        f"{found['step_s']:.2f} s, second {found['second_s']:.2f} s, "
                        f"process {found['process_s']:.2f} s",
                        flush=True,
                    )
    reached = {}
    for kind, aim in AIMS_S.items():
        median = statistics.median(row["step_s"] for row in rows if row["cache"] == kind)
        reached[kind] = {"step_s": median, "aim_s": aim, "met": median <= aim}
        verdict = "met" if median <= aim else "missed"
        print(f"{kind}: first step {median:.2f} s   aim: at most {aim:.0f} s   {verdict}")
    if given.json:
        write_json(given.json, record(rows, reached=reached))


def first_step(scene: Path, cache: str, show: bool) -> dict[str, float]:
    """Run it in a fresh process; `show` prints what that says while it starts."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(STEP), str(scene)],
        env={**os.environ, "NUMBA_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        check=False,
    )
    taken = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"the first step failed:\n{done.stderr}")
    if show and done.stderr.strip():
        print(f"  it says: {done.stderr.strip()}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found | {"process_s": taken}


def parse() -> argparse.Namespace:
    """The command line."""
    parser = options(__doc__, quick="two repetitions")
    parser.add_argument("--tiny", action="store_true", help="few voxels, once, to see that it runs")
    parser.add_argument("--repeats", type=int)
    given = parser.parse_args()
    given.repeats = given.repeats or (1 if given.tiny else 2 if given.quick else 5)
    return given


if __name__ == "__main__":
    main()
