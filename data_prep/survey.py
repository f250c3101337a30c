"""Surveys: one parallel pass over the scans of a dataset, for checks and statistics alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.data import FrameId, LabelSet
from pcseg.data.catalogue import open_dataset
from pcseg.data.dataset import FileDataset
from pcseg.data_prep.facts import ScanFacts, gather
from pcseg.errors import ConfigError, DataError
from pcseg.executor import Report, executor

Progress = Callable[[int, int, str], None]
"""Called with scans done, scans in all, and the scan."""


@dataclass(frozen=True)
class SurveyJob:
    """What is surveyed; the same in every process.

    Attributes:
        dataset: name in the catalogue.
        root: its folder, or a prepared one.
        split: of the dataset.
        label_set: name, or None for the dataset's first.
        options: of the reader, as (key, value).
        every: each n-th scan only.
    """

    dataset: str
    root: Path
    split: str = "all"
    label_set: str | None = None
    options: tuple[tuple[str, Any], ...] = ()
    every: int = 1

    def open(self) -> FileDataset:
        """The dataset; opened once in each process."""
        return _opened(self)


@dataclass(frozen=True)
class Broken:
    """A scan that cannot be read.

    Attributes:
        frame: which.
        message: of the reader: file, place and remedy.
    """

    frame: FrameId
    message: str


@dataclass(frozen=True)
class Survey:
    """All scans of a dataset, counted.

    Attributes:
        job: what was surveyed.
        classes: of the labels.
        scans: facts of the readable scans, in the dataset's order.
        broken: the others.
        missing: sequences of the split that are not there.
        simulated: whether the data were made by `pcseg.sim`.
    """

    job: SurveyJob
    classes: LabelSet
    scans: tuple[ScanFacts, ...]
    broken: tuple[Broken, ...]
    missing: tuple[str, ...]
    simulated: bool

    @property
    def by_range(self) -> np.ndarray:
        """(K + 1, R) int64 points of each class in each range bin; the last row is ignored ones."""
        return np.sum([facts.by_range for facts in self.scans], axis=0)

    def sequences(self) -> dict[str, list[ScanFacts]]:
        """Scans by sequence, in order."""
        found: dict[str, list[ScanFacts]] = {}
        for facts in self.scans:
            found.setdefault(facts.frame.sequence, []).append(facts)
        return found


def survey(
    job: SurveyJob, *, workers: int = 1, engine: str = "local", progress: Progress | None = None
) -> Survey:
    """Read every scan once and count.

    Args:
        job: what.
        workers: processes.
        engine: ``local`` or ``ray``.
        progress: called after every scan.

    Raises:
        DataError: if the dataset cannot be opened, or none of its scans can be read.
    """
    dataset = job.open()
    numbers = range(len(dataset))
    found: dict[int, ScanFacts | Broken] = {}
    for number, facts in executor(engine, workers).run(partial(_gather_one, job), numbers):
        found[number] = facts
        if progress:
            progress(len(found), len(dataset), str(dataset.frames[number]))
    ordered = [found[number] for number in numbers]
    broken = tuple(entry for entry in ordered if isinstance(entry, Broken))
    if len(broken) == len(ordered):
        raise DataError(f"none of the {len(ordered)} scans can be read. {broken[0].message}")
    return Survey(
        job=job,
        classes=dataset.label_set,
        scans=tuple(entry for entry in ordered if isinstance(entry, ScanFacts)),
        broken=broken,
        missing=tuple(getattr(dataset, "missing", ())),
        simulated=bool(getattr(dataset, "simulated", False)),
    )


def options_of(words: Sequence[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
    """Reader settings in a fixed order, without those a survey sets itself.

    Raises:
        ConfigError: for those.
    """
    for key, _ in words:
        if key in ("invalid", "every"):
            raise ConfigError(f"'{key}' cannot be set here: all points are read and judged.")
    return tuple(sorted(words))


@lru_cache(maxsize=1)
def _opened(job: SurveyJob) -> FileDataset:
    options = {"invalid": "ignore", "every": job.every, **dict(job.options)}
    dataset = open_dataset(job.dataset, job.root, job.split, job.label_set, **options)
    assert isinstance(dataset, FileDataset)
    return dataset


def _gather_one(job: SurveyJob, index: int, report: Report) -> ScanFacts | Broken:
    dataset = job.open()
    frame = dataset.frames[index]
    try:
        return gather(dataset[index], frame, dataset.label_set)
    except DataError as error:
        return Broken(frame, str(error))
