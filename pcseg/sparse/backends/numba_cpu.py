"""The numba backend: the default on CPUs. Kernels are compiled once and kept on disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pcseg.sparse.backends import numba_kernels as kernels
from pcseg.sparse.backends import numba_search as search
from pcseg.sparse.backends.base import PLAIN, Epilogue
from pcseg.sparse.backends.threads import threads_for
from pcseg.sparse.kernel_map import KernelMap
from pcseg.sparse.keys import KeySpace, Triple
from pcseg.sparse.level import Level

_BLOCK_BYTES = 1024 * 1024
"""Output rows of a block: more of them make longer products, until they fall out of the cache."""

_TASKS = 64
"""Tasks that the pairs of a weight gradient are divided into at least, if there are enough."""

_PAIRS = 1024
"""Pairs that a weight gradient gathers at a time."""


class NumbaBackend:
    """float32 and float64; half-precision inputs are computed in float32.

    The same bits for any number of threads, in the output and in both gradients.
    """

    name = "numba"

    def refuses(self, device: torch.device) -> str | None:
        """It works on CPUs only."""
        return None if device.type == "cpu" else "its kernels are compiled for CPUs"

    def coarsen(self, level: Level, stride: Triple) -> Tensor:
        """See `Backend.coarsen`."""
        if len(level) == 0:
            return level.coords
        space, _ = level.keys()
        coarse = _coarse_space(space, stride)
        starts = np.empty(stride[0] * stride[1] + 1, np.int64)
        lists = search.coarse_keys(
            np.ascontiguousarray(level.sorted_coords.numpy()),
            np.array(stride),
            np.array(coarse.origin),
            np.array(coarse.extent),
            starts,
        )
        return torch.from_numpy(coarse.coords(search.merge_distinct(lists, starts)))

    def search(
        self, keys: Tensor, targets: Tensor, deltas: Sequence[int], mirrored: bool
    ) -> KernelMap:
        """See `Backend.search`."""
        # With mirror images, half of the offsets are searched; the middle one needs no search.
        num_searched = len(deltas) // 2 if mirrored else len(deltas)
        num_blocks = -(-len(targets) // search.BLOCK)
        tables = np.empty((2, num_searched, len(targets)), np.int32)
        counts = np.zeros((num_searched, num_blocks), np.int64)
        if len(keys) and len(targets):
            arguments = (keys.numpy(), targets.numpy(), np.array(deltas[:num_searched], np.int64))
            with threads_for(8 * num_searched * len(targets)) as threads:
                walk = search.walk_parallel if threads > 1 else search.walk
                walk(*arguments, tables[0], tables[1], counts)
        lengths = counts.sum(1).tolist()
        if mirrored:
            lengths = [*lengths, len(keys), *reversed(lengths)]
        starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        pairs = np.empty((2, int(starts[-1])), np.int32)
        search.gather_pairs(tables[0], tables[1], counts, mirrored, pairs[0], pairs[1])
        if mirrored:
            pairs[:, starts[num_searched] : starts[num_searched + 1]] = np.arange(len(keys))
        in_rows, out_rows = torch.from_numpy(pairs)
        identity = num_searched if mirrored else None
        return KernelMap(
            in_rows, out_rows, tuple(starts.tolist()), len(keys), len(targets), identity
        )

    def forward(
        self,
        feats: Tensor,
        weight: Tensor,
        kernel_map: KernelMap,
        epilogue: Epilogue = PLAIN,
    ) -> Tensor:
        """See `Backend.forward`."""
        x, w = _array(feats), _array(weight)
        cin, cout = w.shape[1:]
        y = np.empty((kernel_map.num_out, cout), x.dtype)
        block = _block_rows(kernel_map.num_out, max(cin, cout) * x.itemsize)
        borders = _borders(kernel_map, block)
        identity = -1 if kernel_map.identity is None else kernel_map.identity
        with threads_for(len(kernel_map) * cin * cout) as threads:
            threads = min(threads, max(borders.shape[1] - 1, 1))
            run = kernels.convolve_parallel if threads > 1 else kernels.convolve
            buffers = np.empty((threads, block * (cin + cout)), x.dtype)
            tickets = np.zeros(1, np.int64)
            rows = kernel_map.in_rows.numpy(), kernel_map.out_rows.numpy()
            run(x, w, *rows, borders, identity, block, y, tickets, buffers)
        out = torch.from_numpy(y)
        return epilogue.apply(out).to(feats.dtype)

    def grad_input(self, grad: Tensor, weight: Tensor, kernel_map: KernelMap) -> Tensor:
        """See `Backend.grad_input`."""
        return self.forward(grad, weight.transpose(1, 2), kernel_map.transposed)

    def grad_weight(self, feats: Tensor, grad: Tensor, kernel_map: KernelMap) -> Tensor:
        """See `Backend.grad_weight`."""
        x, g = _array(feats), _array(grad)
        cin, cout = x.shape[1], g.shape[1]
        tasks = _weight_tasks(kernel_map)
        volume = kernel_map.volume
        sums = np.empty((max(volume, int(tasks[:, 3].max(initial=0)) + 1), cin, cout), x.dtype)
        sums[:volume][np.diff(kernel_map.starts) == 0] = 0
        identity = -1 if kernel_map.identity is None else kernel_map.identity
        with threads_for(len(kernel_map) * cin * cout) as threads:
            threads = min(threads, max(len(tasks), 1))
            run = kernels.weight_gradient_parallel if threads > 1 else kernels.weight_gradient
            buffers = np.empty((threads, _PAIRS * (cin + cout) + cin * cout), x.dtype)
            tickets = np.zeros(1, np.int64)
            rows = kernel_map.in_rows.numpy(), kernel_map.out_rows.numpy()
            run(x, g, *rows, tasks, identity, _PAIRS, volume, sums, tickets, buffers)
        return torch.from_numpy(sums[:volume])


def _coarse_space(space: KeySpace, stride: Triple) -> KeySpace:
    """The box of the coarse voxels of a box, without a halo."""
    low = [o // s for o, s in zip(space.origin, stride, strict=True)]
    high = [(o + e - 1) // s for o, e, s in zip(space.origin, space.extent, stride, strict=True)]
    extent = (high[0] - low[0] + 1, high[1] - low[1] + 1, high[2] - low[2] + 1)
    return KeySpace((low[0], low[1], low[2]), extent, (0, 0, 0), space.num_batches)


def _array(tensor: Tensor) -> np.ndarray[Any, Any]:
    if tensor.dtype in (torch.float16, torch.bfloat16):
        tensor = tensor.float()
    return tensor.detach().contiguous().numpy()


def _block_rows(num_rows: int, bytes_per_row: int) -> int:
    """Rows of a block: a power of two that fits the cache and leaves several blocks per core."""
    fitting = min(_BLOCK_BYTES // bytes_per_row, num_rows // 8, 2048)
    return 1 << max(fitting, 128).bit_length() - 1


def _borders(kernel_map: KernelMap, block: int) -> np.ndarray[Any, Any]:
    if ("borders", block) not in kernel_map.notes:
        num_blocks = -(-kernel_map.num_out // block)
        starts = np.array(kernel_map.starts)
        rows = kernel_map.out_rows.numpy()
        kernel_map.notes["borders", block] = kernels.block_borders(rows, starts, block, num_blocks)
    borders: np.ndarray[Any, Any] = kernel_map.notes["borders", block]
    return borders


def _weight_tasks(kernel_map: KernelMap) -> np.ndarray[Any, Any]:
    """(T, 4) int64: kernel offset, first pair, end, place of the sum; by the pairs alone."""
    if "tasks" not in kernel_map.notes:
        starts, spare = kernel_map.starts, kernel_map.volume
        length = max(-(-len(kernel_map) // _TASKS), 2 * _PAIRS)
        tasks = []
        for k in range(kernel_map.volume):
            for first in range(starts[k], starts[k + 1], length):
                place = k if first == starts[k] else spare
                spare += place == spare
                tasks.append((k, first, min(first + length, starts[k + 1]), place))
        kernel_map.notes["tasks"] = np.array(tasks, np.int64).reshape(-1, 4)
    found: np.ndarray[Any, Any] = kernel_map.notes["tasks"]
    return found
