"""Transforms that leave points out or blank a channel: drop, crop, range, height, beams."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pcseg.data.rings import ring_numbers
from pcseg.data.scan import Scan
from pcseg.errors import ConfigError

# What is left out is left out of every field; nothing is ever moved onto a border.


@dataclass(frozen=True)
class DropPoints:
    """Leave out a fraction of the points, drawn anew for each scan up to `most` (ray drop)."""

    most: float = 0.2

    def __call__(self, scan: Scan, rng: np.random.Generator) -> Scan:
        """The thinned scan."""
        return scan.select(rng.random(len(scan)) >= rng.uniform(0.0, self.most))


@dataclass(frozen=True)
class RangeFilter:
    """Keep points whose distance from the sensor is within `nearest_m`..`farthest_m`."""

    nearest_m: float = 0.0
    farthest_m: float = 50.0

    def __call__(self, scan: Scan, rng: np.random.Generator | None = None) -> Scan:
        """The filtered scan; nothing is drawn from `rng`."""
        distance = np.linalg.norm(scan.xyz, axis=1)
        return scan.select((distance >= self.nearest_m) & (distance <= self.farthest_m))


@dataclass(frozen=True)
class HeightFilter:
    """Keep points whose z, relative to the sensor, is within `low_m`..`high_m`."""

    low_m: float = -5.0
    high_m: float = 5.0

    def __call__(self, scan: Scan, rng: np.random.Generator | None = None) -> Scan:
        """The filtered scan; nothing is drawn from `rng`."""
        height = scan.xyz[:, 2]
        return scan.select((height >= self.low_m) & (height <= self.high_m))


@dataclass(frozen=True)
class CropBox:
    """Keep the points within an axis-aligned box, borders included."""

    low_m: tuple[float, float, float] = (-50.0, -50.0, -5.0)
    high_m: tuple[float, float, float] = (50.0, 50.0, 5.0)

    def __call__(self, scan: Scan, rng: np.random.Generator | None = None) -> Scan:
        """The cropped scan; nothing is drawn from `rng`."""
        low, high = np.asarray(self.low_m, np.float32), np.asarray(self.high_m, np.float32)
        return scan.select(np.all((scan.xyz >= low) & (scan.xyz <= high), axis=1))


@dataclass(frozen=True)
class CropSphere:
    """Keep the points within `radius_m` of a point of the scan, drawn at random."""

    radius_m: float = 20.0

    def __call__(self, scan: Scan, rng: np.random.Generator) -> Scan:
        """The cropped scan."""
        if len(scan) == 0:
            return scan
        return scan.select(_distance_to_random_point(scan, rng) <= self.radius_m)


@dataclass(frozen=True)
class MaxPoints:
    """Keep at most `count` points: a random part, or the ones nearest to a random point.

    Order is kept. ``how`` is ``"random"`` (thins evenly) or ``"nearest"`` (keeps the density).
    """

    count: int = 100_000
    how: str = "random"

    def __post_init__(self) -> None:
        if self.count < 1 or self.how not in ("random", "nearest"):
            raise ConfigError(
                f"max_points: count={self.count}, how='{self.how}' is not possible. "
                "Use a count of at least 1, and random or nearest."
            )

    def __call__(self, scan: Scan, rng: np.random.Generator) -> Scan:
        """The scan itself if it is small enough."""
        if len(scan) <= self.count:
            return scan
        if self.how == "nearest":
            kept = np.argpartition(_distance_to_random_point(scan, rng), self.count)[: self.count]
        else:
            kept = rng.choice(len(scan), self.count, replace=False)
        return scan.select(np.sort(kept))


@dataclass(frozen=True)
class ThinBeams:
    """Leave out whole beams, as a sensor with fewer of them would.

    Each beam is left out with a probability drawn for the scan within `low`..`high` (DGLSS, Kim et
    al., CVPR 2023, drops 30 to 70 %). Beams are ``attrs["ring"]``, else found as
    `pcseg.data.rings` says; put it before `rotate`, which hides where rings begin.
    """

    low: float = 0.3
    high: float = 0.7

    def __call__(self, scan: Scan, rng: np.random.Generator) -> Scan:
        """The scan with the beams that are left."""
        if len(scan) == 0:
            return scan
        present, beam = np.unique(ring_numbers(scan), return_inverse=True)
        keep = rng.random(len(present)) >= rng.uniform(self.low, self.high)
        keep[rng.integers(len(present))] = True  # a sensor has at least one beam
        return scan.select(keep[beam])


@dataclass(frozen=True)
class EveryBeam:
    """Keep each `step`-th beam, counted from the highest, starting at a random one of them."""

    step: int = 2

    def __post_init__(self) -> None:
        if self.step < 1:
            raise ConfigError(f"every_beam: step={self.step} is not possible. Use 1 or more.")

    def __call__(self, scan: Scan, rng: np.random.Generator) -> Scan:
        """The scan with the beams that are left."""
        return scan.select(ring_numbers(scan) % self.step == rng.integers(self.step))


@dataclass(frozen=True)
class DropIntensity:
    """Set a channel to zero for the whole scan, so that a network learns to do without it.

    Reflectivity differs between sensors, even of one model. Blank in half of the batches
    (``p: 0.5``), it costs next to nothing on the source and helps on nearly every target (Sanchez
    et al., arXiv:2501.14605, ablation of the input).
    """

    attr: str = "intensity"

    def __call__(self, scan: Scan, rng: np.random.Generator | None = None) -> Scan:
        """The scan with a blank channel, or the scan itself if it has no such channel."""
        if self.attr not in scan.attrs:
            return scan
        return scan.replace(attrs={**scan.attrs, self.attr: np.zeros_like(scan.attrs[self.attr])})


def _distance_to_random_point(scan: Scan, rng: np.random.Generator) -> np.ndarray:
    return np.linalg.norm(scan.xyz - scan.xyz[rng.integers(len(scan))], axis=1)
