"""Threads of the numba backend: as many as torch uses, none after a fork, one per BLAS call.

The kernels are written so that their results do not depend on the number of threads; this module
decides how many there are, and keeps the BLAS inside a parallel loop from starting its own.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numba
import scipy.linalg.cython_blas  # noqa: F401 - loads the BLAS that numba calls, before it is looked for
import torch
from threadpoolctl import ThreadpoolController

_SERIAL_BELOW = 1_000_000
"""Multiply-adds (or their like) below which starting threads costs more than it gains."""

_lock = threading.RLock()
_forked = False


@contextlib.contextmanager
def threads_for(work: int) -> Iterator[int]:
    """Give the number of threads to use for `work` operations, and hold the BLAS to one each.

    One caller at a time: the BLAS limit belongs to the process, and not every threading layer of
    numba bears two callers.

    Args:
        work: about how many operations there are.
    """
    with _lock:
        count = _thread_count(work)
        if count > 1:
            numba.set_num_threads(count)
        before = [library.num_threads for library in _blas_libraries()]
        for library in _blas_libraries():
            library.set_num_threads(1)
        try:
            yield count
        finally:
            for library, number in zip(_blas_libraries(), before, strict=True):
                library.set_num_threads(number)


def _numba_limit() -> int:
    limit: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    return limit


def _thread_count(work: int) -> int:
    # A forked child has the parent's memory but not its threads: a parallel region would hang or
    # abort. Workers of a DataLoader that are not forked have one torch thread anyway.
    if _forked or work < _SERIAL_BELOW:
        return 1
    return max(1, min(torch.get_num_threads(), _numba_limit()))


@lru_cache
def _blas_libraries() -> list[Any]:
    libraries = ThreadpoolController().lib_controllers
    return [library for library in libraries if library.user_api == "blas"]


def _mark_forked() -> None:
    global _forked, _lock
    _forked = True
    _lock = threading.RLock()  # the parent's may have been held by a thread that is not here


os.register_at_fork(after_in_child=_mark_forked)
