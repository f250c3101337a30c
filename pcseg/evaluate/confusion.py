"""Confusion: exact counts of (truth, prediction) pairs, additive over scans and processes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from pcseg.data import IGNORE
from pcseg.errors import LabelError
from pcseg.evaluate.protocol import HOUSE, Protocol
from pcseg.evaluate.scores import Scores, iou, marginals, mean_iou, require_points, score

Labels = np.ndarray | torch.Tensor


class Confusion:
    """A confusion matrix that forgets nothing any protocol could ask for.

    Points whose truth or prediction is ignored are counted too, in a row and a column of their own:
    each published rule is then a way of reading the same matrix.

    Attributes:
        counts: (K + 1, K + 1) int64; rows are the truth, columns the prediction; the last row and
            the last column stand for `IGNORE`.
    """

    def __init__(self, num_classes: int, counts: np.ndarray | None = None) -> None:
        shape = (num_classes + 1, num_classes + 1)
        if counts is None:
            counts = np.zeros(shape, np.int64)
        if counts.shape != shape:
            raise LabelError(
                f"a matrix of {num_classes} classes has the shape {shape}, not {counts.shape}: "
                "was it made for another label set?"
            )
        self.counts = counts.astype(np.int64)

    @property
    def num_classes(self) -> int:
        """K, the number of scored classes."""
        return len(self.counts) - 1

    def add(self, pred: Labels, target: Labels) -> None:
        """Count points.

        Args:
            pred: (N,) integer train ids or `IGNORE`, numpy or torch on any device.
            target: (N,) the same of the truth.

        Raises:
            LabelError: if lengths differ or a label is outside the classes.
        """
        self.counts += count_pairs(pred, target, self.num_classes)[0]

    def __add__(self, other: Confusion) -> Confusion:
        """The matrix of all points of both."""
        if other.num_classes != self.num_classes:
            raise LabelError(
                f"matrices of {self.num_classes} and {other.num_classes} classes cannot be added."
            )
        return Confusion(self.num_classes, self.counts + other.counts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Confusion) and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]  # it is mutable

    def __repr__(self) -> str:
        return f"Confusion({self.num_classes} classes, {self.counts.sum()} points)"

    def scores(self, protocol: Protocol = HOUSE) -> Scores:
        """All figures under a protocol.

        Raises:
            LabelError: if the protocol counts no point.
        """
        return require_points(score(self.counts, protocol), protocol, "this confusion matrix")

    def iou(self, protocol: Protocol = HOUSE) -> np.ndarray:
        """(K,) float64 IoU, NaN for classes that the protocol leaves out."""
        return score(self.counts, protocol).iou

    def present(self) -> np.ndarray:
        """(K,) bool: which classes have points in the truth."""
        return self.counts[:-1].sum(1) > 0

    def accuracy(self, protocol: Protocol = HOUSE) -> float:
        """Share of right points, 0..1."""
        return self.scores(protocol).accuracy

    def miou(self, protocol: Protocol = HOUSE) -> float:
        """Mean IoU, 0..1."""
        return self.scores(protocol).miou


def count_pairs(
    pred: Labels,
    target: Labels,
    num_classes: int,
    group: np.ndarray | None = None,
    num_groups: int = 1,
) -> np.ndarray:
    """Count (truth, prediction) pairs, apart for each group of points.

    Args:
        pred: (N,) integer train ids or `IGNORE`, numpy or torch on any device.
        target: (N,) the same of the truth.
        num_classes: K.
        group: (N,) integers 0..num_groups-1, or None for a single group.
        num_groups: G.

    Returns:
        (G, K + 1, K + 1) int64, rows truth, columns prediction, the last of each `IGNORE`.

    Raises:
        LabelError: if lengths differ or a label is outside the classes.
    """
    if pred.shape != target.shape or pred.ndim != 1:
        raise LabelError(
            f"{_shape(pred)} predictions for {_shape(target)} labels: "
            "each point needs one of each, in the same order."
        )
    side = num_classes + 1
    device = next((x.device for x in (pred, target) if isinstance(x, torch.Tensor)), None)
    if device is not None:
        pred, target = torch.as_tensor(pred, device=device), torch.as_tensor(target, device=device)
    cell = _class_index(target, num_classes, "label") * side
    cell = cell + _class_index(pred, num_classes, "prediction")
    if group is not None:
        place = group if device is None else torch.as_tensor(group, device=device)
        cell = cell + place * (side * side)
    size = num_groups * side * side
    if isinstance(cell, torch.Tensor):
        flat = torch.bincount(cell, minlength=size).cpu().numpy()
    else:
        flat = np.bincount(cell, minlength=size)
    # `IGNORE` is counted as index 0, so that one addition maps labels to cells; it belongs last.
    return np.roll(flat.reshape(num_groups, side, side).astype(np.int64), -1, axis=(1, 2))


def batch_mean_iou(batches: Iterable[Confusion], protocol: Protocol) -> tuple[float, np.ndarray]:
    """The rule of the LiDOG family: IoU per batch, averaged per class where a batch has the class.

    Returns:
        The mean over classes, and (K,) the mean over batches of each class, NaN if none has it.
    """
    each = [iou(marginals(batch.counts, protocol), protocol.absent) for batch in batches]
    by_class = mean_iou(np.stack(each).T)
    return float(mean_iou(by_class)), by_class


def _class_index(labels: Any, num_classes: int, what: str) -> Any:
    """Labels -1..K-1 as int64 0..K, checked."""
    if isinstance(labels, torch.Tensor):
        whole = not (labels.is_floating_point() or labels.dtype == torch.bool)
        labels = labels.long()
    else:
        whole = np.issubdtype(labels.dtype, np.integer)
        labels = labels.astype(np.int64, copy=False)
    if not whole:
        raise LabelError(f"a {what} must be an integer train id.")
    if len(labels):
        low, high = int(labels.min()), int(labels.max())
        if low < IGNORE or high >= num_classes:
            raise LabelError(
                f"{what} {low if low < IGNORE else high} is outside {IGNORE}..{num_classes - 1}: "
                "it belongs to another class table. Give both sides the same label set."
            )
    return labels + 1


def _shape(labels: Labels) -> str:
    return str(len(labels)) if labels.ndim == 1 else str(tuple(labels.shape))
