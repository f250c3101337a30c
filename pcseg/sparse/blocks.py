"""What stands between convolutions: norms, activations, any module on features, residual blocks."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import nn

from pcseg.sparse.conv import SubMConv3d
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


class BatchNorm(nn.Module):
    """Batch normalisation over all voxels of all samples.

    A single row has no variance, and no row has no mean: in training both are normalised with the
    running statistics, which stay as they are.

    Args:
        num_channels: C.
        eps: added to the variance.
        momentum: of the running statistics.
    """

    def __init__(self, num_channels: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        # A child and not a base class, so that nn.SyncBatchNorm.convert_sync_batchnorm works.
        self.bn = nn.BatchNorm1d(num_channels, eps, momentum)

    def forward(self, tensor: SparseTensor) -> SparseTensor:
        """(V, C) to (V, C) on the same voxels."""
        norm, feats = self.bn, tensor.feats
        # A synchronised norm sees the rows of all processes and must not be skipped by one.
        if len(feats) > 1 or not norm.training or isinstance(norm, nn.SyncBatchNorm):
            return tensor.replace(norm(feats))
        mean, var = norm.running_mean, norm.running_var
        kept = F.batch_norm(feats, mean, var, norm.weight, norm.bias, False, 0.0, norm.eps)
        return tensor.replace(kept)


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
        self.body = nn.Sequential(
            SubMConv3d(in_channels, out_channels, kernel_size, dilation),
            BatchNorm(out_channels),
            ReLU(inplace=True),
            SubMConv3d(out_channels, out_channels, kernel_size, dilation),
            BatchNorm(out_channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.shortcut = nn.Sequential(
                SubMConv3d(in_channels, out_channels, 1), BatchNorm(out_channels)
            )
        self.relu = ReLU(inplace=True)

    def forward(self, tensor: SparseTensor) -> SparseTensor:
        """(V, Cin) to (V, Cout) on the same voxels."""
        return self.relu(self.body(tensor) + self.shortcut(tensor))
