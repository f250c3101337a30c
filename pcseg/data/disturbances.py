"""Transforms that disturb what is measured: range noise, selective jitter, height and tilt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pcseg.data.geometry import apply_affine
from pcseg.data.joining import in_sector
from pcseg.data.scan import Scan
from pcseg.errors import ConfigError


@dataclass(frozen=True)
class RangeNoise:
    """Move each point along its ray by a normal draw of `sigma_m`, no more than `limit_m`.

    A sensor measures the range far worse than the direction. Data sheets of the usual LiDARs state
    one standard deviation of 0.02 to 0.03 m, which is the default here.
    """

    sigma_m: float = 0.02
    limit_m: float = 0.06

    def __call__(self, scan: Scan, rng: np.random.Generator) -> Scan:
        """The disturbed scan; a point at the sensor's origin has no ray and stays."""
        return scan.replace(xyz=_along_rays(scan.xyz, self.sigma_m, self.limit_m, rng))


@dataclass(frozen=True)
class SelectiveJitter:
    """Jitter a part of the field of view: bands of inclination, or a sector of azimuth.

    Park et al., "Rethinking Data Augmentation for Robust LiDAR Semantic Segmentation in Adverse
    Weather" (ECCV 2024, arXiv:2407.02286), selective jittering, with the parameters of its
    repository. There the jittered points come from a second scan in the case of bands, so that it
    contains a LaserMix; here they are the scan's own, and mixing is left to `pcseg.data.mixing`.
    There, too, the rest is moved by the same draw along x, y and z; here along its ray.

    Attributes:
        by: ``"inclination"``, ``"azimuth"``, or ``"either"``, drawn for each scan.
        bands: numbers of equal bands of inclination to choose from; every second is jittered.
        low_deg: lower border of the bands; points outside belong to the outermost.
        high_deg: upper border.
        sector_deg: width of the sector of azimuth.
        sigma_m: of the jitter along each axis.
        limit_m: largest jitter along an axis.
        intensity_sigma: of noise on the jittered points' intensity, which stays in 0..1. The
            repository says ``True``, which counts as 1: there is little left of the channel.
        rest: probability that the points of the other part move along their rays, by as much.
    """

    by: str = "either"
    bands: Sequence[int] = (5, 6, 7, 8)
    low_deg: float = -25.0
    high_deg: float = 3.0
    sector_deg: float = 180.0
    sigma_m: float = 0.01
    limit_m: float = 0.05
    intensity_sigma: float = 1.0
    rest: float = 0.5

    def __post_init__(self) -> None:
        if self.by not in ("either", "inclination", "azimuth"):
            raise ConfigError(
                f"selective_jitter: by='{self.by}' is not possible. "
                "Use inclination, azimuth or either."
            )

    def __call__(self, scan: Scan, rng: np.random.Generator) -> Scan:
        """The disturbed scan."""
        chosen = self._chosen(scan, rng)
        noise = rng.standard_normal(scan.xyz.shape, np.float32) * np.float32(self.sigma_m)
        jittered = scan.xyz + noise.clip(-self.limit_m, self.limit_m)
        rest = scan.xyz
        if rng.random() < self.rest:
            rest = _along_rays(rest, self.sigma_m, self.limit_m, rng)
        return scan.replace(
            xyz=np.where(chosen[:, None], jittered, rest), attrs=self._attrs(scan, chosen, rng)
        )

    def _chosen(self, scan: Scan, rng: np.random.Generator) -> np.ndarray:
        """(N,) bool: the points of the part that is jittered."""
        by = self.by if self.by != "either" else rng.choice(["inclination", "azimuth"])
        if by == "azimuth":
            start = float(rng.uniform(-np.pi, np.pi))
            return in_sector(scan, start, np.deg2rad(self.sector_deg))
        edges = np.linspace(self.low_deg, self.high_deg, int(rng.choice(self.bands)) + 1)[1:-1]
        xyz = scan.xyz
        inclination = np.rad2deg(np.arctan2(xyz[:, 2], np.hypot(xyz[:, 0], xyz[:, 1])))
        chosen: np.ndarray = np.searchsorted(edges, inclination) % 2 == rng.integers(2)
        return chosen

    def _attrs(
        self, scan: Scan, chosen: np.ndarray, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        if "intensity" not in scan.attrs or not self.intensity_sigma:
            return scan.attrs
        intensity = scan.attrs["intensity"]
        noise = rng.standard_normal(len(scan), np.float32) * np.float32(self.intensity_sigma)
        noisy = (intensity + noise).clip(0.0, 1.0).astype(intensity.dtype)
        return {**scan.attrs, "intensity": np.where(chosen, noisy, intensity)}


@dataclass(frozen=True)
class HeightShift:
    """Move the scan up or down by one draw within `low_m`..`high_m`: a sensor mounted elsewhere.

    Mounts of public datasets lie between 1.2 and 3.7 m above the ground. No ablation of it alone
    was found in the literature; the default covers the usual car roofs.
    """

    low_m: float = -0.5
    high_m: float = 0.5

    def __call__(self, scan: Scan, rng: np.random.Generator) -> Scan:
        """The moved scan."""
        matrix = np.eye(4)
        matrix[2, 3] = rng.uniform(self.low_m, self.high_m)
        return apply_affine(scan, matrix)


@dataclass(frozen=True)
class Tilt:
    """Roll and pitch the scan by draws within ± `degrees`: slopes, brakes, crooked mounts.

    No ablation of it alone was found in the literature; suspensions and mounts move a few degrees.
    """

    degrees: float = 2.0

    def __call__(self, scan: Scan, rng: np.random.Generator) -> Scan:
        """The tilted scan."""
        roll, pitch = np.deg2rad(rng.uniform(-self.degrees, self.degrees, 2))
        about_x, about_y = np.eye(4), np.eye(4)
        about_x[1:3, 1:3] = [[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]]
        about_y[:3:2, :3:2] = [[np.cos(pitch), np.sin(pitch)], [-np.sin(pitch), np.cos(pitch)]]
        return apply_affine(scan, about_x @ about_y)


def _along_rays(
    xyz: np.ndarray, sigma_m: float, limit_m: float, rng: np.random.Generator
) -> np.ndarray:
    """Points (N, 3) float32 whose ranges have normal noise."""
    distance = np.linalg.norm(xyz, axis=1)
    noise = rng.standard_normal(len(xyz), np.float32) * np.float32(sigma_m)
    noise = noise.clip(-limit_m, limit_m)
    factor = np.where(distance > 0, 1.0 + noise / np.where(distance > 0, distance, 1.0), 1.0)
    return xyz * factor.astype(np.float32)[:, None]
