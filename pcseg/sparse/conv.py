"""Convolution layers: submanifold, strided, and the inverse of strided."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from pcseg.errors import ConfigError, DataError
from pcseg.sparse.backends import pick_backend
from pcseg.sparse.functional import convolve
from pcseg.sparse.kernel import Kernel, make_kernel
from pcseg.sparse.kernel_map import KernelMap
from pcseg.sparse.level import Level
from pcseg.sparse.tensor import SparseTensor


class Convolution(nn.Module):
    """What all convolutions share: weight (K, Cin, Cout) and bias (Cout,), and applying them.

    Both are initialised as those of nn.Conv3d. A subclass says where the way leads: its `route`.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: Kernel, bias: bool) -> None:
        super().__init__()
        if in_channels < 1 or out_channels < 1:
            raise ConfigError(
                f"a convolution from {in_channels} to {out_channels} channels is impossible."
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel = kernel
        self.weight = nn.Parameter(torch.empty(kernel.volume, in_channels, out_channels))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew, uniform within one over the root of the fan-in."""
        bound = 1 / math.sqrt(self.in_channels * self.kernel.volume)
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            nn.init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """The arguments, for printing the module."""
        kernel = self.kernel
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={kernel.size}, "
            f"stride={kernel.stride}, dilation={kernel.dilation}, bias={self.bias is not None}"
        )

    def route(self, tensor: SparseTensor) -> tuple[Level, KernelMap]:
        """The level of the output and the map that leads there, built if nobody needed it yet."""
        raise NotImplementedError

    def route_key(self, level: Level) -> tuple[Any, ...]:
        """What the route from `level` is called in the plan; the same for every scan."""
        kernel = self.kernel
        return (level.number, type(self).__name__, kernel.size, kernel.stride, kernel.dilation)

    def forward(self, tensor: SparseTensor) -> SparseTensor:
        """(V, Cin) to (V', Cout)."""
        level, kernel_map = route(self, tensor)
        feats = convolve(tensor.feats, self.weight, kernel_map, self.bias)
        return SparseTensor.on(level, feats, tensor.maps)

    def _checked(self, tensor: SparseTensor) -> SparseTensor:
        if tensor.num_channels != self.in_channels:
            raise DataError(
                f"{type(self).__name__}({self.extra_repr()}) was given a tensor of "
                f"{tensor.num_channels} channels: {tensor}."
            )
        return tensor


class SubMConv3d(Convolution):
    """Submanifold convolution: output on the same voxels, ``y[o] = sum_d W[d] x[o + d]``.

    Offsets `d` run over ``-(k // 2)..k // 2`` for odd sizes and ``0..k - 1`` for even ones, times
    the dilation; empty voxels contribute nothing and stay empty.

    Args:
        in_channels: Cin.
        out_channels: Cout.
        kernel_size: 1 to 5, a number or (x, y, z).
        dilation: a number or (x, y, z).
        bias: whether to add a learned bias.

    Raises:
        ConfigError: for sizes that are not possible.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int] = 3,
        dilation: int | Sequence[int] = 1,
        bias: bool = False,
    ) -> None:
        super().__init__(in_channels, out_channels, make_kernel(kernel_size, 1, dilation), bias)

    def route(self, tensor: SparseTensor) -> tuple[Level, KernelMap]:
        """The same level."""
        level, maps = self._checked(tensor).level, tensor.maps
        backend = pick_backend(tensor.device)
        return level, maps.kernel_map(level, level, self.kernel, backend)


class SparseConv3d(Convolution):
    """Strided convolution onto the voxels ``floor(c / stride)``.

    ``y[o] = sum_d W[d] x[o * stride + d]``, offsets as in `SubMConv3d`. On a filled
    grid this is conv3d with padding ``k // 2`` for odd sizes and none for even ones.

    Args:
        in_channels: Cin.
        out_channels: Cout.
        kernel_size: 1 to 5, a number or (x, y, z).
        stride: a number or (x, y, z). With stride 1 the voxels stay the same.
        dilation: a number or (x, y, z).
        bias: whether to add a learned bias.

    Raises:
        ConfigError: for sizes that are not possible.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int] = 2,
        stride: int | Sequence[int] = 2,
        dilation: int | Sequence[int] = 1,
        bias: bool = False,
    ) -> None:
        kernel = make_kernel(kernel_size, stride, dilation)
        super().__init__(in_channels, out_channels, kernel, bias)

    def route(self, tensor: SparseTensor) -> tuple[Level, KernelMap]:
        """The coarser level."""
        backend, maps = pick_backend(self._checked(tensor).device), tensor.maps
        coarse = maps.coarser(tensor.level, self.kernel.stride, backend)
        return coarse, maps.kernel_map(tensor.level, coarse, self.kernel, backend)


class SparseInverseConv3d(Convolution):
    """The way back from a `SparseConv3d`: output on the voxels that layer started from.

    ``y[i] = sum of W[d] x[o]`` over the pairs ``i = o * stride + d`` of the strided layer: the
    transposed convolution, restricted to the finer voxels. The kernel map is the strided layer's,
    with its two sides swapped; stride and finer voxels are those of the layer that made this level.

    Args:
        in_channels: Cin.
        out_channels: Cout.
        kernel_size: 1 to 5, a number or (x, y, z).
        dilation: a number or (x, y, z).
        bias: whether to add a learned bias.

    Raises:
        ConfigError: for sizes that are not possible.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int] = 2,
        dilation: int | Sequence[int] = 1,
        bias: bool = False,
    ) -> None:
        super().__init__(in_channels, out_channels, make_kernel(kernel_size, 1, dilation), bias)

    def route(self, tensor: SparseTensor) -> tuple[Level, KernelMap]:
        """The finer level.

        Raises:
            DataError: if no strided layer made this tensor's level.
        """
        coarse, fine = self._checked(tensor).level, tensor.level.parent
        if fine is None:
            raise DataError(
                f"SparseInverseConv3d was given {tensor}, which no strided layer made, so there "
                "are no finer voxels to return to. Give it a tensor that comes from a "
                "SparseConv3d or a strided pooling of the same forward pass."
            )
        x, y, z = (c // f for c, f in zip(coarse.stride, fine.stride, strict=True))
        kernel = Kernel(self.kernel.size, (x, y, z), self.kernel.dilation)
        down = tensor.maps.kernel_map(fine, coarse, kernel, pick_backend(tensor.device))
        return fine, down.transposed


def route(layer: Convolution, tensor: SparseTensor) -> tuple[Level, KernelMap]:
    """``layer.route(tensor)``, which a compiler that is tracing takes from the plan if it can."""
    if not torch.compiler.is_compiling():
        return layer.route(tensor)
    planned = tensor.maps.routes.get(layer.route_key(tensor.level))
    if planned is not None:
        return planned
    # Imported while tracing only, for it loads the compiler.
    from pcseg.sparse.tracing import untraced_route

    found: tuple[Level, KernelMap] = untraced_route(layer, tensor)
    return found


def plan_routes(network: nn.Module, tensor: SparseTensor) -> None:
    """Where `network` is being compiled, build all its maps before the rest is traced.

    One interruption of the tracing, here, takes the place of one in every convolution. In eager
    mode nothing happens: layers find their maps themselves.

    Args:
        network: its convolutions are followed in the order in which they were registered, which
            has to be the order in which they are called.
        tensor: the input of the network.
    """
    if torch.compiler.is_compiling():
        from pcseg.sparse.tracing import untraced_plan

        untraced_plan(network, tensor)
