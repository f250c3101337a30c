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
    """Each scan with its prediction, in order (`in_sequence`); arguments as for `evaluate`."""
    chosen = list(range(len(dataset))) if indices is None else list(indices)
    wanted, seen = set(chosen), chosen
    sequential = getattr(method, "sequential", False)
    if sequential:
        method.reset()  # type: ignore[attr-defined]
        chosen = in_sequence(method, dataset, chosen)
        seen, batch_size = _with_past(dataset, chosen), 1
    loader: DataLoader[list[Scan]] = DataLoader(
        Subset(Guarded(dataset), seen),
        batch_size=batch_size,
        num_workers=workers if len(seen) > 1 else 0,
        collate_fn=GuardedCollate(list),
        worker_init_fn=quiet_worker,
        generator=torch.Generator(),  # the global one belongs to the training
    )
    done, at = 0, 0
    for scans in unguarded(loader):
        predicted = zip(seen[at : at + len(scans)], scans, method.predict(scans), strict=True)
        answers = [(scan, answer) for index, scan, answer in predicted if index in wanted]
        yield from answers
        at += len(scans)
        done += len(answers)
        if progress is not None and answers:
            progress(done, len(chosen))


def in_sequence(
    method: Predictor, dataset: ScanDataset, indices: Sequence[int] | None = None
) -> list[int]:
    """The order in which `predictions` yields scans.

    As given, but for methods that remember earlier scans (``sequential = True``): those get one
    sequence after the other, each in the order of the dataset, which is that of time.
    """
    chosen = list(range(len(dataset))) if indices is None else list(indices)
    if not getattr(method, "sequential", False):
        return chosen
    first: dict[str, int] = {}
    for index, frame in enumerate(dataset.frames):
        first.setdefault(frame.sequence, index)
    return sorted(chosen, key=lambda index: (first[dataset.frames[index].sequence], index))


def share_of(method: Predictor, dataset: ScanDataset, rank: int, world_size: int) -> list[int]:
    """The scans that one of several processes predicts; whole sequences if order matters."""
    if not getattr(method, "sequential", False):
        return list(range(rank, len(dataset), world_size))
    names = list(dict.fromkeys(frame.sequence for frame in dataset.frames))
    mine = set(names[rank::world_size])
    return [index for index, frame in enumerate(dataset.frames) if frame.sequence in mine]


def _with_past(dataset: ScanDataset, ordered: Sequence[int]) -> list[int]:
    """The scans in sequence, with all that came before them in theirs.

    What a method says of a scan depends on the scans before it, also where an interrupted run has
    them done already.
    """
    last = {dataset.frames[index].sequence: index for index in ordered}
    return [
        index
        for sequence, end in last.items()
        for index, frame in enumerate(dataset.frames[: end + 1])
        if frame.sequence == sequence
    ]
