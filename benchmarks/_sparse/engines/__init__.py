"""The engines by name: which exist, which are compared by default, how to install the peers."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import torch

from _sparse.engines.base import Engine

_PCCM = "cumm pccm ccimport pybind11 fire lark portalocker termcolor ninja"

HOW_TO_INSTALL = {
    "spconv": f"pip install --no-deps --target DIR spconv {_PCCM}",
    "spconv-triton": "pip install --no-deps --target DIR spconv-triton",
    "ocnn": "pip install --no-deps --target DIR ocnn packaging filelock",
    "triton": 'pip install "pcseg[triton]"',
}
"""What brings a peer that is missing; then say ``--peers DIR``."""

ON_CUDA = {"spconv": "on CUDA: spconv-cu126 and cumm-cu126 in place of spconv and cumm"}

DEFAULTS = {
    "cpu": ("numba", "naive", "spconv", "ocnn"),
    "cuda": ("triton", "naive", "spconv", "spconv-triton", "ocnn"),
}
"""Engines of a run, by device. All are compared with `naive`."""

REFERENCE = "naive"


def make_engine(name: str, device: torch.device) -> Engine:
    """Load an engine.

    Raises:
        ImportError: if its library is not installed.
        KeyError: if there is none of this name.
    """
    return _MAKERS[name](name, device)


def _ours(name: str, device: torch.device) -> Engine:
    engine: Engine = import_module("_sparse.engines.ours").Ours(name, device)
    return engine


def _naive(name: str, device: torch.device) -> Engine:
    engine: Engine = import_module("_sparse.engines.naive").Naive(name, device)
    return engine


def _spconv(name: str, device: torch.device) -> Engine:
    package = name.replace("-", "_")
    engine: Engine = import_module("_sparse.engines.spconv_like").Spconv(name, device, package)
    return engine


def _ocnn(name: str, device: torch.device) -> Engine:
    engine: Engine = import_module("_sparse.engines.ocnn").OCNN(name, device)
    return engine


_MAKERS: dict[str, Callable[[str, torch.device], Engine]] = {
    "numba": _ours,
    "triton": _ours,
    "torch": _ours,
    "naive": _naive,
    "spconv": _spconv,
    "spconv-triton": _spconv,
    "ocnn": _ocnn,
}

NAMES = tuple(_MAKERS)
"""All engines."""
