"""Orders, random draws and batches: functions of seed, epoch and index, and of nothing else."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcseg.data.sampling import EpochSampler, RepeatableRng, batches, class_balanced_weights
from pcseg.errors import ConfigError


@given(n=st.integers(1, 50), seed=st.integers(0, 10**6), world=st.integers(1, 5))
def test_each_scan_comes_once_and_ranks_share_evenly(n: int, seed: int, world: int) -> None:
    whole = EpochSampler(n, seed).epoch_order(3)
    assert sorted(whole) == list(range(n))
    shares = [EpochSampler(n, seed, None, rank, world).epoch_order(3) for rank in range(world)]
    assert len({len(share) for share in shares}) == 1
    assert set().union(*shares) == set(range(n))
    # Taken in turn, the shares are the one order.
    assert [share[i] for i in range(len(shares[0])) for share in shares][:n] == whole


def test_epochs_and_seeds_differ_and_repeat() -> None:
    sampler = EpochSampler(100, 7)
    orders = [sampler.epoch_order(epoch) for epoch in range(3)]
    assert orders[0] != orders[1] != orders[2]
    assert EpochSampler(100, 7).epoch_order(2) == orders[2]  # no memory of epochs 0 and 1
    assert EpochSampler(100, 8).epoch_order(2) != orders[2]


FIRST = [2, 4, 3, 6, 5, 0, 1, 7]
DRAWS = [773, 806, 825]


def test_orders_are_frozen() -> None:
    """A change here would make old checkpoints go on with other scans."""
    assert EpochSampler(8, 0).epoch_order(0) == FIRST
    assert RepeatableRng(0)(1, 2).integers(0, 1000, 3).tolist() == DRAWS


def test_weights_decide_how_often() -> None:
    weights = np.array([1.0, 0.0, 3.0])
    drawn = np.concatenate([EpochSampler(3, 0, weights).epoch_order(e) for e in range(1000)])
    share = np.bincount(drawn, minlength=3) / len(drawn)
    assert share == pytest.approx([0.25, 0, 0.75], abs=0.03)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0), "no scans to sample"),
        ((3, 0, np.ones(2)), "must be 3 numbers"),
        ((2, 0, np.array([1, -1])), "must be 2 numbers"),
        ((2, 0, np.zeros(2)), "not all zero"),
        ((3, 0, None, 2, 2), "rank 2 of 2"),
    ],
)
def test_samplers_that_cannot_be(arguments: tuple, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        EpochSampler(*arguments)


def test_balanced_weights_meet_every_class_equally() -> None:
    frames = np.array([[900, 0, 0], [900, 0, 0], [900, 5, 0], [900, 0, 0], [0, 0, 0]])
    weights = class_balanced_weights(frames)
    assert weights.sum() == pytest.approx(1) and weights[4] == 0
    # Class 1 is in one frame only, which is half of all draws; class 2 is nowhere and asks nothing.
    assert weights.tolist() == pytest.approx([0.125, 0.125, 0.625, 0.125, 0])
    with pytest.raises(ConfigError, match="needs labelled scans"):
        class_balanced_weights(np.zeros((2, 3)))


def test_draws_depend_on_seed_epoch_and_index_alone() -> None:
    rng = RepeatableRng(5)
    first = {(e, i): rng(e, i).random() for e in range(4) for i in range(4)}
    second = {(e, i): RepeatableRng(5)(e, i).random() for e in (3, 0, 1, 2) for i in (2, 0, 3, 1)}
    assert first == second and len(set(first.values())) == 16
    assert RepeatableRng(6)(0, 0).random() != first[0, 0]


@given(
    counts=st.lists(st.integers(1, 100), min_size=1, max_size=40),
    size=st.integers(1, 6),
    limit=st.integers(1, 150),
)
def test_batches_keep_order_and_limits(counts: list[int], size: int, limit: int) -> None:
    order = list(np.random.default_rng(0).permutation(len(counts)))
    cut = batches(order, size, limit, counts)
    assert [i for batch in cut for i in batch] == order
    for batch in cut:
        assert 1 <= len(batch) <= size
        assert sum(counts[i] for i in batch) <= limit or len(batch) == 1
    for before, after in itertools.pairwise(cut):  # none was closed without need
        assert len(before) == size or sum(counts[i] for i in [*before, after[0]]) > limit


def test_batches_without_limit() -> None:
    assert batches([4, 1, 3, 0, 2], 2) == [[4, 1], [3, 0], [2]]
    with pytest.raises(ConfigError, match="needs the point counts"):
        batches([0], 1, 10)
    with pytest.raises(ConfigError, match="at least 1"):
        batches([0], 0)
