"""Predictions as `.las`/`.laz`: the classification of each point, all else kept from the input."""

from __future__ import annotations

from pathlib import Path

import laspy
import numpy as np

from pcseg.data import LabelSet, Prediction, Scan
from pcseg.errors import DataError, LabelError
from pcseg.evaluate.formats.ids import raw_ids, without_confidence
from pcseg.evaluate.formats.ply import class_colors, original_xyz

_CONFIDENCE = "confidence"
_STEP_M = 0.001
"""Coordinates of files that were not las are stored to the millimetre."""

_LEGACY_MAX = 31
_MODERN_MAX = 255
_MODERN_OF = {0: 6, 1: 6, 2: 7, 3: 7, 4: 9, 5: 10}
"""Point formats 0 to 5 have 5 bits for the class, their successors 8; none else is lost."""


def write(path: Path, scan: Scan, prediction: Prediction, label_set: LabelSet) -> None:
    """Write raw ids as classification and the confidence as an extra dimension.

    If the scan was read from a las file, that file's header, coordinates and dimensions are kept
    bit for bit. Otherwise points are stored to the millimetre, in class colours.

    Raises:
        LabelError: if a raw id is above 255, the largest class of the format.
        DataError: if the input file does not have the scan's points any more.
    """
    raw = raw_ids(prediction.labels, label_set, scan.name)
    if len(raw) and raw.max() > _MODERN_MAX:
        raise LabelError(
            f"{scan.name}: raw id {raw.max()} does not fit a las classification (at most "
            f"{_MODERN_MAX}). Write .ply or .npz, or give train_to_raw ids up to {_MODERN_MAX}."
        )
    las = _source(scan) or _new(scan, prediction, label_set)
    if len(raw) and raw.max() > _LEGACY_MAX and las.header.point_format.id in _MODERN_OF:
        las = laspy.convert(las, point_format_id=_MODERN_OF[las.header.point_format.id])
    las.classification = raw.astype(np.uint8)
    if _CONFIDENCE not in las.point_format.dimension_names:
        las.add_extra_dim(laspy.ExtraBytesParams(_CONFIDENCE, np.float32))
    las[_CONFIDENCE] = prediction.confidence.astype(np.float32)
    las.write(str(path), do_compress=path.suffix.lower() == ".laz")


def read(path: Path, label_set: LabelSet) -> Prediction:
    """Read classification and, if there, confidence.

    Raises:
        DataError: if the file is damaged.
    """
    las = _open(path)
    labels = label_set.encode(np.asarray(las.classification, np.int64), path)
    if _CONFIDENCE not in las.point_format.dimension_names:
        return without_confidence(labels)
    return Prediction(labels, np.asarray(las[_CONFIDENCE], np.float32))


def _source(scan: Scan) -> laspy.LasData | None:
    path = Path(str(scan.meta.get("path") or ""))
    if path.suffix.lower() not in (".las", ".laz") or not path.is_file():
        return None
    las = _open(path)
    if len(las) != len(scan):
        raise DataError(
            f"{path}: has {len(las)} points, but the scan read from it {len(scan)}: a prediction "
            "keeps order and count. Predict the whole file, or write .ply."
        )
    return las


def _new(scan: Scan, prediction: Prediction, label_set: LabelSet) -> laspy.LasData:
    xyz = original_xyz(scan).astype(np.float64)
    header = laspy.LasHeader(point_format=7, version="1.4")
    header.scales = np.full(3, _STEP_M)
    header.offsets = np.floor(xyz.min(0)) if len(xyz) else np.zeros(3)
    las = laspy.LasData(header)
    las.x, las.y, las.z = xyz.T
    colors = class_colors(prediction.labels, label_set).astype(np.uint16) * 257
    las.red, las.green, las.blue = colors.T
    return las


def _open(path: Path) -> laspy.LasData:
    try:
        return laspy.read(str(path))
    except (laspy.LaspyException, ValueError, OSError, EOFError) as error:
        raise DataError(f"{path}: not a readable las file ({error}).") from error
