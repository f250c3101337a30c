"""Running a method over scans: the loop behind evaluation and prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch
from torch.utils.data import DataLoader, Subset

from pcseg.data import LabelSet, Prediction, Scan
from pcseg.data.dataset import ScanDataset
from pcseg.data.workers import Guarded, GuardedCollate, quiet_worker, unguarded
from pcseg.evaluate.evaluation import Evaluation
from pcseg.evaluate.protocol import Protocol as Rules
from pcseg.evaluate.protocol import house_protocol


class Predictor(Protocol):
    """Labels scans, point by point."""

    def predict(self, scans: Sequence[Scan]) -> list[Prediction]:
        """One prediction for each scan, in file order."""


def protocol_of(label_set: LabelSet, tta: int) -> Rules:
    """The house rules, with test-time augmentation named if there is any."""
    rules = house_protocol(label_set)
    return rules.with_tta(f"{tta} turns") if tta > 1 else rules


def evaluate(
    method: Predictor,
    dataset: ScanDataset,
    evaluation: Evaluation,
    batch_size: int = 1,
    workers: int = 0,
    indices: Sequence[int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Predict every point of the scans and score them at full resolution.

    Args:
        method: what predicts.
        dataset: labelled scans.
        evaluation: collects the score.
        batch_size: scans predicted at once.
        workers: processes that read ahead.
        indices: the scans to take; all by default.
        progress: called with (scans done, scans in all).
    """
    for scan, prediction in predictions(method, dataset, batch_size, workers, indices, progress):
        evaluation.add(scan, prediction)


def predictions(
    method: Predictor,
    dataset: ScanDataset,
    batch_size: int = 1,
    workers: int = 0,
    indices: Sequence[int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[Scan, Prediction]]:
    """Each scan with its prediction, in order; arguments as for `evaluate`."""
    chosen = list(range(len(dataset))) if indices is None else list(indices)
    loader: DataLoader[list[Scan]] = DataLoader(
        Subset(Guarded(dataset), chosen),
        batch_size=batch_size,
        num_workers=workers if len(chosen) > 1 else 0,
        collate_fn=GuardedCollate(list),
        worker_init_fn=quiet_worker,
        generator=torch.Generator(),  # the global one belongs to the training
    )
    done = 0
    for scans in unguarded(loader):
        yield from zip(scans, method.predict(scans), strict=True)
        done += len(scans)
        if progress is not None:
            progress(done, len(chosen))
