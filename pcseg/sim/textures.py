"""Textures: how brightness and hue change from place to place, as smooth noise and as courses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SIZE = 256
_TABLE = np.random.default_rng(1).uniform(-1, 1, _SIZE * _SIZE).astype(np.float32)


@dataclass(frozen=True)
class Pattern:
    """A texture in metres of the surface, u along it and v up it (or across it on the ground).

    Attributes:
        grain: octaves of smooth noise, each (cell in metres, relative amplitude).
        stretch: how many times longer a cell of the grain is along u, and along v.
        course: length and height (metres) of a stone, board or tile; None for none.
        joint_m: width of the joints between them.
        joint: brightness of the joints relative to the stones.
        bond: by which share of its length each course is shifted from the one below.
        spread: relative difference of brightness between neighbouring stones.
        hue: relative difference of colour between neighbouring stones.
        warmth: (cell in metres, amplitude) of slow changes from warm to cold tones.
    """

    grain: tuple[tuple[float, float], ...] = ((1.5, 0.06), (0.3, 0.05))
    stretch: tuple[float, float] = (1.0, 1.0)
    course: tuple[float, float] | None = None
    joint_m: float = 0.01
    joint: float = 0.6
    bond: float = 0.5
    spread: float = 0.1
    hue: float = 0.0
    warmth: tuple[float, float] = (0.0, 0.0)


PATTERNS: dict[str, Pattern] = {
    "plain": Pattern(((2.0, 0.03), (0.4, 0.03))),
    "asphalt": Pattern(((6.0, 0.10), (1.1, 0.09), (0.22, 0.08), (0.035, 0.26))),
    "paint": Pattern(((0.7, 0.08), (0.12, 0.12), (0.03, 0.14))),
    "cobble": Pattern(((2.5, 0.08), (0.04, 0.10)), course=(0.16, 0.16), joint_m=0.018, joint=0.55,
                      spread=0.22, warmth=(0.5, 0.04)),
    "paving": Pattern(((3.0, 0.07), (0.6, 0.05), (0.03, 0.10)), course=(0.5, 0.33), joint_m=0.016,
                      joint=0.55, spread=0.12),
    "curbstone": Pattern(((1.0, 0.06), (0.05, 0.12)), course=(1.0, 9.0), joint_m=0.02, bond=0.0),
    "grass": Pattern(((7.0, 0.14), (1.2, 0.16), (0.25, 0.22), (0.05, 0.30)), warmth=(4.0, 0.16)),
    "leaf": Pattern(((2.5, 0.10), (0.09, 0.34), (0.03, 0.25)), warmth=(5.0, 0.14)),
    "bark": Pattern(((0.12, 0.25), (0.03, 0.30)), stretch=(0.5, 3.0)),
    "plaster": Pattern(((4.0, 0.05), (0.8, 0.045), (0.05, 0.05)), stretch=(0.7, 1.6)),
    "brick": Pattern(((2.0, 0.07), (0.02, 0.12)), course=(0.25, 0.083), joint_m=0.014, joint=1.45,
                     spread=0.26, hue=0.05),
    "concrete": Pattern(((3.0, 0.07), (0.7, 0.07), (0.06, 0.06)), stretch=(0.6, 1.8),
                        course=(3.0, 1.5), joint_m=0.02, bond=0.0, spread=0.04),
    "rooftile": Pattern(((2.0, 0.10), (0.1, 0.12)), course=(0.24, 0.34), joint_m=0.05, joint=0.5,
                        bond=0.0, spread=0.16),
    "wood": Pattern(((0.5, 0.10), (0.035, 0.18)), stretch=(9.0, 1.0), course=(3.0, 0.14),
                    joint_m=0.008, joint=0.4, bond=0.37, spread=0.16),
    "parquet": Pattern(((0.4, 0.10), (0.02, 0.14)), stretch=(9.0, 1.0), course=(1.1, 0.12),
                       joint_m=0.004, joint=0.45, bond=0.37, spread=0.18, hue=0.03),
    "veneer": Pattern(((0.25, 0.10), (0.02, 0.12)), stretch=(12.0, 1.0)),
    "metal": Pattern(((1.5, 0.06), (0.25, 0.07), (0.04, 0.05))),
    "paintwork": Pattern(((2.5, 0.03),)),
    "cloth": Pattern(((0.35, 0.13), (0.08, 0.12), (0.015, 0.08))),
    "carpet": Pattern(((0.8, 0.05), (0.05, 0.10), (0.012, 0.22))),
    "tiles": Pattern(((1.5, 0.03),), course=(0.3, 0.3), joint_m=0.006, joint=0.65, bond=0.0,
                     spread=0.05),
    "folds": Pattern(((0.12, 0.22), (0.9, 0.06)), stretch=(1.0, 12.0)),
    "books": Pattern(((0.3, 0.06),), course=(0.035, 4.0), joint_m=0.004, joint=0.3, bond=0.0,
                     spread=0.35, hue=0.55),
    "print": Pattern(((0.5, 0.25), (0.15, 0.30), (0.04, 0.15)), warmth=(0.22, 0.45)),
}  # fmt: skip
"""By name; materials say which one is theirs."""


def surface_coordinates(place: np.ndarray, normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where on its surface each point lies: (N,) u along it and v up it, metres.

    Level surfaces take x and y; upright and sloping ones the level line through the point and the
    line of steepest ascent. All is relative to the frame's origin, so a texture stays where it is.

    Args:
        place: (N, 3) float32 in the frame of the object.
        normal: (N, 3) float32 of unit length, either sign.
    """
    slope = np.sqrt(normal[:, 0] ** 2 + normal[:, 1] ** 2)
    level = slope < 0.35
    safe = np.maximum(slope, np.float32(0.1))
    # One of two opposite normals, so that both sides of a thin wall agree.
    upper = np.where(normal[:, 2] < -0.05, np.float32(-1), np.float32(1)) / safe
    across = (normal[:, 0] * place[:, 1] - normal[:, 1] * place[:, 0]) * upper
    return np.where(level, place[:, 0], across), np.where(level, place[:, 1], place[:, 2] / safe)


