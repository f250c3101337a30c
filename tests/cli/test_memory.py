"""Freed memory is kept for the next tensors where the C library can do that."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys

import pytest

# Asked of malloc itself: page faults depend on the size of the system's pages.
PROGRAM = """
import ctypes, torch
from pcseg.cli.memory import keep_freed_memory

NAMES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()

class Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in NAMES]

def mallinfo():
    call = ctypes.CDLL(None).mallinfo2
    call.restype = Mallinfo
    return call()

SIZE = 40_000_000  # above the largest limit that malloc sets itself

def mapped_and_kept():
    before = mallinfo().hblks
    tensor = torch.ones(SIZE // 4)
    mapped = mallinfo().hblks - before
    del tensor
    return mapped, mallinfo().fordblks >= SIZE

print(mapped_and_kept() == (1, False))
print(keep_freed_memory())
print(mapped_and_kept() == (0, True))
"""

HAS_MALLINFO2 = platform.libc_ver()[0] == "glibc" and hasattr(ctypes.CDLL(None), "mallinfo2")


def run(**environment: str) -> list[str]:
    command = [sys.executable, "-c", PROGRAM]
    child = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return child.stdout.split()


@pytest.mark.skipif(not HAS_MALLINFO2, reason="asks the GNU C library, 2.33 or newer")
def test_large_tensors_reuse_what_was_freed():
    assert run() == ["True", "True", "True"]


def test_settings_of_the_user_are_left_alone():
    assert run(MALLOC_TRIM_THRESHOLD_="131072")[1] == "False"
