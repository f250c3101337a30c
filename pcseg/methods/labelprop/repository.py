"""Propagation as the authors' code does it: a grid built anew, large voxels, brute force.

Also the yardstick of the speed benchmark. What differs from `propagation` is listed in README.md.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit


def propagate_as_repository(
    past_xyz: np.ndarray,
    past_labels: np.ndarray,
    past_confidence: np.ndarray,
    xyz: np.ndarray,
    num_classes: int,
    voxel: float = 0.8,
    radius: float = 0.3,
) -> tuple[np.ndarray, np.ndarray]:
    """Carry labels by the points of a voxel and its six face neighbours, the own voxel twice.

    Args:
        past_xyz: (M, 3) float32.
        past_labels: (M,) int32, -1 for none.
        past_confidence: (M,) float32.
        xyz: (N, 3) float32 new scan.
        num_classes: K.
        voxel: edge of a voxel, metres.
        radius: d0, metres.

    Returns:
        (N,) int32 labels and (N,) float32 confidences, -1 and 0 where nothing is near.
    """
    labels = np.full(len(xyz), -1, np.int32)
    confidence = np.zeros(len(xyz), np.float32)
    if not len(past_xyz) or not len(xyz):
        return labels, confidence
    low = np.minimum(past_xyz.min(0), xyz.min(0)).astype(np.float64)
    high = np.maximum(past_xyz.max(0), xyz.max(0)).astype(np.float64)
    extent = np.floor((high - low) / voxel).astype(np.int64) + 3  # a border of one voxel around
    keys = _voxel_keys(past_xyz, low, voxel, extent)
    order = np.argsort(keys, kind="stable")
    occupied, starts = np.unique(keys[order], return_index=True)
    starts = np.append(starts, len(keys))
    _seven_voxels(
        occupied, starts, past_xyz[order], past_labels[order], past_confidence[order], xyz,
        _voxel_keys(xyz, low, voxel, extent), _steps(extent), radius, num_classes,
        labels, confidence,
    )  # fmt: skip
    return labels, confidence


def _voxel_keys(xyz: np.ndarray, low: np.ndarray, voxel: float, extent: np.ndarray) -> np.ndarray:
    cells = np.floor((xyz - low) / voxel).astype(np.int64) + 1
    keys: np.ndarray = (cells[:, 2] * extent[1] + cells[:, 1]) * extent[0] + cells[:, 0]
    return keys


def _steps(extent: np.ndarray) -> np.ndarray:
    """(8,) what to add to a key for the own voxel, and again, and its six face neighbours."""
    x, y, z = 1, int(extent[0]), int(extent[0] * extent[1])
    return np.array([0, 0, x, -x, y, -y, z, -z])


@njit(nogil=True, cache=True, error_model="numpy")
def _seven_voxels(  # type: ignore[no-untyped-def]
    occupied, starts, past, past_labels, past_confidence, xyz, keys, steps, radius, classes,
    labels, confidence,
):  # fmt: skip
    weights, sums = np.zeros(classes + 1), np.zeros(classes + 1)
    counts = np.zeros(classes + 1, np.int64)
    sigma = radius * radius / math.log(2.0)
    for i in range(len(xyz)):
        weights[:] = 0.0
        sums[:] = 0.0
        counts[:] = 0
        for step in steps:
            voxel = np.searchsorted(occupied, keys[i] + step)
            if voxel == len(occupied) or occupied[voxel] != keys[i] + step:
                continue
            for j in range(starts[voxel], starts[voxel + 1]):
                away = 0.0
                for axis in range(3):
                    away += (np.float64(past[j, axis]) - np.float64(xyz[i, axis])) ** 2
                weight = math.exp(-away / sigma) * past_confidence[j]
                if weight > 0.5:
                    weights[past_labels[j] + 1] += weight
                    sums[past_labels[j] + 1] += past_confidence[j]
                    counts[past_labels[j] + 1] += 1
        most = 0.0
        for label in range(classes + 1):
            if weights[label] > most:
                most = weights[label]
                labels[i] = label - 1
                confidence[i] = sums[label] / counts[label]
