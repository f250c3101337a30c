"""Compiling: say so, once, when kernels have to be compiled, and let a second process help.

numba compiles one function at a time and keeps the machine code on disk. While this process
compiles what a forward pass needs, another one compiles what the backward pass will need.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import subprocess
import sys
from typing import Any

import torch
from numba.core import event

log = logging.getLogger(__name__)

_PATIENCE_S = 60.0


class _Announcer(event.Listener):  # type: ignore[misc]
    """Told of every compilation of this process; kernels found in numba's disk cache are none."""

    def __init__(self) -> None:
        self.helper: subprocess.Popen[bytes] | None = None
        self._told = False

    def on_start(self, event: Any) -> None:
        function = event.data["dispatcher"].py_func
        if self._told or not function.__module__.startswith("pcseg."):
            return
        self._told = True
        log.warning(
            "Compiling the CPU kernels of pcseg for this processor, once: about ten seconds."
        )
        if _may_start_process():
            command = [sys.executable, "-m", "pcseg.sparse.backends.compiling"]
            quiet = subprocess.DEVNULL
            self.helper = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)

    def on_end(self, event: Any) -> None:
        pass


_announcers: list[_Announcer] = []


def announce_compilation() -> None:
    """Log a line when the first kernel of pcseg is compiled in this process, and get help."""
    if not _announcers:
        _announcers.append(_Announcer())
        event.register("numba:compile", _announcers[0])


def wait_for_help() -> None:
    """Wait until the helping process, if there is one, has compiled the backward's kernels."""
    for announcer in _announcers:
        helper, announcer.helper = announcer.helper, None
        if helper is not None:
            try:
                helper.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                helper.kill()  # this process compiles what is missing
                helper.wait()


def compile_backward() -> None:
    """Compile what a backward pass in float32 needs, by calling it with very little."""
    from pcseg.sparse.backends import numba_norm
    from pcseg.sparse.backends.numba_cpu import NumbaBackend
    from pcseg.sparse.kernel_map import KernelMap

    rows, feats = torch.zeros(1, dtype=torch.int32), torch.ones(1, 8)
    NumbaBackend().grad_weight(feats, feats, KernelMap(rows, rows, (0, 1), 1, 1))
    channels = (feats[0],) * 5
    numba_norm.gradient_sums(feats, feats, None, channels[:3], relu=True, keep=True)
    numba_norm.gradient(feats, feats, None, channels, relu=True)


def _may_start_process() -> bool:
    """Not from a helper, a worker of some pool or one of many ranks, nor for a single core."""
    alone = multiprocessing.parent_process() is None and "RANK" not in os.environ
    return alone and __name__ != "__main__" and bool(sys.executable) and (os.cpu_count() or 1) > 1


if __name__ == "__main__":
    compile_backward()
