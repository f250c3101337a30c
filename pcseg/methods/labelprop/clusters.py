"""Clusters: around the points that still need a label, all points of old and new there are."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pcseg.config.schema import LabelPropConfig
from pcseg.methods.labelprop import cluster_kernels
from pcseg.methods.labelprop.kernels import FREE
from pcseg.methods.labelprop.kmeans import KMeans
from pcseg.methods.labelprop.tables import EMPTY
from pcseg.methods.labelprop.voxel_map import group_cells


class Cluster(NamedTuple):
    """Members of a cluster.

    Attributes:
        group: its number.
        past: (P,) int32 slots of the map.
        rows: (R,) int32 points of the new scan.
    """

    group: int
    past: np.ndarray
    rows: np.ndarray


class Clusterer:
    """Cuts what is left of a scan into clusters (3DLabelProp, section 3.3).

    Points without a label are grouped by k-means of their x and y (or by square tiles). Each marks
    for its group its own cell of 2 x 2 x 4 m and the neighbours on the sides to which it lies in
    the outer third. A cluster is all points, labelled or not, in the cells of its group; cells may
    belong to several.

    Args:
        settings: the method's.
    """

    def __init__(self, settings: LabelPropConfig) -> None:
        self.settings = settings
        self.repository = settings.mode == "repository"
        warm = not self.repository
        self.kmeans = KMeans(settings.num_clusters, settings.iterations, warm)

    def reset(self) -> None:
        """Forget the last scan."""
        self.kmeans.reset()

    def assign(self, xy: np.ndarray) -> np.ndarray:
        """(N,) int32 group of each point of `xy` (N, 2), in the frame of the map."""
        if self.settings.clusters != "tiles":
            return self.kmeans.assign(xy)
        tiles = np.floor(xy / self.settings.tile).astype(np.int64)
        return np.unique(tiles, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int32)

    def members(
        self, past: np.ndarray, xyz: np.ndarray, seeds: np.ndarray, groups: np.ndarray
    ) -> list[Cluster]:
        """The points of each cluster.

        Args:
            past: (S,) of `kernels.POINT`: the slots of the map.
            xyz: (N, 3) float32 new scan, in the frame of the map.
            seeds: (U,) rows of the points that need a label.
            groups: (U,) int32 group of each.

        Returns:
            A cluster for each group, by number; clusters of one point are left out.
        """
        if not len(seeds):
            return []
        number = int(groups.max()) + 1
        cell = self.settings.cell
        size = np.array([cell, cell, 2.0 * cell])
        origin, thirds = np.zeros(3), np.array([1 / 3, 2 / 3])
        if self.repository:
            origin, thirds = _lowest(past, xyz), np.array([0.33, 0.66])
        cells = len(group_cells(xyz[seeds], (cell, cell, 2.0 * cell))[1])
        most = 27 * cells  # a cell and all around it
        room = 1 << max(4, int(2 * most - 1).bit_length())
        table = np.full(room, EMPTY)
        masks = np.zeros((room, -(-number // 64)), np.uint64)
        cluster_kernels.mark_cells(
            xyz, seeds.astype(np.int32), groups, size, origin, thirds, self.repository, table, masks
        )
        starts, members = cluster_kernels.list_members(
            past, xyz, size, origin, table, masks, number
        )
        slots = len(past)
        found = (members[a:b] for a, b in pairwise(starts))
        split = ((m, int(np.searchsorted(m, slots))) for m in found)
        return [
            Cluster(number, m[:cut], m[cut:] - np.int32(slots))
            for number, (m, cut) in enumerate(split)
            if len(m) > 1
        ]


def _lowest(past: np.ndarray, xyz: np.ndarray) -> np.ndarray:
    """Where the authors' code hangs up its grid: the smallest x, y and z there are."""
    low = xyz.min(0).astype(np.float64)
    there = past[past["label"] != FREE]
    if len(there):
        low = np.minimum(low, [there[axis].min() for axis in "xyz"])
    return low
