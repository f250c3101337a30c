"""How the host reaches the device: the right one current, numbers sent without waiting."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor


def device_of(tensor: Tensor) -> AbstractContextManager[Any]:
    """Make the device of `tensor` current: Triton launches there, not where pointers are."""
    return torch.cuda.device(tensor.device) if tensor.is_cuda else contextlib.nullcontext()


def sent(numbers: Sequence[int], like: Tensor) -> Tensor:
    """int64 numbers on the device of `like`, without waiting for it.

    An ordinary copy from the host stops it until the device has done all it was asked before.
    """
    if not like.is_cuda:
        return torch.tensor(numbers, dtype=torch.int64)
    pinned = torch.tensor(numbers, dtype=torch.int64, pin_memory=True)
    return pinned.to(like.device, non_blocking=True)


def blocks(number: int, size: int) -> int:
    """How many blocks of `size` hold `number`."""
    return -(-number // size)
