"""mCE and mRR: Robo3D's published figures made again from its published mIoU."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.data.corruptions import CORRUPTIONS
from pcseg.errors import ConfigError
from pcseg.evaluate.robustness import Baseline, Robustness, published, published_baseline

SETS = ("SemanticKITTI-C", "nuScenes-C", "WOD-C")


def as_robustness(robo3d_set: str, network: str) -> Robustness:
    row = published(robo3d_set)[network]
    miou = {name: [value / 100] * 3 for name, value in row.miou.items()}
    return Robustness(row.clean / 100, miou, published_baseline(robo3d_set))


@pytest.mark.parametrize(
    ("robo3d_set", "rate"), [("SemanticKITTI-C", 81.90), ("nuScenes-C", 74.44), ("WOD-C", 91.22)]
)
def test_the_baselines_figures(robo3d_set: str, rate: float) -> None:
    found = as_robustness(robo3d_set, "MinkUNet18")
    assert found.mrr == pytest.approx(rate, abs=0.01)
    assert found.mce == pytest.approx(100.0, abs=1e-9)
    assert all(value == pytest.approx(100.0) for value in found.corruption_errors.values())


@pytest.mark.parametrize(
    ("robo3d_set", "network"), [(name, network) for name in SETS for network in published(name)]
)
def test_every_published_figure(robo3d_set: str, network: str) -> None:
    found, row = as_robustness(robo3d_set, network), published(robo3d_set)[network]
    # Their inputs are rounded to 0.01 points of mIoU, which reaches both figures.
    assert found.mce == pytest.approx(row.mce, abs=0.02)
    assert found.mrr == pytest.approx(row.mrr, abs=0.02)


def test_each_corruption_by_hand() -> None:
    baseline = Baseline("b", dict.fromkeys(CORRUPTIONS, 0.6))
    miou = {name: [0.5, 0.5, 0.5] for name in CORRUPTIONS} | {"fog": [0.7, 0.6, 0.5]}
    found = Robustness(0.8, miou, baseline)
    assert found.corruption_errors["fog"] == pytest.approx(100.0)
    assert found.corruption_errors["snow"] == pytest.approx(125.0)
    assert found.resilience_rates["fog"] == pytest.approx(75.0)
    assert found.resilience_rates["snow"] == pytest.approx(62.5)
    assert found.mce == pytest.approx((100 + 7 * 125) / 8)
    assert found.mrr == pytest.approx((75 + 7 * 62.5) / 8)


def test_own_baseline(rng: np.random.Generator) -> None:
    made = Robustness(0.9, {name: rng.uniform(0.2, 0.8, 3) for name in CORRUPTIONS})
    again = Robustness(made.clean, made.miou, made.as_baseline("itself"))
    assert again.mce == pytest.approx(100.0)
    with pytest.raises(ConfigError, match="mCE is relative to a baseline"):
        _ = made.mce
    assert 0 < made.mrr < 100


def test_figures_that_are_missing_or_percentages() -> None:
    miou = {name: [0.5, 0.5, 0.5] for name in CORRUPTIONS}
    with pytest.raises(ConfigError, match="no figure for snow, crosstalk"):
        Robustness(0.6, {k: v for k, v in miou.items() if k not in ("snow", "crosstalk")})
    with pytest.raises(ConfigError, match=r"fog has 2"):
        Robustness(0.6, miou | {"fog": [0.5, 0.5]})
    with pytest.raises(ConfigError, match="divided by 100"):
        Robustness(60.0, miou)
    with pytest.raises(ConfigError, match=r"\(did you mean nuScenes-C\?\)"):
        published("nuscenes-C")
