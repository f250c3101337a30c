"""Memory: what was freed is kept for the next tensors, not given back to the system each time."""

from __future__ import annotations

import ctypes
import os
import platform

# From malloc.h of the GNU C library.
_TRIM_THRESHOLD = -1
_MMAP_MAX = -4


def keep_freed_memory() -> bool:
    """Let malloc serve large tensors from memory it has, and keep what they leave.

    Otherwise every large tensor is a new mapping, and the system clears each of its pages anew.
    What was taken is held until the process ends. Whoever set malloc up by environment variables
    is not overruled.

    Returns:
        Whether it could be done: with the GNU C library only.
    """
    chosen = any(name.startswith(("MALLOC_MMAP", "MALLOC_TRIM")) for name in os.environ)
    if chosen or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1))
