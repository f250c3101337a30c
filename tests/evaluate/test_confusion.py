"""Counting: hand-worked matrices, additivity over any partition, numpy and torch alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pcseg.errors import LabelError
from pcseg.evaluate import Confusion
from pcseg.evaluate.confusion import count_pairs

K = 4

pairs = st.lists(st.tuples(st.integers(-1, K - 1), st.integers(-1, K - 1)), min_size=1, max_size=60)


def confusion(pred: list[int], target: list[int], num_classes: int = K) -> Confusion:
    made = Confusion(num_classes)
    made.add(np.array(pred, np.int64), np.array(target, np.int64))
    return made


def test_hand_worked_matrix() -> None:
    made = confusion([0, 0, 1, 2, -1, 1, 0], [0, 1, 1, 2, 2, -1, 0], num_classes=3)
    expected = [
        [2, 0, 0, 0],  # truth 0
        [1, 1, 0, 0],  # truth 1
        [0, 0, 1, 1],  # truth 2: one right, one not answered
        [0, 1, 0, 0],  # truth ignored
    ]
    assert made.counts.tolist() == expected
    assert made.counts.dtype == np.int64
    np.testing.assert_allclose(made.iou(), [2 / 3, 1 / 2, 1 / 2])
    assert made.miou() == pytest.approx(5 / 9)
    assert made.accuracy() == pytest.approx(4 / 6)


def test_a_class_absent_from_the_truth_is_flagged_and_a_missed_one_counts_zero() -> None:
    made = confusion([0, 0, 2, 0], [0, 0, 0, 1], num_classes=4)
    assert made.present().tolist() == [True, True, False, False]
    values = made.iou()
    assert values[0] == pytest.approx(2 / 4)
    assert values[1] == 0
    assert np.isnan(values[2:]).all()  # 2 was predicted, 3 not even that
    assert made.miou() == pytest.approx(1 / 4)


@given(pairs, st.integers(1, 5), st.randoms(use_true_random=False))
def test_any_partition_in_any_order_gives_the_same_matrix(points, parts, random) -> None:
    whole = confusion([p for p, _ in points], [t for _, t in points])
    random.shuffle(points)
    total = Confusion(K)
    for part in range(parts):
        some = points[part::parts]
        total = total + confusion([p for p, _ in some], [t for _, t in some])
    assert total == whole


@given(pairs, st.permutations(range(K)))
def test_renaming_classes_permutes_the_iou(points, order) -> None:
    order = np.array([*order, -1])
    pred, target = (np.array(column) for column in zip(*points, strict=True))
    plain, renamed = Confusion(K), Confusion(K)
    plain.add(pred, target)
    renamed.add(order[pred], order[target])
    np.testing.assert_array_equal(plain.iou(), renamed.iou()[order[:-1]])


@given(pairs)
def test_counts_equal_a_loop(points) -> None:
    expected = np.zeros((K + 1, K + 1), int)
    for p, t in points:
        expected[t, p] += 1  # index -1 is the last row or column
    assert confusion(*map(list, zip(*points, strict=True))).counts.tolist() == expected.tolist()


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.int16, torch.int8])
def test_torch_counts_as_numpy_does(rng, dtype) -> None:
    pred, target = rng.integers(-1, K, (2, 1000))
    group = rng.integers(0, 3, 1000)
    expected = count_pairs(pred, target, K, group, 3)
    got = count_pairs(torch.tensor(pred, dtype=dtype), torch.tensor(target), K, group, 3)
    np.testing.assert_array_equal(got, expected)
    mixed = count_pairs(torch.tensor(pred, dtype=dtype), target, K, group, 3)
    np.testing.assert_array_equal(mixed, expected)


@pytest.mark.gpu
def test_cuda_counts_as_numpy_does(rng) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    pred, target = rng.integers(-1, K, (2, 100_000))
    made = Confusion(K)
    made.add(torch.tensor(pred, device="cuda"), torch.tensor(target, device="cuda"))
    assert made == confusion(pred.tolist(), target.tolist())


def test_small_unsigned_labels_do_not_wrap(rng) -> None:
    labels = rng.integers(0, 250, 500).astype(np.uint8)
    made = Confusion(250)
    made.add(labels, labels)
    assert made.accuracy() == 1
    assert np.trace(made.counts) == 500


def test_no_points_is_no_figure() -> None:
    empty = confusion([], [])
    assert empty.counts.sum() == 0
    with pytest.raises(LabelError, match=r"nothing to score under 'pcseg/1'"):
        empty.miou()


def test_errors_name_the_counts_and_the_label() -> None:
    with pytest.raises(LabelError, match="3 predictions for 2 labels"):
        confusion([0, 0, 0], [0, 0])
    with pytest.raises(LabelError, match=r"prediction 4 is outside -1\.\.3.*another class table"):
        confusion([4], [0])
    with pytest.raises(LabelError, match=r"label -2 is outside"):
        confusion([0], [-2])
    with pytest.raises(LabelError, match="must be an integer"):
        Confusion(2).add(np.zeros(1, np.float32), np.zeros(1, np.int64))
    with pytest.raises(LabelError, match="must be an integer"):
        Confusion(2).add(torch.zeros(1), torch.zeros(1, dtype=torch.long))
    with pytest.raises(LabelError, match="4 and 3 classes cannot be added"):
        confusion([], []) + Confusion(3)
    with pytest.raises(LabelError, match="another label set"):
        Confusion(3, np.zeros((3, 3), np.int64))