def texture(pattern: Pattern, u: np.ndarray, v: np.ndarray, footprint: np.ndarray) -> np.ndarray:
    """Factors on the colour of N spots: (N, 1), or (N, 3) where the hue changes too; mean near 1.

    Detail that is finer than a spot is left out, so that distant surfaces do not flicker.

    Args:
        pattern: of the material.
        u: (N,) float32 metres along the surface.
        v: (N,) float32 metres up the surface.
        footprint: (N,) float32 metres across which a pixel averages.
    """
    factor = np.ones_like(u)
    for number, (cell, amplitude) in enumerate(pattern.grain):
        along, up = cell * pattern.stretch[0], cell * pattern.stretch[1]
        seen = _seen(min(along, up), footprint)
        rows = np.flatnonzero(seen)
        if len(rows) == len(u):
            factor += amplitude * seen * _octave(u / along, v / up, number)
        elif len(rows):
            noise = _octave(u[rows] / along, v[rows] / up, number)
            factor[rows] += amplitude * seen[rows] * noise
    tone = np.zeros((len(u), 0), np.float32)
    if pattern.course is not None:
        stones, tone = _courses(pattern, u, v, footprint)
        factor *= stones
    colored = np.maximum(factor, 0.05)[:, None]
    if pattern.hue:
        colored = colored * tone
    cell, amplitude = pattern.warmth
    if amplitude:
        warm = amplitude * _octave(u / cell, v / cell, 9) * _seen(cell, footprint)
        colored = colored * np.stack([1 + warm, np.ones_like(warm), 1 - warm], 1)
    return colored.astype(np.float32)


def smooth_noise(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(N,) float32 value noise in -1..1 with cells of 1 that repeats after 256 of them.

    Random values at whole coordinates, blended in between (Perlin 1985, "An image synthesizer",
    with the smooth step for his gradients).
    """
    low_u, low_v = np.floor(u), np.floor(v)
    column, row = low_u.astype(np.int32) & (_SIZE - 1), low_v.astype(np.int32) & (_SIZE - 1)
    next_column, row, next_row = (column + 1) & (_SIZE - 1), row << 8, ((row + 1) & 255) << 8
    a, b = u - low_u, v - low_v
    a *= a * (3 - 2 * a)
    b *= b * (3 - 2 * b)
    first, second = _TABLE[row + column], _TABLE[row + next_column]
    third, fourth = _TABLE[next_row + column], _TABLE[next_row + next_column]
    first += a * (second - first)
    third += a * (fourth - third)
    blended: np.ndarray = first + b * (third - first)
    return blended


def scattered(keys: np.ndarray, salt: int = 0) -> np.ndarray:
    """(N,) float32 in 0..1 that look random and are the same for the same whole-numbered key.

    The finalizer of MurmurHash3 (Appleby, public domain) on 32 bits.
    """
    mixed = keys.astype(np.uint32) + np.uint32((salt * 0x9E3779B9 + 0x7F4A7C15) & 0xFFFFFFFF)
    mixed ^= mixed >> np.uint32(16)
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return (mixed >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def _octave(u: np.ndarray, v: np.ndarray, number: int) -> np.ndarray:
    """Noise that has nothing to do with that of other octaves."""
    shift = np.float32(37.3 * number)
    return smooth_noise((u + shift).astype(np.float32), (v - shift).astype(np.float32))


def _seen(cell: float, footprint: np.ndarray) -> np.ndarray:
    """(N,) float32: 1 where a cell is wider than two pixels, 0 where it is narrower than one."""
    return np.clip(2.0 - footprint * np.float32(2.0 / cell), 0.0, 1.0)


def _courses(
    pattern: Pattern, u: np.ndarray, v: np.ndarray, footprint: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Brightness (N,) and tone (N, 3) of stones and joints."""
    assert pattern.course is not None
    length, height = pattern.course
    row = np.floor(v / np.float32(height))
    shifted = u / np.float32(length) + row * np.float32(pattern.bond)
    column = np.floor(shifted)
    across = np.abs(shifted - column - np.float32(0.5))
    beside = (np.float32(0.5) - across) * np.float32(length)
    above = (np.float32(0.5) - np.abs(v / np.float32(height) - row - np.float32(0.5))) * height
    near = np.minimum(beside, above)
    # The share of the pixel that the nearest joint covers.
    half, spot = np.float32(pattern.joint_m / 2), np.maximum(footprint, np.float32(1e-4)) / 2
    joint = np.clip((np.minimum(near + spot, half) - np.maximum(near - spot, -half)) / (2 * spot),
                    0, 1)  # fmt: skip
    seen = _seen(min(length, height), footprint)
    key = column.astype(np.int32) * np.int32(8191) + row.astype(np.int32) * np.int32(131)
    key = key.astype(np.int64).astype(np.uint32)
    stone = 1 + seen * np.float32(pattern.spread) * (2 * scattered(key) - 1)
    stone *= 1 + joint * np.float32(pattern.joint - 1) * seen
    if not pattern.hue:
        return stone, np.zeros((len(u), 0), np.float32)
    tone = np.stack([scattered(key, salt) for salt in (1, 2, 3)], 1)
    return stone, 1 + np.float32(pattern.hue) * seen[:, None] * (2 * tone - 1)
