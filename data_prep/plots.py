"""Plots of statistics: class shares, range profiles and divergences, as PNG or SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.data_prep.statistics import Statistics, compare
from pcseg.files import atomic_path
from pcseg.optional import need


def plot_statistics(folder: Path, datasets: Sequence[Statistics], form: str = "png") -> list[Path]:
    """Draw what people would rather look at than read.

    Args:
        folder: for the pictures; made if missing.
        datasets: one or several.
        form: ``png`` or ``svg``.

    Returns:
        The files: ``classes``, ``ranges``, and with several datasets ``divergence``.

    Raises:
        MissingExtra: if matplotlib is not installed.
    """
    figure_of = need("matplotlib.figure", extra="viz", purpose="drawing plots").Figure
    drawn = {"classes": _classes, "ranges": _ranges}
    if len(datasets) > 1:
        drawn["divergence"] = _divergence
    paths = []
    for name, draw in drawn.items():
        figure = figure_of(figsize=(9, 5.5), layout="constrained")
        draw(figure.add_subplot(), datasets)
        if any(s.simulated for s in datasets):
            figure.text(0.995, 0.005, "simulated data", ha="right", va="bottom", fontsize=8)
        path = folder / f"{name}.{form}"
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=120)
        paths.append(path)
    return paths


def _classes(axes: Any, datasets: Sequence[Statistics]) -> None:
    """Share of each class, logarithmic: rare classes are what matters."""
    names = list(dict.fromkeys(c.name for s in datasets for c in s.classes))
    width = 0.8 / len(datasets)
    for number, s in enumerate(datasets):
        shares = {c.name: c.share for c in s.classes}
        rows = np.arange(len(names)) + (number - (len(datasets) - 1) / 2) * width
        axes.barh(rows, [max(shares.get(n, 0.0), 1e-6) for n in names], width, label=s.title)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(1e-6, 1)
    axes.set_xlabel("share of the labelled points")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False)


def _ranges(axes: Any, datasets: Sequence[Statistics]) -> None:
    """Where the points are."""
    for s in datasets:
        edges = np.array(s.range_edges_m)
        widths = np.append(np.diff(edges), edges[-1])
        density = np.array(s.ranges) / widths
        ends = np.append(edges, edges[-1] + widths[-1])
        axes.stairs(density, ends, label=s.title, linewidth=2)
    axes.set_yscale("log")
    axes.set_xlabel("distance from the sensor (m); the last bin is open")
    axes.set_ylabel("share of the points per metre")
    axes.grid(alpha=0.3)
    axes.legend()


def _divergence(axes: Any, datasets: Sequence[Statistics]) -> None:
    """How far each dataset's classes are from each other's."""
    found = [[compare(a, b).classes for b in datasets] for a in datasets]
    table = np.array([[np.nan if v is None else v for v in row] for row in found])
    axes.imshow(table, vmin=0, vmax=1, cmap="magma_r")
    names = [s.title for s in datasets]
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), names)
    for (row, column), value in np.ndenumerate(table):
        text = "no shared\nclass" if np.isnan(value) else f"{value:.2f}"
        dark = not np.isnan(value) and value > 0.5
        axes.text(column, row, text, ha="center", va="center", color="w" if dark else "k")
    axes.set_title("divergence of the class shares (bits)")
