"""Segment reductions: many rows into few, by an index that names the segment of each row.

All are differentiable, need no sorted index, give 0 for segments without rows, and give the same
bits whenever they are called with the same input.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pcseg.errors import DataError


def segment_sum(values: Tensor, index: Tensor, n: int) -> Tensor:
    """Sum the rows of each segment.

    Args:
        values: (N, ...) rows. Half precision is summed in float32.
        index: (N,) int64 segment of each row, 0..n-1.
        n: number of segments.

    Returns:
        (n, ...) sums in the dtype of `values`; 0 for empty segments.

    Raises:
        DataError: if `values` and `index` have different lengths.
    """
    _check(values, index)
    wide = values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
    # index_add on CUDA adds with atomics, in another order every time; sorted rows are added in
    # one order. Integers do not mind.
    if values.is_cuda and values.is_floating_point():
        return _sum_sorted(wide, index, n).to(values.dtype)
    return wide.new_zeros((n, *values.shape[1:])).index_add(0, index, wide).to(values.dtype)


def segment_mean(values: Tensor, index: Tensor, n: int) -> Tensor:
    """Average the rows of each segment: (N, ...) by (N,) into (n, ...); 0 for empty segments."""
    wide = values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
    total = segment_sum(wide, index, n)
    count = torch.bincount(index, minlength=n).clamp_(min=1)
    return (total / count.view(-1, *[1] * (values.dim() - 1))).to(values.dtype)


def segment_max(values: Tensor, index: Tensor, n: int) -> Tensor:
    """Largest entry of each segment: (N, ...) by (N,) into (n, ...); 0 for empty segments.

    Rows that share the maximum share its gradient evenly.
    """
    return _extreme(values, index, n, "amax")


def segment_min(values: Tensor, index: Tensor, n: int) -> Tensor:
    """Smallest entry of each segment: (N, ...) by (N,) into (n, ...); 0 for empty segments.

    Rows that share the minimum share its gradient evenly.
    """
    return _extreme(values, index, n, "amin")


def segment_softmax(values: Tensor, index: Tensor, n: int) -> Tensor:
    """Softmax over the rows of each segment, for every trailing entry on its own.

    Args:
        values: (N, ...) logits.
        index: (N,) int64 segment of each row, 0..n-1.
        n: number of segments.

    Returns:
        (N, ...) positive numbers that sum to 1 within each segment.
    """
    highest = segment_max(values.detach(), index, n)
    exponentials = (values - highest[index]).exp()
    return exponentials / segment_sum(exponentials, index, n)[index]


def _sum_sorted(values: Tensor, index: Tensor, n: int) -> Tensor:
    if len(values) == 0 or n == 0:
        return values.new_zeros((n, *values.shape[1:])).index_add(0, index, values)
    order = torch.argsort(index, stable=True)
    lengths = torch.bincount(index, minlength=n)
    return torch.segment_reduce(values[order], "sum", lengths=lengths, axis=0, initial=0)


def _extreme(values: Tensor, index: Tensor, n: int, reduce: str) -> Tensor:
    _check(values, index)
    spread = index.view(-1, *[1] * (values.dim() - 1)).expand_as(values)
    empty = values.new_zeros((n, *values.shape[1:]))
    return empty.scatter_reduce(0, spread, values, reduce, include_self=False)


def _check(values: Tensor, index: Tensor) -> None:
    if index.dim() != 1 or len(index) != len(values):
        raise DataError(
            f"segment reduction: {tuple(values.shape)} values need an index of shape "
            f"({len(values)},), not {tuple(index.shape)}."
        )
