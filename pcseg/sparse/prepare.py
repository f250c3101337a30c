"""Preparing: the levels and maps of a whole network, built together before its first layer."""

from __future__ import annotations

from collections.abc import Sequence

from pcseg.sparse.backends import pick_backend
from pcseg.sparse.kernel import make_kernel, triple
from pcseg.sparse.keys import Triple
from pcseg.sparse.level import Level
from pcseg.sparse.tensor import SparseTensor


def build_maps(
    tensor: SparseTensor,
    strides: Sequence[int | Triple] = (2, 2, 2, 2),
    kernel_sizes: Sequence[int | Triple] = (3,),
    stride_kernel_size: int | Triple = 2,
) -> list[Level]:
    """Build the levels of a U-Net and the maps on and between them.

    Layers would build each of them when they come to it. On a CUDA device, where the host has to
    wait for the number of voxels of every coarser level, it is better to wait when nothing else is
    under way than in the middle of the network: all waiting is done first.

    Args:
        tensor: the input of the network; its layers find the maps in its cache.
        strides: from each level to the next.
        kernel_sizes: of the submanifold layers, on every level.
        stride_kernel_size: of the strided layers and their inverses.

    Returns:
        The levels, the finest first.

    Raises:
        ConfigError: for sizes that are not possible.
        DataError: if voxels are repeated or too far apart.
    """
    backend, maps = pick_backend(tensor.device), tensor.maps
    levels = [tensor.level]
    for stride in strides:
        levels.append(maps.coarser(levels[-1], triple(stride, "stride"), backend))
    for level in levels:
        for size in kernel_sizes:
            maps.kernel_map(level, level, make_kernel(size), backend)
    for fine, coarse, stride in zip(levels, levels[1:], strides, strict=False):
        maps.kernel_map(fine, coarse, make_kernel(stride_kernel_size, stride), backend)
    return levels
