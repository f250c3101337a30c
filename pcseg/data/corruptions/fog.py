"""Fog: echoes of targets grow weaker, and the fog itself may send back the stronger one.

Hahner et al., "Fog Simulation on Real LiDAR Point Clouds for 3D Object Detection in Adverse
Weather" (ICCV 2021), section 3, with the parameters of Robo3D.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from pcseg.data.corruptions.roles import Roles, ignored
from pcseg.data.scan import Scan

_BACKSCATTER = (0.008, 0.05, 0.2)
"""Beta of each severity, 1/sr."""

_ATTENUATION = (0.0, 0.005, 0.01, 0.02, 0.03, 0.06)
"""Alpha, 1/m; one of them is drawn for each scan."""

_TARGET_REFLECTIVITY = 1e-6
"""Gamma; the target's differential reflectivity is gamma / pi."""

_PULSE_S = 2e-8
"""Half-power width of the pulse."""

_BLIND_M, _SEEN_M = 0.9, 1.0
"""Nearer, the receiver does not see the beam at all; farther, it sees all of it."""

_STEP_M, _FARTHEST_M = 0.1, 200.0
_NOISE_M = 10.0
_LIGHT_M_S = 299_792_458.0


def fog(scan: Scan, severity: int, rng: np.random.Generator, roles: Roles) -> Scan:
    """Attenuate every echo; where the fog's own is stronger, the point moves into the fog.

    There the distance is also scaled by r / U(r - 10, r + 10), r the range of the target. (Nearer
    than 10 m that factor could be huge or negative; but there the fog's echo is hardly ever the
    stronger one.) Moved points are not scored. Intensities are not limited.
    """
    alpha = float(rng.choice(_ATTENUATION))
    noise = rng.uniform(-_NOISE_M, _NOISE_M, len(scan))
    distance = np.linalg.norm(scan.xyz.astype(np.float64), axis=1)
    intensity = scan.attrs.get("intensity", np.ones(len(scan), np.float32)).astype(np.float64)
    places, responses = soft_echo(alpha)
    row = np.rint(np.minimum(distance, _FARTHEST_M) / _STEP_M).astype(np.int64)
    ratio = _BACKSCATTER[severity] / (_TARGET_REFLECTIVITY / np.pi)
    hard = intensity * np.exp(-2.0 * alpha * distance)
    soft = intensity * responses[row] * distance**2 * ratio
    moved = soft > hard
    far = np.where(moved, distance, 1.0)
    factor = np.where(moved, places[row] / far * (far / _not_zero(far + noise)), 1.0)
    attrs = dict(scan.attrs)
    if "intensity" in attrs:
        attrs["intensity"] = np.where(moved, soft, hard).astype(attrs["intensity"].dtype)
    xyz = (scan.xyz * factor[:, None]).astype(np.float32)
    return ignored(scan.replace(xyz=xyz, attrs=attrs), moved, roles.noise[0])


@cache
def soft_echo(alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """The strongest echo of the fog before a target, for targets every 0.1 m up to 200 m.

    The fog's response at a distance R is the integral over the pulse of
    ``sin²(pi t / 2 tau) exp(-2 alpha R') xi(R') / R'²`` with ``R' = R - c t / 2`` (equation 9 of
    the paper without its constant factors). It does not depend on the target, which only ends the
    fog: so the table is a running maximum.

    Args:
        alpha: attenuation, 1/m.

    Returns:
        Where it is, (2001,) float64 metres, and how strong, (2001,) float64 s/m².
    """
    at = np.linspace(0.0, _FARTHEST_M, 2000)
    time = np.linspace(0.0, 2.0 * _PULSE_S, 2001)
    pulse = np.sin(np.pi * time / (2.0 * _PULSE_S)) ** 2 * _simpson(time)
    response = np.empty_like(at)
    for block in np.array_split(np.arange(len(at)), 20):
        behind = at[block, None] - _LIGHT_M_S * time / 2.0
        seen = np.clip((behind - _BLIND_M) / (_SEEN_M - _BLIND_M), 0.0, 1.0)
        safe = np.where(seen > 0.0, behind, 1.0)
        response[block] = (pulse * np.exp(-2.0 * alpha * safe) * seen / safe**2).sum(1)
    targets = np.arange(0, round(_FARTHEST_M / _STEP_M) + 1) * _STEP_M
    best = np.maximum.accumulate(response)
    first = np.searchsorted(best, best)  # where each maximum was reached
    last = np.searchsorted(at, targets + 1e-9, side="right") - 1
    return at[first[last]], best[last]


def _simpson(x: np.ndarray) -> np.ndarray:
    """Weights of Simpson's rule on an odd number of evenly spaced points."""
    weights = np.ones(len(x))
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
    return weights * (x[1] - x[0]) / 3.0


def _not_zero(values: np.ndarray) -> np.ndarray:
    return np.where(values == 0.0, 1e-9, values)
