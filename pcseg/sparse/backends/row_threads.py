"""Row threads: kernels that walk over rows, shared among threads without compiling them twice.

numba's own parallel loops cost seconds of compilation each. A kernel that lets go of Python's lock
needs no more than a few threads that call it for some rows each.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from typing import Any

from torch import Tensor

from pcseg.sparse.backends.threads import threads_for

_WORK_PER_ELEMENT = 2
"""What an element costs in multiply-adds: such kernels wait for memory, not for arithmetic."""

_SHARES = 4
"""Pieces of work per thread: a thread that is held up leaves the rest to the others."""


def for_row_blocks(kernel: Callable[..., None], feats: Tensor, block: int, *arguments: Any) -> None:
    """Call ``kernel(begin, end, *arguments)`` for pieces of the numbers of (V, C) features.

    Every piece begins at a multiple of `block` rows. Calls run at the same time, in any order.
    """
    block, size = block * feats.shape[1], feats.numel()
    with threads_for(_WORK_PER_ELEMENT * size) as threads:
        if threads <= 1 or size <= block:
            kernel(0, size, *arguments)
            return
        step = -(-size // (block * threads * _SHARES)) * block
        begins = iter(range(0, size, step))

        def work() -> None:
            for begin in begins:
                kernel(begin, min(begin + step, size), *arguments)

        others = [_pool(threads - 1).submit(work) for _ in range(threads - 1)]
        try:
            work()
        finally:
            wait(others)
        for other in others:
            other.result()


@lru_cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "pcseg-rows")
