"""Facts of one scan: everything that checks and statistics need, counted once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pcseg.data import FrameId, LabelSet, Scan, View
from pcseg.data.projection import project, unhidden, visible

RANGE_EDGES_M = (0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 75.0, 100.0, np.inf)
NEAR_M = 1.5
PLACE_M = 10.0
"""Edge of the squares of ground that count as different places."""


@dataclass(frozen=True)
class CameraFacts:
    """How well a picture and the points agree.

    Attributes:
        inside: points that fall into the picture.
        points: of those, points that nothing hides, by the depth map or else by nearer points.
        compared: of those, points with a label whose pixel has a label too.
        agreeing: of those, points whose pixel has the same class.
    """

    inside: int
    points: int
    compared: int
    agreeing: int


@dataclass(frozen=True)
class ScanFacts:
    """What was counted in one scan; K classes, R range bins.

    Attributes:
        frame: which scan.
        points: in the file.
        invalid: points with NaN or infinite values.
        duplicates: valid points that repeat the coordinates of another, farther than `NEAR_M`
            from the sensor: rays without a return may all be noted beside it.
        labelled: whether there are labels.
        by_range: (K + 1, R) int64 points of each class in each range bin; the last row is ignored
            points. Without labels all points are in the last row.
        instances: pairs (train class, instance id).
        places: for each class the squares of ground it was seen on, as an (n, 2) int32 array of
            multiples of `PLACE_M` in the world; empty without a pose.
        distances_m: median, 99.9th percentile and largest distance from the sensor.
        intensity: smallest and largest, or None.
        pose: (4, 4) or None.
        time: seconds, or None.
        digest: of the coordinates.
        cameras: by name.
    """

    frame: FrameId
    points: int
    invalid: int
    duplicates: int
    labelled: bool
    by_range: np.ndarray
    instances: frozenset[tuple[int, int]]
    places: tuple[np.ndarray, ...]
    distances_m: tuple[float, float, float]
    intensity: tuple[float, float] | None
    pose: np.ndarray | None
    time: float | None
    digest: str
    cameras: Mapping[str, CameraFacts] = field(default_factory=dict)


def gather(scan: Scan, frame: FrameId, classes: LabelSet) -> ScanFacts:
    """Count everything in a scan.

    Args:
        scan: read with ``invalid="ignore"``.
        frame: which it is.
        classes: that its labels belong to.
    """
    valid = scan.attrs.get("valid", np.ones(len(scan), bool)).astype(bool)
    at_origin = ~scan.xyz.any(1)
    real = valid & ~at_origin
    xyz = scan.xyz[real]
    distance = np.linalg.norm(xyz.astype(np.float64), axis=1)
    labels = None if scan.labels is None else scan.labels[real]
    intensity = scan.attrs.get("intensity")
    bright = None if intensity is None else intensity[valid]
    return ScanFacts(
        frame=frame,
        points=len(scan),
        invalid=int((~valid).sum()),
        duplicates=_duplicates(xyz[distance > NEAR_M]),
        labelled=labels is not None,
        by_range=_by_range(distance, labels, classes.num_classes),
        instances=_instances(scan, real),
        places=_places(xyz, labels, scan.pose, classes.num_classes),
        distances_m=_distances(distance),
        intensity=(float(bright.min()), float(bright.max()))
        if bright is not None and len(bright)
        else None,
        pose=scan.pose,
        time=scan.meta.get("time"),
        digest=hashlib.sha256(np.ascontiguousarray(scan.xyz).data).hexdigest(),
        cameras={view.name: _camera_facts(scan, real, view) for view in scan.images},
    )


def _distances(distance: np.ndarray) -> tuple[float, float, float]:
    if not len(distance):
        return 0.0, 0.0, 0.0
    middle, high = np.quantile(distance, (0.5, 0.999))
    return float(middle), float(high), float(distance.max())


def _duplicates(xyz: np.ndarray) -> int:
    if not len(xyz):
        return 0
    words = np.ascontiguousarray(xyz).view(np.uint32).reshape(-1, 3).astype(np.uint64)
    # One number a point: equal points have equal numbers, others almost never.
    mixed = words @ np.array(
        [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64
    )
    return len(xyz) - len(np.unique(mixed))


def _by_range(distance: np.ndarray, labels: np.ndarray | None, num_classes: int) -> np.ndarray:
    bins = len(RANGE_EDGES_M) - 1
    which = np.clip(np.searchsorted(RANGE_EDGES_M, distance, "right") - 1, 0, bins - 1)
    rows = np.full(len(distance), num_classes) if labels is None else labels % (num_classes + 1)
    counts = np.bincount(rows * bins + which, minlength=(num_classes + 1) * bins)
    return counts.reshape(num_classes + 1, bins)


def _instances(scan: Scan, real: np.ndarray) -> frozenset[tuple[int, int]]:
    if scan.instances is None or scan.labels is None:
        return frozenset()
    known = real & (scan.instances > 0) & (scan.labels >= 0)
    pairs = np.unique(np.stack([scan.labels[known], scan.instances[known]], 1), axis=0)
    return frozenset((int(label), int(instance)) for label, instance in pairs)


def _places(
    xyz: np.ndarray, labels: np.ndarray | None, pose: np.ndarray | None, num_classes: int
) -> tuple[np.ndarray, ...]:
    if pose is None or labels is None or not len(xyz):
        return tuple(np.zeros((0, 2), np.int32) for _ in range(num_classes))
    world = xyz @ pose[:2, :3].T + pose[:2, 3]
    cell = np.floor(world / PLACE_M).astype(np.int32)
    found = np.unique(np.column_stack([labels, cell]), axis=0)
    return tuple(found[found[:, 0] == k, 1:].astype(np.int32) for k in range(num_classes))


def _camera_facts(scan: Scan, real: np.ndarray, view: View) -> CameraFacts:
    found = project(view, scan.xyz)
    shown = (visible if view.depth is not None else unhidden)(view, found) & real
    if view.labels is None or scan.labels is None:
        return CameraFacts(int(found.inside.sum()), int(shown.sum()), 0, 0)
    rows, columns = found.pixels()
    pixel = np.full(len(scan), -1, np.int64)
    pixel[found.inside] = view.labels[rows, columns]
    both = shown & (scan.labels >= 0) & (pixel >= 0)
    return CameraFacts(
        inside=int(found.inside.sum()),
        points=int(shown.sum()),
        compared=int(both.sum()),
        agreeing=int((scan.labels[both] == pixel[both]).sum()),
    )
