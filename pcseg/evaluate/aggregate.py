"""Aggregates: one figure from the mIoU of many targets, corruptions or severities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pcseg.errors import ConfigError


def arithmetic_mean(values: Sequence[float]) -> float:
    """AM of the mIoU of several targets."""
    return float(np.mean(_given(values)))


def harmonic_mean(values: Sequence[float]) -> float:
    """HM of the mIoU of several targets; 0 if one of them is 0: the weakest target rules."""
    given = _given(values)
    return float(len(given) / np.sum(1.0 / given)) if (given > 0).all() else 0.0


def mean_corruption_error(miou: np.ndarray, baseline: np.ndarray) -> float:
    """MCE of Robo3D in percent: errors relative to a baseline's, 100 for the baseline itself.

    Args:
        miou: (corruptions, severities) mIoU in 0..1.
        baseline: the same of the baseline.
    """
    return float(100 * np.mean((1 - miou).sum(1) / (1 - baseline).sum(1)))


def mean_resilience_rate(miou: np.ndarray, clean: float) -> float:
    """MRR of Robo3D in percent: the share of the clean mIoU that is left under corruption.

    Args:
        miou: (corruptions, severities) mIoU in 0..1.
        clean: mIoU on the uncorrupted set, 0..1.
    """
    return float(100 * np.mean(miou.mean(1) / clean))


def relative_drop(target: float, source: float) -> float:
    """Share of the source's mIoU that is lost on the target."""
    return (source - target) / source


def gap_closed(target: float, source_only: float, oracle: float) -> float:
    """How much of the way from the source-only network to the oracle a method goes; 1 is all."""
    return (target - source_only) / (oracle - source_only)


def _given(values: Sequence[float]) -> np.ndarray:
    given = np.asarray(values, np.float64)
    if given.size == 0 or not np.isfinite(given).all():
        raise ConfigError(f"a mean needs the figure of every target, not {list(values)}.")
    return given
