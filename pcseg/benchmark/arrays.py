"""Predictions on disk: two bytes a point, one file a sequence, and a manifest that says whose."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.data import IGNORE, LabelSet, Prediction
from pcseg.data.dataset import FrameId
from pcseg.errors import DataError
from pcseg.files import atomic_path, read_json, write_json

MANIFEST = "predictions.json"

NO_CLASS = 255
"""The byte of `IGNORE`."""

_STEPS = 255


def encode(prediction: Prediction) -> np.ndarray:
    """Labels and confidences as bytes.

    Confidence c becomes ``255 (1 - (1 - c)^(1/3))``, rounded: networks are sure of most points, so
    codes are close together near 1 (the last below 1 is 1 - 6e-8) and 0.006 apart from the truth at
    most, near 0. Order is kept. Confidences that are not known (NaN) become 0.

    Args:
        prediction: of N points, train ids below 255.

    Returns:
        (2, N) uint8.

    Raises:
        DataError: for a class that a byte cannot hold.
    """
    if len(prediction.labels) and int(prediction.labels.max()) >= NO_CLASS:
        raise DataError(f"class {int(prediction.labels.max())} does not fit into a byte (0..254).")
    labels = np.where(prediction.labels == IGNORE, NO_CLASS, prediction.labels)
    doubt = 1.0 - np.clip(np.nan_to_num(prediction.confidence.astype(np.float64)), 0.0, 1.0)
    codes = np.rint(_STEPS * (1.0 - np.cbrt(doubt)))
    return np.stack([labels, codes]).astype(np.uint8)


def decode(rows: np.ndarray) -> Prediction:
    """The inverse of `encode`: (2, N) uint8 as labels and confidences."""
    labels = rows[0].astype(np.int64)
    doubt = (1.0 - rows[1].astype(np.float64) / _STEPS) ** 3
    known = np.where(labels == NO_CLASS, IGNORE, labels)
    return Prediction(known, (1.0 - doubt).astype(np.float32))


class Predictions:
    """The predictions of a unit, opened to be scored.

    Args:
        folder: of the unit.

    Raises:
        DataError: if the manifest is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / MANIFEST).is_file():
            raise DataError(f"{folder}: has no {MANIFEST}. Remove the folder and run again.")
        self.manifest: dict[str, Any] = read_json(folder / MANIFEST)
        self.label_set = LabelSet.from_dict(self.manifest["label_set"])
        self._places = {
            (part["sequence"], frame): (part["file"], start, end)
            for part in self.manifest["parts"]
            for frame, start, end in zip(
                part["frames"],
                np.cumsum([0, *part["points"]])[:-1].tolist(),
                np.cumsum(part["points"]).tolist(),
                strict=True,
            )
        }
        self._open: tuple[str, np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self._places)

    def of(self, frame: FrameId) -> Prediction:
        """The prediction of a frame.

        Raises:
            DataError: if there is none, or its file is damaged.
        """
        place = self._places.get((frame.sequence, frame.frame))
        if place is None:
            raise DataError(f"{self.folder}: frame {frame} was not predicted. Remove the folder.")
        file, start, end = place
        if self._open is None or self._open[0] != file:
            self._open = (file, _load(self.folder / file))
        return decode(self._open[1][:, start:end])


def part_name(number: int) -> str:
    """Name of the file of the n-th sequence."""
    return f"sequence-{number:05d}.npy"


def write_part(path: Path, predictions: Sequence[np.ndarray]) -> None:
    """Write the encoded predictions of the frames of a sequence, one after the other."""
    with atomic_path(path) as temporary:
        np.save(temporary, np.concatenate(predictions, axis=1))


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest, once all parts are there."""
    write_json(folder / MANIFEST, manifest)


def list_hash(items: Sequence[object]) -> str:
    """Twelve hex digits of a list: of frames, or of their numbers of points."""
    return hashlib.sha256("\n".join(map(str, items)).encode()).hexdigest()[:12]


def _load(path: Path) -> np.ndarray:
    try:
        rows = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: damaged ({error}). Remove its folder and run again.") from error
    if rows.dtype != np.uint8 or rows.ndim != 2 or len(rows) != 2:
        raise DataError(f"{path}: not predictions: {rows.dtype} {rows.shape}. Remove its folder.")
    return np.asarray(rows)
