"""Radiometry: which pulses come back, and how bright they look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pcseg.sim.materials import MIRROR, REFLECTIVITY, TEXTURE
from pcseg.sim.sensors import Sensor

EXTINCTION_PER_M = 0.0015
"""Of clear air at 905 nm."""
RANDOM_LOSS = 0.01
"""Share of pulses lost for no visible reason."""
_SHARPNESS = 2.5
_PATCH_M = 0.12
_INTENSITY_STEP = 0.01


@dataclass(frozen=True)
class Surface:
    """Where N pulses met something.

    Attributes:
        distance: (N,) metres.
        cosine: (N,) of the angle between ray and normal, in 0..1.
        material: (N,) uint8 ids.
        tint: (N,) factor on the reflectivity.
        place: (N, 3) world coordinates, which fix the texture.
    """

    distance: np.ndarray
    cosine: np.ndarray
    material: np.ndarray
    tint: np.ndarray
    place: np.ndarray


def albedo(surface: Surface) -> np.ndarray:
    """(N,) reflectivity with the texture of the place: a spot looks the same in every scan."""
    speckle = _speckle(surface.place) * TEXTURE[surface.material]
    return REFLECTIVITY[surface.material] * surface.tint * np.maximum(1.0 + speckle, 0.1)


def detection_probability(sensor: Sensor, surface: Surface, reflectivity: np.ndarray) -> np.ndarray:
    """(N,) probability that a pulse is seen.

    The received power goes with reflectivity * cos / r^2 and the extinction of the air both ways.
    A sensor that just sees its rated reflectivity at its maximum range, face on, sees half of the
    pulses there. Mirroring materials lose their share at any power.
    """
    power = reflectivity * surface.cosine * _spread(surface.distance)
    faintest = sensor.rated_reflectivity * _spread(np.float32(sensor.range_max_m))
    seen = 1.0 / (1.0 + (faintest / np.maximum(power, 1e-12)) ** _SHARPNESS)
    return seen * (1.0 - MIRROR[surface.material]) * (1.0 - RANDOM_LOSS)


def intensity(surface: Surface, reflectivity: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(N,) float32 in 0..1 in steps of 1/100, as the device reports it.

    Devices make up for distance; what is left is a weak dependence on incidence and range.
    """
    facing = 0.55 + 0.45 * surface.cosine
    faded = np.exp(-surface.distance / 180.0)
    noise = 1.0 + 0.08 * rng.standard_normal(len(reflectivity), dtype=np.float32)
    value = reflectivity * facing * faded * noise
    steps = np.rint(np.clip(value, 0.0, 0.99) / _INTENSITY_STEP)
    return (steps * _INTENSITY_STEP).astype(np.float32)


def measured(distance: np.ndarray, sensor: Sensor, rng: np.random.Generator) -> np.ndarray:
    """(N,) float32 ranges with noise, rounded to the quantum of the device."""
    noise = rng.standard_normal(len(distance), dtype=np.float32)
    noisy = distance + np.float32(sensor.range_sigma_m) * noise
    if sensor.range_quantum_m:
        quantum = np.float32(sensor.range_quantum_m)
        noisy = np.rint(noisy / quantum) * quantum
    return noisy


def _spread(distance: np.ndarray) -> np.ndarray:
    return np.exp(-2 * EXTINCTION_PER_M * distance) / np.square(np.maximum(distance, 1.0))


def _speckle(place: np.ndarray) -> np.ndarray:
    """(N,) noise of unit deviation in -1.7..1.7, fixed to patches of `_PATCH_M` in the world."""
    cell = np.floor(place * (1.0 / _PATCH_M)).astype(np.int32).view(np.uint32)
    mixed = cell[:, 0] * np.uint32(73856093)
    mixed ^= cell[:, 1] * np.uint32(19349663)
    mixed ^= cell[:, 2] * np.uint32(83492791)
    mixed *= np.uint32(2654435761)
    mixed ^= mixed >> np.uint32(15)
    share = (mixed & np.uint32(0xFFFF)).astype(np.float32) * np.float32(1 / 65535)
    return (share - 0.5) * np.float32(3.46)
