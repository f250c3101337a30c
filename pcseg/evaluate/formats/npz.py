"""Predictions as `.npz`: train ids, raw ids, confidence and the class names that they index."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.data import LabelSet, Prediction, Scan
from pcseg.errors import DataError, LabelError


def write(path: Path, scan: Scan, prediction: Prediction, label_set: LabelSet) -> None:
    """Write everything that is known of a prediction."""
    carried: dict[str, Any] = (
        {} if prediction.propagated is None else {"propagated": prediction.propagated}
    )
    np.savez_compressed(
        path,
        **carried,
        labels=prediction.labels.astype(np.int64),
        raw_labels=label_set.decode(prediction.labels),
        confidence=prediction.confidence.astype(np.float32),
        class_names=np.array(label_set.names),
        label_set=np.array([f"{label_set.dataset}/{label_set.name}", label_set.hash]),
    )


def read(path: Path, label_set: LabelSet) -> Prediction:
    """Read train ids and confidences, if they are of the same classes."""
    try:
        with np.load(path, allow_pickle=False) as data:
            names, labels = tuple(data["class_names"].tolist()), data["labels"]
            confidence = data["confidence"]
            propagated = data["propagated"] if "propagated" in data else None
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: not a prediction of pcseg ({type(error).__name__}: {error}). Predict again."
        ) from error
    if names != label_set.names:
        raise LabelError(
            f"{path}: holds the classes {', '.join(names)}, not those of "
            f"'{label_set.dataset}/{label_set.name}': {', '.join(label_set.names)}. "
            "Give the label set it was made with."
        )
    return Prediction(labels.astype(np.int64), confidence.astype(np.float32), propagated)
