"""Instance paste: whole objects of one scan set on the ground of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pcseg.data.geometry import rotate
from pcseg.data.joining import join
from pcseg.data.scan import Scan
from pcseg.errors import LabelError

_GROUND_SHARE = 0.1
"""The lowest tenth of the points around an object is taken for the ground it stands on."""


@dataclass(frozen=True)
class InstancePaste:
    """Add some of the other scan's objects at a free place of the same distance.

    Objects are turned about the sensor, as in PolarMix, so that their density and the side they
    show stay right, and moved up or down to the ground they then stand on. Unlike PolarMix, whole
    instances are pasted, and none into another thing or where there is no ground.

    Attributes:
        classes: train ids to paste; empty for every class that has instances.
        most: objects to paste.
        min_points: objects with fewer points are passed over.
        tries: turns to try before an object is given up.
        margin_m: free space demanded around an object.
        max_lift_m: the ground may be higher or lower by this much.
    """

    classes: Sequence[int] = ()
    most: int = 5
    min_points: int = 20
    tries: int = 5
    margin_m: float = 0.2
    max_lift_m: float = 1.0

    def __call__(self, scan: Scan, other: Scan, rng: np.random.Generator) -> Scan:
        """The scan with the objects added behind its own points.

        Raises:
            LabelError: if the other scan has no labels or no instance ids.
        """
        if other.instances is None or other.labels is None:
            raise LabelError(
                f"{other.name}: instance paste needs labels and instance ids. "
                "Use PolarMix, which pastes by class."
            )
        for number in self._choose(other, rng):
            placed = self._place(scan, other, other.instances == number, rng)
            if placed is not None:
                scan = join(scan, placed)
        return scan

    def _choose(self, other: Scan, rng: np.random.Generator) -> list[int]:
        assert other.instances is not None and other.labels is not None
        wanted = (other.instances > 0) & (other.labels >= 0)
        if self.classes:
            wanted &= np.isin(other.labels, list(self.classes))
        ids, counts = np.unique(other.instances[wanted], return_counts=True)
        ids = ids[counts >= self.min_points]
        return [int(i) for i in rng.permutation(ids)[: self.most]]

    def _place(
        self, scan: Scan, other: Scan, chosen: np.ndarray, rng: np.random.Generator
    ) -> Scan | None:
        item = other.select(chosen)
        floor = _ground(other.xyz[~chosen], item.xyz, self.margin_m)
        if floor is None:
            return None
        for _ in range(self.tries):
            moved = rotate(item, float(rng.uniform(-np.pi, np.pi)))
            ground = _ground(scan.xyz, moved.xyz, self.margin_m)
            if ground is None or abs(ground - floor) > self.max_lift_m:
                continue
            lifted = moved.xyz + np.array([0.0, 0.0, ground - floor], np.float32)
            if _is_free(scan.xyz, lifted, ground, self.margin_m):
                return moved.replace(xyz=lifted)
        return None


def _ground(xyz: np.ndarray, item: np.ndarray, margin_m: float) -> float | None:
    """Height of the ground beside an object's footprint, or None where nothing is measured."""
    low, high = item.min(0)[:2] - 5 * margin_m, item.max(0)[:2] + 5 * margin_m
    near = xyz[((xyz[:, :2] >= low) & (xyz[:, :2] <= high)).all(1), 2]
    return float(np.quantile(near, _GROUND_SHARE)) if len(near) >= 5 else None


def _is_free(xyz: np.ndarray, item: np.ndarray, ground: float, margin_m: float) -> bool:
    """Whether nothing but ground is within the box of an object."""
    low, high = item.min(0) - margin_m, item.max(0) + margin_m
    low[2] = ground + margin_m
    return not ((xyz >= low) & (xyz <= high)).all(1).any()
