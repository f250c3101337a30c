"""The environment of a benchmark: versions, devices and the state of the source code."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pcseg._version import __version__

_PACKAGES = ("torch", "numpy", "numba", "scikit-learn", "lightning-fabric", "triton", "spconv")


def environment() -> dict[str, Any]:
    """Versions of pcseg and what it computes with, device and git commit, as plain data."""
    return {
        "pcseg": __version__,
        "commit": git_commit(),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "accelerator": accelerator(),
        "packages": {name: _version(name) for name in _PACKAGES if _version(name)},
    }


def accelerator() -> str | None:
    """Name of the GPU that torch uses, None without one."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def git_commit() -> str | None:
    """The commit pcseg runs from, with ``+changes`` if files differ; None for an installed one."""
    here = Path(__file__).parent
    try:
        commit = _git(here, "rev-parse", "HEAD")
        changed = _git(here, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}{'+changes' if changed else ''}"


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder, capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
