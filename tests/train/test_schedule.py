"""Learning rates: where they start, peak and end."""

from __future__ import annotations

import pytest

from pcseg.config import OptimConfig
from pcseg.train.schedule import learning_rate


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "constant"])
def test_rises_to_the_peak_once(schedule: str) -> None:
    config = OptimConfig(lr=0.1, schedule=schedule, warmup=0.2)
    rates = [learning_rate(config, i, 100) for i in range(100)]
    assert max(rates) == pytest.approx(0.1)
    assert rates[19] == pytest.approx(0.1)
    assert rates[:20] == sorted(rates[:20])
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert all(rate > 0 for rate in rates)
    if schedule != "constant":
        assert rates[-1] < 0.001


def test_one_cycle_starts_at_a_25th() -> None:
    config = OptimConfig(lr=1.0, schedule="one_cycle", warmup=0.5)
    assert learning_rate(config, 0, 10_000) == pytest.approx(1 / 25, rel=1e-3)


def test_no_warmup_and_one_update() -> None:
    config = OptimConfig(lr=0.1, warmup=0.0)
    assert learning_rate(config, 0, 1) == pytest.approx(0.1)
