"""What stands around convolutions: activations, any module on features, chains, residual blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch.nn.functional as F
from torch import nn

from pcseg.sparse.conv import Convolution, SubMConv3d
from pcseg.sparse.fused import convolve_norm
from pcseg.sparse.norm import BatchNorm, is_plain
from pcseg.sparse.tensor import SparseTensor


class OnFeatures(nn.Module):
    """Apply a module for rows, such as nn.Linear or nn.Dropout, to the features of a tensor.

    Args:
        module: takes (V, C) and returns (V, C').
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, tensor: SparseTensor) -> SparseTensor:
        """(V, C) to (V, C') on the same voxels."""
        return tensor.replace(self.module(tensor.feats))


class ReLU(nn.Module):
    """Rectified features.

    Args:
        inplace: whether to overwrite them.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, tensor: SparseTensor) -> SparseTensor:
        """(V, C) to (V, C) on the same voxels."""
        return tensor.replace(F.relu(tensor.feats, self.inplace))


_JOINED = ((Convolution, BatchNorm), (BatchNorm, ReLU))
"""What is taken in one step with what comes before it."""


class Sequential(nn.Sequential):
    """nn.Sequential that takes a convolution, the norm and the ReLU behind it in one step.

    The results are those of the modules one after the other. A module with a hook, or with a
    ``forward`` of its own, is called as such.
    """

    def forward(self, tensor: SparseTensor) -> SparseTensor:
        """Run the modules in order."""
        return _run(self, tensor)


def _run(modules: Iterable[nn.Module], tensor: SparseTensor) -> SparseTensor:
    for step in _steps(modules):
        if len(step) == 1:
            tensor = step[0](tensor)
            continue
        relu = isinstance(step[-1], ReLU)
        if isinstance(step[0], Convolution):
            tensor = convolve_norm(step[0], step[1], tensor, relu=relu)
        else:
            tensor = step[0](tensor, relu=relu)
    return tensor


def _steps(modules: Iterable[Any]) -> list[list[Any]]:
    """Modules that belong together: [convolution], norm, [ReLU]; the others each alone."""
    steps: list[list[Any]] = []
    for module in modules:
        before: Any = steps[-1][-1] if steps else None
        if before is not None and any(_are(kinds, before, module) for kinds in _JOINED):
            steps[-1].append(module)
        else:
            steps.append([module])
    return steps


def _are(kinds: tuple[type[nn.Module], type[nn.Module]], before: Any, module: Any) -> bool:
    # The types first: in most cases they are not those, and are seen at once.
    fit = isinstance(before, kinds[0]) and isinstance(module, kinds[1])
    return fit and is_plain(before, kinds[0]) and is_plain(module, kinds[1])


class ResidualBlock(nn.Module):
    """Two submanifold convolutions with norms around a shortcut: ``relu(conv(conv(x)) + x)``.

    The shortcut is a 1 x 1 x 1 convolution with a norm if the number of channels changes.

    Args:
        in_channels: Cin.
        out_channels: Cout.
        kernel_size: of both convolutions, 1 to 5, a number or (x, y, z).
        dilation: of both convolutions, a number or (x, y, z).

    Raises:
        ConfigError: for sizes that are not possible.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int] = 3,
        dilation: int | Sequence[int] = 1,
    ) -> None:
        super().__init__()
        self.body = Sequential(
            SubMConv3d(in_channels, out_channels, kernel_size, dilation),
            BatchNorm(out_channels),
            ReLU(inplace=True),
            SubMConv3d(out_channels, out_channels, kernel_size, dilation),
            BatchNorm(out_channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.shortcut = Sequential(
                SubMConv3d(in_channels, out_channels, 1), BatchNorm(out_channels)
            )
        self.relu = ReLU(inplace=True)

    def forward(self, tensor: SparseTensor) -> SparseTensor:
        """(V, Cin) to (V, Cout) on the same voxels."""
        modules: list[Any] = list(self.body) if is_plain(self.body, Sequential) else []
        fits = len(modules) > 1 and _are((Convolution, BatchNorm), modules[-2], modules[-1])
        if not fits or not is_plain(self.relu, ReLU):
            return self.relu(self.body(tensor) + self.shortcut(tensor))
        hidden = _run(modules[:-2], tensor)
        return convolve_norm(modules[-2], modules[-1], hidden, self.shortcut(tensor), relu=True)
