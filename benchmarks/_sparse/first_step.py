"""The first training step of a process: print its seconds as JSON. Imports nothing before it must.

python first_step.py VOXELS.npy
"""

from __future__ import annotations

import json
import sys
import time


def main(scene: str) -> None:
    """Import, step twice, print."""
    began = time.perf_counter()
    import numpy as np
    import torch

    from pcseg import sparse
    from pcseg.models.minkunet import Down, Up, conv_block

    imported = time.perf_counter()
    torch.manual_seed(0)
    coords = torch.from_numpy(np.load(scene))
    feats = torch.randn(len(coords), 4)
    stem = sparse.Sequential(*conv_block(4, 32))
    down, up = Down(32, 64, 1), Up(64, 32, 32, 1)

    def step() -> float:
        start = time.perf_counter()
        fine = stem(sparse.SparseTensor(feats, coords))
        up(down(fine), fine).feats.square().mean().backward()
        return time.perf_counter() - start

    found = {"import_s": imported - began, "step_s": step(), "second_s": step()}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
