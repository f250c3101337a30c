"""Segment reductions: values, gradients, empty segments, ties, order of summation."""

from __future__ import annotations

import pytest
import torch

from pcseg.errors import DataError
from pcseg.ops import segment_max, segment_mean, segment_min, segment_softmax, segment_sum
from pcseg.ops.segment import _sum_sorted

REDUCTIONS = {
    segment_sum: lambda rows: rows.sum(0),
    segment_mean: lambda rows: rows.mean(0),
    segment_max: lambda rows: rows.amax(0),
    segment_min: lambda rows: rows.amin(0),
}


def sample(shape=(40, 3), n=12, dtype=torch.float64):
    torch.manual_seed(0)
    index = torch.randint(0, n - 2, shape[:1])
    index[index == 4] = 5  # 4 is empty, and so are the last two
    return torch.randn(shape, dtype=dtype), index, n


@pytest.mark.parametrize("shape", [(40,), (40, 3), (40, 2, 3)])
@pytest.mark.parametrize("reduce", REDUCTIONS, ids=lambda f: f.__name__)
def test_values_equal_a_loop_and_empty_segments_are_zero(reduce, shape):
    values, index, n = sample(shape)
    result = reduce(values, index, n)
    assert result.shape == (n, *shape[1:])
    for segment in range(n):
        rows = values[index == segment]
        expected = REDUCTIONS[reduce](rows) if len(rows) else torch.zeros(shape[1:]).double()
        torch.testing.assert_close(result[segment], expected)
    assert (result[[4, n - 2, n - 1]] == 0).all()


@pytest.mark.parametrize("reduce", [*REDUCTIONS, segment_softmax], ids=lambda f: f.__name__)
def test_gradients(reduce):
    values, index, n = sample()
    values.requires_grad_()
    assert torch.autograd.gradcheck(lambda v: reduce(v, index, n), values)


@pytest.mark.parametrize("reduce", [segment_max, segment_min], ids=lambda f: f.__name__)
def test_rows_that_share_an_extreme_share_its_gradient(reduce):
    values = torch.tensor([[1.0], [1.0], [5.0]], requires_grad=True)
    reduce(values, torch.tensor([0, 0, 1]), 2).sum().backward()
    assert values.grad.tolist() == [[0.5], [0.5], [1.0]]


def test_softmax_sums_to_one_and_bears_large_logits():
    values, index, n = sample()
    result = segment_softmax(values * 1000, index, n)
    assert result.isfinite().all()
    totals = segment_sum(result, index, n)
    filled = torch.bincount(index, minlength=n) > 0
    torch.testing.assert_close(totals[filled], torch.ones_like(totals[filled]))


@pytest.mark.parametrize("reduce", [*REDUCTIONS, segment_softmax], ids=lambda f: f.__name__)
def test_no_rows_and_no_segments(reduce):
    none = torch.zeros((0, 3), requires_grad=True)
    index = torch.zeros(0, dtype=torch.int64)
    for n in (0, 4):
        result = reduce(none, index, n)
        assert result.shape == ((0, 3) if reduce is segment_softmax else (n, 3))
        assert (result == 0).all()
        result.sum().backward()


def test_half_precision_is_summed_in_float32():
    ones = torch.ones(5000, 1, dtype=torch.bfloat16)  # bfloat16 cannot count beyond 256
    index = torch.zeros(5000, dtype=torch.int64)
    assert segment_sum(ones, index, 1).item() == pytest.approx(5000, rel=0.01)
    assert segment_mean(ones, index, 1).item() == 1
    assert segment_mean(ones, index, 1).dtype == torch.bfloat16


def test_the_sorted_way_used_on_cuda_equals_the_direct_one():
    values, index, n = sample()
    values.requires_grad_()
    torch.testing.assert_close(_sum_sorted(values, index, n), segment_sum(values, index, n))
    assert torch.autograd.gradcheck(lambda v: _sum_sorted(v, index, n), values)


def test_repetitions_give_the_same_bits():
    torch.manual_seed(0)
    values, index = torch.randn(20_000, 8), torch.randint(0, 50, (20_000,))
    first = segment_sum(values, index, 50)
    assert all(torch.equal(segment_sum(values, index, 50), first) for _ in range(5))


def test_an_index_of_another_length_is_refused():
    with pytest.raises(DataError, match=r"shape \(5,\), not \(4,\)"):
        segment_sum(torch.zeros(5, 2), torch.zeros(4, dtype=torch.int64), 3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("reduce", REDUCTIONS, ids=lambda f: f.__name__)
def test_cuda_equals_cpu(reduce):
    values, index, n = sample(dtype=torch.float32)
    there = reduce(values.to("cuda"), index.to("cuda"), n).cpu()
    torch.testing.assert_close(there, reduce(values, index, n))
