"""The centre line of a street: from (distance along, offset to the left) to the world and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STEP_M = 0.5


@dataclass(frozen=True)
class Path:
    """A smooth line with height, sampled every `STEP_M` metres.

    Attributes:
        xyz: (K, 3) float64 world points.
        heading: (K,) float64 radians, counter-clockwise from x.
    """

    xyz: np.ndarray
    heading: np.ndarray

    @property
    def length_m(self) -> float:
        """Length of the sampled line."""
        return (len(self.heading) - 1) * STEP_M

    def at(self, s: np.ndarray | float, d: np.ndarray | float = 0.0) -> np.ndarray:
        """World points (..., 3) `s` metres along and `d` metres to the left, on the base height."""
        s, d = np.broadcast_arrays(np.asarray(s, float), np.asarray(d, float))
        turn = self.direction(s)
        x = self._sample(self.xyz[:, 0], s) - np.sin(turn) * d
        y = self._sample(self.xyz[:, 1], s) + np.cos(turn) * d
        return np.stack([x, y, self._sample(self.xyz[:, 2], s)], -1)

    def direction(self, s: np.ndarray | float) -> np.ndarray:
        """Heading in radians at `s`."""
        return self._sample(self.heading, np.asarray(s, float))

    def slope(self, s: np.ndarray | float) -> np.ndarray:
        """Pitch in radians at `s`, positive uphill."""
        s = np.asarray(s, float)
        ahead = self._sample(self.xyz[:, 2], np.asarray(s + 1.0))
        return np.arctan2(ahead - self._sample(self.xyz[:, 2], np.asarray(s - 1.0)), 2.0)

    def bend(self, s: float) -> float:
        """Curvature in 1/m at `s`, positive to the left."""
        return float((self.direction(s + 1.0) - self.direction(s - 1.0)) / 2.0)

    def _sample(self, values: np.ndarray, s: np.ndarray) -> np.ndarray:
        """Linear in between, and straight on beyond both ends."""
        if s.ndim == 0:  # for one place plain numbers are ten times faster
            at = float(s) / STEP_M
            row = min(max(int(at), 0), len(values) - 2)
            low, high = float(values[row]), float(values[row + 1])
            return np.asarray(low + (at - row) * (high - low))
        u = s / STEP_M
        k = np.minimum(np.maximum(u.astype(int), 0), len(values) - 2)
        return values[k] + (u - k) * (values[k + 1] - values[k])


def draw_path(rng: np.random.Generator, length_m: float) -> Path:
    """A street line: straight, one bend, or an S, with gentle hills.

    Curvature is a sum of slow waves, so the heading stays bounded and the line never meets itself;
    bends stay wider than 80 m, so that offsets of 45 m to the inner side do not fold.
    """
    count = int(np.ceil(length_m / STEP_M)) + 1
    s = np.arange(count) * STEP_M
    curvature = np.zeros(count)
    sharp = rng.choice([0.0, 0.3, 0.7, 1.0])
    for wave in rng.uniform(120, 320, 2):
        curvature += sharp / 170.0 * np.sin(2 * np.pi * (s / wave + rng.random()))
    heading = np.concatenate([[0.0], np.cumsum((curvature[1:] + curvature[:-1]) / 2 * STEP_M)])
    middle = (heading[1:] + heading[:-1]) / 2
    x = np.concatenate([[0.0], np.cumsum(np.cos(middle) * STEP_M)])
    y = np.concatenate([[0.0], np.cumsum(np.sin(middle) * STEP_M)])
    z = np.zeros(count)
    for wave in rng.uniform(90, 260, 2):
        z += rng.uniform(0.0, 1.2) * np.sin(2 * np.pi * (s / wave + rng.random()))
    return Path(np.stack([x, y, z], 1), heading)
