"""Film: between linear light and the sRGB bytes of a picture."""

from __future__ import annotations

import numpy as np

_STEPS = 4096


def linear_colors(colors: str) -> np.ndarray:
    """(C, 3) float32 linear RGB of sRGB colours ``#rrggbb``, by spaces."""
    numbers = [[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in colors.split()]
    return srgb_to_linear(np.array(numbers) / 255.0).astype(np.float32)


def srgb_to_linear(value: np.ndarray) -> np.ndarray:
    """Linear light 0..1 of sRGB values 0..1 (IEC 61966-2-1)."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(value: np.ndarray) -> np.ndarray:
    """SRGB values 0..1 of linear light 0..1 (IEC 61966-2-1)."""
    bent = 1.055 * np.maximum(value, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(value <= 0.0031308, 12.92 * value, bent)


def develop(light: np.ndarray, exposure: float, seed: int) -> np.ndarray:
    """(H, W, 3) uint8 sRGB picture of linear light, as a small camera takes it.

    Bright light is rolled off softly, corners are a little darker (by the cosine law of lenses,
    weakened), and every pixel has the noise of its photons and of the amplifier.

    Args:
        light: (H, W, 3) float32 linear RGB, 0 and more.
        exposure: factor on the light.
        seed: of the noise; the same seed gives the same bytes.
    """
    height, width = light.shape[:2]
    y, x = np.linspace(-1, 1, height) * height / width, np.linspace(-1, 1, width)
    corners = 1 - 0.10 * (np.square(y)[:, None] + np.square(x)).astype(np.float32)
    exposed = light * (np.float32(exposure) * corners)[..., None]
    value = 1 - np.exp(-exposed)
    noise = np.random.default_rng(seed).standard_normal(value.shape, dtype=np.float32)
    value += noise * (0.0015 + 0.008 * np.sqrt(value))
    index = np.clip(value * (_STEPS - 1) + 0.5, 0, _STEPS - 1).astype(np.int16)
    return _CURVE[index]


_CURVE = np.rint(255 * linear_to_srgb(np.arange(_STEPS) / (_STEPS - 1))).astype(np.uint8)
