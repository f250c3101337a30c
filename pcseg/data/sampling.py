"""Sampling: which scans, in which order and batches, as pure functions of seed and epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pcseg.errors import ConfigError

_ORDER, _ITEM = 0, 1
"""Keep the random streams of orders and of items apart."""


class EpochSampler:
    """The order of scans in each epoch.

    Nothing is remembered between epochs, so a run can go on from any position: the order is a
    function of (seed, epoch), and each process takes its own share of the same order.

    Args:
        n: number of scans.
        seed: of the run.
        weights: (n,) draw probabilities (need not sum to 1) for drawing n scans with replacement;
            None for a shuffle in which each scan comes once.
        rank: number of this process.
        world_size: number of processes.

    Raises:
        ConfigError: for an empty dataset, unusable weights, or a rank that does not exist.
    """

    def __init__(
        self,
        n: int,
        seed: int,
        weights: np.ndarray | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if n < 1:
            raise ConfigError("there are no scans to sample from; choose another split.")
        if not 0 <= rank < world_size:
            raise ConfigError(f"rank {rank} of {world_size} processes does not exist.")
        self.n, self.seed, self.rank, self.world_size = n, seed, rank, world_size
        self.probabilities = None if weights is None else _probabilities(weights, n)

    def epoch_order(self, epoch: int) -> list[int]:
        """Indices for this process in an epoch.

        Every process gets equally many (the order is continued from its start where it does not
        divide), so that none waits for the others at the end.
        """
        rng = _generator(self.seed, _ORDER, epoch)
        if self.probabilities is None:
            order = rng.permutation(self.n)
        else:
            order = rng.choice(self.n, self.n, p=self.probabilities)
        length = -(-self.n // self.world_size) * self.world_size
        return [int(i) for i in np.resize(order, length)[self.rank :: self.world_size]]


class RepeatableRng:
    """A random generator for each (epoch, index), whichever process asks and in whichever order."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, epoch: int, index: int) -> np.random.Generator:
        """A fresh generator; the same arguments give the same draws."""
        return _generator(self.seed, _ITEM, epoch, index)


def batches(
    order: Sequence[int],
    batch_size: int,
    max_points: int | None = None,
    point_counts: np.ndarray | Sequence[int] | None = None,
) -> list[list[int]]:
    """Cut an order into batches of at most `batch_size` scans and `max_points` points.

    Order is kept and no scan is lost; a scan that is larger than `max_points` by itself makes a
    batch of its own.

    Args:
        order: indices of scans.
        batch_size: scans in a batch.
        max_points: points in a batch; None for no limit.
        point_counts: (F,) points of each scan by index, needed with `max_points`.

    Raises:
        ConfigError: for a size or limit below 1, or a limit without counts.
    """
    if batch_size < 1 or (max_points is not None and max_points < 1):
        raise ConfigError(
            f"batch size {batch_size} and points per batch {max_points} must be at least 1."
        )
    if max_points is None:
        return [list(order[i : i + batch_size]) for i in range(0, len(order), batch_size)]
    if point_counts is None:
        raise ConfigError("a limit of points per batch needs the point counts of the scans.")
    cut: list[list[int]] = []
    points = 0
    for index in order:
        count = int(point_counts[index])
        if not cut or len(cut[-1]) == batch_size or points + count > max_points:
            cut.append([])
            points = 0
        cut[-1].append(index)
        points += count
    return cut


def class_balanced_weights(frame_classes: np.ndarray) -> np.ndarray:
    """Draw probabilities under which every class is met equally often (CBGS, arXiv:1908.09492).

    A draw chooses a class, each that occurs with equal chance, and then one of the frames that
    have it. Frames without any class are never drawn.

    Args:
        frame_classes: (F, K) points of each class in each frame.

    Returns:
        (F,) float64 that sum to 1.

    Raises:
        ConfigError: if no frame has a class.
    """
    present = np.asarray(frame_classes) > 0
    frames_with = present.sum(0)
    if not frames_with.any():
        raise ConfigError("class-balanced sampling needs labelled scans, and none of these is.")
    share = present[:, frames_with > 0] / frames_with[frames_with > 0]
    return share.mean(1)


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *key])))


def _probabilities(weights: np.ndarray, n: int) -> np.ndarray:
    weights = np.asarray(weights, np.float64)
    usable = weights.shape == (n,) and np.isfinite(weights).all() and (weights >= 0).all()
    if not usable or weights.sum() <= 0:
        raise ConfigError(f"sampling weights must be {n} numbers >= 0, not all zero.")
    return weights / weights.sum()
