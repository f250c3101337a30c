"""The laser's power and the sensor's noise floor, estimated from what the ground sends back.

Hahner et al., "LiDAR Snowfall Simulation for Robust 3D Object Detection" (CVPR 2022), section 3.3,
as in the scripts of Robo3D.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pcseg.data.scan import Scan

POWER_FACTOR = 15.0
"""How much more power there is than the ground sends back."""

_DISTANCES, _NEAREST_M, _FARTHEST_M = 50, 10.0, 70.0
_LEVELS, _LOWEST = 2555, 5.0
_LEAST_BINS = 3


@dataclass(frozen=True)
class Laser:
    """What is sent and what is lost in noise at the ground points of a scan.

    Attributes:
        cosine: (G,) of the angle of incidence on flat ground; NaN for points above the sensor.
        distance: (G,) metres.
        power: (G,) intensity sent out, in units of the scan's intensities.
        noise: (G,) the least intensity face on that is still noticed.
    """

    cosine: np.ndarray
    distance: np.ndarray
    power: np.ndarray
    noise: np.ndarray


def estimate(ground: Scan, intensity: np.ndarray, noise_floor: float) -> Laser | None:
    """Fit power and noise linearly in the distance.

    Args:
        ground: the points of the ground.
        intensity: (G,) float64 of them, on the scale that is wanted.
        noise_floor: share of the weakest echoes' intensity below which all is noise.

    Returns:
        None if there are too few points to fit a line.
    """
    xyz = ground.xyz.astype(np.float64)
    distance = np.linalg.norm(xyz, axis=1)
    below = xyz[:, 2] < 0
    cosine = np.where(below, -xyz[:, 2] / np.where(below, distance, 1.0), np.nan)
    used = np.isfinite(cosine)
    if used.sum() < _LEAST_BINS or np.ptp(distance[used]) == 0:
        return None
    face_on = intensity[used] / cosine[used]
    line = _fit(distance[used], face_on)
    weakest = _weakest(distance[used], face_on)
    floor = line if len(weakest[0]) <= _LEAST_BINS else _fit(*weakest)
    power = POWER_FACTOR * (line[0] * distance + line[1])
    return Laser(cosine, distance, power, noise_floor * (floor[0] * distance + floor[1]))


def _weakest(distance: np.ndarray, face_on: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For bins of distance, the level of intensity with the fewest echoes, the lowest of equals.

    Levels up to 5 are not looked at, nor those bins whose level would be the lowest.
    """
    if not face_on.max() > _LOWEST:
        return np.zeros(0), np.zeros(0)
    counts, edges, levels = np.histogram2d(
        distance,
        face_on,
        bins=(_DISTANCES, _LEVELS),
        range=((_NEAREST_M, _FARTHEST_M), (_LOWEST, float(face_on.max()))),
    )
    level = levels[np.where(counts == 0, len(distance), counts).argmin(1)]
    above = level > _LOWEST
    return (edges[:-1] + edges[1:])[above] / 2.0, level[above]


def _fit(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of the least-squares line."""
    spread = x - x.mean()
    total = float(spread @ spread)
    slope = float(spread @ (y - y.mean())) / total if total else 0.0
    return slope, float(y.mean() - slope * x.mean())
