"""The yardstick: searchsorted, index_select, mm and index_add_, with norms that are not fused."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor, nn

from _sparse.engines.base import Engine
from _sparse.engines.ours import Ours
from _sparse.networks import NETWORKS, Shape, point_widths
from _sparse.unet import UNet
from pcseg import sparse
from pcseg.sparse import SparseTensor


class Naive(Ours):
    """pcseg's `torch` backend, which is plain PyTorch, under networks of plain layers."""

    def __init__(self, name: str, device: torch.device) -> None:
        super().__init__(name, device, backend="torch")

    def network(self, name: str, position: Tensor) -> nn.Module:
        """See `Engine.network`."""
        shape = NETWORKS[name]
        return PointUNet(self, shape, position) if shape.points else UNet(self, shape)


class PointUNet(UNet):
    """SPVCNN from plain layers, with a point in each voxel."""

    def __init__(self, engine: Engine, shape: Shape, position: Tensor) -> None:
        super().__init__(engine, shape)
        self.position = position
        self.point_transforms = nn.ModuleList(
            nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU(inplace=True))
            for a, b in itertools.pairwise(point_widths(shape))
        )

    def forward(self, x: Any) -> SparseTensor:
        """(V, 4) to (V, classes)."""
        assert self.classifier is not None
        x = self.stem(x)
        fine = sparse.interpolation(x, self.position)
        z = sparse.devoxelize(x, fine, "trilinear")
        skips = []
        for stage in self.encoder:
            skips.append(x)
            x = stage(x)
        for half in range(2):
            z = sparse.devoxelize(x, self.position, "trilinear") + self.point_transforms[half](z)
            rows = sparse.point_rows(x, self.position)
            x = sparse.average_points(x, z, rows)
            for stage in self.decoder[2 * half : 2 * half + 2]:
                x = stage(x, skips.pop())
        z = sparse.devoxelize(x, fine, "trilinear") + self.point_transforms[2](z)
        return x.replace(self.classifier(z))
