"""The bootstrap: bounds that hold the truth, sequences drawn whole, equal on every run."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.evaluate.interval import bootstrap_interval
from pcseg.evaluate.scores import Marginals


def scans_of(hit_rates: np.ndarray, points: int = 100) -> Marginals:
    """Scans of two classes; every miss is taken for the other class."""
    hits = np.rint(hit_rates * points).astype(np.int64)[:, None].repeat(2, 1)
    truth = np.full_like(hits, points)
    return Marginals(hits, truth, hits + (truth - hits)[:, ::-1])


def test_equal_scans_have_no_spread() -> None:
    found = bootstrap_interval(scans_of(np.full(20, 0.8)), np.zeros(20, int), "left out")
    assert found.low == pytest.approx(found.high)
    assert found.low == pytest.approx(0.8 / 1.2)
    assert found.unit == "scan"


def test_spread_is_that_of_the_mean(rng) -> None:
    rates = rng.uniform(0.5, 1.0, 400)
    found = bootstrap_interval(scans_of(rates), np.zeros(400, int), "left out")
    centre = rates.mean() / (2 - rates.mean())
    assert found.low < centre < found.high
    slope = 2 / (2 - rates.mean()) ** 2  # of IoU by hit rate
    expected = 2 * 1.96 * slope * rates.std() / np.sqrt(400)
    assert found.high - found.low == pytest.approx(expected, rel=0.15)


def test_scans_alike_within_sequences_widen_it() -> None:
    sequence = np.repeat(np.arange(8), 50)
    rates = np.linspace(0.4, 1.0, 8)[sequence]
    by_sequence = bootstrap_interval(scans_of(rates), sequence, "left out")
    by_scan = bootstrap_interval(scans_of(rates), np.zeros(400, int), "left out")
    assert by_sequence.unit == "sequence"
    assert by_sequence.high - by_sequence.low > 4 * (by_scan.high - by_scan.low)


def test_a_class_missing_from_some_draws_is_left_out_of_those() -> None:
    hits = np.array([[10, 0], [10, 0], [10, 5]])
    truth = np.array([[10, 0], [10, 0], [10, 10]])
    found = bootstrap_interval(Marginals(hits, truth, hits), np.zeros(3, int), "left out")
    assert 0.5 < found.low <= found.high <= 1


def test_same_counts_same_bounds_and_one_scan_none() -> None:
    scans = scans_of(np.linspace(0.5, 1, 9))
    assert bootstrap_interval(scans, np.zeros(9, int), "zero") == bootstrap_interval(
        scans, np.zeros(9, int), "zero"
    )
    assert bootstrap_interval(scans_of(np.ones(1)), np.zeros(1, int), "left out") is None
