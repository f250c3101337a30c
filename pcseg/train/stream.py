"""Stream: the training batches of each epoch, the same for any number of loader processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from pcseg.config import DataConfig
from pcseg.config.schema import build_mix
from pcseg.data import Scan
from pcseg.data.dataset import ScanDataset
from pcseg.data.sampling import (
    EpochSampler,
    RepeatableRng,
    batches,
)
from pcseg.data.transforms import Compose
from pcseg.data.workers import Guarded, GuardedCollate, quiet_worker, unguarded

Draw = tuple[int, int]
"""(index of the scan, how often it came before in the epoch)."""

Key = tuple[int, int, int]
"""(epoch, index, times before): all that an augmented scan depends on, beside the seed."""


class Stream:
    """Batches of augmented scans, as a pure function of (seed, epoch).

    A scan's augmentation draws depend on (seed, epoch, index, repetition) only, and batches are
    cut before they are dealt to the processes. So neither the number of loader workers nor that of
    training processes changes what is computed, and any position can be resumed.

    Args:
        dataset: labelled scans.
        collate: makes a batch of scans (in the loader's processes).
        config: batch size, limits, augmentation, workers.
        seed: of the run.
        rank: this process.
        world_size: number of training processes.
    """

    def __init__(
        self,
        dataset: ScanDataset,
        collate: Callable[[Sequence[Scan]], Any],
        config: DataConfig,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.config = config
        self.rank, self.world_size = rank, world_size
        weights = dataset.balanced_weights() if config.balanced else None
        self.sampler = EpochSampler(len(dataset), seed, weights)
        self.counts = dataset.point_counts() if config.points_per_batch else None
        self.keys = _Keys()
        self.loader = DataLoader(
            Guarded(_Augmented(dataset, config, seed)),
            batch_sampler=self.keys,
            collate_fn=GuardedCollate(collate),
            num_workers=config.workers,
            persistent_workers=config.workers > 0,
            worker_init_fn=quiet_worker,
            generator=torch.Generator(),  # so that the global one is left alone
        )

    def plan(self, epoch: int) -> list[list[Draw]]:
        """The scans of each batch that this process takes in an epoch."""
        order = self.sampler.epoch_order(epoch)
        cut = batches(order, self.config.batch_size, self.config.points_per_batch, self.counts)
        seen: Counter[int] = Counter()
        drawn: list[list[Draw]] = []
        for batch in cut:
            drawn.append([])
            for index in batch:
                drawn[-1].append((index, seen[index]))
                seen[index] += 1
        even = len(cut) - len(cut) % self.world_size  # every process takes equally many
        return drawn[self.rank : even : self.world_size]

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Any]:
        """The batches of an epoch from the `start`-th on."""
        plan = self.plan(epoch)[start:]
        self.keys.batches = [[(epoch, *draw) for draw in batch] for batch in plan]
        yield from unguarded(self.loader)

    def close(self) -> None:
        """End the loader's processes."""
        self.loader._iterator = None


class _Keys:
    """A batch sampler whose batches are replaced for each epoch."""

    def __init__(self) -> None:
        self.batches: list[list[Key]] = []

    def __iter__(self) -> Iterator[list[Key]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class _Augmented(Dataset[Scan]):
    """Scans by (epoch, index), augmented and mixed with draws that depend on nothing else."""

    def __init__(self, dataset: ScanDataset, config: DataConfig, seed: int) -> None:
        self.dataset = dataset
        self.rng = RepeatableRng(seed)
        self.augment = Compose(config.augment)
        self.mixes = [build_mix(kind) for kind in config.mix.kinds]
        self.probability = config.mix.probability

    def __getitem__(self, key: Key) -> Scan:  # type: ignore[override]
        epoch, index, before = key
        rng = self.rng(epoch, index + before * len(self.dataset))
        scan = self.augment(self.dataset[index], rng)
        if self.mixes and rng.random() < self.probability:
            partner = self.augment(self.dataset[int(rng.integers(len(self.dataset)))], rng)
            scan = self.mixes[rng.integers(len(self.mixes))](scan, partner, rng)
        return scan
