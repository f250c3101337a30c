"""Judges: each scores scans under one view, on the classes and points that the view knows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from pcseg.benchmark.views import as_published, common_classes, find_view, to_common
from pcseg.data import IGNORE, Prediction, Scan
from pcseg.errors import LabelError
from pcseg.evaluate import Confusion, Evaluation, View, batch_mean_iou
from pcseg.evaluate.groups import number


def judge_of(name: str, network: str, target: str) -> Judge:
    """The judge of a view.

    Args:
        name: of the view in the report.
        network: label set that the network was trained with, as ``map/set``.
        target: finest label set of the target, as ``map/set``.
    """
    view = find_view(name, network, target)
    kind = MatrixJudge if view.protocol.aggregation == "one matrix" else BatchJudge
    return kind(name, view, target, as_published(name, network, target))


class Judge(ABC):
    """Scores scans under a view.

    Args:
        name: of the view in the report.
        view: the rules.
        target: finest label set of the target.
        published: whether the network was trained on the classes of the view's paper.

    Attributes:
        scans: frame, mIoU and scored points of each scan that has any.
    """

    def __init__(self, name: str, view: View, target: str, published: bool) -> None:
        self.name, self.view, self.published = name, view, published
        self.classes = common_classes(view, target)
        self.scans: list[dict[str, Any]] = []

    def add(self, frame: str, scan: Scan, prediction: Prediction) -> None:
        """Count a scan.

        Args:
            frame: its name.
            scan: every raw point, with raw labels.
            prediction: in the classes of the network.

        Raises:
            LabelError: if there are no labels, or one that the label map does not know.
        """
        scan, prediction = self.in_common(scan, prediction)
        assert scan.labels is not None
        one = Confusion(self.classes.num_classes)
        one.add(prediction.labels, scan.labels)
        points = int(one.counts[:-1].sum())
        if points:
            miou = number(one.scores(self.view.protocol).miou)
            self.scans.append({"frame": frame, "miou": miou, "points": points})
        self._count(scan, prediction, one)

    def result(self) -> dict[str, Any]:
        """The figures as plain data, with the view's name and hash.

        Raises:
            LabelError: if no point was scored.
        """
        return {
            **self._figures(),
            "view": self.name,
            "view_hash": self.view.hash,
            "as_published": self.published,
            "paper": self.view.paper,
            "note": self.view.note,
        }

    @abstractmethod
    def _count(self, scan: Scan, prediction: Prediction, one: Confusion) -> None:
        """Count a scan in common classes, whose matrix is `one`."""

    @abstractmethod
    def _figures(self) -> dict[str, Any]:
        """The figures of all scans."""

    def in_common(self, scan: Scan, prediction: Prediction) -> tuple[Scan, Prediction]:
        """The points that the view counts, in its classes on both sides."""
        if scan.raw_labels is None:
            raise LabelError(f"{scan.name}: has no labels to score against.")
        labels = self.classes.encode(scan.raw_labels, scan.name)
        if "valid" in scan.attrs:
            labels = np.where(scan.attrs["valid"], labels, IGNORE)
        scan = scan.replace(labels=labels, images=())
        answer = Prediction(to_common(self.view, prediction.labels), prediction.confidence)
        rows = self.view.counted(scan.xyz)
        if len(rows) == len(scan):
            return scan, answer
        return scan.select(rows), Prediction(answer.labels[rows], answer.confidence[rows])


class MatrixJudge(Judge):
    """One matrix for all scans: nearly every protocol."""

    def __init__(self, name: str, view: View, target: str, published: bool) -> None:
        super().__init__(name, view, target, published)
        self._evaluation = Evaluation(self.classes, view.protocol)

    def _count(self, scan: Scan, prediction: Prediction, one: Confusion) -> None:
        self._evaluation.add(scan, prediction)

    def _figures(self) -> dict[str, Any]:
        return self._evaluation.result().to_dict()


class BatchJudge(Judge):
    """The rule of the LiDOG family: a mean over batches of scans, in their order."""

    def __init__(self, name: str, view: View, target: str, published: bool) -> None:
        super().__init__(name, view, target, published)
        self._each: list[Confusion] = []
        self._simulated = False

    def _count(self, scan: Scan, prediction: Prediction, one: Confusion) -> None:
        self._each.append(one)
        self._simulated |= bool(scan.meta.get("simulated"))

    def _figures(self) -> dict[str, Any]:
        """What is only known of one matrix is None."""
        size, empty = self.view.batch or 1, Confusion(self.classes.num_classes)
        batches = [
            sum(self._each[start : start + size], empty)
            for start in range(0, len(self._each), size)
        ]
        if not batches:
            raise LabelError(f"view '{self.name}': there are no scans to score.")
        miou, by_class = batch_mean_iou(batches, self.view.protocol)
        whole = sum(batches, empty)
        points = whole.counts[:-1].sum(1).tolist()
        names = self.classes.names
        rows = zip(names, by_class.tolist(), points, strict=True)
        return {
            "miou": number(miou),
            "miou_per_scan": None,
            "interval": None,
            "classes": {name: {"iou": number(v), "points": p} for name, v, p in rows},
            "absent": [name for name, p in zip(names, points, strict=True) if not p],
            "range_bins": [],
            "motion": [],
            "ece": None,
            "error_auroc": None,
            "confusion": {"order": [*names, "(ignored)"], "counts": whole.counts.tolist()},
            "protocol": self.view.protocol.to_dict(),
            "scans": len(self._each),
            "simulated": self._simulated,
        }
