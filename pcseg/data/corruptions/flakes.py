"""Snowflakes: planes full of them, sampled once for a snowfall, and the optics of an HDL-64E S3."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from pcseg.data.corruptions.suite import SUITE, draws

PLANES = 64
"""One for each laser; which laser looks into which plane is drawn for each scan."""

RADIUS_M = 80.0
NEAR_M = 1.0
"""Flakes this near may be larger than the beam; they are kept apart."""

_SEAM_RAD = 0.05
"""More than a beam and the widest flake beyond `NEAR_M` reach."""

_LARGEST_MM = 20.0
_SNOW_DENSITY = 0.1
_FLAKE_MM = 3.0

FOCAL_DISTANCE_CM = 100.0 * np.array(
    [
        8.0, 12.5, 24.0, 24.0, 18.0, 24.0, 13.0, 24.0,
        23.5, 19.5, 6.5, 21.0, 24.0, 24.0, 14.0, 24.0,
        24.0, 24.0, 24.0, 24.0, 24.0, 24.0, 24.0, 24.0,
        11.0, 21.0, 24.0, 24.0, 24.0, 24.0, 24.0, 24.0,
        12.0, 0.25, 12.0, 9.5, 10.0, 9.5, 9.0, 0.25,
        0.25, 12.0, 0.25, 8.0, 9.5, 9.5, 11.5, 0.25,
        14.5, 11.5, 10.0, 14.5, 9.0, 12.5, 6.5, 12.0,
        9.5, 0.25, 10.0, 0.25, 5.0, 0.25, 10.0, 15.0,
    ]
)  # fmt: skip
"""(64,) of the lasers of a calibrated HDL-64E S3, the one whose file Robo3D uses."""

FOCAL_SLOPE = np.array(
    [
        0.95, 1.0, 0.7, 0.75, 0.5, 0.75, 2.0, 0.75,
        0.4, 0.6, 1.2, 1.1, 0.7, 0.85, 1.2, 0.75,
        0.65, 0.8, 0.7, 0.75, 0.65, 0.75, 0.7, 0.7,
        1.35, 0.65, 1.2, 1.0, 0.6, 0.65, 0.8, 0.75,
        2.0, 0.95, 0.4, 1.45, 1.55, 1.5, 1.35, 1.0,
        0.8, 1.95, 1.05, 1.45, 1.5, 0.4, 2.0, 0.8,
        0.5, 1.7, 1.5, 0.4, 0.4, 1.7, 0.4, 1.65,
        1.6, 0.6, 1.9, 0.55, 0.8, 0.45, 1.1, 0.4,
    ]
)  # fmt: skip
"""(64,) of the same lasers."""

LARGEST_INTENSITY = np.where(np.isin(np.arange(64), [53, 55, 56, 58]), 230.0, 255.0)
"""(64,) that each laser reports."""


@dataclass(frozen=True)
class Planes:
    """Discs that flakes cut out of each plane, in polar coordinates.

    Attributes:
        far: (F, 3) float64 [angle, distance, half the angle it fills], by plane and angle. Those at
            either end of the circle stand at the other end, too, a turn apart.
        far_starts: (65,) int64 where each plane begins in `far`.
        widest: (64,) float64 the largest half angle in each plane of `far`.
        near: (M, 3) float64 the same for flakes within a metre, in no order.
        near_starts: (65,) int64.
    """

    far: np.ndarray
    far_starts: np.ndarray
    widest: np.ndarray
    near: np.ndarray
    near_starts: np.ndarray


def occupancy(rate_mm_h: float, speed_m_s: float) -> float:
    """Share of the volume that flakes fill at a snowfall rate and a terminal speed."""
    return rate_mm_h / (3.6e6 * _SNOW_DENSITY * speed_m_s)


def rainfall_rate(rate_mm_h: float, speed_m_s: float) -> float:
    """Rain of the same visibility, mm/h (Rasmussen et al. 1999, as the snow simulation uses it)."""
    per_speed = 487.0 * _SNOW_DENSITY * (_FLAKE_MM / 1000.0) * speed_m_s
    return float((rate_mm_h / per_speed) ** 1.5)


@cache
def planes(rate_mm_h: float, speed_m_s: float) -> Planes:
    """Sample the flakes of a snowfall in all planes; the same in every process.

    Diameters follow Gunn and Marshall (1958): exponential with a rate of ``25.5 R^-0.48`` per cm,
    R the equivalent rain in mm/h, none above 2 cm. Flakes are added until their discs fill the
    share of the plane that they have of the volume. Discs that overlap are not taken out again, as
    Robo3D does: among tens of thousands there is less than one such pair.

    Args:
        rate_mm_h: of water in the snow.
        speed_m_s: of falling flakes.
    """
    share = occupancy(rate_mm_h, speed_m_s)
    mean_mm = 10.0 / (25.5 * rainfall_rate(rate_mm_h, speed_m_s) ** -0.48)
    rng = draws([SUITE, "snowflakes", rate_mm_h, speed_m_s])
    discs = [_plane(share, mean_mm, rng) for _ in range(PLANES)]
    far = [_around(disc[disc[:, 1] >= NEAR_M]) for disc in discs]
    near = [disc[disc[:, 1] < NEAR_M] for disc in discs]
    return Planes(
        far=np.concatenate(far),
        far_starts=np.cumsum([0, *map(len, far)]),
        widest=np.array([disc[:, 2].max(initial=0.0) for disc in far]),
        near=np.concatenate(near),
        near_starts=np.cumsum([0, *map(len, near)]),
    )


def _around(discs: np.ndarray) -> np.ndarray:
    """Discs by angle, those near the ends of the circle twice."""
    turn = np.array([2.0 * np.pi, 0.0, 0.0])
    ahead = discs[discs[:, 0] < _SEAM_RAD] + turn
    behind = discs[discs[:, 0] > 2.0 * np.pi - _SEAM_RAD] - turn
    found = np.concatenate([behind, discs, ahead])
    return found[np.argsort(found[:, 0], kind="stable")]


def _plane(share: float, mean_mm: float, rng: np.random.Generator) -> np.ndarray:
    """(F, 3) discs of one plane."""
    wanted = share * np.pi * RADIUS_M**2
    found: list[np.ndarray] = []
    filled = 0.0
    expected = wanted / (np.pi / 3.0 * (mean_mm / 1000.0) ** 2)
    while filled < wanted:
        count = int(1.05 * expected) + 16
        diameter = rng.exponential(mean_mm, count)
        diameter = diameter[diameter <= _LARGEST_MM] / 1000.0
        height = rng.uniform(-0.5, 0.5, len(diameter)) * diameter
        radius = np.sqrt((diameter / 2.0) ** 2 - height**2)
        distance = RADIUS_M * np.sqrt(rng.random(len(diameter)))
        angle = rng.uniform(0.0, 2.0 * np.pi, len(diameter))
        beside = distance > radius  # a flake around the sensor is not one
        angle, distance, radius = angle[beside], distance[beside], radius[beside]
        area = filled + np.cumsum(np.pi * radius**2)
        last = int(np.searchsorted(area, wanted)) + 1
        found.append(np.stack([angle, distance, np.arcsin(radius / distance)], 1)[:last])
        filled = float(area[min(last, len(area)) - 1])
    return np.concatenate(found)
