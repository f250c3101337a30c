"""Building levels and tables of neighbours on the device, with one wait for each coarser level."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pcseg.sparse.backends.triton import map_kernels as kernels
from pcseg.sparse.backends.triton.launch import blocks, device_of, sent
from pcseg.sparse.kernel_map import KernelMap
from pcseg.sparse.keys import Triple
from pcseg.sparse.level import Level

_BLOCK = 256


def coarse_coords(level: Level, stride: Triple) -> Tensor:
    """(V', 4) int32 distinct coordinates ``floor(c / stride)`` in key order.

    The host waits once, for V'.
    """
    coords = level.coords.contiguous()
    if len(coords) == 0:
        return coords
    space = level.keys()[0].coarser(stride)
    keys = torch.empty(len(coords), dtype=torch.int64, device=coords.device)
    box = (*space.origin, *space.extent)
    grid = (blocks(len(coords), _BLOCK),)
    with device_of(coords):
        kernels.coarse_keys[grid](coords, keys, len(coords), *stride, *box, BLOCK=_BLOCK)
        keys = torch.sort(keys).values
        places = torch.ones(len(keys), dtype=torch.int32, device=keys.device)
        places[1:] = keys[1:] != keys[:-1]
        places = torch.cumsum(places, 0, dtype=torch.int32)
        coarse = coords.new_empty((int(places[-1]), 4))
        kernels.keep_distinct[grid](keys, places, coarse, len(keys), *box, BLOCK=_BLOCK)
    return coarse


def neighbour_table(
    keys: Tensor, targets: Tensor, deltas: Sequence[int], mirrored: bool
) -> KernelMap:
    """The map of all offsets, as a table: one search for each run of offsets along z."""
    volume, num_targets = len(deltas), len(targets)
    run = _run_length(deltas)
    identity = volume // 2 if mirrored else None
    if len(keys) == 0 or num_targets == 0:
        table = torch.full((volume, num_targets), -1, dtype=torch.int32, device=keys.device)
        return KernelMap.from_table(table, len(keys), identity)
    table = torch.empty((volume, num_targets), dtype=torch.int32, device=keys.device)
    with device_of(keys):
        kernels.find_neighbours[blocks(num_targets, _BLOCK), volume // run](
            keys,
            targets,
            sent(deltas, keys),
            table,
            len(keys),
            num_targets,
            len(keys).bit_length(),
            RUN=run,
            BLOCK=_BLOCK,
        )
    return KernelMap.from_table(table, len(keys), identity)


def _run_length(deltas: Sequence[int]) -> int:
    """The longest run of consecutive numbers that all of `deltas` divide into."""
    volume = len(deltas)
    for run in range(min(volume, 5), 1, -1):
        follow = (deltas[k] == deltas[k - 1] + 1 for k in range(volume) if k % run)
        if volume % run == 0 and all(follow):
            return run
    return 1
