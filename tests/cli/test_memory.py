"""Freed memory is kept for the next tensors where the C library can do that."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys, torch
from pcseg.cli.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(3_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

torch.set_num_threads(1)
faults()
first = faults()
print(keep_freed_memory())
faults()
print(faults() < first / 4)
"""


def run(**environment: str) -> list[str]:
    command = [sys.executable, "-c", PROGRAM]
    child = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return child.stdout.split()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of the GNU C library")
def test_large_tensors_reuse_what_was_freed():
    assert run() == ["True", "True"]


def test_settings_of_the_user_are_left_alone():
    assert run(MALLOC_TRIM_THRESHOLD_="131072")[0] == "False"
