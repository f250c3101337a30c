"""Protocols: the rules by which a confusion matrix becomes a figure, each with a name to quote."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from pcseg._version import __version__
from pcseg.data import LabelSet
from pcseg.errors import ConfigError

IgnoredTruth = Literal["left out", "false positive"]
Abstention = Literal["false negative", "left out"]
AbsentClass = Literal["left out", "zero", "zero if predicted", "one"]
AccuracyOf = Literal["scored", "answered"]
Aggregation = Literal["one matrix", "mean over batches"]


@dataclass(frozen=True)
class Protocol:
    """What is counted, and how counts become IoU and its mean.

    Two figures may be compared only if their protocols are equal. The fields are the points in
    which published evaluators of the same data differ.

    Attributes:
        name: to quote with the figure; its rules are frozen, a change of rules is a new name.
        unit: what is counted once.
        resolution: at which labels are compared with the truth.
        ignored_truth: a point without a scored truth is left out, or its prediction is a false
            positive.
        abstention: a prediction outside the scored classes (`IGNORE`) is a false negative of the
            true class, or the point is left out.
        absent: a class without any point in the truth is left out of the mean, counts 0, counts 0
            only if it was predicted somewhere, or counts 1.
        accuracy: share of right points among all scored points, or among those answered.
        aggregation: one matrix for everything, or a mean over batches of each class's IoU, taken
            where the batch holds the class.
        tta: test-time augmentation, ``"none"`` or what was done.
    """

    name: str
    unit: str = "per point"
    resolution: str = "full resolution"
    ignored_truth: IgnoredTruth = "left out"
    abstention: Abstention = "false negative"
    absent: AbsentClass = "left out"
    accuracy: AccuracyOf = "scored"
    aggregation: Aggregation = "one matrix"
    tta: str = "none"

    @property
    def hash(self) -> str:
        """Twelve hex digits that change with any rule."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:12]

    def with_tta(self, tta: str) -> Protocol:
        """The same rules for predictions made with test-time augmentation."""
        return replace(self, tta=tta)

    def line(self, meta: Mapping[str, Any] | None = None, version: str = __version__) -> str:
        """The line printed above every figure.

        Args:
            meta: ``dataset``, ``split`` and ``seed`` of the run, as far as known.
            version: of pcseg, when the figure was made.
        """
        meta = meta or {}
        data = " ".join(str(meta[key]) for key in ("dataset", "split") if meta.get(key))
        seed = "?" if meta.get("seed") is None else meta["seed"]
        parts = [data, self.unit, self.resolution, f"TTA {self.tta}", f"seed {seed}"]
        return " | ".join([*filter(None, parts), self.name, f"pcseg {version}"])

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` turns back, with the hash of the rules."""
        return {**asdict(self), "hash": self.hash}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Protocol:
        """The inverse of `to_dict`."""
        return cls(**{field.name: data[field.name] for field in fields(cls) if field.name in data})


HOUSE = Protocol("pcseg/1")
"""Ignored by the truth alone; no gain from abstaining; absent classes flagged, not averaged."""

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        HOUSE,
        Protocol("semantickitti-official/1", absent="zero", accuracy="answered"),
        Protocol("dglss/1", absent="zero"),
        Protocol("waymo-official/1", absent="zero if predicted"),
        Protocol("nuscenes-official/1", abstention="left out", absent="zero if predicted"),
        Protocol("3dlabelprop/1", abstention="left out", absent="zero if predicted"),
        Protocol("pointdr/1", absent="one"),
        Protocol(
            "xmuda/1",
            unit="per point in the front picture",
            abstention="left out",
            absent="zero if predicted",
        ),
        Protocol(
            "lidog/1",
            unit="per voxel",
            resolution="voxels of 5 cm, first point's label",
            ignored_truth="false positive",
            aggregation="mean over batches",
        ),
    )
}
"""The house rule and the rules of published evaluators, frozen by name."""


def house_protocol(label_set: LabelSet) -> Protocol:
    """The house rule under the name of a label set, for example ``"sk19/v1"``."""
    return replace(HOUSE, name=f"{label_set.name}/v1")


def protocol(name: str) -> Protocol:
    """Look a protocol up by name.

    Raises:
        ConfigError: for an unknown name, naming the known ones.
    """
    if name not in PROTOCOLS:
        raise ConfigError(f"there is no protocol '{name}'. Known: {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]
