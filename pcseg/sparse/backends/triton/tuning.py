"""Tuning: time the candidates of a shape once, if asked to, and remember the best on disk."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import statistics
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from pcseg.errors import PcsegError
from pcseg.files import cache_dir, write_text
from pcseg.sparse.backends.triton.configs import (
    LEAST_SHARED,
    Config,
    Shape,
    a_priori,
    candidates,
    parse_table,
    shipped_for,
)

log = logging.getLogger(__name__)

Run = Callable[[Config], object]

_REPEATS = 7

_asked = 0
# One dictionary for the process, not one for each context: backward runs on threads of its own.
_tables: dict[Path, dict[str, Config]] = {}


@contextlib.contextmanager
def tune() -> Iterator[None]:
    """Time the candidates of every shape met in this block that nobody has timed on this device.

    For the Triton backend on CUDA; the environment variable ``PCSEG_TUNE=1`` does the same for a
    whole run. The first call of each shape takes seconds, the results are kept in the user's cache
    folder. Nothing is timed while torch.distributed is initialised: the other processes would wait.
    """
    global _asked
    _asked += 1
    try:
        yield
    finally:
        _asked -= 1


def choose(shape: Shape, device: torch.device, run: Run) -> Config:
    """The config to use for a shape: timed by the user, else timed by us, else a priori.

    Args:
        shape: what is computed.
        device: where.
        run: computes it with a given config; called only while tuning.
    """
    path = table_path(device)
    if path not in _tables:
        _tables[path] = {**shipped_for(_device_name(device)), **_read(path)}
    known, name = _tables[path], shape.name
    if name not in known and may_tune(device):
        best = _best(shape, device, run)
        if best is not None:
            known[name] = best[0]
            _store(path, name, *best)
    return known.get(name) or a_priori(shape, shared_limit(device))


def may_tune(device: torch.device) -> bool:
    """Whether tuning was asked for and makes sense now."""
    asked = _asked > 0 or os.environ.get("PCSEG_TUNE", "0") not in ("", "0")
    if not asked or device.type != "cuda":
        return False
    return not (torch.distributed.is_available() and torch.distributed.is_initialized())


def table_path(device: torch.device) -> Path:
    """The user's file for a device and this version of Triton."""
    # Asked for at every launch, so put together once; only the cache folder may change.
    return _table_path(device, os.environ.get("PCSEG_CACHE"))


@lru_cache
def _table_path(device: torch.device, _cache: str | None) -> Path:
    from triton import __version__ as version

    name = re.sub(r"[^A-Za-z0-9.]+", "-", f"{_device_name(device)} triton {version}")
    return cache_dir() / "triton" / f"{name}.json"


@lru_cache
def shared_limit(device: torch.device) -> int:
    """Bytes of shared memory that a program can have on a device."""
    if device.type != "cuda":
        return LEAST_SHARED
    properties = torch.cuda.get_device_properties(device)
    return getattr(properties, "shared_memory_per_block_optin", 0) or LEAST_SHARED


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _best(shape: Shape, device: torch.device, run: Run) -> tuple[Config, float] | None:
    """The fastest candidate and its milliseconds; None if none of them can be run."""
    times: dict[Config, float] = {}
    for config in candidates(shape, shared_limit(device)):
        time_ms = _time_ms(run, config, device)
        if time_ms is not None:
            times[config] = time_ms
    if not times:
        return None
    best = min(times, key=lambda config: times[config])
    log.info("tuned %s: %s, %.3f ms of %d candidates", shape.name, best, times[best], len(times))
    return best, times[best]


def _time_ms(run: Run, config: Config, device: torch.device) -> float | None:
    """Median time of one call; None if the kernel cannot be compiled or needs too much."""
    from triton.compiler.errors import CompilationError
    from triton.runtime.errors import OutOfResources, PTXASError

    try:
        run(config)
    except (OutOfResources, CompilationError, PTXASError) as error:
        log.info("%s is left out: %s", config, error)
        return None
    times = []
    stream = torch.cuda.current_stream(device)
    for _ in range(_REPEATS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record(stream)
        run(config)
        end.record(stream)
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return statistics.median(times)


def _read(path: Path) -> dict[str, Config]:
    """The user's table; one that is damaged only costs its entries."""
    try:
        return parse_table(_entries(path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s cannot be read (%s); its shapes are tuned anew when asked.", path, error)
        return {}


def _store(path: Path, name: str, config: Config, time_ms: float) -> None:
    """Add an entry to the user's table as it is on disk now; failing costs only the entry."""
    entries = _entries(path) if _read(path) else {}
    tile = list(config.tile)
    entries[name] = {"tile": tile, "warps": config.warps, "stages": config.stages}
    entries[name] |= {"measured": True, "ms": time_ms}
    try:
        write_text(path, json.dumps(entries, indent=1) + "\n")
    except PcsegError as error:
        log.warning("%s cannot be written: %s", path, error)


def _entries(path: Path) -> dict[str, Any]:
    entries: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return entries
