"""Predictions as binary `.ply`: points in class colours with confidence and raw id."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pcseg.data import IGNORE, LabelSet, Prediction, Scan
from pcseg.evaluate.formats.ids import from_points, raw_ids
from pcseg.io import PointFile, read_points, write_points


def write(path: Path, scan: Scan, prediction: Prediction, label_set: LabelSet) -> None:
    """Write points as they were in the input file, coloured by their predicted class.

    Coordinates are float32, or float64 if the scan has an offset. The header lists the classes.
    """
    points = colored_points(scan, prediction, label_set)
    write_points(path, points.replace(meta={"ply": {"comments": _comments(label_set)}}))


def read(path: Path, label_set: LabelSet) -> Prediction:
    """Read raw ids and confidences.

    Raises:
        DataError: if the file is damaged or has no labels.
    """
    points = read_points(path)
    return from_points(points, points.labels, label_set, path)


def colored_points(scan: Scan, prediction: Prediction, label_set: LabelSet) -> PointFile:
    """The points in the coordinates of their file, with class colour, confidence and raw id."""
    offset = scan.meta.get("offset")
    table = np.concatenate([label_set.colors, np.zeros((1, 3), np.uint8)])  # black for `IGNORE`
    raw = raw_ids(prediction.labels, label_set, scan.name)
    return PointFile(
        xyz=scan.xyz if offset is None else scan.xyz.astype(np.float64) + np.asarray(offset),
        attrs={
            "rgb": table[np.where(prediction.labels == IGNORE, -1, prediction.labels)]
            / np.float32(255),
            "confidence": prediction.confidence.astype(np.float32),
        },
        labels=raw,
    )


def _comments(label_set: LabelSet) -> list[str]:
    lines = [f"comment pcseg prediction, raw ids of {label_set.dataset}/{label_set.name}"]
    for train_id, name in enumerate(label_set.names):
        raw = label_set.train_to_raw.get(train_id, 0)
        lines.append(f"comment class {raw} {' '.join(name.split())}")
    return lines
