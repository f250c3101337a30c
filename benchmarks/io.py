"""How fast each point format is read and written, beside fetching the same bytes.

    python benchmarks/io.py [--quick] [--points 120000] [--rounds 9] [--json FILE]

The cloud is x y z intensity of one ring scan, the files lie in the page cache, and the floor is
numpy.fromfile of the same file. Rounds are interleaved, medians are given.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _run import interleaved, options, record

from pcseg.files import write_json
from pcseg.io import PointFile, read_points, write_points

KINDS = (
    (".bin", None),
    (".npy", None),
    (".npz", None),
    (".ply", "binary"),
    (".ply", "ascii"),
    (".pcd", "binary"),
    (".pcd", "binary_compressed"),
    (".pcd", "ascii"),
    (".las", None),
    (".laz", None),
    (".xyz", None),
    (".csv", None),
)


def main() -> None:
    """Measure, print and, if asked, save."""
    parser = options(__doc__, quick="one round, to see that it runs")
    parser.add_argument("--points", type=int, default=120_000, help="in a file (a 64-beam scan)")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    scan = spinning_scan(given.points)
    rounds = 1 if given.quick else given.rounds
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(Path(folder), scan, *kind, rounds) for kind in KINDS]
    report = record(rows)
    print(json.dumps(report, indent=2))
    if given.json:
        write_json(given.json, report)


def measure(
    folder: Path, scan: PointFile, suffix: str, encoding: str | None, rounds: int
) -> dict[str, Any]:
    """One row: median milliseconds to write, to read, and to fetch the bytes."""
    path = folder / f"{encoding}{suffix}"
    write_points(path, scan, encoding=encoding)
    programs = {
        "fetch": lambda: np.fromfile(path, np.uint8),
        "read": lambda: read_points(path),
        "write": lambda: write_points(path, scan, encoding=encoding),
    }
    ms = interleaved(programs, rounds, budget_s=20)
    megabytes = path.stat().st_size / 1e6
    return {
        "format": suffix,
        "encoding": encoding,
        "points": len(scan),
        "megabytes": round(megabytes, 2),
        **{f"{name}_ms": round(value, 3) for name, value in ms.items()},
        "read_mb_per_s": round(1e3 * megabytes / ms["read"], 1),
    }


def spinning_scan(count: int) -> PointFile:
    """Points in the order and with the values of a spinning scanner, to float32 precision."""
    rng = np.random.default_rng(0)
    turn = np.linspace(0, 2 * np.pi * 64, count)
    distance = 15 + 10 * np.sin(3 * turn) + rng.normal(0, 0.02, count)
    slope = np.radians(np.linspace(2, -24.8, count))
    xyz = np.stack([np.cos(turn), np.sin(turn), np.tan(slope)], axis=1) * distance[:, None]
    intensity = rng.integers(0, 100, count) / np.float32(100)
    return PointFile(xyz.astype(np.float32), {"intensity": intensity.astype(np.float32)})


if __name__ == "__main__":
    main()
