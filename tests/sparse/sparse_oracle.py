"""An independent sparse convolution: dictionaries of voxels, Python loops, float64."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor


def as_triple(value: int | tuple[int, int, int]) -> tuple[int, int, int]:
    return (value,) * 3 if isinstance(value, int) else value


def window(size, dilation) -> list[tuple[int, int, int]]:
    axes = []
    for k, step in zip(as_triple(size), as_triple(dilation), strict=True):
        first = -(k // 2) if k % 2 == 1 else 0
        axes.append([(first + j) * step for j in range(k)])
    return list(itertools.product(*axes))


def coarse_coords(coords: Tensor, stride) -> list[tuple[int, ...]]:
    s = as_triple(stride)
    return sorted({(b, x // s[0], y // s[1], z // s[2]) for b, x, y, z in coords.tolist()})


def pairs(coords: Tensor, outputs, size, stride, dilation) -> list[tuple[int, int, int]]:
    """(k, i, o) of every input `i` that output `o` sees under kernel offset `k`."""
    row_of = {tuple(c): row for row, c in enumerate(coords.tolist())}
    s = as_triple(stride)
    found = []
    for o, (b, x, y, z) in enumerate(outputs):
        for k, (dx, dy, dz) in enumerate(window(size, dilation)):
            i = row_of.get((b, x * s[0] + dx, y * s[1] + dy, z * s[2] + dz))
            if i is not None:
                found.append((k, i, o))
    return found


def apply_pairs(feats: Tensor, weight: Tensor, triples, num_out: int, bias=None) -> Tensor:
    """The sum of ``x[i] @ weight[k]`` per output, in float64, differentiable."""
    rows: list[list[Tensor]] = [[] for _ in range(num_out)]
    for k, i, o in triples:
        rows[o].append(feats[i].double() @ weight[k].double())
    zero = (feats.sum() * 0 + weight.sum() * 0).double().expand(weight.shape[2])
    out = torch.stack([torch.stack([zero, *row]).sum(0) for row in rows])
    return out if bias is None else out + bias.double()


def random_batch(seed: int = 0, voxels: int = 60, side: int = 5) -> Tensor:
    """(V, 4) int32 in random order: a crowded sample, an empty one, a single voxel, another."""
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for sample, number in ((0, voxels), (2, 1), (3, voxels // 2)):
        xyz = torch.randint(-side, side, (number, 3), generator=generator)
        parts.append(torch.cat([torch.full((number, 1), sample), xyz], 1))
    coords = torch.unique(torch.cat(parts), dim=0)
    return coords[torch.randperm(len(coords), generator=generator)].to(torch.int32)
