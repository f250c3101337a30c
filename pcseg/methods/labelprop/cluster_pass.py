"""The pass over a training set that cuts its clusters, with the true labels as the past.

What is kept of a scan is which of its points went into the map and which needed a label, a bit
each, and the cluster of the latter: about 35 kB for 120,000 points, from which every cluster can be
put together again. (The authors store the clusters themselves, 220 GB for SemanticKITTI.)
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from pcseg.config.schema import LabelPropConfig
from pcseg.data import IGNORE, Scan
from pcseg.data.dataset import FileDataset, Progress, ScanDataset
from pcseg.errors import DataError, LabelError, PcsegError
from pcseg.files import atomic_path, cache_dir
from pcseg.methods.labelprop.clusters import Cluster
from pcseg.methods.labelprop.stream import LabelProp

log = logging.getLogger(__name__)

FORMAT = 1
"""Of the files; another number voids those that are there."""


@dataclass(frozen=True)
class Cut:
    """How the F scans of a sequence were cut. Lists of several scans lie one behind the other.

    Attributes:
        poses: (F, 4, 4) float64.
        centers: (F, 2) float64 middle of each scan in the frame of the map.
        past: int32 numbers (in the sequence) of the scans in the map, and (F + 1,) `past_ends`.
        past_ends: borders in `past`.
        kept: uint8 packed bits: points that went into the map, and (F + 1,) borders.
        seeds: uint8 packed bits: points that needed a label; the same borders as `kept`.
        bit_ends: borders in `kept` and `seeds`.
        groups: uint16 cluster of each point that needed one, and (F + 1,) borders.
        group_ends: borders in `groups`.
        clusters: (C, 3) int64 scan, group and number of points of each cluster.
        counts: (C, K) int64 points of each class.
    """

    poses: np.ndarray
    centers: np.ndarray
    past: np.ndarray
    past_ends: np.ndarray
    kept: np.ndarray
    seeds: np.ndarray
    bit_ends: np.ndarray
    groups: np.ndarray
    group_ends: np.ndarray
    clusters: np.ndarray
    counts: np.ndarray


def cut_sequences(
    dataset: ScanDataset, settings: LabelPropConfig, progress: Progress | None = None
) -> list[tuple[list[int], Cut]]:
    """Cut all sequences of a dataset; sequences that were cut before are read from the cache.

    Args:
        dataset: labelled scans with poses.
        settings: the method's.
        progress: called with (scans cut, scans in all).

    Returns:
        For each sequence the numbers of its scans in the dataset, and how they were cut.

    Raises:
        LabelError: if a scan has no labels.
        DataError: if it has no pose.
    """
    by_sequence: dict[str, list[int]] = {}
    for index, frame in enumerate(dataset.frames):
        by_sequence.setdefault(frame.sequence, []).append(index)
    folder = _folder(dataset, settings)
    made = []
    done = 0
    for number, indices in enumerate(by_sequence.values()):
        path = None if folder is None else folder / f"{number:04d}.npz"
        cut = None if path is None else _stored(path, dataset, indices, settings)
        if cut is None:
            cut = _cut(dataset, indices, settings, done, progress)
            if path is not None:
                _store(path, cut)
        done += len(indices)
        if progress is not None:
            progress(done, len(dataset))
        made.append((indices, cut))
    return made


def within(scan: Scan, usable: np.ndarray, limit: float) -> np.ndarray:
    """(N,) bool points of a scan that are trained on: usable ones nearer than `limit` metres."""
    near = np.zeros(len(scan), bool)
    near[usable] = np.linalg.norm(scan.xyz[usable].astype(np.float64), axis=1) < limit
    return near


def _cut(
    dataset: ScanDataset,
    indices: Sequence[int],
    settings: LabelPropConfig,
    done: int,
    progress: Progress | None,
) -> Cut:
    stream = LabelProp(settings, dataset.label_set)
    classes = dataset.label_set.num_classes
    lists: dict[str, list[np.ndarray]] = {field.name: [] for field in fields(Cut)}
    for number, index in enumerate(indices):
        scan = dataset[index]
        if scan.labels is None:
            raise LabelError(f"{scan.name}: has no labels, and 3DLabelProp trains on them.")
        usable, _, pose = stream.locate(scan)
        near = within(scan, usable, settings.train_range)
        seen = scan.select(near)
        assert seen.labels is not None
        arrival = stream.past.receive(seen.xyz, pose)
        lists["past"].append(stream.past.map.numbers())
        left = np.flatnonzero(arrival.labels < 0)
        groups = stream.clusterer.assign(arrival.xyz[left, :2])
        found = stream.clusterer.members(stream.past.map.points, arrival.xyz, left, groups)
        old = stream.past.map.points["label"]
        for cluster in found:
            counts = _class_counts(cluster, old, seen.labels, classes)
            size = len(cluster.past) + len(cluster.rows)
            lists["clusters"].append(np.array([[number, cluster.group, size]]))
            lists["counts"].append(counts[None])
        sure = np.ones(len(seen), np.float32)
        rows = stream.past.keep(arrival, seen.labels, sure)
        places = np.flatnonzero(near)
        lists["poses"].append(pose[None])
        lists["centers"].append(arrival.center[None])
        lists["kept"].append(_bits(places[rows], len(scan)))
        lists["seeds"].append(_bits(places[left], len(scan)))
        lists["groups"].append(groups.astype(np.uint16))
        if progress is not None:
            progress(done + number + 1, len(dataset))
    for name, ends in (("past", "past_ends"), ("kept", "bit_ends"), ("groups", "group_ends")):
        lists[ends] = [np.cumsum([0, *(len(part) for part in lists[name])])]
    empty = {"clusters": np.zeros((0, 3), np.int64), "counts": np.zeros((0, classes), np.int64)}
    for name, none in empty.items():
        lists[name].append(none)
    return Cut(**{name: np.concatenate(parts) for name, parts in lists.items()})


def _class_counts(
    cluster: Cluster, past_labels: np.ndarray, labels: np.ndarray, classes: int
) -> np.ndarray:
    both = np.concatenate([past_labels[cluster.past], labels[cluster.rows]])
    return np.bincount(both[both != IGNORE], minlength=classes).astype(np.int64)


def _bits(rows: np.ndarray, count: int) -> np.ndarray:
    chosen = np.zeros(count, bool)
    chosen[rows] = True
    return np.packbits(chosen)


def _folder(dataset: ScanDataset, settings: LabelPropConfig) -> Path | None:
    """Where the cuts of a dataset are kept; None for datasets that do not tell their files."""
    if not isinstance(dataset, FileDataset):
        return None
    facts = f"{FORMAT} {dataset.fingerprint()} {settings.model_dump_json()}"
    return cache_dir() / "labelprop" / hashlib.sha256(facts.encode()).hexdigest()[:32]


def _stored(
    path: Path, dataset: ScanDataset, indices: Sequence[int], settings: LabelPropConfig
) -> Cut | None:
    """A cut from the cache, unless the poses have changed since (three of them are looked at)."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as data:
            cut = Cut(**{field.name: data[field.name] for field in fields(Cut)})
    except (OSError, ValueError, KeyError, EOFError) as error:
        log.warning("%s: cannot be read (%s); the clusters are cut anew", path, error)
        return None
    for number in {0, len(indices) // 2, len(indices) - 1}:
        pose = dataset[indices[number]].pose
        if pose is None or settings.poses == "odometry":
            continue
        if not np.array_equal(pose, cut.poses[number]):
            return None
    return cut


def _store(path: Path, cut: Cut) -> None:
    """Keep a cut; a cache that cannot be written only costs the next run its time."""
    try:
        with atomic_path(path) as temporary:
            np.savez(temporary, **vars(cut))
    except (OSError, PcsegError, DataError) as error:
        log.warning("%s: the clusters cannot be kept for later runs (%s)", path, error)
