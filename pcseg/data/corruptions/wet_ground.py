"""Wet ground: a film of water turns the laser away, and the ground's weakest echoes are lost.

Hahner et al., "LiDAR Snowfall Simulation for Robust 3D Object Detection" (CVPR 2022), section 3.4,
with the parameters of Robo3D.
"""

from __future__ import annotations

import numpy as np

from pcseg.data.corruptions.laser import estimate
from pcseg.data.corruptions.roles import Roles, ground_of
from pcseg.data.scan import Scan

_WATER_MM = (0.2, 1.0, 1.2)
_TEXTURE_MM = 1.2
"""Depth of the pavement's texture, which the water has to fill."""

_LEAST_POINTS = 1000
_LEAST_REFLECTIVITY = 0.05
_AIR, _WATER = 1.0003, 1.33
"""Refractive indices."""


def wet_ground(scan: Scan, severity: int, rng: np.random.Generator, roles: Roles) -> Scan:
    """Lower the intensity of paved ground, and leave out what sinks below the noise.

    The ground is found by the labels. Its points come last in the result, as in Robo3D's files.
    With fewer than 1,000 of them, or without intensities, nothing happens. Nothing is drawn.
    """
    ground = ground_of(scan, roles)
    if ground.sum() < _LEAST_POINTS or "intensity" not in scan.attrs:
        return scan
    wet = scan.select(ground)
    dry = wet.attrs["intensity"].astype(np.float64)
    laser = estimate(wet, dry, roles.wet_noise_floor[severity])
    if laser is None:
        return scan
    below = np.isfinite(laser.cosine)
    with np.errstate(divide="ignore", invalid="ignore"):
        reflectivity = dry / laser.cosine / laser.power
        angle = np.arccos(laser.cosine)
        through = transmitted(angle, np.clip(reflectivity, _LEAST_REFLECTIVITY, 1.0))
        share = min(_WATER_MM[severity] / _TEXTURE_MM, 1.0)
        # Divided by the angle in radians: so it stands in the scripts.
        mixed = (1.0 - share) * reflectivity + share * through / angle
        intensity = np.clip(laser.power * laser.cosine * mixed, 0.0, dry)
    intensity = np.where(below, intensity, dry)  # ground above the sensor stays as it is
    kept = np.flatnonzero(~below | (intensity > laser.noise * laser.cosine))
    order = np.concatenate([np.flatnonzero(~ground), np.flatnonzero(ground)[kept]])
    made = scan.select(order)
    values = made.attrs["intensity"].copy()
    values[len(values) - len(kept) :] = intensity[kept]
    return made.replace(attrs={**made.attrs, "intensity": values})


def transmitted(angle: np.ndarray, reflectivity: np.ndarray) -> np.ndarray:
    """Share of the power that comes back through a film of water, the better polarisation's.

    Through the surface, diffusely back from the ground, and through the surface again, with all
    reflections in between (Fresnel's equations).

    Args:
        angle: (G,) of incidence, radians.
        reflectivity: (G,) of the dry ground.
    """
    inside = np.arcsin(np.clip(np.sin(angle) * _AIR / _WATER, -1.0, 1.0))
    best = np.zeros_like(angle)
    for swapped in (False, True):  # the two polarisations
        into, _ = _fresnel(angle, inside, _AIR, _WATER, swapped)
        out, back = _fresnel(inside, angle, _WATER, _AIR, swapped)
        best = np.maximum(best, into * reflectivity * out / (1.0 - reflectivity * back))
    return best


def _fresnel(
    angle: np.ndarray, other: np.ndarray, index: float, next_index: float, swapped: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the power that pass a surface and that are reflected.

    Args:
        angle: (G,) of incidence.
        other: (G,) behind the surface.
        index: refractive index before it.
        next_index: and behind it.
        swapped: for light polarised in the plane of incidence, else across it.
    """
    near, far = np.cos(angle), np.cos(other)
    a, b = (next_index * near, index * far) if swapped else (index * near, next_index * far)
    amplitude = 2.0 * index * near / (a + b)
    passed = amplitude**2 * (next_index * far) / (index * near)
    return passed, ((a - b) / (a + b)) ** 2
