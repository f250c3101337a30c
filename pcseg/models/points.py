"""Points: the raw points of a batch beside its voxels, for networks that look at both."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Points:
    """N points of a batch of scans.

    Attributes:
        feats: (N, C) float features.
        coords: (N, 3) float coordinates in voxel edges (voxel i covers i..i+1 along an axis).
        batch: (N,) int64 index of the scan in the batch.
        inverse: (N,) int64 row of the voxel that holds the point.
    """

    feats: Tensor
    coords: Tensor
    batch: Tensor
    inverse: Tensor

    def replace(self, feats: Tensor) -> Points:
        """The same points with other features."""
        return replace(self, feats=feats)

    def to(self, device: torch.device) -> Points:
        """The same points on another device."""
        moved = {name: value.to(device) for name, value in vars(self).items()}
        return Points(**moved)
