"""Evaluation: the one place where (scan, prediction) pairs become a result, anywhere in pcseg."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from pcseg.data import IGNORE, LabelSet, Prediction, Scan
from pcseg.errors import ConfigError, DataError, LabelError
from pcseg.evaluate.calibration import Calibration
from pcseg.evaluate.checks import check_pair
from pcseg.evaluate.confusion import Confusion, count_pairs
from pcseg.evaluate.groups import Group, group_of
from pcseg.evaluate.interval import bootstrap_interval
from pcseg.evaluate.protocol import Protocol, house_protocol
from pcseg.evaluate.result import Result
from pcseg.evaluate.scores import Marginals, iou, marginals, mean_iou, require_points, score

RANGE_BINS_M = (10, 20, 35, 50)
"""Borders of the range bins, metres from the sensor."""

_UNNAMED = 0
"""Key of scans that cannot be told apart: they are not checked for being scored twice."""


class Evaluation:
    """Scores scans one by one in little memory; parts made by several processes can be merged.

    Every point is counted once, at full resolution. A scan of the same name is refused the second
    time, so that a sampler that pads its last batch cannot pass unnoticed.

    Args:
        label_set: the classes of truth and prediction.
        protocol: the rules; the house rule by default.
        range_bins: borders in metres from the sensor, rising. Scans with ``meta["offset"]`` (map
            coordinates) have no sensor at their origin and are left out of the bins.

    Raises:
        ConfigError: for a protocol that scores batches, or borders that do not rise.
    """

    def __init__(
        self,
        label_set: LabelSet,
        protocol: Protocol | None = None,
        range_bins: Sequence[float] = RANGE_BINS_M,
    ) -> None:
        self.label_set = label_set
        self.protocol = protocol or house_protocol(label_set)
        self.range_bins = tuple(range_bins)
        self.calibration = Calibration()
        _check_settings(self)
        side = label_set.num_classes + 1
        # The group after the last range bin holds points of scans without a sensor origin.
        self._pairs = np.zeros((len(self.range_bins) + 2, side, side), np.int64)
        self._motion = np.zeros((2, side, side), np.int64)
        self._simulated = 0
        self._keys: set[int] = set()
        self._scans: list[tuple[int, int, np.ndarray]] = []
        movers = {label_set.raw_to_train.get(raw, IGNORE) for raw in label_set.moving}
        self._can_move = np.array(sorted(movers - {IGNORE}), np.int64)

    def add(self, scan: Scan, prediction: Prediction) -> None:
        """Count one scan.

        Args:
            scan: with labels in the train ids of the label set.
            prediction: for every point of it. Confidences that are all NaN are taken as not known
                and leave the scan out of the calibration.

        Raises:
            LabelError: if the scan has no labels, the counts differ, or a label is not in the set.
            DataError: if the scan was scored before, or confidences are not probabilities.
        """
        if scan.labels is None:
            raise LabelError(
                f"{scan.name}: has no labels to score against. Use predict for unlabelled scans."
            )
        check_pair(scan, prediction)
        key = _scan_key(scan)
        if key in self._keys:
            raise _scored_twice(scan.name)
        try:
            pairs = self._count(scan, scan.labels, prediction.labels)
            motion = self._count_motion(scan.labels, scan.raw_labels, prediction.labels)
            self._calibrate(scan.labels, prediction)
        except (LabelError, DataError) as error:
            raise type(error)(f"{scan.name}: {error}") from error
        self._pairs += pairs
        self._motion += motion
        self._simulated += bool(scan.meta.get("simulated"))
        self._keys |= {key} - {_UNNAMED}
        row = np.stack(marginals(pairs.sum(0), self.protocol))
        self._scans.append((key, _hash(str(scan.meta.get("sequence", ""))), row))

    def merge(self, other: Evaluation) -> None:
        """Take over what another evaluation with the same settings has counted.

        Raises:
            ConfigError: if the settings differ.
            DataError: if both have counted the same scan.
        """
        if other._settings() != self._settings():
            raise ConfigError("evaluations with different classes, rules or bins cannot be merged.")
        if self._keys & other._keys:
            raise _scored_twice(f"{len(self._keys & other._keys)} scans")
        self._pairs += other._pairs
        self._motion += other._motion
        self._simulated += other._simulated
        self.calibration.counts += other.calibration.counts
        self.calibration.ranks += other.calibration.ranks
        self._keys |= other._keys
        self._scans += other._scans

    def state(self) -> dict[str, np.ndarray]:
        """All counts as int64 arrays, to be sent to another process or stored."""
        return {
            "pairs": self._pairs.copy(),
            "motion": self._motion.copy(),
            "confidence": self.calibration.counts.copy(),
            "ranks": self.calibration.ranks.copy(),
            "simulated": np.array([self._simulated], np.int64),
            "scan_keys": np.array([key for key, _, _ in self._scans], np.int64),
            "scan_sequences": np.array([sequence for _, sequence, _ in self._scans], np.int64),
            "scan_marginals": self._scan_marginals(),
        }

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Replace everything counted by `state()` of an evaluation with the same settings.

        Raises:
            ConfigError: if the state was made with other classes or bins.
        """
        if state["pairs"].shape != self._pairs.shape:
            raise ConfigError("this state was made with other classes or range bins.")
        self._pairs = state["pairs"].copy()
        self._motion = state["motion"].copy()
        self.calibration.counts = state["confidence"].copy()
        self.calibration.ranks = state["ranks"].copy()
        self._simulated = int(state["simulated"][0])
        rows = zip(
            state["scan_keys"].tolist(),
            state["scan_sequences"].tolist(),
            state["scan_marginals"],
            strict=True,
        )
        self._scans = [(key, sequence, row.copy()) for key, sequence, row in rows]
        self._keys = {key for key, _, _ in self._scans} - {_UNNAMED}

    def confusion(self) -> Confusion:
        """The matrix of everything counted so far."""
        return Confusion(self.label_set.num_classes, self._pairs.sum(0))

    def result(self, meta: Mapping[str, Any] | None = None) -> Result:
        """The figures of everything counted so far.

        Args:
            meta: what to keep with them: ``dataset``, ``split``, ``seed``, ``checkpoint``, …

        Raises:
            LabelError: if no point was scored.
        """
        confusion = self.confusion()
        require_points(
            score(confusion.counts, self.protocol), self.protocol, f"{len(self._scans)} scans"
        )
        scans = Marginals(*self._scan_marginals().transpose(1, 0, 2))
        sequences = np.array([sequence for _, sequence, _ in self._scans], np.int64)
        per_scan = mean_iou(mean_iou(iou(scans, self.protocol.absent))[None])[0]
        return Result(
            protocol=self.protocol,
            label_set=f"{self.label_set.dataset}/{self.label_set.name}",
            label_set_hash=self.label_set.hash,
            names=self.label_set.names,
            confusion=confusion,
            miou_per_scan=float(per_scan),
            interval=bootstrap_interval(scans, sequences, self.protocol.absent),
            range_bins=self._range_groups(),
            motion=self._motion_groups(),
            ece=self.calibration.ece(),
            error_auroc=self.calibration.error_auroc(),
            confidence_bins=tuple(self.calibration.bins()),
            scans=len(self._scans),
            simulated=self._simulated > 0,
            meta=dict(meta or {}),
        )

    def _count(self, scan: Scan, labels: np.ndarray, pred: np.ndarray) -> np.ndarray:
        num_groups = len(self._pairs)
        if "offset" in scan.meta:
            group = np.full(len(scan), num_groups - 1)
        else:
            distance = np.linalg.norm(scan.xyz, axis=1)
            group = np.searchsorted(self.range_bins, distance, side="right")
        return count_pairs(pred, labels, self.label_set.num_classes, group, num_groups)

    def _count_motion(
        self, labels: np.ndarray, raw: np.ndarray | None, pred: np.ndarray
    ) -> np.ndarray:
        if raw is None or not len(self._can_move):
            return np.zeros_like(self._motion)
        able = np.isin(labels, self._can_move)
        moving = self.label_set.is_moving(raw[able]).astype(np.int64)
        return count_pairs(pred[able], labels[able], self.label_set.num_classes, moving, 2)

    def _calibrate(self, labels: np.ndarray, prediction: Prediction) -> None:
        scored = labels != IGNORE
        confidence = prediction.confidence[scored]
        if not np.isnan(confidence).all():
            self.calibration.add(confidence, (prediction.labels == labels)[scored])

    def _scan_marginals(self) -> np.ndarray:
        rows = [row for _, _, row in self._scans]
        return np.stack(rows) if rows else np.zeros((0, 3, self.label_set.num_classes), np.int64)

    def _range_groups(self) -> tuple[Group, ...]:
        ends = [*self.range_bins, None]
        starts = [0, *self.range_bins]
        groups = []
        for start, end, counts in zip(starts, ends, self._pairs, strict=False):
            name = f"{start:g}-{end:g} m" if end is not None else f"{start:g}+ m"
            groups.append(group_of(name, counts, self.protocol, self.label_set.names, start, end))
        return tuple(groups)

    def _motion_groups(self) -> tuple[Group, ...]:
        if not self._motion.any():
            return ()
        names = ("static", "moving")
        return tuple(
            group_of(name, counts, self.protocol, self.label_set.names)
            for name, counts in zip(names, self._motion, strict=True)
        )

    def _settings(self) -> tuple[object, ...]:
        return self.label_set.hash, self.protocol, self.range_bins


def _check_settings(evaluation: Evaluation) -> None:
    protocol, names = evaluation.protocol, evaluation.label_set.names
    if protocol.aggregation != "one matrix":
        raise ConfigError(
            f"protocol '{protocol.name}' is a mean over batches: collect a Confusion for each "
            "batch and give them to batch_mean_iou."
        )
    borders = (0, *evaluation.range_bins)
    if any(a >= b for a, b in pairwise(borders)):
        raise ConfigError(f"range bins must rise from above 0, not {evaluation.range_bins}.")
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise LabelError(f"label set '{evaluation.label_set.name}' has two classes named {twice}.")


def _scored_twice(what: str) -> DataError:
    return DataError(
        f"{what}: scored twice. Give each scan to one process only, without padding the last batch."
    )


def _scan_key(scan: Scan) -> int:
    named = any(scan.meta.get(key) is not None for key in ("path", "frame"))
    return _hash(f"{scan.meta.get('dataset', '')}/{scan.name}") if named else _UNNAMED


def _hash(text: str) -> int:
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)
