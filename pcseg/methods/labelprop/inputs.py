"""Inputs: clusters as scans, so that any network, augmentation and loader of pcseg takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pcseg.config.schema import LabelPropConfig
from pcseg.data import Scan
from pcseg.methods.labelprop import kernels
from pcseg.methods.labelprop.clusters import Cluster
from pcseg.methods.labelprop.voxel_map import VoxelMap


def cluster_scans(
    clusters: Sequence[Cluster],
    past: VoxelMap,
    xyz: np.ndarray,
    scan: Scan,
    matrix: np.ndarray,
    settings: LabelPropConfig,
    past_labels: bool = False,
) -> list[Scan]:
    """A scan for each cluster, the points of the past first.

    Attributes are ``current`` (+1 for points of the new scan, -1 for older ones) and, if the new
    scan has it, ``intensity``. Coordinates are those of the world's axes around the mean of the
    cluster, or the sensor's (``center: sensor``), for networks trained on plain scans.

    Args:
        clusters: of the map and the scan.
        past: the map.
        xyz: (N, 3) float32 the scan's points in the frame of the map.
        scan: of N points.
        matrix: (4, 4) sensor -> map.
        settings: the method's.
        past_labels: whether to give the scans labels: the map's, and the scan's own.
    """
    made = []
    for cluster in clusters:
        points, mean = kernels.gather(past.points, cluster.past, cluster.rows, xyz)
        attrs = {"current": np.ones(len(points), np.float32)}
        attrs["current"][: len(cluster.past)] = -1.0
        if "intensity" in scan.attrs:
            new = scan.attrs["intensity"][cluster.rows].astype(np.float32)
            attrs["intensity"] = np.concatenate([past.intensity[cluster.past], new])
        labels = None
        if past_labels and scan.labels is not None:
            old = past.points["label"][cluster.past].astype(np.int64)
            labels = np.concatenate([old, scan.labels[cluster.rows]])
        placed = centered(points, mean, matrix, settings.center)
        made.append(Scan(xyz=placed, attrs=attrs, labels=labels, meta=dict(scan.meta)))
    return made


def centered(points: np.ndarray, mean: np.ndarray, matrix: np.ndarray, center: str) -> np.ndarray:
    """(N, 3) float32 points of the map around their mean (3,), or in the sensor's frame."""
    turned = np.eye(4)
    if center == "mean":
        turned[:3, 3] = -mean
    else:  # the inverse of a rigid transform
        turned[:3, :3] = matrix[:3, :3].T
        turned[:3, 3] = -matrix[:3, :3].T @ matrix[:3, 3]
    return kernels.moved(points, turned)[0]  # type: ignore[no-any-return]


def in_batches(
    numbers: Sequence[int], scans: Sequence[Scan], limit: int | None
) -> Iterator[list[int]]:
    """Numbers of the scans in groups of at most `limit` points (None: one group), in order."""
    batch: list[int] = []
    points = 0
    for number in numbers:
        if batch and limit is not None and points + len(scans[number]) > limit:
            yield batch
            batch, points = [], 0
        batch.append(number)
        points += len(scans[number])
    if batch:
        yield batch
