"""Backends: who builds the maps and does the arithmetic, chosen by device, setting or block.

What a backend does is said in `base.Backend`: find coarser voxels, build a map, apply it with what
follows it, and compute its two gradients.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar
from functools import lru_cache
from importlib import import_module

import torch

from pcseg.errors import BackendError
from pcseg.sparse.backends.base import Backend

BACKENDS = {
    "numba": "pcseg.sparse.backends.numba_cpu:NumbaBackend",
    "torch": "pcseg.sparse.backends.reference:TorchBackend",
    "triton": "pcseg.sparse.backends.triton.backend:TritonBackend",
    "spconv": "pcseg.sparse.backends.spconv:SpconvBackend",
}
"""All backends by name, imported when first used."""

DEFAULTS = {"cpu": ("numba", "torch"), "cuda": ("torch",)}
"""Which backends are tried, in order, for a device that nobody chose a backend for.

On CUDA that is decided by measurements, and there are none yet: triton has been run in its
interpreter and compiled, but not timed on a GPU, so it has to be asked for.
"""

_chosen: str | None = None
_in_block: ContextVar[str | None] = ContextVar("pcseg_backend", default=None)


def pick_backend(device: torch.device) -> Backend:
    """The backend for tensors on `device`.

    The innermost `use_backend` decides, then `set_backend`, then the environment variable
    PCSEG_BACKEND, then the default of the device.

    Raises:
        BackendError: if the chosen backend is unknown or cannot work there, with the reason.
    """
    name = _in_block.get() or _chosen or os.environ.get("PCSEG_BACKEND")
    if name:
        backend = get_backend(name)
        reason = backend.refuses(device)
        if reason:
            raise BackendError(
                f"sparse backend '{name}' cannot be used on {device}: {reason}. "
                f"Usable here: {', '.join(available_backends(device))}."
            )
        return backend
    for name in DEFAULTS.get(device.type, ("torch",)):
        if unavailable_reason(name, device) is None:
            return get_backend(name)
    return get_backend("torch")


def set_backend(name: str | None) -> None:
    """Use the backend `name` from now on, everywhere; None returns to the default.

    Raises:
        BackendError: if it does not exist or cannot be loaded.
    """
    global _chosen
    if name is not None:
        get_backend(name)
    _chosen = name


@contextlib.contextmanager
def use_backend(name: str) -> Iterator[Backend]:
    """Use the backend `name` for the layers called in this block (and for their gradients).

    Raises:
        BackendError: if it does not exist or cannot be loaded.
    """
    backend = get_backend(name)
    token = _in_block.set(name)
    try:
        yield backend
    finally:
        _in_block.reset(token)


def available_backends(device: torch.device | str = "cpu") -> list[str]:
    """Names of the backends that can work on `device`."""
    return [name for name in BACKENDS if unavailable_reason(name, torch.device(device)) is None]


def unavailable_reason(name: str, device: torch.device) -> str | None:
    """Why a backend cannot work on `device`; None if it can."""
    try:
        return get_backend(name).refuses(device)
    except BackendError as error:
        return str(error)


@lru_cache
def get_backend(name: str) -> Backend:
    """Load a backend by name.

    Raises:
        BackendError: if it does not exist or its library cannot be imported.
    """
    if name not in BACKENDS:
        raise BackendError(
            f"there is no sparse backend '{name}'. There are: {', '.join(BACKENDS)} "
            "(chosen by set_backend, use_backend or the environment variable PCSEG_BACKEND)."
        )
    module, _, attribute = BACKENDS[name].partition(":")
    try:
        backend: Backend = getattr(import_module(module), attribute)()
    except (ImportError, OSError) as error:
        raise BackendError(f"sparse backend '{name}' cannot be loaded: {error}.") from error
    return backend
