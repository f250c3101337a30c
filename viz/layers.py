"""Layers: one way each of colouring the points of a frame, with the legend that explains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pcseg.viz.colors import IGNORED, RIGHT, WRONG, colormap, instance_colors


@dataclass(frozen=True)
class LegendEntry:
    """One line of a legend: what a colour means and how many points have it."""

    name: str
    color: tuple[int, int, int]
    count: int


def counted(entries: Sequence[LegendEntry], name: str) -> list[tuple[LegendEntry, str]]:
    """Entries of the layer `name` with their counts written out; errors also as shares.

    The shares are of the scored points, so that right and wrong make 100 %.
    """
    if name != "error":
        return [(entry, f"{entry.count:,}") for entry in entries]
    scored = sum(entry.count for entry in entries if entry.name != "ignored")
    written = []
    for entry in entries:
        share = f" ({100 * entry.count / scored:.1f} %)" if entry.name != "ignored" else ""
        written.append((entry, f"{entry.count:,}{share}"))
    return written


@dataclass(frozen=True, eq=False)
class ClassTable:
    """Names and colours that point values stand for; shared by layers and frames.

    Attributes:
        names: K names.
        colors: (K, 3) uint8 RGB.
    """

    names: tuple[str, ...]
    colors: np.ndarray


@dataclass(frozen=True, eq=False)
class ClassLayer:
    """Each point has one of K meanings.

    Attributes:
        name: what is shown, for example ``"label"``.
        ids: (N,) int32 rows of the table.
        table: what the ids stand for.
    """

    name: str
    ids: np.ndarray
    table: ClassTable

    @property
    def colors(self) -> np.ndarray:
        """(N, 3) uint8 RGB."""
        return self.table.colors[self.ids]

    @cached_property
    def counts(self) -> np.ndarray:
        """(K,) number of points by row of the table."""
        return np.bincount(self.ids, minlength=len(self.table.names))

    @property
    def legend(self) -> tuple[LegendEntry, ...]:
        """The meanings that occur, in the order of the table."""
        return tuple(
            LegendEntry(self.table.names[row], _rgb(self.table.colors[row]), int(self.counts[row]))
            for row in np.flatnonzero(self.counts)
        )


@dataclass(frozen=True, eq=False)
class ScalarLayer:
    """Each point has a value.

    Attributes:
        name: what is shown, for example ``"height"``.
        values: (N,) float32.
        low, high: the values at the two ends of the colour map.
        colormap: name of a map of `pcseg.viz.colors`.
        unit: of the values, "" for none.
    """

    name: str
    values: np.ndarray
    low: float
    high: float
    colormap: str = "viridis"
    unit: str = ""

    @cached_property
    def steps(self) -> np.ndarray:
        """(N,) uint8 position of each value on the colour map; values that are NaN are lowest."""
        span = max(self.high - self.low, 1e-9)
        share = np.clip((self.values.astype(np.float64) - self.low) / span, 0, 1)
        return np.nan_to_num(255 * share).round().astype(np.uint8)

    @property
    def colors(self) -> np.ndarray:
        """(N, 3) uint8 RGB."""
        return colormap(self.colormap)[self.steps]

    @property
    def legend(self) -> tuple[LegendEntry, ...]:
        """Empty: a colour bar from `low` to `high` explains this layer."""
        return ()


@dataclass(frozen=True, eq=False)
class ColorLayer:
    """Each point has a colour of its own: (N, 3) uint8 RGB."""

    name: str
    colors: np.ndarray

    @property
    def legend(self) -> tuple[LegendEntry, ...]:
        """Empty: the colours speak for themselves."""
        return ()


Layer = ClassLayer | ScalarLayer | ColorLayer


def error_layer(target: ClassLayer, predicted: ClassLayer) -> ClassLayer:
    """Compare two layers that share a table whose last row means "ignored".

    Points whose target is ignored are ignored; all others are right or wrong, wrong also where
    nothing was predicted.
    """
    ignored = target.ids == len(target.table.names) - 1
    wrong = target.ids != predicted.ids
    ids = np.where(ignored, 2, np.where(wrong, 1, 0)).astype(np.int32)
    return ClassLayer("error", ids, _ERRORS)


def instance_layer(instances: np.ndarray) -> ClassLayer:
    """Colour by instance id: (N,) integers, 0 for points of no instance."""
    values, ids = np.unique(instances, return_inverse=True)
    names = tuple(f"instance {value}" if value else "no instance" for value in values.tolist())
    table = ClassTable(names, instance_colors(values))
    return ClassLayer("instance", ids.reshape(-1).astype(np.int32), table)


def colors_of_attribute(values: np.ndarray) -> np.ndarray:
    """(N, 3) uint8 from an attribute with three columns: rgb in 0..1, or normals in -1..1."""
    values = np.nan_to_num(values.astype(np.float32))
    if values.size and values.min() < 0:
        values = (values + 1) / 2
    return (255 * np.clip(values, 0, 1)).round().astype(np.uint8)


_ERRORS = ClassTable(("right", "wrong", "ignored"), np.array([RIGHT, WRONG, IGNORED], np.uint8))


def _rgb(color: np.ndarray) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in color)
    return red, green, blue
