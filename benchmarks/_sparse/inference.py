"""Label a scan with a MinkUNet of random weights each time a line comes in; print the seconds.

python inference.py POINTS.npy LOGITS.npy DEPTH

Written against what every revision of pcseg offers.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import pcseg
from pcseg.models.minkunet import MinkUNet
from pcseg.models.points import Points
from pcseg.sparse import SparseTensor, pool_features, voxelize

VOXEL_M = 0.05
CLASSES = 19


def main(points: str, output: str, depth: int) -> None:
    """Answer lines until there are no more, then write the logits of the last scan."""
    # These libraries may hold another pcseg, installed.
    expected = Path(os.environ["PYTHONPATH"]) / "pcseg"
    if Path(pcseg.__path__[0]) != expected:
        sys.exit(f"pcseg came from {pcseg.__path__[0]}, not from {expected}")
    scan = np.load(points)
    torch.manual_seed(0)
    net = MinkUNet(4, CLASSES, depth=depth).eval()
    logits = torch.empty(0)
    for _ in sys.stdin:
        began = time.perf_counter()
        logits = label(net, scan)
        sys.stdout.write(f"{time.perf_counter() - began}\n")
        sys.stdout.flush()
    np.save(output, logits.numpy())


@torch.no_grad()
def label(net: MinkUNet, scan: np.ndarray) -> Tensor:
    """(N, K) logits of all points."""
    coords, inverse = voxelize(scan[:, :3], VOXEL_M)
    feats = pool_features(scan, inverse, len(coords))
    voxels = SparseTensor(torch.from_numpy(feats), torch.from_numpy(coords))
    nobody = torch.zeros(0, 4)
    logits: Tensor = net(voxels, Points(nobody, nobody, torch.zeros(0, dtype=torch.int64)))
    return logits[torch.from_numpy(inverse)]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
