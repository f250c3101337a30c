"""The spconv backend: our kernel maps, multiplied by spconv (cu120 and later) or spconv-triton.

CUDA tensors only. On a CPU it is refused: with more than one thread spconv's CPU path returns wrong
rows without an error, and it has no backward. This adapter is written from the public interface
of spconv 2.3 and spconv-triton 1.0 and has its agreement tests, but those run only where one of the
two and a CUDA device are present.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from pcseg.optional import available
from pcseg.sparse.backends.base import PLAIN, Epilogue
from pcseg.sparse.backends.reference import TorchBackend
from pcseg.sparse.kernel_map import KernelMap
from pcseg.sparse.keys import Triple
from pcseg.sparse.level import Level

_PACKAGES = ("spconv", "spconv_triton")


class SpconvBackend:
    """Maps from the torch backend, arithmetic from spconv's pair-list ("Native") algorithm."""

    name = "spconv"

    def __init__(self) -> None:
        self._maps = TorchBackend()

    def refuses(self, device: torch.device) -> str | None:
        """It works on CUDA, with one of its packages."""
        if device.type == "cpu":
            return (
                "spconv returns wrong rows on a CPU with more than one thread, and has no "
                "backward there; the numba and torch backends are right"
            )
        if device.type != "cuda":
            return "spconv needs a CUDA device"
        if not any(available(package) for package in _PACKAGES):
            return (
                "neither spconv nor spconv-triton is installed: pip install spconv-cu126 (or the "
                "build for your CUDA, cu120 and later), or pip install spconv-triton"
            )
        return None

    def coarsen(self, level: Level, stride: Triple) -> Tensor:
        """See `Backend.coarsen`."""
        return self._maps.coarsen(level, stride)

    def search(
        self, keys: Tensor, targets: Tensor, deltas: Sequence[int], mirrored: bool
    ) -> KernelMap:
        """See `Backend.search`."""
        return self._maps.search(keys, targets, deltas, mirrored)

    def forward(
        self,
        feats: Tensor,
        weight: Tensor,
        kernel_map: KernelMap,
        epilogue: Epilogue = PLAIN,
    ) -> Tensor:
        """See `Backend.forward`."""
        if len(kernel_map) == 0:
            out = feats.new_zeros((kernel_map.num_out, weight.shape[2]))
            return epilogue.apply(out)
        ops, algo = _library()
        pairs, counts = _native_pairs(kernel_map)
        out = ops.indice_conv(
            feats, _krsc(weight), pairs, counts, kernel_map.num_out, False, False, algo=algo
        )
        return epilogue.apply(out)

    def grad_input(self, grad: Tensor, weight: Tensor, kernel_map: KernelMap) -> Tensor:
        """See `Backend.grad_input`."""
        return self.forward(grad, weight.transpose(1, 2), kernel_map.transposed)

    def grad_weight(self, feats: Tensor, grad: Tensor, kernel_map: KernelMap) -> Tensor:
        """See `Backend.grad_weight`."""
        shape = (kernel_map.volume, feats.shape[1], grad.shape[1])
        if len(kernel_map) == 0:
            return feats.new_zeros(shape, dtype=torch.float32)
        ops, algo = _library()
        pairs, counts = _native_pairs(kernel_map)
        # Its backward makes both gradients; the weight's values do not matter for this one.
        weight = _krsc(feats.new_zeros(shape))
        _, found = ops.indice_conv_backward(
            feats, weight, grad, pairs, counts, False, False, algo=algo
        )
        return found.reshape(shape[2], shape[0], shape[1]).permute(1, 2, 0).float()


def _library() -> tuple[Any, Any]:
    """The operator module of the installed package, and its name for the pair-list algorithm."""
    package = next(package for package in _PACKAGES if available(package))
    ops = importlib.import_module(f"{package}.pytorch.ops")
    return ops, importlib.import_module(f"{package}.core").ConvAlgo.Native


def _krsc(weight: Tensor) -> Tensor:
    """(K, Cin, Cout) as spconv 2 stores it: (Cout, K, 1, 1, Cin), contiguous."""
    return weight.permute(2, 0, 1)[:, :, None, None].contiguous()


def _native_pairs(kernel_map: KernelMap) -> tuple[Tensor, Tensor]:
    """Pairs as spconv keeps them: (2, K, rows) int32, -1 behind the last; and (K,) int32 counts."""
    if "native" not in kernel_map.notes:
        device = kernel_map.in_rows.device
        starts = torch.tensor(kernel_map.starts, device=device)
        offsets = kernel_map.offset_ids()
        places = torch.arange(len(kernel_map), device=device) - starts[offsets]
        width = max(kernel_map.num_in, kernel_map.num_out)
        pairs = torch.full((2, kernel_map.volume, width), -1, dtype=torch.int32, device=device)
        pairs[0, offsets, places] = kernel_map.in_rows
        pairs[1, offsets, places] = kernel_map.out_rows
        kernel_map.notes["native"] = pairs, starts.diff().to(torch.int32)
    native: tuple[Tensor, Tensor] = kernel_map.notes["native"]
    return native
