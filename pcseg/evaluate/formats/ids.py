"""Raw ids: train ids as the dataset stores them, checked to mean the same when read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pcseg.data import IGNORE, LabelSet, Prediction
from pcseg.errors import DataError, LabelError
from pcseg.io import PointFile


def raw_ids(labels: np.ndarray, label_set: LabelSet, source: object) -> np.ndarray:
    """Raw ids (N,) int64 of train ids, checked to mean the same when read back.

    Raises:
        LabelError: for a label outside the set, or an ignored point where raw id 0 is a class.
    """
    if len(labels) and not IGNORE <= labels.min() <= labels.max() < label_set.num_classes:
        raise LabelError(
            f"{source}: predicted labels {labels.min()}..{labels.max()} are outside the "
            f"{label_set.num_classes} classes of '{label_set.dataset}/{label_set.name}'. "
            "Give the label set the network was trained for."
        )
    if label_set.raw_to_train.get(0, IGNORE) != IGNORE and (labels == IGNORE).any():
        raise LabelError(
            f"{source}: {(labels == IGNORE).sum()} points have no predicted class, and raw id 0 is "
            f"a class of '{label_set.dataset}/{label_set.name}': this format cannot say so. "
            "Write .npz."
        )
    _check_round_trip(labels, label_set, source)
    return label_set.decode(labels)


def from_points(
    points: PointFile, raw: np.ndarray | None, label_set: LabelSet, path: Path
) -> Prediction:
    """A prediction from a point file's raw ids and, if it has them, its confidences.

    Raises:
        DataError: if there are no labels.
        LabelError: for a raw id that the label set does not know.
    """
    if raw is None:
        raise DataError(f"{path}: has no labels, so it is no prediction. Predict again.")
    labels = label_set.encode(raw.astype(np.int64), path)
    confidence = points.attrs.get("confidence")
    if confidence is None:
        return without_confidence(labels)
    return Prediction(labels, confidence.astype(np.float32))


def without_confidence(labels: np.ndarray) -> Prediction:
    """A prediction read from a file that has no confidences: they are NaN, "not known"."""
    return Prediction(labels, np.full(len(labels), np.nan, np.float32))


def _check_round_trip(labels: np.ndarray, label_set: LabelSet, source: object) -> None:
    for train_id in np.flatnonzero(np.bincount(labels[labels >= 0], minlength=1)).tolist():
        raw = label_set.train_to_raw.get(train_id)
        if raw is None or label_set.raw_to_train.get(raw) != train_id:
            raise LabelError(
                f"{source}: class '{label_set.names[train_id]}' of "
                f"'{label_set.dataset}/{label_set.name}' has "
                + (
                    "no raw id"
                    if raw is None
                    else f"the raw id {raw}, which reads as another class"
                )
                + ". Mend train_to_raw in the label map, or write .npz."
            )
