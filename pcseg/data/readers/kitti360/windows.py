"""KITTI-360's accumulated clouds as scans: what stands still, and on request what moves."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from pcseg.data.readers.kitti360.tree import WindowFiles
from pcseg.data.scan import Scan, concatenate
from pcseg.errors import LabelError
from pcseg.io import PointFile, read_points, to_scan
from pcseg.io.ply_header import parse_header

log = logging.getLogger(__name__)

_PER_CLASS = 1000
_NO_FRAME = -1
_HEADER_BYTES = 1024
"""Files that are a header alone have 311 bytes."""


def read_accumulated(files: WindowFiles, moving: bool, labelled: bool) -> Scan:
    """A window in the world's frame.

    Args:
        files: of the window.
        moving: add the points of moving objects, marked by ``attrs["frame"]``.
        labelled: read the labels.

    Raises:
        DataError: if a file is damaged.
        LabelError: if it lacks labels or times that are needed.
    """
    still = read_points(files.static)
    parts = [_scan(still, files.static, labelled)]
    added = read_moving(files.dynamic) if moving else None
    if moving:
        parts = [_framed(parts[0], np.full(len(still), _NO_FRAME))]
    if added is not None:
        seen = frames_of(added, files.dynamic)
        parts.append(_framed(_scan(added, files.dynamic, labelled), seen))
    return concatenate(parts) if len(parts) > 1 else parts[0]


def read_moving(path: Path) -> PointFile | None:
    """A file of moving objects; None if it is missing or one of the known ones without points.

    Raises:
        DataError: if the file is damaged.
    """
    if not path.is_file():
        return None
    if path.stat().st_size <= _HEADER_BYTES and not _promises_points(path):
        log.warning("%s: no points of moving objects (known of some windows); going on", path)
        return None
    return read_points(path)


def frames_of(points: PointFile, path: Path) -> np.ndarray:
    """(N,) int64 frame in which each point of a moving object was seen.

    Raises:
        LabelError: if the file does not say.
    """
    seen = points.attrs.get("time")  # the property is called timestamp, and counts frames
    if seen is None:
        raise LabelError(
            f"{path}: no property 'timestamp', so nothing tells when a moving object was where. "
            "Copy the file again, or take it away to go on with what stands still."
        )
    return seen.astype(np.int64)


def labels_of(points: PointFile, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(N,) int64 raw ids and (N,) int64 instances (0 for none) of a labelled cloud.

    Stored instances are ``class * 1000 + k``, with k = 0 for none.

    Raises:
        LabelError: if the file has none.
    """
    if points.labels is None:
        raise LabelError(
            f"{path}: no property 'semantic', so it holds no labels (windows of the test drives "
            "have none). Copy the file again, or read with labels=none."
        )
    stored = points.attrs.get("instance", np.zeros(len(points), np.int64))
    return points.labels, np.where(stored % _PER_CLASS == 0, 0, stored).astype(np.int64)


def _promises_points(path: Path) -> bool:
    header = parse_header(path, path.read_bytes())
    return any(element.name == "vertex" and element.size for element in header.elements)


def _scan(points: PointFile, path: Path, labelled: bool) -> Scan:
    scan = to_scan(points, path=str(path)).replace(pose=np.eye(4), raw_labels=None, instances=None)
    attrs = {key: values for key, values in scan.attrs.items() if key not in ("time", "instance")}
    scan = scan.replace(attrs=attrs)
    if not labelled:
        return scan
    raw, instances = labels_of(points, path)
    return scan.replace(raw_labels=raw, instances=instances)


def _framed(scan: Scan, frames: np.ndarray) -> Scan:
    return scan.replace(attrs={**scan.attrs, "frame": frames.astype(np.int32)})
