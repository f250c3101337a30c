"""Robustness: mCE and mRR over corruptions and severities, and Robo3D's published figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from pcseg.data.corruptions import CORRUPTIONS, SEVERITIES
from pcseg.data.label_files import parse_yaml
from pcseg.errors import ConfigError
from pcseg.evaluate.aggregate import mean_corruption_error, mean_resilience_rate
from pcseg.hints import did_you_mean


@dataclass(frozen=True)
class Baseline:
    """What corruption errors are relative to.

    Attributes:
        name: to be quoted with every mCE.
        miou: corruption -> mIoU in 0..1, mean over the severities.
    """

    name: str
    miou: Mapping[str, float]

    def __post_init__(self) -> None:
        _complete(self.miou, f"the baseline '{self.name}'")


@dataclass(frozen=True)
class Robustness:
    """The figures of one network under all eight corruptions.

    Under heavy wet ground and incomplete echoes classes may have no point left. The published
    figures count their IoU as 0 (view ``robo3d/sk/v1``); a mean over the classes that are left
    makes another, higher figure, so say which it is.

    Attributes:
        clean: mIoU on the uncorrupted scans, 0..1.
        miou: corruption -> mIoU in 0..1 at each of the three severities.
        baseline: see `Baseline`; None for figures without mCE.
    """

    clean: float
    miou: Mapping[str, Sequence[float]]
    baseline: Baseline | None = None

    def __post_init__(self) -> None:
        _complete(self.miou, "the network")
        short = [name for name in CORRUPTIONS if len(self.miou[name]) != len(SEVERITIES)]
        values = np.array([self.clean, *(v for name in CORRUPTIONS for v in self.miou[name])])
        if short or not ((values >= 0) & (values <= 1)).all() or self.clean == 0:
            where = f" ({short[0]} has {len(self.miou[short[0]])})" if short else ""
            raise ConfigError(
                f"robustness needs an mIoU in 0..1 for each of {', '.join(SEVERITIES)}{where}, and "
                "a clean mIoU above 0. Percentages are to be divided by 100."
            )

    @property
    def corruption_errors(self) -> dict[str, float]:
        """CE of each corruption in percent of the baseline's error.

        Raises:
            ConfigError: if there is no baseline.
        """
        theirs = self._baseline().miou
        return {
            name: mean_corruption_error(self._mean(name), np.array([[theirs[name]]]))
            for name in CORRUPTIONS
        }

    @property
    def resilience_rates(self) -> dict[str, float]:
        """RR of each corruption: percent of the clean mIoU that is left."""
        return {name: mean_resilience_rate(self._mean(name), self.clean) for name in CORRUPTIONS}

    @property
    def mce(self) -> float:
        """Mean corruption error in percent, lower is better; the baseline has 100.

        Raises:
            ConfigError: if there is no baseline.
        """
        return float(np.mean(list(self.corruption_errors.values())))

    @property
    def mrr(self) -> float:
        """Mean resilience rate in percent, higher is better."""
        return float(np.mean(list(self.resilience_rates.values())))

    def as_baseline(self, name: str) -> Baseline:
        """This network as what others are compared with."""
        return Baseline(name, {key: float(self._mean(key).item()) for key in CORRUPTIONS})

    def _mean(self, name: str) -> np.ndarray:
        """(1, 1) mean over the severities: all that CE and RR need."""
        return np.array([[np.mean(self.miou[name])]])

    def _baseline(self) -> Baseline:
        if self.baseline is None:
            raise ConfigError(
                "mCE is relative to a baseline, and none was given. Evaluate one under the same "
                "suite (Robustness.as_baseline); published_baseline is for Robo3D's own files."
            )
        return self.baseline


@dataclass(frozen=True)
class Published:
    """A row of Robo3D's tables, as percentages.

    Attributes:
        mce: mean corruption error.
        mrr: mean resilience rate.
        clean: mIoU on the clean validation set.
        miou: corruption -> mIoU, mean over the severities.
    """

    mce: float
    mrr: float
    clean: float
    miou: Mapping[str, float]


@cache
def published(robo3d_set: str) -> dict[str, Published]:
    """Robo3D's figures of every network on one of its sets.

    Args:
        robo3d_set: ``"SemanticKITTI-C"``, ``"nuScenes-C"`` or ``"WOD-C"``.

    Raises:
        ConfigError: for another set, with a suggestion.
    """
    data = parse_yaml(Path(str(files("pcseg.evaluate") / "published" / "robo3d.yaml")))
    if robo3d_set not in data["sets"]:
        raise ConfigError(
            f"Robo3D has no set '{robo3d_set}'{did_you_mean(robo3d_set, data['sets'])}. "
            f"It has: {', '.join(data['sets'])}."
        )
    return {
        str(name): Published(mce, mrr, clean, dict(zip(data["corruptions"], miou, strict=True)))
        for name, (mce, mrr, clean, miou) in data["sets"][robo3d_set]["networks"].items()
    }


def published_baseline(robo3d_set: str) -> Baseline:
    """Robo3D's own baseline, MinkUNet18; only for networks scored on Robo3D's own files."""
    row = published(robo3d_set)["MinkUNet18"]
    return Baseline(f"MinkUNet18 on {robo3d_set}", {k: v / 100 for k, v in row.miou.items()})


def _complete(table: Mapping[str, object], what: str) -> None:
    missing = [name for name in CORRUPTIONS if name not in table]
    if missing:
        raise ConfigError(
            f"{what} has no figure for {', '.join(missing)}. mCE and mRR are means over all of "
            f"{', '.join(CORRUPTIONS)}."
        )
