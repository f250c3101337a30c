"""The bird's-eye view: voxel features and labels laid flat on a square grid around the sensor."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pcseg import sparse
from pcseg.ops import segment_max
from pcseg.sparse import SparseTensor


@dataclass(frozen=True)
class Grid:
    """Square cells of `cell` metres that cover ± `reach` metres along x and y."""

    reach: float
    cell: float

    @property
    def side(self) -> int:
        """Cells along each axis."""
        return math.ceil(2 * self.reach / self.cell - 1e-9)

    def rows(self, tensor: SparseTensor, voxel_size: float) -> tuple[Tensor, Tensor]:
        """In which cell the centre of each voxel lies.

        Args:
            tensor: voxels on the finest level.
            voxel_size: metres.

        Returns:
            inside: (V,) bool, whether the grid covers it.
            rows: (I,) int64 for those: ``(scan * side + y) * side + x``.
        """
        centre = (tensor.coords[:, 1:3] + 0.5) * voxel_size
        place = torch.floor((centre + self.reach) / self.cell).long()
        inside = ((place >= 0) & (place < self.side)).all(1)
        x, y = place[inside].T
        return inside, (tensor.batch_index[inside] * self.side + y) * self.side + x


def flat_features(tensor: SparseTensor, grid: Grid, voxel_size: float) -> Tensor:
    """(B, C, side, side): the largest of each channel in the column above a cell; 0 where empty."""
    inside, rows = grid.rows(tensor, voxel_size)
    cells = tensor.batch_size * grid.side**2
    flat = segment_max(tensor.feats[inside], rows, cells)
    return flat.view(tensor.batch_size, grid.side, grid.side, -1).permute(0, 3, 1, 2)


def flat_labels(
    tensor: SparseTensor, labels: Tensor, grid: Grid, voxel_size: float, num_classes: int
) -> Tensor:
    """(B, side, side) int64: the most frequent label of a cell's voxels; -1 where there is none.

    Args:
        tensor: gives the voxels.
        labels: (V,) int64 of them, -1 where not labelled.
        grid: the cells.
        voxel_size: metres.
        num_classes: K of the labels.
    """
    inside, rows = grid.rows(tensor, voxel_size)
    cells = tensor.batch_size * grid.side**2
    flat = sparse.pool_labels(labels[inside], rows, cells, num_classes)
    return flat.view(tensor.batch_size, grid.side, grid.side)
