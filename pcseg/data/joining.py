"""Joining two scans into one without confusing their instances, labels or pictures."""

from __future__ import annotations

import numpy as np

from pcseg.data.scan import Scan, concatenate
from pcseg.errors import LabelError


def join(scan: Scan, other: Scan) -> Scan:
    """All points of both: `scan` first, with its pose; instances of `other` get ids of their own.

    Attributes that only one scan has are left out. Pictures are left out, since they do not show
    the other's points.

    Raises:
        LabelError: if only one of the scans is labelled.
    """
    if (scan.labels is None) != (other.labels is None):
        bare = scan if scan.labels is None else other
        raise LabelError(
            f"{bare.name}: has no labels, and cannot be mixed with a labelled scan. "
            "Leave unlabelled scans out (labels=only) or switch mixing off."
        )
    if scan.instances is not None and other.instances is not None:
        highest = int(scan.instances.max(initial=0))
        ids = other.instances
        other = other.replace(instances=np.where(ids > 0, ids + highest, ids))
    mixed = concatenate([scan, other])
    return mixed.replace(images=(), meta={**scan.meta, "mixed_with": other.name})


def in_sector(scan: Scan, start_rad: float, width_rad: float) -> np.ndarray:
    """(N,) bool: whose azimuth is within `width_rad` counter-clockwise of `start_rad`."""
    azimuth = np.arctan2(scan.xyz[:, 1], scan.xyz[:, 0])
    inside: np.ndarray = (azimuth - start_rad) % (2 * np.pi) < width_rad
    return inside
