"""Mixing of two labelled scans into one: LaserMix, PolarMix, Mix3D, and all mixes by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pcseg.data.geometry import apply_affine, rotate
from pcseg.data.joining import in_sector, join
from pcseg.data.pasting import InstancePaste
from pcseg.data.scan import Scan
from pcseg.data.transforms import make
from pcseg.errors import LabelError

Mix = Callable[[Scan, Scan, np.random.Generator], Scan]
"""A function of two scans and a random generator that makes one scan."""


def make_mix(name: str, **settings: Any) -> Mix:
    """A mix by its name in `MIXES`, with settings that differ from its defaults.

    Raises:
        ConfigError: for an unknown name or setting, with a suggestion.
    """
    mix: Mix = make(MIXES, name, settings, "mix")
    return mix


@dataclass(frozen=True)
class LaserMix:
    """Take bands of inclination in turn from one scan and the other.

    Kong et al., LaserMix (CVPR 2023, arXiv:2207.00026), section 3.2: the field of view is cut into
    m equal bands of inclination, and neighbouring bands come from different scans. Points above or
    below the field of view belong to the outermost bands.

    Attributes:
        bands: numbers of bands to choose from.
        low_deg: lowest inclination of the field of view.
        high_deg: highest.
    """

    bands: Sequence[int] = (3, 4, 5, 6)
    low_deg: float = -25.0
    high_deg: float = 3.0

    def __call__(self, scan: Scan, other: Scan, rng: np.random.Generator) -> Scan:
        """Bands 0, 2, … (from the top) of `scan` and 1, 3, … of `other`, or the other way round."""
        edges = np.linspace(self.high_deg, self.low_deg, int(rng.choice(self.bands)) + 1)[1:-1]
        first = int(rng.integers(2))
        return join(
            scan.select(_band(scan, edges) % 2 == first),
            other.select(_band(other, edges) % 2 != first),
        )


@dataclass(frozen=True)
class PolarMix:
    """Swap a sector of azimuth, and paste turned copies of the other scan's objects.

    Xiao et al., PolarMix (NeurIPS 2022, arXiv:2208.00223), sections 3.1 and 3.2: with `swap`
    probability a half circle is taken from the other scan; with `paste` probability all points of
    `classes` are added as they are and turned by two angles, one in 0..120° and one in 120..240°.

    Attributes:
        classes: train ids whose points are pasted; None for the vehicles and people of the scan's
            own label set (``meta["things"]``); empty to swap sectors only.
        swap: probability of the sector swap.
        paste: probability of the pasting.
        sector_deg: width of the swapped sector.
    """

    classes: Sequence[int] | None = None
    swap: float = 0.5
    paste: float = 1.0
    sector_deg: float = 180.0

    def __call__(self, scan: Scan, other: Scan, rng: np.random.Generator) -> Scan:
        """The mixed scan."""
        start = rng.uniform(-np.pi, np.pi)
        swaps, pastes = rng.random() < self.swap, rng.random() < self.paste
        turns = np.deg2rad([0.0, rng.uniform(0.0, 120.0), rng.uniform(120.0, 240.0)])
        mixed = scan
        if swaps:
            width = np.deg2rad(self.sector_deg)
            mixed = join(
                scan.select(~in_sector(scan, start, width)),
                other.select(in_sector(other, start, width)),
            )
        objects = self._objects(other) if pastes else None
        if objects is not None and len(objects):
            for turn in turns:
                mixed = join(mixed, rotate(objects, float(turn)))
        return mixed

    def _objects(self, other: Scan) -> Scan:
        classes = other.meta.get("things") if self.classes is None else self.classes
        if other.labels is None or classes is None:
            raise LabelError(
                f"{other.name}: PolarMix pastes by class. It needs labels, and 'things: [raw ids]' "
                "in the label map or classes=[train ids] of its own."
            )
        return other.select(np.isin(other.labels, list(classes)))


@dataclass(frozen=True)
class Mix3D:
    """All points of both scans, so that objects are seen out of their context.

    Nekrasov et al., Mix3D (3DV 2021, arXiv:2110.02210), section 3: the union of two scenes, each
    centred at the origin. Scans of a sensor are centred already (``center=False``); rooms are not.
    """

    center: bool = False

    def __call__(self, scan: Scan, other: Scan, rng: np.random.Generator) -> Scan:
        """The mixed scan; nothing is drawn from `rng`."""
        if self.center:
            scan, other = _centred(scan), _centred(other)
        return join(scan, other)


def _band(scan: Scan, edges: np.ndarray) -> np.ndarray:
    """(N,) int: band of each point, 0 on top; `edges` are the inner borders in degrees, falling."""
    xyz = scan.xyz
    inclination = np.rad2deg(np.arctan2(xyz[:, 2], np.hypot(xyz[:, 0], xyz[:, 1])))
    return np.searchsorted(-edges, -inclination, side="right")


def _centred(scan: Scan) -> Scan:
    if len(scan) == 0:
        return scan
    matrix = np.eye(4)
    matrix[:3, 3] = -scan.xyz.mean(0, dtype=np.float64)
    return apply_affine(scan, matrix)


MIXES: dict[str, type] = {
    "laser": LaserMix,
    "polar": PolarMix,
    "mix3d": Mix3D,
    "paste": InstancePaste,
}

__all__ = ["MIXES", "InstancePaste", "LaserMix", "Mix", "Mix3D", "PolarMix", "join", "make_mix"]
