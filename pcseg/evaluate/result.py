"""Result: the figures of an evaluation with what is needed to quote them, as JSON or a table."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pcseg._version import __version__
from pcseg.errors import DataError
from pcseg.evaluate.confusion import Confusion
from pcseg.evaluate.groups import Group, class_table, number
from pcseg.evaluate.interval import Interval
from pcseg.evaluate.protocol import PROTOCOLS, Protocol
from pcseg.evaluate.scores import Scores, score
from pcseg.files import read_json, write_json

if TYPE_CHECKING:
    from rich.console import RenderableType


def _versions() -> dict[str, str]:
    return {
        "pcseg": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


@dataclass(frozen=True)
class Result:
    """What an evaluation found, its protocol, and where it comes from.

    Attributes:
        protocol: the rules.
        label_set: dataset and name of the class table.
        label_set_hash: of the class table.
        names: classes by train id.
        confusion: all pairs, ignored ones included.
        miou_per_scan: mean of the mIoU of single scans: easy scans weigh as much as crowded ones.
        interval: bootstrap interval of mIoU, None for a single scan.
        range_bins: figures by distance from the sensor.
        motion: figures of static and moving objects of the classes that can move, empty if unknown.
        ece: expected calibration error, None without confidences.
        error_auroc: how well confidence tells right points from wrong ones.
        confidence_bins: the reliability diagram.
        scans: number of scans.
        simulated: whether any scan was simulated.
        meta: dataset, split, seed, checkpoint and what else the caller knows.
        versions: of the software.
    """

    protocol: Protocol
    label_set: str
    label_set_hash: str
    names: tuple[str, ...]
    confusion: Confusion
    miou_per_scan: float
    interval: Interval | None
    range_bins: tuple[Group, ...]
    motion: tuple[Group, ...]
    ece: float | None
    error_auroc: float | None
    confidence_bins: tuple[Mapping[str, Any], ...]
    scans: int
    simulated: bool
    meta: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=_versions)

    @property
    def scores(self) -> Scores:
        """IoU and points by class, accuracy, mIoU, under the result's own protocol."""
        return score(self.confusion.counts, self.protocol)

    @property
    def miou(self) -> float:
        """Mean IoU, 0..1."""
        return self.scores.miou

    @property
    def absent(self) -> tuple[str, ...]:
        """Classes without a point in the truth."""
        return tuple(n for n, here in zip(self.names, self.scores.present, strict=True) if not here)

    def under(self, protocol: Protocol) -> Scores:
        """The same predictions scored by other rules."""
        return score(self.confusion.counts, protocol)

    def line(self) -> str:
        """The protocol line that belongs above the figures."""
        marked = " | simulated data" if self.simulated else ""
        return self.protocol.line(self.meta, self.versions["pcseg"]) + marked

    def to_dict(self) -> dict[str, Any]:
        """Plain data, safe for JSON: fractions in 0..1, None where a figure does not exist."""
        scores = self.scores
        return {
            "miou": number(scores.miou),
            "accuracy": number(scores.accuracy),
            "miou_per_scan": number(self.miou_per_scan),
            "interval": self.interval.to_dict() if self.interval else None,
            "classes": class_table(scores, self.names),
            "absent": list(self.absent),
            "range_bins": [_plain(asdict(group)) for group in self.range_bins],
            "motion": [_plain(asdict(group)) for group in self.motion],
            "ece": number(self.ece),
            "error_auroc": number(self.error_auroc),
            "confidence_bins": _plain(self.confidence_bins),
            "miou_under_other_rules": self._other_rules(),
            "confusion": {
                "rows": "truth",
                "columns": "prediction",
                "order": [*self.names, "(ignored)"],
                "counts": self.confusion.counts.tolist(),
            },
            "protocol": {**self.protocol.to_dict(), "line": self.line()},
            "label_set": {"name": self.label_set, "hash": self.label_set_hash},
            "seed": _plain(self.meta.get("seed")),
            "scans": self.scans,
            "points": int(self.confusion.counts.sum()),
            "scored_points": int(scores.points.sum()),
            "simulated": self.simulated,
            "versions": dict(self.versions),
            "meta": _plain(self.meta),
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_dict()` as JSON, atomically."""
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Result:
        """Read what `save` wrote.

        Raises:
            DataError: if the file is not a saved result.
        """
        data = read_json(path)
        try:
            return cls._from_dict(data)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise DataError(
                f"{path}: not a result of pcseg eval ({type(error).__name__}: {error}). "
                "Evaluate again."
            ) from error

    def table(self) -> RenderableType:
        """A table for the terminal, with the protocol line on top."""
        from pcseg.evaluate.table import render

        return render(self)

    @classmethod
    def _from_dict(cls, data: Mapping[str, Any]) -> Result:
        counts = np.array(data["confusion"]["counts"], np.int64)
        return cls(
            protocol=Protocol.from_dict(data["protocol"]),
            label_set=data["label_set"]["name"],
            label_set_hash=data["label_set"]["hash"],
            names=tuple(data["classes"]),
            confusion=Confusion(len(data["classes"]), counts),
            miou_per_scan=data["miou_per_scan"],
            interval=Interval(**data["interval"]) if data["interval"] else None,
            range_bins=tuple(Group(**group) for group in data["range_bins"]),
            motion=tuple(Group(**group) for group in data["motion"]),
            ece=data["ece"],
            error_auroc=data["error_auroc"],
            confidence_bins=tuple(data["confidence_bins"]),
            scans=data["scans"],
            simulated=data["simulated"],
            meta=data["meta"],
            versions=data["versions"],
        )

    def _other_rules(self) -> dict[str, float | None]:
        rules = [p for p in PROTOCOLS.values() if p.aggregation == "one matrix"]
        return {rule.name: number(self.under(rule).miou) for rule in rules}


def _plain(value: Any) -> Any:
    """Numpy values, paths and tuples as JSON knows them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Path):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
