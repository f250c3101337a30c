"""The first compilation is announced; kernels from the disk cache are not."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import torch
from pcseg.sparse import get_backend
from pcseg.sparse.kernel_map import KernelMap

rows = torch.zeros(1, dtype=torch.int32)
one = KernelMap(rows, rows, (0, 1), 1, 1)
get_backend("numba").forward(torch.ones(1, 8), torch.ones(1, 8, 8), one)
"""


def test_compilation_is_announced_once_per_machine(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    said = []
    for _ in range(2):
        command = [sys.executable, "-c", PROGRAM]
        child = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        said.append(child.stderr.count("Compiling the CPU kernels"))
    assert said == [1, 0]
