"""The Triton backend itself: what of it works where, and which arithmetic is left to others."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import triton
from torch import Tensor

from pcseg.sparse.backends.base import PLAIN, Epilogue
from pcseg.sparse.backends.reference import TorchBackend
from pcseg.sparse.backends.triton import build, map_kernels, products
from pcseg.sparse.kernel_map import KernelMap
from pcseg.sparse.keys import Triple
from pcseg.sparse.level import Level

_HALF = (torch.float16, torch.bfloat16)


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
        if device.type == "cuda" or (device.type == "cpu" and _interpreted()):
            return None
        return (
            f"Triton compiles for GPUs, not for {device.type}. For tests on a CPU its interpreter "
            "can be used: set the environment variable TRITON_INTERPRET=1 before starting Python"
        )

    def coarsen(self, level: Level, stride: Triple) -> Tensor:
        """See `Backend.coarsen`."""
        return build.coarse_coords(level, stride)

    def search(
        self, keys: Tensor, targets: Tensor, deltas: Sequence[int], mirrored: bool
    ) -> KernelMap:
        """See `Backend.search`."""
        return build.neighbour_table(keys, targets, deltas, mirrored)

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
        if feats.dtype in _HALF and feats.device.type == "cpu":
            out = self.forward(feats.float(), weight.float(), kernel_map, epilogue)
            return out.to(feats.dtype)
        if kernel_map.volume == 1 and kernel_map.identity == 0:
            return epilogue.apply(feats @ weight[0])
        return products.convolve(feats, weight, kernel_map, epilogue)

    def grad_input(self, grad: Tensor, weight: Tensor, kernel_map: KernelMap) -> Tensor:
        """See `Backend.grad_input`."""
        return self.forward(grad, weight.transpose(1, 2), kernel_map.transposed)

    def grad_weight(self, feats: Tensor, grad: Tensor, kernel_map: KernelMap) -> Tensor:
        """See `Backend.grad_weight`."""
        if feats.dtype == torch.float64:
            return self._plain.grad_weight(feats, grad, kernel_map)
        if feats.dtype in _HALF and feats.device.type == "cpu":
            feats, grad = feats.float(), grad.float()
        return products.weight_gradient(feats, grad, kernel_map)


def _interpreted() -> bool:
    """Whether kernels run in the interpreter; decided when they are defined."""
    return not isinstance(map_kernels.find_neighbours, triton.JITFunction)
