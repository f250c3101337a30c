"""Points: the raw points of a batch beside its voxels, for networks that look at both."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass  # not frozen: mixed precision rebuilds batches field by field
class Points:
    """N points of a batch of scans. Modules on features (norms, ReLU) take it like a tensor.

    Attributes:
        feats: (N, C) float features.
        position: (N, 4) float [batch, x, y, z] in edges of the finest voxels.
        rows: (N,) int64 row of the finest voxel that holds the point.
    """

    feats: Tensor
    position: Tensor
    rows: Tensor

    def replace(self, feats: Tensor) -> Points:
        """The same points with other features."""
        return replace(self, feats=feats)

    def to(self, device: torch.device) -> Points:
        """The same points on another device."""
        moved = {name: value.to(device) for name, value in vars(self).items()}
        return Points(**moved)
