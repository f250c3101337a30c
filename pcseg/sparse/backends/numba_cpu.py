"""The numba backend: the default on CPUs. Kernels are compiled once and kept on disk."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pcseg.sparse.backends import numba_kernels as kernels
from pcseg.sparse.backends import numba_search as search
from pcseg.sparse.backends.base import PLAIN, Epilogue
from pcseg.sparse.backends.compiling import announce_compilation
from pcseg.sparse.backends.numba_pack import (
    join_channels,
    join_input_channels,
    pack_weight,
    padded_columns,
    padded_rows,
    plain,
)
from pcseg.sparse.backends.numba_tiles import SHAPE
from pcseg.sparse.backends.reference import TorchBackend
from pcseg.sparse.backends.threads import share
from pcseg.sparse.kernel_map import KernelMap
from pcseg.sparse.keys import Triple
from pcseg.sparse.level import Level

_BLOCK_BYTES = 256 * 1024
"""Output rows of a block: few enough to stay in the cache while all offsets add to them."""

_CHUNK = 48
"""Pairs that pass all panels of an offset's weight before the next pairs do."""

_TASKS = 64
"""Tasks that the pairs of a weight gradient are divided into at least, if there are enough."""

_TASK_PAIRS = 2048
"""Pairs of such a task at least."""

_WEIGHT_CHUNK = 96
"""Pairs whose rows pass all tiles of a weight gradient before the next ones do."""

_MOST_CLASSES = 4096
"""Sorted lists that the voxels of a level are divided into at most when they are coarsened."""

_JOIN_HALVES = SHAPE.multiplies_halves
"""Whether bfloat16 is multiplied as it is; taking it apart costs more than float32 does."""


class NumbaBackend:
    """float32 and float64; half-precision inputs are computed in float32, or summed in it.

    bfloat16 outputs and input gradients take the processor's own products where it has them.

    The same bits for any number of threads, in the output and in both gradients.
    """

    name = "numba"

    def __init__(self) -> None:
        announce_compilation()

    def refuses(self, device: torch.device) -> str | None:
        """It works on CPUs only."""
        return None if device.type == "cpu" else "its kernels are compiled for CPUs"

    def coarsen(self, level: Level, stride: Triple) -> Tensor:
        """See `Backend.coarsen`."""
        if len(level) == 0:
            return level.coords
        if stride[0] * stride[1] > _MOST_CLASSES:
            return TorchBackend().coarsen(level, stride)
        coarse = level.keys()[0].coarser(stride)
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
        found = np.empty((2, num_searched * len(targets)), np.int32)
        counts = np.zeros((num_searched, num_blocks), np.int64)
        places = np.zeros(num_blocks, np.int64)
        if len(keys) and len(targets):
            share(
                search.walk,
                *(keys.numpy(), targets.numpy(), np.array(deltas[:num_searched], np.int64)),
                *(found, counts, places, np.zeros(1, np.int64), np.zeros(1, np.int64)),
                work=8 * num_searched * len(targets),
            )
        lengths = counts.sum(1).tolist()
        if mirrored:
            lengths = [*lengths, len(keys), *reversed(lengths)]
        starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        pairs = np.empty((2, int(starts[-1])), np.int32)
        search.gather_pairs(found, counts, places, mirrored, pairs[0], pairs[1])
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
        return _convolve(feats, weight, kernel_map, epilogue, swapped=False)

    def grad_input(self, grad: Tensor, weight: Tensor, kernel_map: KernelMap) -> Tensor:
        """See `Backend.grad_input`."""
        return _convolve(grad, weight, kernel_map.transposed, PLAIN, swapped=True)

    def grad_weight(self, feats: Tensor, grad: Tensor, kernel_map: KernelMap) -> Tensor:
        """See `Backend.grad_weight`."""
        x, g = plain(feats), plain(grad)
        cin, cout, volume = x.shape[1], g.shape[1], kernel_map.volume
        lanes = SHAPE.lanes(x.itemsize)
        tasks = _weight_tasks(kernel_map)
        count = max(volume, int(tasks[:, 3].max(initial=0)) + 1)
        sums = np.empty((count, padded_rows(cin), padded_columns(cout, x.itemsize)), x.dtype)
        sums[:volume][np.diff(kernel_map.starts) == 0] = 0
        share(
            kernels.weight_gradient,
            *(x, g, kernel_map.in_rows.numpy(), kernel_map.out_rows.numpy()),
            *(tasks, _WEIGHT_CHUNK, lanes, sums, np.zeros(1, np.int64)),
            work=len(kernel_map) * cin * cout,
        )
        for k, _, _, place in tasks[tasks[:, 3] >= volume]:
            # An offset's further tasks, in order; what lies beyond its channels has no meaning.
            sums[k, :cin, :cout] += sums[place, :cin, :cout]
        total = sums[:volume, :cin, :cout]
        return torch.from_numpy(total if total.size == sums.size else total.copy())


