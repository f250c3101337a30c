"""What the benchmark programs share: options, interleaved timing, peak memory, the JSON."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pcseg._version import __version__


def interleaved(
    programs: dict[str, Callable[[], object]], rounds: int, budget_s: float
) -> dict[str, float]:
    """Median milliseconds of several programs, run in turn so that all meet the same machine.

    Args:
        programs: called once before anything is timed (compilation, caches), then once a round.
        rounds: at most this many rounds, at least one.
        budget_s: no new round starts after this time.
    """
    for program in programs.values():
        program()
    times: dict[str, list[float]] = {name: [] for name in programs}
    began = time.perf_counter()
    for _ in range(rounds):
        for name, program in programs.items():
            start = time.perf_counter()
            program()
            times[name].append(time.perf_counter() - start)
        if time.perf_counter() - began > budget_s:
            break
    return {name: 1e3 * statistics.median(taken) for name, taken in times.items()}


@contextlib.contextmanager
def peak_memory(device: torch.device) -> Iterator[list[float]]:
    """Measure the megabytes by which a block raises the memory in use at its peak.

    On a CPU this is resident memory of the whole process, and what the block does should have been
    done once before, so that loading code and starting threads does not count. (Where the system
    cannot forget that earlier peak, only what exceeds it is seen.)

    Yields:
        A list that holds the number when the block is over.
    """
    found: list[float] = []
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        yield found
        torch.cuda.synchronize()
        found.append((torch.cuda.max_memory_allocated() - before) / 2**20)
        return
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # glibc only: free memory is given back
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):  # Linux only: the peak becomes what is resident now
        Path("/proc/self/clear_refs").write_text("5")
    before = _peak_kb()
    yield found
    found.append((_peak_kb() - before) / 1024)


def options(doc: str | None, quick: str) -> argparse.ArgumentParser:
    """The command line that all programs share; each adds its own.

    Args:
        doc: of the program.
        quick: what ``--quick`` does.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result to a file too")
    return parser


def record(rows: list[dict[str, Any]], device: str = "cpu", **facts: Any) -> dict[str, Any]:
    """The JSON of a benchmark: where it ran, with what, its rows, and facts true of all rows.

    The device is the processor, also where there is a GPU, unless `device` is ``"cuda"``.
    """
    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else _processor(),
        "threads": torch.get_num_threads(),
        "versions": {
            "pcseg": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        "commit": _commit(),
        **facts,
        "rows": rows,
    }


def _peak_kb() -> int:
    # Not ru_maxrss where it can be helped: on Linux a child starts with its parent's.
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    folder = Path(__file__).parent
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"
