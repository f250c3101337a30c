"""A revision of the repository against the working tree: inference on a scan, and the demo.

    python benchmarks/before_after.py REVISION [--scan FILE.bin] [--demo train] [--json FILE]

Both trees run in processes of their own with the same libraries, in turn, round after round.
Inference is voxels, maps, MinkUNet-34 with random weights, and a label for every point of a genuine
scan: --scan, or the first of semantickitti_seq00_genuine in the folder PCSEG_REALDATA. Of the demo
either all is timed (full) or its training alone (train), on the same simulated streets. Compiled
code is kept apart for each tree, and made before anything is timed.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from _run import options, record

from pcseg.cli.demo import LIGHT, STREETS
from pcseg.files import write_json

ROOT = Path(__file__).resolve().parents[1]
GENUINE = "semantickitti_seq00_genuine"
TRAIN = ("train", "simulated/demo")


def main() -> None:
    """Measure, print, write JSON."""
    given = parse()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        sides = {
            "before": Side("before", unpack(given.revision, folder / "tree"), folder),
            "after": Side("after", ROOT, folder),
        }
        rows += inference(sides, given, folder)
        if given.demo != "none":
            rows += demo(sides, given, folder)
    for what in dict.fromkeys(row["what"] for row in rows):
        before, after = (statistics.median(r["seconds"]) for r in rows if r["what"] == what)
        print(f"{what}: before {before:.2f} s, after {after:.2f} s, {before / after:.2f} times")
    if given.json:
        write_json(given.json, record(rows, before=revision(given.revision)))


class Side:
    """One of the two trees, importable as pcseg in processes of their own."""

    def __init__(self, name: str, tree: Path, folder: Path) -> None:
        self.name = name
        package = folder / name / "pcseg"
        package.mkdir(parents=True)
        # setup.py maps some folders into the package; here links do.
        mapped = re.findall(r'"pcseg\.(\w+)": "(\w+)"', (tree / "setup.py").read_text())
        for link, target in [(p.name, p) for p in (tree / "pcseg").iterdir()] + [
            (link, tree / target) for link, target in mapped
        ]:
            (package / link).symlink_to(target)
        # Without PYTHONPATH's own entries: a pcseg among them would come first.
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(package.parent),
            "NUMBA_CACHE_DIR": str(folder / name / "numba"),
            "PCSEG_CACHE": str(folder / name / "cache"),
        }

    def run(self, *arguments: object) -> float:
        """Seconds of a `pcseg` command."""
        command = [sys.executable, "-m", "pcseg", *map(str, arguments)]
        began = time.perf_counter()
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{self.name}: pcseg {' '.join(command[3:])} failed:\n{done.stderr[-3000:]}")
        return time.perf_counter() - began

    def start(self, program: Path, *arguments: object) -> subprocess.Popen[str]:
        """A process that works whenever it is sent a line, and answers with one."""
        return subprocess.Popen(
            [sys.executable, str(program), *map(str, arguments)],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


def unpack(name: str, folder: Path) -> Path:
    """The files of a revision."""
    packed = subprocess.run(
        ["git", "archive", "--format=tar", name], cwd=ROOT, capture_output=True, check=False
    )
    if packed.returncode:
        sys.exit(f"there is no revision '{name}': {packed.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(
            folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {})
        )
    return folder


def inference(
    sides: dict[str, Side], given: argparse.Namespace, folder: Path
) -> list[dict[str, Any]]:
    """Seconds of MinkUNet-34 on one scan, in turn; and how far the two outputs are apart."""
    program = Path(__file__).parent / "_sparse" / "inference.py"
    scan, depth = read_scan(given), 14 if given.tiny else 34
    np.save(folder / "scan.npy", scan)
    outputs = {name: folder / f"{name}.npy" for name in sides}
    running = {
        name: side.start(program, folder / "scan.npy", outputs[name], depth)
        for name, side in sides.items()
    }
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(1 + given.rounds):
        for name, process in running.items():
            seconds = ask(name, process)
            if number:  # the first compiles
                taken[name].append(seconds)
    for process in running.values():
        process.communicate()
    a, b = (np.load(output) for output in outputs.values())
    apart = float(abs(a - b).max() / abs(a).max()) if a.shape == b.shape else None
    what = f"MinkUNet-{depth} on {len(scan)} points"
    return [
        {"what": what, "side": name, "seconds": taken[name], "difference": apart} for name in sides
    ]


def ask(name: str, process: subprocess.Popen[str]) -> float:
    """One more inference."""
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write("again\n")
        process.stdin.flush()
        return float(process.stdout.readline())
    except (BrokenPipeError, ValueError):
        sys.exit(f"{name}: inference failed; what it said stands above")


def demo(sides: dict[str, Side], given: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Seconds of `pcseg demo`, or of its training on streets that both sides share."""
    streets = folder / "streets"
    if given.demo == "train":
        flags = f"--sequences {STREETS} --frames {given.frames} --frame-step 10 {LIGHT}".split()
        sides["after"].run("simulate", streets, *flags)
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(given.demo_rounds + (given.demo == "train")):
        for name, side in sides.items():
            out = folder / f"{name}-{number}"
            if given.demo == "full":
                taken[name].append(side.run("demo", out, "--frames", given.frames))
            elif number:
                arguments = (f"data.root={streets}", f"out={out}")
                taken[name].append(side.run(*TRAIN, *arguments))
            else:  # compiles, and counts the classes of the streets
                side.run(*TRAIN, f"data.root={streets}", f"out={out}", "train.epochs=1")
    what = "demo" if given.demo == "full" else "training of the demo"
    return [{"what": what, "side": name, "seconds": taken[name]} for name in sides]


def read_scan(given: argparse.Namespace) -> np.ndarray:
    """(N, 4) float32 x, y, z, intensity."""
    if given.scan is None:
        real = Path(os.environ.get("PCSEG_REALDATA", "nowhere")) / GENUINE
        found = sorted(real.rglob("velodyne/*.bin"))
        if not found:
            sys.exit(
                f"no scan: name one with --scan, or set PCSEG_REALDATA to a folder with {GENUINE}"
            )
        given.scan = found[0]
    points = np.fromfile(given.scan, np.float32).reshape(-1, 4)
    return points[::20] if given.tiny else points


def revision(name: str) -> str:
    """The commit that a name means."""
    command = ["git", "rev-parse", "--short", name]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def parse() -> argparse.Namespace:
    """The command line."""
    parser = options(__doc__, quick="three rounds of inference, no demo")
    parser.add_argument("revision", help="to compare with, for example HEAD~20")
    parser.add_argument("--tiny", action="store_true", help="few points, to see that it runs")
    parser.add_argument("--scan", type=Path, metavar="FILE.bin", help="in KITTI's layout")
    parser.add_argument("--rounds", type=int, default=9, help="of inference")
    parser.add_argument("--demo", choices=("none", "train", "full"))
    parser.add_argument("--demo-rounds", type=int, default=2)
    parser.add_argument("--frames", type=int, default=8, help="scans of each of the demo's streets")
    given = parser.parse_args()
    small = given.quick or given.tiny
    given.rounds = min(given.rounds, 3) if small else given.rounds
    given.demo = given.demo or ("none" if small else "train")
    return given


if __name__ == "__main__":
    main()
