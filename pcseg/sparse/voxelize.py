"""Voxelisation: points into voxels, and what points carry into what voxels carry.

Every function takes NumPy arrays or torch tensors and returns the same kind. The NumPy ways start
no threads, so they are safe in the forked workers of a DataLoader.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pcseg.errors import ConfigError, DataError
from pcseg.ops import segment_max, segment_mean
from pcseg.sparse.keys import Array, fit_keys

_INT32_MAX = 2**31 - 1
_IGNORE = -1
"""The label of points that are not scored, as everywhere in pcseg."""


def voxelize(
    xyz: Array, voxel_size: float | Sequence[float], batch: Array | None = None
) -> tuple[Array, Array]:
    """Find the occupied voxels of a cloud.

    A point belongs to voxel ``floor(xyz / voxel_size)``, computed in float64, negative
    coordinates included.

    Args:
        xyz: (N, 3) metres.
        voxel_size: edge length in metres, or one for each axis.
        batch: (N,) integer sample of each point, from 0; by default all points are of sample 0.

    Returns:
        coords: (V, 4) int32 [batch, x, y, z], distinct, in key order (by batch, then x, y, z).
        inverse: (N,) int64, the row of `coords` for each point.

    Raises:
        DataError: for coordinates that are not finite or too large for the voxel size.
        ConfigError: for a voxel size that is not positive.
    """
    cells = _cells(xyz, voxel_size)
    if batch is not None and len(batch) != len(xyz):
        raise DataError(f"{len(batch)} batch indices for {len(xyz)} points.")
    if isinstance(xyz, Tensor):
        first = xyz.new_zeros(len(xyz)) if batch is None else batch
        coords = torch.cat([first.to(torch.int32)[:, None], cells.to(torch.int32)], 1)
        space = fit_keys(coords)
        keys, inverse = torch.unique(space.keys(coords), return_inverse=True)
        return space.coords(keys), inverse
    first = np.zeros(len(xyz), np.int32) if batch is None else batch
    coords = np.column_stack([first.astype(np.int32), cells.astype(np.int32)])
    space = fit_keys(coords)
    keys, inverse = np.unique(space.keys(coords), return_inverse=True)
    return space.coords(keys), inverse.reshape(-1)


def pool_features(feats: Array, inverse: Array, num_voxels: int, mode: str = "mean") -> Array:
    """Pool the features of the points of each voxel.

    Args:
        feats: (N, C) floating point.
        inverse: (N,) int64 voxel of each point.
        num_voxels: V.
        mode: ``"mean"``, ``"max"``, or ``"first"`` (of the first point in the order given).

    Returns:
        (V, C) in the dtype of `feats`; 0 for voxels without points.

    Raises:
        ConfigError: for another mode.
    """
    if mode not in ("mean", "max", "first"):
        raise ConfigError(f"features are pooled by mean, max or first, not by '{mode}'.")
    if mode == "first":
        return _of_first(feats, inverse, num_voxels, 0)
    if isinstance(feats, Tensor):
        reduce = segment_mean if mode == "mean" else segment_max
        return reduce(feats, inverse, num_voxels)
    operation = np.add if mode == "mean" else np.maximum
    pooled, counts = _reduce_groups(operation, feats, inverse, num_voxels)
    if mode == "mean":
        pooled /= np.maximum(counts, 1)[:, None]
    return pooled.astype(feats.dtype)


def pool_labels(
    labels: Array, inverse: Array, num_voxels: int, num_classes: int, mode: str = "mode"
) -> Array:
    """Give each voxel one label of its points.

    Args:
        labels: (N,) int64 train ids, -1 where not scored.
        inverse: (N,) int64 voxel of each point.
        num_voxels: V.
        num_classes: labels are below this.
        mode: ``"mode"``, the most frequent scored label, the lowest of equals, and -1 only if no
            point of the voxel is scored; or ``"first"``, the label of the first point.

    Returns:
        (V,) int64; -1 for voxels without points.

    Raises:
        ConfigError: for another mode.
        DataError: for a label that is not below `num_classes`.
    """
    if mode not in ("mode", "first"):
        raise ConfigError(f"labels are pooled by mode or first, not by '{mode}'.")
    if len(labels) and not -1 <= int(labels.min()) <= int(labels.max()) < num_classes:
        raise DataError(
            f"labels from {int(labels.min())} to {int(labels.max())} are not train ids of "
            f"{num_classes} classes (-1 to {num_classes - 1})."
        )
    if mode == "first":
        return _of_first(labels, inverse, num_voxels, _IGNORE)
    scored = labels >= 0
    pairs = inverse[scored] * num_classes + labels[scored]
    # One number for each (voxel, label) that is larger for more points, then for the lower label.
    if isinstance(labels, Tensor):
        distinct, count = torch.unique(pairs, return_counts=True)
        rank = count * num_classes + (num_classes - 1 - distinct % num_classes)
        best = segment_max(rank, distinct // num_classes, num_voxels)
        return torch.where(best > 0, num_classes - 1 - best % num_classes, _IGNORE)
    distinct, count = np.unique(pairs, return_counts=True)
    rank = count * num_classes + (num_classes - 1 - distinct % num_classes)
    best, _ = _reduce_groups(np.maximum, rank, distinct // num_classes, num_voxels)
    return np.where(best > 0, num_classes - 1 - best % num_classes, _IGNORE).astype(np.int64)


def _cells(xyz: Array, voxel_size: float | Sequence[float]) -> Array:
    size = np.broadcast_to(np.asarray(voxel_size, np.float64), (3,))
    if not (np.isfinite(size).all() and (size > 0).all()):
        raise ConfigError(f"voxel_size is {voxel_size!r}, but must be a positive length in metres.")
    if xyz.ndim != 2 or xyz.shape[1] != 3:
        raise DataError(f"points must be (N, 3), not {tuple(xyz.shape)}.")
    if isinstance(xyz, Tensor):
        cells: Any = torch.floor(xyz.double() / torch.tensor(size, device=xyz.device))
    else:
        cells = np.floor(xyz.astype(np.float64) / size)
    largest = abs(cells).max() if len(cells) else 0.0
    # Written so that NaN, which compares false with everything, fails too.
    if not largest <= _INT32_MAX:
        raise DataError(
            "points cannot be voxelised: a coordinate is not finite, or lies more than 2^31 "
            f"voxels of {voxel_size} m from the origin. Remove such points (Scan.select), or "
            "subtract an offset first."
        )
    return cells


def _of_first(values: Array, inverse: Array, num_voxels: int, empty: int) -> Array:
    """Values of the first point of each voxel; `empty` where a voxel has none."""
    if isinstance(values, Tensor):
        number = torch.arange(len(values), device=values.device)
        first: Any = torch.full((num_voxels,), len(values), device=values.device)
        first = first.scatter_reduce(0, inverse, number, "amin")
        pooled: Any = values.new_full((num_voxels, *values.shape[1:]), empty)
    else:
        first = np.full(num_voxels, len(values))
        first[inverse[::-1]] = np.arange(len(values))[::-1]  # the last assignment stays
        pooled = np.full((num_voxels, *values.shape[1:]), empty, values.dtype)
    there = first < len(values)
    pooled[there] = values[first[there]]
    return pooled


def _reduce_groups(
    operation: np.ufunc, values: np.ndarray, group: np.ndarray, num_groups: int
) -> tuple[np.ndarray, np.ndarray]:
    """Reduce rows by group, in float64 or int64; 0 for empty groups. And the size of each group."""
    wide = values.astype(np.float64 if values.dtype.kind == "f" else np.int64)
    counts = np.bincount(group, minlength=num_groups)
    result = np.zeros((num_groups, *values.shape[1:]), wide.dtype)
    there = counts > 0
    if there.any():
        starts = (np.cumsum(counts) - counts)[there]
        result[there] = operation.reduceat(wide[np.argsort(group, kind="stable")], starts)
    return result, counts
