"""Calibration: does confidence mean probability (ECE), does it tell errors from hits (AUROC)."""

from __future__ import annotations

import numpy as np

from pcseg.errors import DataError

NUM_BINS = 15
"""Equal-width confidence bins of the expected calibration error, as in Guo et al., 2017."""

_ONE = 1 << 30
"""Confidences are summed as integers, so that any order of scans gives the same figure."""

_ROUNDING = 1e-4
"""Probabilities averaged in half precision may exceed 1 by this much."""

_RANK_BINS = 4096
_RANK_LIMIT = 17.0
"""Ranks are kept in bins of log-odds, because softmax outputs crowd at 1 (float32: 1 - 2^-24)."""


class Calibration:
    """Streaming counts of right and wrong points by confidence, in constant memory.

    Attributes:
        counts: (3, NUM_BINS) int64: points, sum of confidence in units of 2^-30, right points.
        ranks: (2, 4096) int64: wrong and right points by log-odds of the confidence.
    """

    def __init__(self) -> None:
        self.counts = np.zeros((3, NUM_BINS), np.int64)
        self.ranks = np.zeros((2, _RANK_BINS), np.int64)

    def add(self, confidence: np.ndarray, correct: np.ndarray) -> None:
        """Count points.

        Args:
            confidence: (N,) float probability of the chosen class, 0..1.
            correct: (N,) bool.

        Raises:
            DataError: if a confidence is not a number or not in 0..1.
        """
        value = confidence.astype(np.float64)
        bad = value[~((value >= 0) & (value <= 1 + _ROUNDING))]
        if len(bad):
            raise DataError(
                f"{len(bad)} confidences are not in 0..1, the first is {bad[0]}. They must be "
                "probabilities of the chosen class; nan means that the network has diverged."
            )
        value = np.minimum(value, 1)
        place = np.minimum((value * NUM_BINS).astype(np.int64), NUM_BINS - 1)
        self.counts[0] += np.bincount(place, minlength=NUM_BINS)
        # float64 holds integers to 2^53 exactly: more than 2^22 points of one scan would round.
        for part in range(0, len(value), 1 << 22):
            some = slice(part, part + (1 << 22))
            units = np.rint(value[some] * _ONE)
            self.counts[1] += np.bincount(place[some], units, NUM_BINS).astype(np.int64)
        self.counts[2] += np.bincount(place[correct], minlength=NUM_BINS)
        cell = _rank(value) + correct * _RANK_BINS
        self.ranks += np.bincount(cell, minlength=2 * _RANK_BINS).reshape(2, _RANK_BINS)

    def ece(self) -> float | None:
        """Expected calibration error, 0..1: mean gap between confidence and accuracy of a bin."""
        points, confidence, right = self.counts
        if not points.sum():
            return None
        return float(np.abs(confidence / _ONE - right).sum() / points.sum())

    def error_auroc(self) -> float | None:
        """Chance that a right point is more confident than a wrong one, ties counting half."""
        wrong, right = self.ranks.astype(np.float64)
        if not wrong.sum() or not right.sum():
            return None
        wrong_below = np.cumsum(wrong) - wrong
        return float((right * (wrong_below + wrong / 2)).sum() / (wrong.sum() * right.sum()))

    def bins(self) -> list[dict[str, float | int | None]]:
        """The reliability diagram: bounds, points, mean confidence and accuracy of each bin."""
        rows: list[dict[str, float | int | None]] = []
        for index, (points, confidence, right) in enumerate(self.counts.T.tolist()):
            rows.append(
                {
                    "from": index / NUM_BINS,
                    "to": (index + 1) / NUM_BINS,
                    "points": points,
                    "confidence": confidence / _ONE / points if points else None,
                    "accuracy": right / points if points else None,
                }
            )
        return rows


def _rank(confidence: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        log_odds = np.log(confidence) - np.log1p(-confidence)
    unit = np.clip(log_odds / (2 * _RANK_LIMIT) + 0.5, 0, 1)
    return np.minimum((unit * _RANK_BINS).astype(np.int64), _RANK_BINS - 1)
