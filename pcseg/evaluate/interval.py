"""Interval: how far mIoU would move with other scans of the same kind, by bootstrap."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pcseg.evaluate.protocol import AbsentClass
from pcseg.evaluate.scores import Marginals, iou, mean_iou

_MIN_SEQUENCES = 5
"""Below this many sequences their bootstrap has too few distinct draws to be an interval."""

_CHUNK = 50


@dataclass(frozen=True)
class Interval:
    """A percentile bootstrap interval of mIoU.

    Attributes:
        low: lower bound, 0..1.
        high: upper bound, 0..1.
        unit: what was drawn, ``"sequence"`` or ``"scan"``. Scans of one sequence resemble each
            other, so that an interval by scan is too narrow; it is what few sequences can give.
        level: coverage aimed at.
        resamples: number of draws.
    """

    low: float
    high: float
    unit: str
    level: float = 0.95
    resamples: int = 1000

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def bootstrap_interval(
    scans: Marginals,
    sequence: np.ndarray,
    absent: AbsentClass,
    level: float = 0.95,
    resamples: int = 1000,
) -> Interval | None:
    """Draw whole sequences (or scans, where there are few sequences) and score each draw.

    Args:
        scans: counts of each scan, (S, K) each.
        sequence: (S,) which sequence a scan belongs to, any integers.
        absent: the protocol's rule for classes that a draw lacks.
        level: coverage.
        resamples: number of draws; their seed is fixed, so that equal counts give equal bounds.

    Returns:
        The interval, or None for fewer than two scans.
    """
    if len(sequence) < 2:
        return None
    _, cluster = np.unique(sequence, return_inverse=True)
    by_sequence = cluster.max() + 1 >= _MIN_SEQUENCES
    rows = np.stack(scans, axis=1).astype(np.float64)  # (S, 3, K)
    if by_sequence:
        summed = np.zeros((cluster.max() + 1, *rows.shape[1:]))
        np.add.at(summed, cluster, rows)
        rows = summed
    rng = np.random.default_rng(0)
    even = np.full(len(rows), 1 / len(rows))
    means = []
    for start in range(0, resamples, _CHUNK):
        draws = rng.multinomial(len(rows), even, size=min(_CHUNK, resamples - start))
        drawn = np.tensordot(draws.astype(np.float64), rows, axes=1)  # (draws, 3, K)
        means.append(mean_iou(iou(Marginals(*drawn.transpose(1, 0, 2)), absent)))
    tail = 50 * (1 - level)
    low, high = np.nanpercentile(np.concatenate(means), [tail, 100 - tail])
    return Interval(
        float(low), float(high), "sequence" if by_sequence else "scan", level, resamples
    )