def _convolve(
    feats: Tensor, weight: Tensor, kernel_map: KernelMap, epilogue: Epilogue, swapped: bool
) -> Tensor:
    """Outputs from a weight (K, Cin, Cout), or (K, Cout, Cin) if `swapped`."""
    weight = weight.detach().transpose(1, 2) if swapped else weight.detach()
    cin, cout = weight.shape[1:]
    if _JOIN_HALVES and feats.dtype == torch.bfloat16 and cin % 2 == 0:
        x, weight = join_channels(feats).numpy(), join_input_channels(weight)
        dtype = np.dtype(np.float32)
    else:
        x = plain(feats)
        dtype = x.dtype
        weight = weight.to(torch.float64 if dtype == np.float64 else torch.float32)
    packed = pack_weight(weight)
    y = np.empty((kernel_map.num_out, cout), dtype)
    nothing = np.empty(0, dtype)
    finish = (
        nothing if epilogue.shift is None else plain(epilogue.shift),
        nothing.reshape(0, 0) if epilogue.residual is None else plain(epilogue.residual),
        epilogue.relu,
    )
    block = _block_rows(kernel_map.num_out, max(cin, cout) * dtype.itemsize)
    borders = _borders(kernel_map, block)
    share(
        kernels.convolve,
        *(x, packed, kernel_map.in_rows.numpy(), kernel_map.out_rows.numpy(), borders),
        -1 if kernel_map.identity is None else kernel_map.identity,
        *(block, _CHUNK, SHAPE.lanes(dtype.itemsize), finish, y, np.zeros(1, np.int64)),
        work=len(kernel_map) * cin * cout,
    )
    return torch.from_numpy(y).to(feats.dtype)


def _block_rows(num_rows: int, bytes_per_row: int) -> int:
    """Rows of a block: a power of two that fits the cache and leaves several blocks per core."""
    fitting = min(_BLOCK_BYTES // bytes_per_row, num_rows // 16, 1024)
    return 1 << max(fitting, 64).bit_length() - 1


def _borders(kernel_map: KernelMap, block: int) -> np.ndarray[Any, Any]:
    """(K, blocks + 1) int64: where in the list of each offset each block of rows begins."""
    if ("borders", block) not in kernel_map.notes:
        rows, starts = kernel_map.out_rows.numpy(), kernel_map.starts
        edges = np.arange(-(-kernel_map.num_out // block) + 1, dtype=np.int32) * block
        kernel_map.notes["borders", block] = np.stack(
            [a + np.searchsorted(rows[a:b], edges) for a, b in itertools.pairwise(starts)]
        )
    borders: np.ndarray[Any, Any] = kernel_map.notes["borders", block]
    return borders


def _weight_tasks(kernel_map: KernelMap) -> np.ndarray[Any, Any]:
    """(T, 4) int64: kernel offset, first pair, end, place of the sum; by the pairs alone."""
    if "tasks" not in kernel_map.notes:
        starts, spare = kernel_map.starts, kernel_map.volume
        length = max(-(-len(kernel_map) // _TASKS), _TASK_PAIRS)
        tasks = []
        for k in range(kernel_map.volume):
            for first in range(starts[k], starts[k + 1], length):
                place = k if first == starts[k] else spare
                spare += place == spare
                tasks.append((k, first, min(first + length, starts[k + 1]), place))
        kernel_map.notes["tasks"] = np.array(tasks, np.int64).reshape(-1, 4)
    found: np.ndarray[Any, Any] = kernel_map.notes["tasks"]
    return found
