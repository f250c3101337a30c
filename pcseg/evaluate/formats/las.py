"""Predictions as `.las`/`.laz`: the classification of each point, all else kept from the input."""

from __future__ import annotations

from pathlib import Path

import laspy
import numpy as np

from pcseg.data import LabelSet, Prediction, Scan
from pcseg.errors import DataError, LabelError
from pcseg.evaluate.formats.ids import from_points, raw_ids
from pcseg.evaluate.formats.ply import colored_points
from pcseg.io import read_points, write_points

_CONFIDENCE = "confidence"
_LEGACY_MAX = 31
_MODERN_MAX = 255
_MODERN_OF = {0: 6, 1: 6, 2: 7, 3: 7, 4: 9, 5: 10}
"""Point formats 0 to 5 have 5 bits for the class; these are their successors, which have 8."""


def write(path: Path, scan: Scan, prediction: Prediction, label_set: LabelSet) -> None:
    """Write raw ids as classification and the confidence as an extra dimension.

    If the scan was read from a las file, that file's header, coordinates and dimensions are kept
    bit for bit. Otherwise the points are written in class colours.

    Raises:
        LabelError: if a raw id is above 255, the largest class of the format.
        DataError: if the input file does not have the scan's points any more.
    """
    raw = raw_ids(prediction.labels, label_set, scan.name)
    if raw.max(initial=0) > _MODERN_MAX:
        raise LabelError(
            f"{scan.name}: raw id {raw.max()} does not fit a las classification (at most "
            f"{_MODERN_MAX}). Write .ply or .npz, or give train_to_raw ids up to {_MODERN_MAX}."
        )
    source = Path(str(scan.meta.get("path") or ""))
    if source.suffix.lower() in (".las", ".laz") and source.is_file():
        _rewrite(source, path, raw, prediction.confidence)
    else:
        write_points(path, colored_points(scan, prediction, label_set))


def read(path: Path, label_set: LabelSet) -> Prediction:
    """Read classification and, if there, confidence.

    Raises:
        DataError: if the file is damaged.
    """
    points = read_points(path)
    # A survey may have a dimension "label" of its own, which is then what a reader calls labels.
    classification = points.attrs.get("classification", points.labels)
    return from_points(points, classification, label_set, path)


def _rewrite(source: Path, path: Path, raw: np.ndarray, confidence: np.ndarray) -> None:
    try:
        las = laspy.read(str(source))
    except (laspy.LaspyException, ValueError, OSError, EOFError) as error:
        raise DataError(f"{source}: damaged, truncated, or no LAS file ({error}).") from error
    if len(las) != len(raw):
        raise DataError(
            f"{source}: has {len(las)} points, but the scan read from it {len(raw)}: a prediction "
            "keeps order and count. Predict the whole file, or write .ply."
        )
    legacy = las.header.point_format.id in _MODERN_OF
    if legacy and raw.max(initial=0) > _LEGACY_MAX:
        las = laspy.convert(las, point_format_id=_MODERN_OF[las.header.point_format.id])
    las.classification = raw.astype(np.uint8)
    if _CONFIDENCE not in las.point_format.dimension_names:
        las.add_extra_dim(laspy.ExtraBytesParams(_CONFIDENCE, np.float32))
    las[_CONFIDENCE] = confidence.astype(np.float32)
    las.write(str(path), do_compress=path.suffix.lower() == ".laz")
