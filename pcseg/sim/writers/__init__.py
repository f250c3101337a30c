"""Writers: one module per data-set layout that simulated sequences can be stored in."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np

from pcseg.data.scan import Scan
from pcseg.errors import ConfigError

LAYOUTS = {"semantickitti": "pcseg.sim.writers.semantickitti:SemanticKittiWriter"}
"""Layout name and the class that writes it, imported on use."""


class Writer(Protocol):
    """What the simulator needs of a layout."""

    def remove_leftovers(self, sequence: str) -> None:
        """Remove the half-written files of a process that was killed."""
        ...

    def has_frame(self, sequence: str, frame: int) -> bool:
        """Whether a frame is there, whole."""
        ...

    def write_frame(self, sequence: str, frame: int, scan: Scan) -> None:
        """Store one scan."""
        ...

    def has_sequence(self, sequence: str, frames: int) -> bool:
        """Whether what belongs to a whole sequence of so many frames is there."""
        ...

    def write_sequence(self, sequence: str, poses: np.ndarray, times: Sequence[float]) -> None:
        """Store what belongs to a whole sequence: poses (F, 4, 4) lidar -> world, times (s)."""
        ...


def writer(layout: str, root: Path) -> Writer:
    """The writer of a layout.

    Raises:
        ConfigError: for an unknown layout.
    """
    if layout not in LAYOUTS:
        raise ConfigError(f"there is no layout '{layout}'. Known: {', '.join(LAYOUTS)}.")
    module, _, name = LAYOUTS[layout].partition(":")
    return getattr(import_module(module), name)(root)
