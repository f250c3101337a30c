"""Calibration: by hand, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pcseg.errors import DataError
from pcseg.evaluate.calibration import NUM_BINS, Calibration


def counted(confidence: np.ndarray, correct: np.ndarray) -> Calibration:
    made = Calibration()
    made.add(confidence, correct)
    return made


def test_ece_by_hand() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.5, 0.5])
    made = counted(confidence, np.array([1, 1, 1, 0, 1, 1], bool))
    # Bin of 0.95: accuracy 0.75, gap 0.2, 4 points; bin of 0.5: accuracy 1, gap 0.5, 2 points.
    assert made.ece() == pytest.approx((4 * 0.2 + 2 * 0.5) / 6, abs=1e-8)
    rows = [row for row in made.bins() if row["points"]]
    assert [row["points"] for row in rows] == [2, 4]
    assert rows[1]["accuracy"] == 0.75
    assert rows[1]["confidence"] == pytest.approx(0.95, abs=1e-8)
    assert len(made.bins()) == NUM_BINS


def test_perfectly_calibrated_points_have_hardly_any_ece(rng) -> None:
    confidence = rng.random(200_000)
    made = counted(confidence, rng.random(200_000) < confidence)
    assert made.ece() < 0.01
    overconfident = counted(np.sqrt(confidence), rng.random(200_000) < confidence)
    assert overconfident.ece() > 0.1


@pytest.mark.parametrize("sharpness", [1.0, 5.0, 12.0])
def test_auroc_equals_scikit_learn_even_where_confidences_crowd_at_one(rng, sharpness) -> None:
    confidence = 1 / (1 + np.exp(-sharpness * rng.normal(1, 1, 20_000)))
    confidence = confidence.astype(np.float32)
    correct = rng.random(20_000) < confidence**0.2 * 0.9
    expected = roc_auc_score(correct, confidence)
    assert counted(confidence, correct).error_auroc() == pytest.approx(expected, abs=2e-3)


def test_auroc_of_equal_confidences_is_a_half_and_of_a_single_kind_undefined() -> None:
    same = np.full(10, 1.0)
    assert counted(same, np.arange(10) < 5).error_auroc() == 0.5
    assert counted(same, np.ones(10, bool)).error_auroc() is None
    assert Calibration().ece() is None


def test_parts_sum_to_exactly_the_whole(rng) -> None:
    confidence, correct = rng.random(5000), rng.random(5000) < 0.5
    whole, parts = counted(confidence, correct), Calibration()
    for part in np.array_split(rng.permutation(5000), 7):
        parts.add(confidence[part], correct[part])
    np.testing.assert_array_equal(parts.counts, whole.counts)
    np.testing.assert_array_equal(parts.ranks, whole.ranks)
    assert parts.ece() == whole.ece()


def test_rounding_above_one_is_forgiven_but_nothing_else() -> None:
    assert counted(np.array([1 + 1e-6]), np.array([True])).ece() == 0
    for bad in (np.nan, -0.1, 1.5, np.inf):
        fresh = Calibration()
        with pytest.raises(DataError, match=r"1 confidences are not in 0\.\.1.*diverged"):
            fresh.add(np.array([0.5, bad]), np.array([True, True]))
        assert fresh.counts.sum() == 0
