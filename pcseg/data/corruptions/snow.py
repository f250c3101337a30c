"""Snow: flakes shade targets and send back echoes of their own.

Hahner et al., "LiDAR Snowfall Simulation for Robust 3D Object Detection" (CVPR 2022), sections 3.1
to 3.3, with the parameters of Robo3D.
"""

from __future__ import annotations

import numpy as np

from pcseg.data.corruptions.flakes import (
    FOCAL_DISTANCE_CM,
    FOCAL_SLOPE,
    LARGEST_INTENSITY,
    PLANES,
    planes,
)
from pcseg.data.corruptions.laser import estimate
from pcseg.data.corruptions.roles import Roles, ground_of, ignored
from pcseg.data.scan import Scan

_SNOWFALL = ((0.5, 2.0), (1.0, 1.6), (2.5, 1.6))
"""Rate (mm/h) and terminal speed (m/s) of each severity."""

_DIVERGENCE_RAD = 3e-3
_NOISE_FLOOR = 0.7
_SAME_PLACE_M = 0.2
_SCALE = 255.0
_UP_DEG, _DOWN_DEG = 3.0, -25.0
"""Field of view whose 64 rows stand for the lasers where a file does not say which one it was."""


def snow(scan: Scan, severity: int, rng: np.random.Generator, roles: Roles) -> Scan:
    """Let flakes into the beams, and leave out what sinks below the noise.

    Each laser looks into a plane of flakes. Where the strongest echo of a beam comes from a flake,
    the point moves there along its ray and is not scored. In a beam with any flake, the target's
    own echo is weighed like a flake's, without regard to its intensity: so do the scripts that made
    Robo3D's files, and without it there would hardly be a flake among the points. The noise floor
    is estimated on the ground, found by the labels.
    """
    ground = ground_of(scan, roles)
    intensity = scan.attrs.get("intensity", np.ones(len(scan), np.float32)) * np.float64(_SCALE)
    channel = _channels(scan)
    distance = np.linalg.norm(scan.xyz.astype(np.float64), axis=1)
    angle = np.arctan2(scan.xyz[:, 1].astype(np.float64), scan.xyz[:, 0]) % (2.0 * np.pi)
    plane = rng.permutation(PLANES)[channel]
    place, power = _strongest(angle, distance, plane, severity)

    largest = LARGEST_INTENSITY[channel]
    focal_offset = (1.0 - FOCAL_DISTANCE_CM[channel] / 13100.0) ** 2
    focus = FOCAL_SLOPE[channel] * np.abs(focal_offset - (1.0 - place / 120.0) ** 2)
    touched = np.isfinite(place)
    flake = touched & (np.abs(place - distance) >= _SAME_PLACE_M)
    echo = np.floor(np.clip(0.9 * largest * power + largest * focus, 0.0, largest))
    level = np.where(touched, echo, intensity)

    kept = flake | (level > _noise(scan, ground, intensity, distance))
    factor = np.where(flake, place / np.where(flake, distance, 1.0), 1.0)
    attrs = dict(scan.attrs)
    if "intensity" in attrs:
        attrs["intensity"] = (level / _SCALE).astype(attrs["intensity"].dtype)
    moved = scan.replace(xyz=(scan.xyz * factor[:, None]).astype(np.float32), attrs=attrs)
    return ignored(moved, flake, roles.noise[1]).select(kept)


def _strongest(
    angle: np.ndarray, distance: np.ndarray, plane: np.ndarray, severity: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where the strongest echo of each beam comes from, and its power.

    Returns:
        (N,) metres, NaN for a beam without flakes; (N,) share of a flake's full reflection at 1 m.
    """
    from pcseg.data.corruptions.echoes import strongest_echoes

    flakes = planes(*_SNOWFALL[severity])
    return strongest_echoes(
        angle,
        distance,
        plane,
        flakes.far,
        flakes.far_starts,
        flakes.widest,
        flakes.near,
        flakes.near_starts,
        _DIVERGENCE_RAD / 2.0,
    )


def _channels(scan: Scan) -> np.ndarray:
    """(N,) int64 laser of each point, 0 to 63."""
    if "ring" in scan.attrs:
        numbers: np.ndarray = scan.attrs["ring"].astype(np.int64) % PLANES
        return numbers
    xyz = scan.xyz.astype(np.float64)
    inclination = np.rad2deg(np.arctan2(xyz[:, 2], np.hypot(xyz[:, 0], xyz[:, 1])))
    row = np.floor((_UP_DEG - inclination) / (_UP_DEG - _DOWN_DEG) * PLANES)
    return row.clip(0, PLANES - 1).astype(np.int64)


def _noise(
    scan: Scan, ground: np.ndarray, intensity: np.ndarray, distance: np.ndarray
) -> np.ndarray:
    """(N,) the least intensity noticed at each distance: a parabola through the ground's."""
    laser = estimate(scan.select(ground), intensity[ground], _NOISE_FLOOR)
    if laser is None:
        return np.full(len(scan), -np.inf)
    used = np.isfinite(laser.cosine)
    level = (laser.noise * laser.cosine)[used]
    if used.sum() < 3:
        return np.full(len(scan), -np.inf)
    found: np.ndarray = np.polyval(np.polyfit(laser.distance[used], level, 2), distance)
    return found
