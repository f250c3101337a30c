"""Groups: the figures of some of the points, such as a range bin, as plain numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pcseg.evaluate.protocol import Protocol
from pcseg.evaluate.scores import Scores, score


@dataclass(frozen=True)
class Group:
    """The figures of some of the points: a range bin, or moving objects.

    Attributes:
        name: for people.
        points: scored points.
        miou: over the classes present among them, 0..1, None without points.
        accuracy: 0..1, None without points.
        classes: IoU (None if absent) and points of each class.
        from_m: lower border, for range bins.
        to_m: upper border, None for the last bin.
    """

    name: str
    points: int
    miou: float | None
    accuracy: float | None
    classes: Mapping[str, Mapping[str, float | int | None]]
    from_m: float | None = None
    to_m: float | None = None


def group_of(
    name: str,
    counts: np.ndarray,
    protocol: Protocol,
    names: tuple[str, ...],
    from_m: float | None = None,
    to_m: float | None = None,
) -> Group:
    """Score the (K + 1, K + 1) counts of some of the points."""
    scores = score(counts, protocol)
    return Group(
        name=name,
        points=int(scores.points.sum()),
        miou=number(scores.miou) if scores.points.any() else None,
        accuracy=number(scores.accuracy),
        classes=class_table(scores, names),
        from_m=from_m,
        to_m=to_m,
    )


def class_table(scores: Scores, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """IoU (None if left out) and points of the truth, by class name."""
    rows = zip(names, scores.iou.tolist(), scores.points.tolist(), strict=True)
    return {name: {"iou": number(value), "points": points} for name, value, points in rows}


def number(value: float | None) -> float | None:
    """A float for JSON, None in place of NaN."""
    return None if value is None or math.isnan(value) else float(value)
