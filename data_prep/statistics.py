"""Statistics: how much data, and how diverse; size is not diversity.

The questions are those of the survey "Are We Hungry for 3D LiDAR Data for Semantic Segmentation?"
(Gao et al., arXiv 2006.04307): points and instances of each class, diversity of scenes and scans,
distances, and how datasets differ from each other. The figures are defined here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from pcseg.data_prep.facts import RANGE_EDGES_M, ScanFacts
from pcseg.data_prep.survey import Survey

THINNING_M = (5.0, 10.0, 20.0, 50.0)
"""Distances at which frames are counted as different."""

_PAIRS = 2000


@dataclass(frozen=True)
class ClassStatistics:
    """One class.

    Attributes:
        name: of the class.
        points: in all scans.
        share: of all labelled points.
        scans: in which it occurs.
        instances: different objects, a sequence at a time; None where the data count none.
        places: squares of 10 m in which it was seen; None without poses.
        ranges: share of its points in each range bin; empty without points.
    """

    name: str
    points: int
    share: float
    scans: int
    instances: int | None
    places: int | None
    ranges: tuple[float, ...]


@dataclass(frozen=True)
class Statistics:
    """A dataset in figures.

    Attributes:
        dataset: its name in the catalogue.
        folder: name of its folder, which tells two copies apart.
        label_set: whose classes are counted.
        simulated: whether the data were made by `pcseg.sim`.
        scans: in all; `labelled_scans` of them with labels.
        sequences: of them.
        points: in all.
        points_per_scan: smallest, median and largest.
        travelled_m: by the sensor; None without poses.
        different_frames: for each distance of `THINNING_M`, how many frames are left when those
            nearer than that to a kept frame of the sequence are dropped; None without poses.
        effective_classes: exp of the entropy of the class shares: how many equally frequent classes
            would be as diverse.
        divergence_between: mean Jensen-Shannon divergence (bits) of the classes of two scans of
            different sequences; None with one sequence.
        divergence_within: the same of two scans of one sequence.
        divergence_next: the same of neighbouring scans; far below the others means near-duplicates.
        classes: of the label set, in order.
        ranges: share of all points in each range bin.
        range_edges_m: borders of the bins; the last is open.
    """

    dataset: str
    folder: str
    label_set: str
    simulated: bool
    scans: int
    labelled_scans: int
    sequences: int
    points: int
    points_per_scan: tuple[int, float, int]
    travelled_m: float | None
    different_frames: Mapping[str, int] | None
    effective_classes: float
    divergence_between: float | None
    divergence_within: float | None
    divergence_next: float | None
    classes: tuple[ClassStatistics, ...]
    ranges: tuple[float, ...]
    range_edges_m: tuple[float, ...]

    @property
    def title(self) -> str:
        """Dataset and folder, and whether it is simulated."""
        simulated = ", simulated" if self.simulated else ""
        return f"{self.dataset} ({self.folder}{simulated})"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; the open end of the last bin is left out."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """How two datasets differ, over the classes whose names they share.

    Attributes:
        first: title of a dataset.
        second: of the other.
        classes: Jensen-Shannon divergence (bits) of the shares of the shared classes: 0 for equal,
            1 for disjoint; None if they share none.
        ranges: the same of the range profiles.
        shared: names of the shared classes.
    """

    first: str
    second: str
    classes: float | None
    ranges: float
    shared: tuple[str, ...]


def statistics(survey: Survey) -> Statistics:
    """Compute the figures of a dataset from its survey."""
    counts, scans = survey.by_range, survey.scans
    sizes = np.array([facts.points for facts in scans])
    posed = all(facts.pose is not None for facts in scans)
    scored = counts[:-1].sum(1)
    rng = np.random.default_rng(0)
    return Statistics(
        dataset=survey.job.dataset,
        folder=survey.job.root.resolve().name,
        label_set=f"{survey.classes.dataset}/{survey.classes.name}",
        simulated=survey.simulated,
        scans=len(scans),
        labelled_scans=sum(facts.labelled for facts in scans),
        sequences=len(survey.sequences()),
        points=int(sizes.sum()),
        points_per_scan=(int(sizes.min()), float(np.median(sizes)), int(sizes.max())),
        travelled_m=_travelled(survey) if posed else None,
        different_frames=_different(survey) if posed else None,
        effective_classes=float(np.exp(_entropy(scored))),
        divergence_between=_divergence(survey, "between", rng),
        divergence_within=_divergence(survey, "within", rng),
        divergence_next=_divergence(survey, "next", rng),
        classes=tuple(_classes(survey, counts, scored)),
        ranges=_shares(counts.sum(0)),
        range_edges_m=RANGE_EDGES_M[:-1],
    )


def compare(first: Statistics, second: Statistics) -> Comparison:
    """Compare two datasets."""
    points = [{c.name: c.points for c in s.classes} for s in (first, second)]
    shared = tuple(name for name in points[0] if name in points[1])
    rows = [np.array([table[name] for name in shared], float) for table in points]
    comparable = bool(shared) and all(row.sum() > 0 for row in rows)
    return Comparison(
        first.title,
        second.title,
        js_divergence(rows[0], rows[1]) if comparable else None,
        js_divergence(np.array(first.ranges), np.array(second.ranges)),
        shared,
    )


def js_divergence(first: np.ndarray, second: np.ndarray) -> float:
    """Jensen-Shannon divergence in bits of two histograms of any scale (Lin 1991): 0..1."""
    p, q = first / first.sum(), second / second.sum()
    middle = (p + q) / 2
    return float(max(0.0, (_entropy(middle) - (_entropy(p) + _entropy(q)) / 2) / np.log(2)))


def _classes(survey: Survey, counts: np.ndarray, scored: np.ndarray) -> list[ClassStatistics]:
    instances = {(f.frame.sequence, *pair) for f in survey.scans for pair in f.instances}
    posed = any(facts.pose is not None for facts in survey.scans)
    things = survey.classes.thing_classes
    found = []
    for number, name in enumerate(survey.classes.names):
        objects = sum(k == number for _, k, _ in instances)
        places = {
            (facts.frame.sequence, *cell)
            for facts in survey.scans
            for cell in facts.places[number].tolist()
        }
        found.append(
            ClassStatistics(
                name=name,
                points=int(scored[number]),
                share=float(scored[number] / max(1, scored.sum())),
                scans=sum(bool(facts.by_range[number].any()) for facts in survey.scans),
                instances=objects if objects or (number in things and instances) else None,
                places=len(places) if posed else None,
                ranges=_shares(counts[number]) if scored[number] else (),
            )
        )
    return found


def _travelled(survey: Survey) -> float:
    return float(
        sum(
            np.linalg.norm(np.diff(_positions(scans), axis=0), axis=1).sum()
            for scans in survey.sequences().values()
        )
    )


def _different(survey: Survey) -> dict[str, int]:
    found = {}
    for distance in THINNING_M:
        kept = 0
        for scans in survey.sequences().values():
            left = _positions(scans)
            while len(left):
                left = left[np.linalg.norm(left - left[0], axis=1) >= distance]
                kept += 1
        found[f"{distance:g} m"] = kept
    return found


def _positions(scans: Sequence[ScanFacts]) -> np.ndarray:
    return np.array([facts.pose[:3, 3] for facts in scans if facts.pose is not None])


def _divergence(survey: Survey, which: str, rng: np.random.Generator) -> float | None:
    """Mean divergence of the classes of pairs of labelled scans; a few thousand pairs are drawn."""
    sequences = [
        [row for facts in scans if (row := facts.by_range[:-1].sum(1).astype(float)).any()]
        for scans in survey.sequences().values()
    ]
    pairs = _PAIR_KINDS[which]([rows for rows in sequences if rows], rng)
    if not pairs:
        return None
    return float(np.mean([js_divergence(*pair) for pair in pairs]))


Pair = tuple[np.ndarray, np.ndarray]
Rows = Sequence[Sequence[np.ndarray]]


def _next(sequences: Rows, rng: np.random.Generator) -> list[Pair]:
    pairs = [pair for rows in sequences for pair in pairwise(rows)]
    return [pairs[i] for i in rng.permutation(len(pairs))[:_PAIRS]]


def _within(sequences: Rows, rng: np.random.Generator) -> list[Pair]:
    several = [rows for rows in sequences if len(rows) > 1]
    return [_two(several[int(rng.integers(len(several)))], rng) for _ in range(_PAIRS) if several]


def _between(sequences: Rows, rng: np.random.Generator) -> list[Pair]:
    if len(sequences) < 2:
        return []
    found = []
    for _ in range(_PAIRS):
        a, b = (sequences[i] for i in rng.choice(len(sequences), 2, replace=False).tolist())
        found.append((a[int(rng.integers(len(a)))], b[int(rng.integers(len(b)))]))
    return found


def _two(rows: Sequence[np.ndarray], rng: np.random.Generator) -> Pair:
    first, second = rng.choice(len(rows), 2, replace=False).tolist()
    return rows[first], rows[second]


_PAIR_KINDS = {"next": _next, "within": _within, "between": _between}


def _entropy(counts: np.ndarray) -> float:
    """In nats."""
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log(p)).sum())


def _shares(counts: np.ndarray) -> tuple[float, ...]:
    return tuple((counts / max(1, counts.sum())).tolist())
