"""ClusterDataset: training clusters, each put together when it is asked for."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import numpy as np

from pcseg.config.schema import LabelPropConfig
from pcseg.data import LabelSet, Scan
from pcseg.data.dataset import FrameId, Progress, ScanDataset
from pcseg.data.sampling import class_balanced_weights
from pcseg.errors import DataError
from pcseg.methods.labelprop import kernels
from pcseg.methods.labelprop.cluster_pass import cut_sequences, within
from pcseg.methods.labelprop.clusters import Clusterer
from pcseg.methods.labelprop.inputs import centered

ENOUGH = 10
"""A cluster serves a class if it has more points of it (3DLabelProp's code)."""
_MEMORY = 64
"""Thinned scans that a process remembers, about a megabyte each."""
_NOTHING = np.zeros(0, kernels.POINT)
"""The slots of an empty map."""


class _Points(NamedTuple):
    """Points in the frame of the map, with labels and intensities."""

    xyz: np.ndarray
    labels: np.ndarray
    intensity: np.ndarray | None


class ClusterDataset:
    """The clusters of a dataset of scans: itself a dataset, with a scan for each cluster.

    Args:
        scans: labelled, with poses.
        settings: the method's; clusters with too few or too many labelled points are left out.
        progress: called with (scans cut, scans in all).

    Raises:
        DataError: if no cluster is left.
    """

    def __init__(
        self, scans: ScanDataset, settings: LabelPropConfig, progress: Progress | None = None
    ) -> None:
        self.scans, self.settings = scans, settings
        self.name: str = scans.name
        self.label_set: LabelSet = scans.label_set
        self.sequences = cut_sequences(scans, settings, progress)
        self.frames: list[FrameId] = []
        places, counts, sizes = [], [], []
        for number, (indices, cut) in enumerate(self.sequences):
            labelled = cut.counts.sum(1)
            fit = (labelled > settings.min_points) & (labelled < settings.max_points)
            for frame, group, size in cut.clusters[fit].tolist():
                name = scans.frames[indices[frame]]
                self.frames.append(FrameId(name.sequence, f"{name.frame}#{group:02d}"))
                places.append((number, frame, group))
                sizes.append(size)
            counts.append(cut.counts[fit])
        self._places, self._sizes = places, np.array(sizes, np.int64)
        if not places:
            raise DataError(
                f"{self.name}: no cluster of these {len(scans)} scans has more than "
                f"{settings.min_points} and fewer than {settings.max_points} labelled points. "
                "Change labelprop.min_points, max_points, num_clusters or tile."
            )
        self._counts = np.concatenate(counts)
        self._remembered: OrderedDict[tuple[int, int], tuple[Scan, _Points]] = OrderedDict()

    def __len__(self) -> int:
        return len(self.frames)

    def frame_classes(self, progress: Progress | None = None) -> np.ndarray:
        """(C, K) int64 points of each class in each cluster."""
        return self._counts

    def class_counts(self, progress: Progress | None = None) -> np.ndarray:
        """(K,) int64 points of each class in all clusters."""
        counts: np.ndarray = self._counts.sum(0)
        return counts

    def balanced_weights(self, progress: Progress | None = None) -> np.ndarray:
        """(C,) float64 draw probabilities: a class, then a cluster that has enough of it."""
        enough = self._counts > ENOUGH
        return class_balanced_weights(enough if enough.any() else self._counts)

    def point_counts(self) -> np.ndarray:
        """(C,) int64 points in each cluster."""
        return self._sizes

    def __getitem__(self, index: int) -> Scan:
        """Cluster number `index`: points of the past first, with ``current`` telling them apart."""
        number, frame, group = self._places[index]
        cut = self.sequences[number][1]
        scan, _ = self._thinned(number, frame)
        past = cut.past[cut.past_ends[frame] : cut.past_ends[frame + 1]]
        parts = [self._alive(number, int(p), frame) for p in past]
        bits = slice(cut.bit_ends[frame], cut.bit_ends[frame + 1])
        seeds = np.flatnonzero(np.unpackbits(cut.seeds[bits], count=len(scan)))
        groups = cut.groups[cut.group_ends[frame] : cut.group_ends[frame + 1]]
        matrix = self._matrix(number, frame)
        near, of_seed = self._near(scan), np.full(len(scan), -1)
        of_seed[seeds] = np.arange(len(seeds))
        parts.append(_placed(scan.select(near), matrix))
        xyz = np.concatenate([part.xyz for part in parts])
        own = len(xyz) - int(near.sum())
        rows = own + np.searchsorted(np.flatnonzero(near), seeds[groups == group])
        clusterer = Clusterer(self.settings)
        chosen = clusterer.members(_NOTHING, xyz, rows, np.zeros(len(rows), np.int32))[0].rows
        return self._scan(scan, parts, chosen, own, matrix, index)

    def _scan(
        self,
        scan: Scan,
        parts: list[_Points],
        chosen: np.ndarray,
        own: int,
        matrix: np.ndarray,
        index: int,
    ) -> Scan:
        points, mean = kernels.gather(
            _NOTHING, np.zeros(0, np.int32), chosen, np.concatenate([part.xyz for part in parts])
        )
        attrs = {"current": np.where(chosen >= own, 1.0, -1.0).astype(np.float32)}
        shades = [part.intensity for part in parts if part.intensity is not None]
        if len(shades) == len(parts):
            attrs["intensity"] = np.concatenate(shades)[chosen]
        return Scan(
            xyz=centered(points, mean, matrix, self.settings.center),
            attrs=attrs,
            labels=np.concatenate([part.labels for part in parts])[chosen],
            meta={**scan.meta, "cluster": str(self.frames[index])},
        )

    def _thinned(self, number: int, frame: int) -> tuple[Scan, _Points]:
        """A scan, and those of its points that went into the map, in the frame of the map."""
        key = (number, frame)
        if key not in self._remembered:
            indices, cut = self.sequences[number]
            scan = self.scans[indices[frame]]
            bits = slice(cut.bit_ends[frame], cut.bit_ends[frame + 1])
            kept = np.unpackbits(cut.kept[bits], count=len(scan)).astype(bool)
            placed = _placed(scan.select(kept), self._matrix(number, frame))
            self._remembered[key] = scan, placed
            if len(self._remembered) > _MEMORY:
                self._remembered.popitem(last=False)
        self._remembered.move_to_end(key)
        return self._remembered[key]

    def _alive(self, number: int, past: int, frame: int) -> _Points:
        """The points of a past scan that have not been left behind until a later one."""
        points = self._thinned(number, past)[1]
        centers = self.sequences[number][1].centers[past + 1 : frame + 1]
        near = np.ones(len(points.xyz), bool)
        for center in centers:
            away = np.square(points.xyz[:, :2].astype(np.float64) - center).sum(1)
            near &= away < self.settings.map_range**2
        if near.all():
            return points
        shade = None if points.intensity is None else points.intensity[near]
        return _Points(points.xyz[near], points.labels[near], shade)

    def _near(self, scan: Scan) -> np.ndarray:
        usable = np.isfinite(scan.xyz).all(1)
        if "valid" in scan.attrs:
            usable &= scan.attrs["valid"]
        return within(scan, usable, self.settings.train_range)

    def _matrix(self, number: int, frame: int) -> np.ndarray:
        poses = self.sequences[number][1].poses
        matrix: np.ndarray = poses[frame].copy()
        matrix[:3, 3] -= poses[0, :3, 3]
        return matrix


def _placed(scan: Scan, matrix: np.ndarray) -> _Points:
    assert scan.labels is not None
    intensity = scan.attrs.get("intensity")
    shade = None if intensity is None else intensity.astype(np.float32)
    return _Points(kernels.moved(scan.xyz, matrix)[0], scan.labels, shade)
