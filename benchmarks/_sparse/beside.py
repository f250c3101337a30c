"""Train a U-Net on scans that two DataLoader workers voxelise meanwhile; print its pace as JSON.

python -m _sparse.beside ENGINE POINTS.npy THREADS STEPS
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import time
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from _sparse.engines import make_engine
from _sparse.engines.base import Engine
from _sparse.weights import fill
from pcseg.sparse import pool_features, voxelize

WORKERS = 2
BLOCKS = 4
"""Steps alone and steps beside the loader take turns so often, at most."""

AHEAD = 1 + 3 * WORKERS
"""Batches beyond a turn: each worker prepares two, and may be at work on another."""

VOXEL_M = 0.05

Batch = tuple[Tensor, Tensor]


def main(name: str, points: str, threads: int, steps: int) -> None:
    """Measure and print."""
    torch.set_num_threads(threads)
    engine = make_engine(name, torch.device("cpu"))
    blocks = min(BLOCKS, steps)
    turn = -(-steps // blocks)
    # More than a turn takes: the workers, who run ahead, must not be done before its end.
    scans = Scans(np.load(points), turn + AHEAD)
    ready = [scans[number] for number in range(turn + 1)]
    step = TrainingStep(engine)
    step(ready[0])  # compiles, and starts threads before anything is forked
    alone: list[float] = []
    beside: list[float] = []
    for _ in range(blocks):
        alone += paces(step, ready, turn)
        beside += paces(step, DataLoader(scans, batch_size=None, num_workers=WORKERS), turn)
    a, b = (1e3 * statistics.median(taken) for taken in (alone, beside))
    found = {"alone_ms": a, "beside_ms": b, "slowdown": b / a, "steps": len(alone)}
    print(json.dumps(found | {"workers": WORKERS}))


class Scans(Dataset):
    """One scan, turned by another angle each time and voxelised anew."""

    def __init__(self, points: np.ndarray, length: int) -> None:
        self._points, self._length = points, length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, number: int) -> Batch:
        c, s = np.cos(number), np.sin(number)
        xyz = self._points @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]], np.float32)
        coords, inverse = voxelize(xyz, VOXEL_M)
        feats = np.column_stack([xyz, np.ones(len(xyz))]).astype(np.float32)
        pooled = pool_features(feats, inverse, len(coords))
        return torch.from_numpy(coords), torch.from_numpy(pooled)


class TrainingStep:
    """A training step: forward, backward, and nothing kept."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._net = engine.network("unet", torch.empty(0, 4))
        fill(engine, self._net)

    def __call__(self, batch: Batch) -> None:
        """Take it."""
        out = self._engine.feats(self._net(self._engine.tensor(*batch)))
        out.square().mean().backward()
        self._net.zero_grad()


def paces(step: TrainingStep, batches: Iterable[Batch], count: int) -> Iterator[float]:
    """Seconds of `count` steps, waiting for the batch included, after one that does not count."""
    stream = iter(batches)
    step(next(stream))
    began = time.perf_counter()
    for batch in itertools.islice(stream, count):
        step(batch)
        now = time.perf_counter()
        yield now - began
        began = now


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
