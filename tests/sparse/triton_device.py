"""Where the Triton kernels are tested: a GPU, else the interpreter, else not at all."""

from __future__ import annotations

import pytest
import torch

from pcseg.sparse.backends import available_backends

pytest.importorskip("triton")


def _found() -> torch.device:
    if torch.cuda.is_available() and "triton" in available_backends("cuda"):
        return torch.device("cuda")
    if "triton" in available_backends("cpu"):
        return torch.device("cpu")
    pytest.skip(
        "no CUDA device, and not the interpreter: run make test-triton", allow_module_level=True
    )


DEVICE = _found()
