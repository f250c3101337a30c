"""Predictions as binary `.ply`: points in class colours with raw id and confidence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from plyfile import PlyData, PlyElement, PlyParseError

from pcseg.data import IGNORE, LabelSet, Prediction, Scan
from pcseg.errors import DataError
from pcseg.evaluate.formats.ids import raw_ids, without_confidence


def write(path: Path, scan: Scan, prediction: Prediction, label_set: LabelSet) -> None:
    """Write points as they were in the input file, coloured by their predicted class.

    Coordinates are float32, or float64 if the scan has an offset. The header lists the classes.
    """
    xyz = original_xyz(scan)
    kind = "<f8" if xyz.dtype == np.float64 else "<f4"
    columns = [("x", kind), ("y", kind), ("z", kind)]
    columns += [("red", "u1"), ("green", "u1"), ("blue", "u1")]
    columns += [("label", "<i4"), ("confidence", "<f4")]
    vertex = np.empty(len(scan), columns)
    for axis, name in enumerate("xyz"):
        vertex[name] = xyz[:, axis]
    for channel, name in enumerate(("red", "green", "blue")):
        vertex[name] = class_colors(prediction.labels, label_set)[:, channel]
    vertex["label"] = raw_ids(prediction.labels, label_set, scan.name)
    vertex["confidence"] = prediction.confidence
    element = PlyElement.describe(vertex, "vertex")
    PlyData([element], byte_order="<", comments=_comments(label_set)).write(str(path))


def read(path: Path, label_set: LabelSet) -> Prediction:
    """Read raw ids and confidences of a ply file that `write` made.

    Raises:
        DataError: if the file is damaged or has no labels.
    """
    try:
        vertex = PlyData.read(str(path))["vertex"].data
        raw, names = vertex["label"].astype(np.int64), vertex.dtype.names or ()
    except (PlyParseError, KeyError, ValueError, OSError) as error:
        raise DataError(
            f"{path}: not a prediction of pcseg ({type(error).__name__}: {error}). Predict again."
        ) from error
    labels = label_set.encode(raw, path)
    if "confidence" not in names:
        return without_confidence(labels)
    return Prediction(labels, vertex["confidence"].astype(np.float32))


def original_xyz(scan: Scan) -> np.ndarray:
    """(N, 3) coordinates of the input file: float64 with the offset added back, else float32."""
    offset = scan.meta.get("offset")
    return scan.xyz if offset is None else scan.xyz.astype(np.float64) + np.asarray(offset)


def class_colors(labels: np.ndarray, label_set: LabelSet) -> np.ndarray:
    """(N, 3) uint8 colours of train ids, black where ignored."""
    table = np.concatenate([label_set.colors, np.zeros((1, 3), np.uint8)])
    return table[np.where(labels == IGNORE, len(table) - 1, labels)]


def _comments(label_set: LabelSet) -> list[str]:
    lines = [f"pcseg prediction, labels are raw ids of {label_set.dataset}/{label_set.name}"]
    for train_id, name in enumerate(label_set.names):
        clean = name.encode("ascii", "replace").decode().replace("\n", " ")
        lines.append(f"class {label_set.train_to_raw.get(train_id, 0)} {clean}")
    return lines
