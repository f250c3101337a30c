"""Scans per second of the SemanticKITTI loader, against the floor of reading the same bytes.

    python benchmarks/loader.py [--quick] [--root DIR] [--split all] [--scans 200] [--json FILE]

Without --root, twenty scans of 120,000 points are made in a temporary folder. Files are read
once before anything is timed, so that the disk is out of the picture (page cache warm).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _run import options, record
from torch.utils.data import DataLoader, Dataset

from pcseg.data.readers.kitti.semantickitti import SemanticKITTI
from pcseg.data.scan import Scan
from pcseg.data.transforms import Compose
from pcseg.files import write_json

AUGMENT = ("rotate", "flip", "scale")
REPEATS = 3


def main() -> None:
    """Measure and print JSON."""
    arguments = parse()
    with tempfile.TemporaryDirectory() as made:
        root = arguments.root or write_scans(Path(made))
        result = measure(root, arguments.split, arguments.scans, arguments.workers)
    if arguments.json:
        write_json(arguments.json, result)
    print(json.dumps(result, indent=2))


def measure(root: Path, split: str, scans: int, workers: list[int]) -> dict[str, Any]:
    """Scans per second: best of several passes over `scans` scans each, in turn, per way."""
    data = SemanticKITTI(root, split, labels="only", require=("labels",))
    paths = [(data.cloud_path(frame), data.label_path(frame)) for frame in data.frames]
    ways: dict[str, Callable[[], Iterable[Any]]] = {"floor: numpy.fromfile": lambda: floor(paths)}
    for count in workers:
        ways[f"loader, {count} workers"] = lambda n=count: loader(data, n, scans)  # type: ignore[misc]
    augmented = Augmented(data)
    for count in workers:
        ways[f"loader and augmentation, {count} workers"] = (
            lambda n=count: loader(augmented, n, scans)  # type: ignore[misc]
        )
    speeds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in itertools.islice(floor(paths), len(paths)):
        pass  # into the page cache
    for _ in range(REPEATS):  # ways in turn, so that a busy moment does not hit one way alone
        for way, start in ways.items():
            speeds[way].append(scans_per_second(start, scans))
    rows = [
        {
            "way": way,
            "scans_per_s": round(max(found), 1),
            "passes": [round(speed, 1) for speed in found],
        }
        for way, found in speeds.items()
    ]
    return record(
        rows,
        cores=os.cpu_count(),
        scans=scans,
        frames=len(data),
        points_per_scan=round(float(data.point_counts().mean())),
        peak_mb={
            "process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "largest_worker": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        },
    )


def scans_per_second(start: Callable[[], Iterable[Any]], scans: int) -> float:
    """The time from the first scan on, so that starting processes does not count."""
    stream = iter(start())
    next(stream)
    begin = time.perf_counter()
    count = sum(1 for _ in itertools.islice(stream, scans - 1))
    return count / (time.perf_counter() - begin)


def floor(paths: list[tuple[Path, Path]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The bytes of the same files and nothing else, over and over."""
    for cloud, labels in itertools.cycle(paths):
        yield np.fromfile(cloud, np.float32), np.fromfile(labels, np.uint32)


def loader(data: Any, workers: int, scans: int) -> DataLoader:
    """Scans made in worker processes, handed over one by one as tensors, as training does."""
    order = list(itertools.islice(itertools.cycle(range(len(data))), scans))
    return DataLoader(
        data, batch_size=None, sampler=order, num_workers=workers, collate_fn=to_tensors
    )


def to_tensors(scan: Scan) -> dict[str, torch.Tensor]:
    """What a network needs of a scan; tensors cross processes in shared memory."""
    assert scan.labels is not None
    arrays = {"xyz": scan.xyz, "intensity": scan.attrs["intensity"], "labels": scan.labels}
    return {name: torch.from_numpy(values) for name, values in arrays.items()}


class Augmented(Dataset):
    """The dataset with the usual augmentation."""

    def __init__(self, data: SemanticKITTI) -> None:
        self.data, self.augment = data, Compose(AUGMENT)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Any:
        return self.augment(self.data[index], np.random.default_rng(index))


def write_scans(root: Path, scans: int = 20, num_points: int = 120_000) -> Path:
    """Random points in SemanticKITTI bytes: their values do not matter to a loader."""
    rng = np.random.default_rng(0)
    folder = root / "sequences" / "00"
    for name in ("velodyne", "labels"):
        (folder / name).mkdir(parents=True)
    for frame in range(scans):
        cloud = rng.uniform(-50, 50, (num_points, 4)).astype("<f4")
        cloud.tofile(folder / "velodyne" / f"{frame:06d}.bin")
        labels = rng.choice(np.array([0, 10, 40, 50, 70, 252], "<u4"), num_points)
        labels.tofile(folder / "labels" / f"{frame:06d}.label")
    return root


def parse() -> argparse.Namespace:
    """The command line."""
    parser = options(__doc__, quick="forty scans, to see that it runs")
    parser.add_argument("--root", type=Path, help="folder in SemanticKITTI layout")
    parser.add_argument("--split", default="all")
    parser.add_argument("--scans", type=int, default=200, help="scans per pass")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    given.scans = min(given.scans, 40) if given.quick else given.scans
    return given


if __name__ == "__main__":
    main()
