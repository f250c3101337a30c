"""Scores: IoU, accuracy and their means, from counts and the rules of a protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pcseg.errors import LabelError
from pcseg.evaluate.protocol import AbsentClass, Protocol


class Marginals(NamedTuple):
    """All that IoU needs of a confusion matrix.

    Attributes:
        hits: (..., K) int64 points of the class that were predicted as it.
        truth: (..., K) int64 points of the class.
        predicted: (..., K) int64 points predicted as the class, as far as the protocol counts them.
    """

    hits: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray


@dataclass(frozen=True)
class Scores:
    """The figures of one matrix under one protocol.

    Attributes:
        iou: (K,) float64, NaN for a class that the protocol leaves out.
        points: (K,) int64 points of each class in the truth.
        predicted: (K,) int64 points predicted as each class.
        accuracy: share of right points, NaN without points.
        miou: mean of `iou` over the classes that are not left out, NaN if there is none.
    """

    iou: np.ndarray
    points: np.ndarray
    predicted: np.ndarray
    accuracy: float
    miou: float

    @property
    def present(self) -> np.ndarray:
        """(K,) bool: which classes have points in the truth."""
        return self.points > 0


def score(counts: np.ndarray, protocol: Protocol) -> Scores:
    """Score a matrix of counts.

    Args:
        counts: (K + 1, K + 1) int64, rows are the truth, columns the prediction, the last of both
            stands for "ignored".
        protocol: the rules.

    Returns:
        The figures; NaN where nothing was counted, see `require_points`.
    """
    parts = marginals(counts, protocol)
    class_iou = iou(parts, protocol.absent)
    total = parts.truth.sum() if protocol.accuracy == "scored" else parts.predicted.sum()
    return Scores(
        iou=class_iou,
        points=parts.truth,
        predicted=parts.predicted,
        accuracy=float(parts.hits.sum() / total) if total else float("nan"),
        miou=float(mean_iou(class_iou)),
    )


def require_points(scores: Scores, protocol: Protocol, what: str) -> Scores:
    """Pass scores on if at least one point was scored.

    Raises:
        LabelError: if the protocol counts no point at all: a mean over nothing is not a figure.
    """
    if scores.points.any():
        return scores
    reason = (
        "every truth is ignored"
        if protocol.abstention == "false negative"
        else "every point is ignored by its truth or by its prediction"
    )
    raise LabelError(
        f"{what}: nothing to score under '{protocol.name}', {reason}. "
        "Check the labels and the label set; to label unlabelled scans use predict."
    )


def marginals(counts: np.ndarray, protocol: Protocol) -> Marginals:
    """Reduce matrices (..., K + 1, K + 1) to what IoU needs, dropping what the protocol drops."""
    answered = slice(None, -1) if protocol.abstention == "left out" else slice(None)
    scored = slice(None, -1) if protocol.ignored_truth == "left out" else slice(None)
    return Marginals(
        hits=np.diagonal(counts, axis1=-2, axis2=-1)[..., :-1].copy(),
        truth=counts[..., :-1, answered].sum(-1),
        predicted=counts[..., scored, :-1].sum(-2),
    )


def iou(parts: Marginals, absent: AbsentClass = "left out") -> np.ndarray:
    """Intersection over union of each class, (..., K) float64, NaN where a class is left out."""
    union = parts.truth + parts.predicted - parts.hits
    kept = {"left out": parts.truth > 0, "zero if predicted": union > 0}.get(absent)
    values = parts.hits / np.maximum(union, 1)
    if absent == "one":
        return np.where(parts.truth > 0, values, 1.0)
    return values if kept is None else np.where(kept, values, np.nan)


def mean_iou(class_iou: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is not NaN; NaN if all of it is."""
    kept = ~np.isnan(class_iou)
    count = kept.sum(-1)
    total = np.where(kept, class_iou, 0.0).sum(-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
