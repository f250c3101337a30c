"""Propagation: each point of a new scan takes the label that sure points near it agree on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from pcseg.methods.labelprop import search
from pcseg.methods.labelprop.voxel_map import VoxelMap, group_cells

_CELLS_PER_TASK = 2048


def propagate(past: VoxelMap, xyz: np.ndarray, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Carry labels of the map to the points of a scan (3DLabelProp, section 3.2).

    A past point with label l and confidence c at distance r weighs ``w = c exp(-r² ln 2 / d0²)``,
    d0 being the edge of the map's cells, and counts if w > 0.5. The label with the largest sum of
    weights wins (-1 among them, the lowest of equals); its confidence is the plain mean of c over
    the points that counted for it. Since c is at most 1, no point beyond d0 can count: the point's
    own cell and the 26 around it hold all that can.

    Args:
        past: the map.
        xyz: (N, 3) float32 in the frame of the map.
        num_classes: K; labels of the map are below it.

    Returns:
        labels: (N,) int32, -1 where nothing is near (or -1 won).
        confidence: (N,) float32, 0 where nothing is near.
    """
    labels = np.full(len(xyz), -1, np.int32)
    confidence = np.zeros(len(xyz), np.float32)
    if not len(past) or not len(xyz):
        return labels, confidence
    radius = float(past.size[1])
    order, starts, _ = group_cells(xyz, (radius,) * 3)

    def work(first: int) -> None:
        last = min(first + _CELLS_PER_TASK, len(starts) - 1)
        search.propagate(
            past.points, past.cells, past.heads, xyz, order, starts, first, last, radius,
            num_classes, labels, confidence,
        )  # fmt: skip

    tasks = range(0, len(starts) - 1, _CELLS_PER_TASK)
    threads = min(torch.get_num_threads(), len(tasks))
    if threads == 1:
        for first in tasks:
            work(first)
    else:  # the kernel lets go of the interpreter's lock; cells are independent of each other
        with ThreadPoolExecutor(threads) as crew:
            list(crew.map(work, tasks))
    return labels, confidence
