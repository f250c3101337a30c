"""From voxels back to points and from points into the voxels of any level."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor

from pcseg.errors import ConfigError, DataError
from pcseg.ops import segment_mean
from pcseg.sparse.tensor import SparseTensor


@dataclass(frozen=True)
class Interpolation:
    """From which voxels each point takes its features; good for any features on that level.

    Attributes:
        rows: (N, 8) int64 rows of the tensor; 0 where `weights` is 0.
        weights: (N, 8) that sum to 1, or to 0 for a point with no voxel around it.
    """

    rows: Tensor
    weights: Tensor


def devoxelize(
    tensor: SparseTensor, points: Tensor | Interpolation, mode: str = "nearest"
) -> Tensor:
    """Give points the features of the voxels around them. Differentiable in the features.

    Args:
        tensor: features on voxels of any stride.
        points: for ``"nearest"`` the (N,) int64 row of each point, as `voxelize` returns it (or
            `point_rows` for other levels); rows below 0 give zeros. For ``"trilinear"``
            (N, 4) floating point [batch, x, y, z] in units of the finest voxels, that is metres
            divided by the voxel size; or the result of `interpolation`, to use it more than once.
        mode: ``"nearest"`` or ``"trilinear"``.

    Returns:
        (N, C) features in the order of the points.

    Raises:
        ConfigError: for another mode.
        DataError: if `points` is not what the mode needs.
    """
    if mode == "nearest":
        if isinstance(points, Interpolation) or points.dim() != 1 or points.is_floating_point():
            raise DataError("devoxelize by 'nearest' needs the (N,) integer rows of the points.")
        # -1 then is the row of zeros behind the last voxel: also where there is no voxel at all.
        nothing = tensor.feats.new_zeros((1, tensor.num_channels))
        return torch.cat([tensor.feats, nothing])[points.clamp(min=-1)]
    if mode != "trilinear":
        raise ConfigError(f"points take features by nearest or trilinear, not by '{mode}'.")
    if isinstance(points, Tensor):
        points = interpolation(tensor, points)
    weights = points.weights.to(tensor.feats.dtype)
    if len(tensor) == 0:
        return tensor.feats.sum() + tensor.feats.new_zeros((len(weights), tensor.num_channels))
    # One corner at a time: eight gathers of (N, C) at once would be the peak of memory.
    result = tensor.feats[points.rows[:, 0]] * weights[:, :1]
    for corner in range(1, 8):
        result = result + tensor.feats[points.rows[:, corner]] * weights[:, corner, None]
    return result


def interpolation(tensor: SparseTensor, points: Tensor) -> Interpolation:
    """Trilinear weights of the up to eight existing voxels around each point, summing to 1.

    A voxel's feature sits at the voxel's centre. A point inside an existing voxel always finds
    at least that one.

    Args:
        tensor: on any level.
        points: (N, 4) floating point [batch, x, y, z] in units of the finest voxels; float64 for
            clouds of kilometres.

    Raises:
        DataError: for another shape.
    """
    batch, position = _split(points, tensor)
    position = position - 0.5
    corner0 = torch.floor(position)
    fraction = position - corner0
    rows, weights = [], []
    for corner in itertools.product((0, 1), repeat=3):
        step = position.new_tensor(corner)
        weight = (1 - step - fraction).abs().prod(1)
        row = tensor.level.find(torch.cat([batch, (corner0 + step).long()], 1))
        rows.append(row.clamp(min=0))
        weights.append(torch.where(row >= 0, weight, 0))
    all_weights = torch.stack(weights, 1)
    total = all_weights.sum(1, keepdim=True)
    return Interpolation(torch.stack(rows, 1), all_weights / torch.where(total > 0, total, 1))


def point_rows(tensor: SparseTensor, points: Tensor) -> Tensor:
    """(N,) int64: the row of the voxel each point lies in; -1 where there is no such voxel.

    Args:
        tensor: on any level.
        points: (N, 4) floating point [batch, x, y, z] in units of the finest voxels.

    Raises:
        DataError: for another shape.
    """
    batch, position = _split(points, tensor)
    return tensor.level.find(torch.cat([batch, torch.floor(position).long()], 1))


def average_points(tensor: SparseTensor, feats: Tensor, rows: Tensor) -> SparseTensor:
    """Average features of points into the voxels of a tensor: the way back from `devoxelize`.

    Args:
        tensor: gives the voxels; its features do not matter.
        feats: (N, C) features of points.
        rows: (N,) int64 row of each point, from `voxelize` or `point_rows`; points with -1 are
            left out.

    Returns:
        (V, C) means on the voxels of `tensor`; 0 for voxels without points.
    """
    inside = rows >= 0
    if not bool(inside.all()):
        feats, rows = feats[inside], rows[inside]
    return tensor.replace(segment_mean(feats, rows, len(tensor)))


def _split(points: Tensor, tensor: SparseTensor) -> tuple[Tensor, Tensor]:
    if points.dim() != 2 or points.shape[1] != 4 or not points.is_floating_point():
        raise DataError(
            "points must be (N, 4) floating point [batch, x, y, z] in units of the finest voxels, "
            f"not {tuple(points.shape)} {points.dtype}."
        )
    stride = torch.tensor(tensor.stride, dtype=points.dtype, device=points.device)
    return points[:, :1].long(), points[:, 1:] / stride
