"""The Triton backend itself: what of it works where, and which arithmetic is left to others."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from pcseg.optional import available
from pcseg.sparse.backends.base import HALF, PLAIN, Epilogue
from pcseg.sparse.backends.reference import TorchBackend
from pcseg.sparse.kernel_map import KernelMap
from pcseg.sparse.keys import Triple
from pcseg.sparse.level import Level


class TritonBackend:
    """float16, bfloat16 and float32, TF32 where torch's own products use it; sums are float32.

    float64, which no tensor core of most GPUs multiplies, has the arithmetic of the torch backend;
    so has a kernel of one offset, which is an ordinary product of matrices. The same bits at every
    call, in the output and in both gradients.

    On a CPU it works in Triton's interpreter only, to be tested and debugged; half-precision inputs
    are then computed in float32, as everywhere on CPUs.
    """

    name = "triton"

    def __init__(self) -> None:
        self._plain = TorchBackend()

    def refuses(self, device: torch.device) -> str | None:
        """It works on CUDA devices, ROCm's included, and in the interpreter."""
        interpreter = os.environ.get("TRITON_INTERPRET", "0") not in ("", "0")
        if device.type != "cuda" and not (device.type == "cpu" and interpreter):
            return (
                f"Triton compiles for GPUs, not for a {device.type}. For tests on a CPU there is "
                "its interpreter: set the environment variable TRITON_INTERPRET=1 before Python "
                "starts"
            )
        if not available("triton"):
            return (
                "triton is not installed. It comes with PyTorch for CUDA on Linux; else: "
                'pip install "pcseg[triton]"'
            )
        if device.type == "cpu" and not _interpreted():
            return (
                "TRITON_INTERPRET was set after Triton had been loaded; set it before Python starts"
            )
        return None

    def coarsen(self, level: Level, stride: Triple) -> Tensor:
        """See `Backend.coarsen`."""
        return _modules()[0].coarse_coords(level, stride)

    def search(
        self, keys: Tensor, targets: Tensor, deltas: Sequence[int], mirrored: bool
    ) -> KernelMap:
        """See `Backend.search`."""
        return _modules()[0].neighbour_table(keys, targets, deltas, mirrored)

    def forward(
        self,
        feats: Tensor,
        weight: Tensor,
        kernel_map: KernelMap,
        epilogue: Epilogue = PLAIN,
    ) -> Tensor:
        """See `Backend.forward`."""
        if feats.dtype == torch.float64:
            return self._plain.forward(feats, weight, kernel_map, epilogue)
        if feats.dtype in HALF and feats.device.type == "cpu":
            out = self.forward(feats.float(), weight.float(), kernel_map, epilogue)
            return out.to(feats.dtype)
        if kernel_map.volume == 1 and kernel_map.identity == 0:
            return epilogue.apply(feats @ weight[0])
        return _modules()[1].convolve(feats, weight, kernel_map, epilogue)

    def grad_input(self, grad: Tensor, weight: Tensor, kernel_map: KernelMap) -> Tensor:
        """See `Backend.grad_input`."""
        return self.forward(grad, weight.transpose(1, 2), kernel_map.transposed)

    def grad_weight(self, feats: Tensor, grad: Tensor, kernel_map: KernelMap) -> Tensor:
        """See `Backend.grad_weight`."""
        if feats.dtype == torch.float64:
            return self._plain.grad_weight(feats, grad, kernel_map)
        if feats.dtype in HALF and feats.device.type == "cpu":
            feats, grad = feats.float(), grad.float()
        return _modules()[1].weight_gradient(feats, grad, kernel_map)


@lru_cache
def _modules() -> tuple[Any, Any]:
    """What builds maps and what multiplies; loading them loads Triton."""
    from pcseg.sparse.backends.triton import build, products

    return build, products


def _interpreted() -> bool:
    """Whether kernels run in the interpreter; decided when they are defined."""
    import triton

    return not isinstance(_modules()[0].kernels.find_neighbours, triton.JITFunction)
