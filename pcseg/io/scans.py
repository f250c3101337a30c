"""Point files and scans: what one holds as the other, with large coordinates kept exact."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from pcseg.io.points import PointFile

if TYPE_CHECKING:  # pcseg.data reads files through pcseg.io: imported on use only
    from pcseg.data.scan import Scan

log = logging.getLogger(__name__)

LARGE = 1e4
"""Beyond this, float32 is coarser than a millimetre."""


def to_scan(points: PointFile, *, intensity_max: float | None = None, **meta: Any) -> Scan:
    """Make a scan of a point file.

    Float64 coordinates beyond `LARGE` are shifted by whole metres, noted in ``meta["offset"]``.
    Raw ids become ``raw_labels`` and a whole-numbered ``instance`` attribute ``instances``; train
    ids are the caller's business. Intensities are brought into 0..1.

    Args:
        points: what a reader returned.
        intensity_max: what intensities are divided by; None for the first of 1, 255 and 65535
            that none exceeds. Noted in ``meta["intensity_max"]`` if it is not 1.
        meta: for `Scan.meta`: path, dataset, frame…

    Raises:
        DataError: if the points cannot be a scan.
    """
    from pcseg.data.scan import Scan

    xyz, offset = _shifted(points.xyz)
    if offset is not None:
        meta["offset"] = offset.tolist()
    attrs = {
        name: v.astype(np.float32, copy=False) if name in ("rgb", "normal") else v
        for name, v in points.attrs.items()
    }
    if "intensity" in attrs:
        attrs["intensity"], divisor = _unit_intensity(attrs["intensity"], intensity_max, meta)
        if divisor != 1:
            meta["intensity_max"] = divisor
    instances = attrs.get("instance")
    if instances is not None and instances.ndim == 1 and instances.dtype.kind in "iu":
        instances = attrs.pop("instance").astype(np.int64)
    else:
        instances = None
    return Scan(xyz, attrs, raw_labels=points.labels, instances=instances, meta=dict(meta))


def from_scan(scan: Scan) -> PointFile:
    """The point file of a scan: raw labels if it has them, else train ids; offset added again.

    To write predictions for a file beside its own points, keep the `PointFile` and use
    ``points.replace(labels=…)``: that keeps coordinates and types bit by bit.
    """
    xyz, offset = scan.xyz, scan.meta.get("offset")
    if offset is not None:
        xyz = xyz.astype(np.float64) + np.asarray(offset, np.float64)
    attrs = dict(scan.attrs)
    if scan.instances is not None:
        attrs["instance"] = scan.instances
    if "intensity" in attrs and "intensity_max" in scan.meta:
        attrs["intensity"] = attrs["intensity"] * np.float32(scan.meta["intensity_max"])
    labels = scan.labels if scan.raw_labels is None else scan.raw_labels
    return PointFile(xyz, attrs, labels)


def _shifted(xyz: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Coordinates as float32 and, if they had to be shifted, by how many whole metres."""
    if xyz.dtype == np.float32:
        return np.ascontiguousarray(xyz), None
    finite = xyz[np.isfinite(xyz).all(axis=1)]
    if not len(finite) or np.abs(finite).max() <= LARGE:
        return xyz.astype(np.float32), None
    low, high = finite.min(axis=0), finite.max(axis=0)
    large = np.maximum(np.abs(low), np.abs(high)) > LARGE
    offset = np.where(large, np.floor((low + high) / 2), 0.0)
    return (xyz - offset).astype(np.float32), offset


def _unit_intensity(
    intensity: np.ndarray, largest: float | None, meta: dict[str, Any]
) -> tuple[np.ndarray, float]:
    if largest is None:
        finite = intensity[np.isfinite(intensity)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        largest = next((m for m in (1.0, 255.0, 65535.0) if high <= m), 0.0)
        if low < 0 or not largest:
            log.warning(
                "%s: intensities run from %g to %g, no known range; say intensity_max=…",
                meta.get("path", "a scan"), low, high,
            )  # fmt: skip
            return intensity.astype(np.float32), 1.0
    scaled = intensity if largest == 1 else intensity / np.float64(largest)
    return scaled.astype(np.float32, copy=False), float(largest)
