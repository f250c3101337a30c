"""The torch backend: gather, multiply, add per kernel offset. Any device; made to be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from pcseg.sparse.backends.base import HALF, PLAIN, Epilogue, sum_dtype
from pcseg.sparse.kernel_map import KernelMap
from pcseg.sparse.keys import Triple, fit_keys
from pcseg.sparse.level import Level


class TorchBackend:
    """What all other backends are compared with.

    Half-precision inputs are multiplied as they are on a GPU and in float32 on a CPU; sums over
    kernel offsets are float32 everywhere.
    """

    name = "torch"

    def refuses(self, device: torch.device) -> str | None:
        """It works on every device."""
        return None

    def coarsen(self, level: Level, stride: Triple) -> Tensor:
        """See `Backend.coarsen`."""
        divisor = torch.tensor([1, *stride], device=level.coords.device)
        coarse = torch.div(level.coords, divisor, rounding_mode="floor")
        space = fit_keys(coarse)
        return space.coords(torch.unique(space.keys(coarse)))

    def search(
        self, keys: Tensor, targets: Tensor, deltas: Sequence[int], mirrored: bool
    ) -> KernelMap:
        """See `Backend.search`."""
        searched = deltas[: len(deltas) // 2] if mirrored else deltas
        pairs = [_match(keys, targets + delta) for delta in searched]
        identity = None
        if mirrored:
            identity = len(searched)
            everyone = torch.arange(len(keys), dtype=torch.int32, device=keys.device)
            pairs += [(everyone, everyone), *((o, i) for i, o in reversed(pairs))]
        starts = [0]
        for rows, _ in pairs:
            starts.append(starts[-1] + len(rows))
        in_rows, out_rows = (torch.cat(side) for side in zip(*pairs, strict=True))
        return KernelMap(in_rows, out_rows, tuple(starts), len(keys), len(targets), identity)

    def forward(
        self,
        feats: Tensor,
        weight: Tensor,
        kernel_map: KernelMap,
        epilogue: Epilogue = PLAIN,
    ) -> Tensor:
        """See `Backend.forward`."""
        feats, weight, dtype = _working_precision(feats, weight)
        out = feats.new_zeros((kernel_map.num_out, weight.shape[2]), dtype=sum_dtype(dtype))
        for k, rows, targets in _by_offset(kernel_map):
            out.index_add_(0, targets, (feats[rows] @ weight[k]).to(out.dtype))
        return epilogue.apply(out).to(dtype)

    def grad_input(self, grad: Tensor, weight: Tensor, kernel_map: KernelMap) -> Tensor:
        """See `Backend.grad_input`."""
        return self.forward(grad, weight.transpose(1, 2), kernel_map.transposed)

    def grad_weight(self, feats: Tensor, grad: Tensor, kernel_map: KernelMap) -> Tensor:
        """See `Backend.grad_weight`."""
        feats, grad, dtype = _working_precision(feats, grad)
        shape = (kernel_map.volume, feats.shape[1], grad.shape[1])
        out = feats.new_zeros(shape, dtype=sum_dtype(dtype))
        for k, rows, targets in _by_offset(kernel_map):
            out[k] = feats[rows].t() @ grad[targets]
        return out


def _match(keys: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (i, o), int32, with ``keys[i] == wanted[o]``; both ascend."""
    if len(keys) == 0:
        none = keys.to(torch.int32)
        return none, none
    place = torch.searchsorted(keys, wanted).clamp_(max=len(keys) - 1)
    hit = (keys[place] == wanted).nonzero().squeeze(1)
    return place[hit].to(torch.int32), hit.to(torch.int32)


def _by_offset(kernel_map: KernelMap) -> Iterator[tuple[int, Tensor, Tensor]]:
    for k in range(kernel_map.volume):
        start, stop = kernel_map.starts[k], kernel_map.starts[k + 1]
        if start < stop:
            yield k, kernel_map.in_rows[start:stop], kernel_map.out_rows[start:stop]


def _working_precision(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, torch.dtype]:
    dtype = a.dtype
    if dtype in HALF and a.device.type == "cpu":
        return a.float(), b.float(), dtype
    return a, b, dtype
