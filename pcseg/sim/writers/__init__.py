"""Writers: one module or package per data-set layout that simulated drives can be stored in."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np

from pcseg.errors import ConfigError
from pcseg.hints import did_you_mean
from pcseg.sim.record import Frame
from pcseg.sim.rig import Rig

LAYOUTS = {
    "semantickitti": "pcseg.sim.writers.semantickitti:SemanticKittiWriter",
    "semanticposs": "pcseg.sim.writers.semanticposs:SemanticPossWriter",
    "nuscenes": "pcseg.sim.writers.nuscenes.writer:NuScenesWriter",
    "waymo": "pcseg.sim.writers.waymo.writer:WaymoWriter",
    "pandaset": "pcseg.sim.writers.pandaset.writer:PandaSetWriter",
    "a2d2": "pcseg.sim.writers.a2d2.writer:A2D2Writer",
}
"""Layout name and the class that writes it, imported on use."""


class Writer(Protocol):
    """How drives are stored in the layout of one data set.

    Frames may be written in any order and by several processes; every file is whole or absent.

    Class attributes:
        entries: files and folders at the root that belong to the layout.
        own: pattern of the paths, from the root, that the writer makes; its group ``sequence`` is
            the sequence they belong to, where they belong to one.
        pictures: whether cameras are recorded unless the user says otherwise.
    """

    entries: ClassVar[tuple[str, ...]]
    own: ClassVar[str]
    pictures: ClassVar[bool]

    def __init__(self, root: Path, rig: Rig) -> None: ...

    @classmethod
    def rig(cls, sensor: str | None) -> Rig:
        """The data set's own rig; its main LiDAR replaced by another device if one is named."""
        ...

    def remove_leftovers(self, sequence: str) -> None:
        """Remove the half-written files of a process that was killed."""
        ...

    def has_frame(self, sequence: str, frame: int) -> bool:
        """Whether a frame is there, whole."""
        ...

    def write_frame(self, sequence: str, number: int, frame: Frame) -> None:
        """Store one moment: scans and pictures."""
        ...

    def has_sequence(self, sequence: str, frames: int) -> bool:
        """Whether what belongs to a whole sequence of so many frames is there."""
        ...

    def write_sequence(self, sequence: str, bodies: np.ndarray, times: Sequence[float]) -> None:
        """Store what is known of a sequence before any frame is recorded.

        Args:
            sequence: two digits.
            bodies: (F, 4, 4) body -> world of every frame.
            times: F seconds from the beginning.
        """
        ...

    def finish(self, sequences: Sequence[str], frames: int) -> None:
        """Store what needs all frames of all sequences: tables, joined files.

        Called once at the end of every run, also if no frame was left to record.
        """
        ...


def layout_class(layout: str) -> type[Writer]:
    """The class that writes a layout.

    Raises:
        ConfigError: for an unknown layout.
    """
    if layout not in LAYOUTS:
        raise ConfigError(
            f"there is no layout '{layout}'{did_you_mean(layout, list(LAYOUTS))}. "
            f"Known: {', '.join(LAYOUTS)}."
        )
    module, _, name = LAYOUTS[layout].partition(":")
    found: type[Writer] = getattr(import_module(module), name)
    return found
