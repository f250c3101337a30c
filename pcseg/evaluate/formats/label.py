"""SemanticKITTI's `.label`: one little-endian uint32 per point, the raw id in the lower 16 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pcseg.data import LabelSet, Prediction, Scan
from pcseg.errors import DataError, LabelError
from pcseg.evaluate.formats.ids import raw_ids, without_confidence


def write(path: Path, scan: Scan, prediction: Prediction, label_set: LabelSet) -> None:
    """Write raw ids, the instance half 0."""
    raw = raw_ids(prediction.labels, label_set, scan.name)
    if len(raw) and raw.max() > 0xFFFF:
        raise LabelError(
            f"{scan.name}: raw id {raw.max()} does not fit the 16 bits that .label files have. "
            "Write .npz or .ply."
        )
    path.write_bytes(raw.astype("<u4").tobytes())  # tofile would not say that a disk is full


def read(path: Path, label_set: LabelSet) -> Prediction:
    """Read raw ids back into train ids."""
    size = path.stat().st_size
    if size % 4:
        raise DataError(
            f"{path}: {size} bytes are no whole number of uint32 labels; the file is truncated. "
            "Predict again."
        )
    raw = (np.fromfile(path, "<u4") & 0xFFFF).astype(np.int64)
    return without_confidence(label_set.encode(raw, path))
