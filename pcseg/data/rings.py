"""Which beam of the sensor measured each point, where the file does not say."""

from __future__ import annotations

import numpy as np

from pcseg.data.scan import Scan

_MOST_BEAMS = 256
_LEAST_POINTS_A_BEAM = 8
_BACKWARD_RAD = 0.5
"""Going back by more than this starts a new ring; azimuth noise within a ring is far smaller."""
_SEAM_RAD = 0.1


def ring_numbers(scan: Scan, beams: int = 64) -> np.ndarray:
    """The beam of each point, 0 for the highest.

    Taken from ``attrs["ring"]`` if there; else, for files that list ring after ring (as
    SemanticKITTI does), by counting how often the azimuth starts anew; else by elevation, in
    `beams` equal steps.

    Returns:
        (N,) int64. Numbers from the file are handed on as they are.
    """
    if "ring" in scan.attrs:
        return scan.attrs["ring"].astype(np.int64)
    by_order = rings_by_order(scan.xyz)
    return by_order if by_order is not None else rings_by_elevation(scan.xyz, beams)


def rings_by_order(xyz: np.ndarray) -> np.ndarray | None:
    """Count the azimuth's fresh starts, for points (N, 3) listed ring after ring.

    Returns:
        (N,) int64 ring numbers, 0 for the highest, or None if the points are not listed so.
    """
    if len(xyz) < 2 * _LEAST_POINTS_A_BEAM:
        return None
    azimuth = np.arctan2(xyz[:, 1].astype(np.float64), xyz[:, 0])
    elevation = np.arctan2(xyz[:, 2].astype(np.float64), np.hypot(xyz[:, 0], xyz[:, 1]))
    step = np.diff(azimuth)
    turning = np.sign(np.median(step[np.abs(step) < _BACKWARD_RAD])) if len(step) else 0.0
    # Rings begin ahead of the sensor (raw files) or behind it (unrolled range images). Only at
    # the true beginning does the elevation change, so the seam with the larger change is it.
    seams = [_starts(turning * azimuth - seam) for seam in (0.0, np.pi)]
    starts = max(seams, key=lambda found: _change(elevation, found))
    rings = np.concatenate([[0], np.cumsum(starts)])
    num_rings = int(rings[-1]) + 1
    if num_rings > _MOST_BEAMS or len(xyz) < _LEAST_POINTS_A_BEAM * num_rings:
        return None
    return _numbered_from_top(rings - rings.min(), elevation)


def rings_by_elevation(xyz: np.ndarray, beams: int = 64) -> np.ndarray:
    """Sort points (N, 3) into `beams` equal steps of elevation, 0 for the highest: (N,) int64."""
    if len(xyz) == 0:
        return np.zeros(0, np.int64)
    elevation = np.arctan2(xyz[:, 2], np.hypot(xyz[:, 0], xyz[:, 1]))
    # Stray points above and below must not stretch the steps.
    low, high = np.percentile(elevation, [0.5, 99.5])
    share = (high - elevation) / max(high - low, 1e-6)
    return np.clip((share * beams).astype(np.int64), 0, beams - 1)


def _starts(azimuth: np.ndarray) -> np.ndarray:
    """(N-1,) int: 1 where a ring starts, -1 where noise steps back across the seam."""
    circle = azimuth % (2 * np.pi)
    step = np.diff(circle)
    back_across = (circle[:-1] < _SEAM_RAD) & (circle[1:] > 2 * np.pi - _SEAM_RAD)
    return (step < -_BACKWARD_RAD).astype(np.int64) - back_across


def _change(elevation: np.ndarray, starts: np.ndarray) -> float:
    at = np.flatnonzero(starts == 1)
    return float(np.median(np.abs(elevation[at + 1] - elevation[at]))) if len(at) else 0.0


def _numbered_from_top(rings: np.ndarray, elevation: np.ndarray) -> np.ndarray | None:
    """Rings must follow each other downwards (or upwards); else the order means something else."""
    sizes = np.bincount(rings)
    means = np.bincount(rings, elevation) / np.maximum(sizes, 1)
    steps = np.sign(np.diff(means[sizes > 0]))
    if len(steps) and np.abs(steps.sum()) < 0.8 * len(steps):
        return None
    return rings if steps.sum() <= 0 else rings.max() - rings
