"""Views: source-class predictions and a target's truth, mapped to common classes and scored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from pcseg.data import IGNORE, LabelSet, label_set
from pcseg.errors import LabelError
from pcseg.evaluate.confusion import Confusion
from pcseg.evaluate.crop import WHOLE, Crop
from pcseg.evaluate.protocol import HOUSE, Protocol, protocol

TrainLabels = Literal["source", "common"]


@dataclass(frozen=True)
class View:
    """One published way to score a network on data with other classes than its own.

    A predicted class that the view does not know becomes `IGNORE`; whether that is a miss or lets
    the point drop out is the protocol's business. So is a class of the truth that is not scored.

    Attributes:
        name: of the view, with its version.
        names: the common classes.
        predicted: train id of the source -> common class, `IGNORE` where the view has none.
        truth: id of the target, as its labels are given -> common class.
        protocol: the rules of counting.
        sources: label sets from whose train ids `predicted` maps; they name the same classes.
        targets: label sets by whose train ids the truth is given, and the split that is scored.
        train_labels: what a network of this view was trained on: the classes of its source, or
            the common classes alone. The two are different networks: never compare them.
        crop: which points count.
        voxel_m: side of the voxels, in metres, of which only the first point counts; None where
            every point does.
        batch: scans in a batch, for protocols that average over batches.
        paper: where the rules are from.
        note: what to know before quoting a figure.
    """

    name: str
    names: tuple[str, ...]
    predicted: Mapping[int, int]
    truth: Mapping[int, int]
    protocol: Protocol = HOUSE
    sources: tuple[str, ...] = ()
    targets: Mapping[str, str] = field(default_factory=dict)
    train_labels: TrainLabels = "source"
    crop: Crop = WHOLE
    voxel_m: float | None = None
    batch: int | None = None
    paper: str = ""
    note: str = ""

    @property
    def hash(self) -> str:
        """Twelve hex digits that change with any rule, class, mapping or label set of the view.

        Frame lists are part of it by the names of their splits.
        """
        tables = [[name, label_set(name).hash] for name in (*self.sources, *self.targets)]
        crop = [self.crop.to_dict(), self.voxel_m, self.batch]
        rules = [self.protocol.hash, self.train_labels, *crop]
        maps = [self.names, sorted(self.predicted.items()), sorted(self.truth.items())]
        content = json.dumps([self.name, maps, rules, tables, sorted(self.targets.items())])
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def counted(self, xyz: np.ndarray, in_picture: np.ndarray | None = None) -> np.ndarray:
        """Which points of a scan count under this view's crop and unit.

        Args:
            xyz: (N, 3) in the sensor's frame, metres, in file order.
            in_picture: (N,) bool, for views that count what a camera sees.

        Returns:
            (M,) int64 rows, in file order.

        Raises:
            ConfigError: if the view needs `in_picture`.
        """
        rows = np.flatnonzero(self.crop.counted(xyz, in_picture))
        if self.voxel_m is None or not len(rows):
            return rows
        cells = np.floor(xyz[rows] / np.float64(self.voxel_m)).astype(np.int64)
        cells -= cells.min(0)
        sides = cells.max(0) + 1
        key = (cells[:, 0] * sides[1] + cells[:, 1]) * sides[2] + cells[:, 2]
        return np.asarray(rows[np.sort(np.unique(key, return_index=True)[1])])

    def confusion(self, pred: np.ndarray, target: np.ndarray) -> Confusion:
        """Count the points of one scan in common classes.

        Args:
            pred: (N,) predictions in the source's train ids.
            target: (N,) truth in the target's ids.

        Raises:
            LabelError: for an id that the view's maps do not mention, or unequal lengths.
        """
        confusion = Confusion(len(self.names))
        confusion.add(
            self._map(pred, self.predicted, "prediction"), self._map(target, self.truth, "label")
        )
        return confusion

    def seen_from(self, source: str | LabelSet) -> View:
        """The same view for a network that knows other classes of a source dataset.

        It makes, for example, a network trained on SemanticKITTI's 19 classes answer under the
        rules of DGLSS, which trains on ten. Papers do not do so: the result says
        ``train_labels="source"``, and its figures stand apart.

        Args:
            source: the network's label set, of the dataset of one of `sources`.

        Raises:
            LabelError: if no source of the view is of that dataset.
        """
        table = label_set(source) if isinstance(source, str) else source
        name = f"{table.dataset}/{table.name}"
        if name in self.sources:
            return self
        fitting = [label_set(s) for s in self.sources if label_set(s).dataset == table.dataset]
        if not fitting:
            raise LabelError(
                f"view '{self.name}' takes predictions of {', '.join(self.sources)}; "
                f"none of these is of the dataset '{table.dataset}'."
            )
        # A class goes where the raw id that is written for it goes.
        through = {
            train_id: fitting[0].raw_to_train.get(raw_id, IGNORE)
            for train_id, raw_id in table.train_to_raw.items()
        }
        known = {IGNORE: IGNORE, **self.predicted}
        return replace(
            self,
            predicted={k: known.get(v, IGNORE) for k, v in sorted(through.items())},
            sources=(name,),
            train_labels="source",
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` turns back, with the hashes of the view and its rules."""
        return {
            "name": self.name,
            "names": list(self.names),
            "source_to_common": dict(self.predicted),
            "target_to_common": dict(self.truth),
            "protocol": self.protocol.name,
            "sources": list(self.sources),
            "targets": dict(self.targets),
            "train_labels": self.train_labels,
            "crop": self.crop.to_dict(),
            "voxel_m": self.voxel_m,
            "batch": self.batch,
            "paper": self.paper,
            "note": self.note,
            "hash": self.hash,
        }

    @classmethod
    def from_dict(cls, name: str, data: Mapping[str, Any]) -> View:
        """Build a view from data.

        Args:
            name: of the view.
            data: ``names`` (those of the first target by default); ``source_to_common`` and
                ``target_to_common`` as lists by train id or as mappings, or nothing where the
                classes are the common ones already; optional ``protocol`` (a name), ``sources``,
                ``targets`` {label set: split}, ``train_labels``, ``crop``, ``voxel_m``, ``batch``,
                ``paper``, ``note``.
        """
        targets = {str(k): str(v) for k, v in data.get("targets", {}).items()}
        names = tuple(str(n) for n in data.get("names") or label_set(next(iter(targets))).names)
        extra = {
            k: data[k] for k in ("train_labels", "voxel_m", "batch", "paper", "note") if k in data
        }
        return cls(
            name=name,
            names=names,
            predicted=_mapping(data.get("source_to_common"), len(names)),
            truth=_mapping(data.get("target_to_common"), len(names)),
            protocol=protocol(data["protocol"]) if "protocol" in data else HOUSE,
            sources=tuple(data.get("sources", ())),
            targets=targets,
            crop=Crop.from_dict(data.get("crop", {})),
            **extra,
        )

    def _map(self, labels: np.ndarray, table: Mapping[int, int], what: str) -> np.ndarray:
        known = {IGNORE: IGNORE, **table}
        ids, place = np.unique(labels, return_inverse=True)
        unknown = [int(i) for i in ids if int(i) not in known]
        if unknown:
            raise LabelError(
                f"view '{self.name}': {what} {unknown[0]} has no common class. "
                f"Known: {', '.join(map(str, sorted(table)))}."
            )
        return np.array([known[int(i)] for i in ids], np.int64)[place.reshape(-1)]


def _mapping(given: Mapping[Any, Any] | Sequence[int] | None, size: int) -> dict[int, int]:
    if given is None:
        return {i: i for i in range(size)}
    pairs = given.items() if isinstance(given, Mapping) else enumerate(given)
    return {int(k): int(v) for k, v in pairs}
