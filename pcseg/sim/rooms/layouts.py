"""Layouts of rooms: which data sets' files simulated rooms can be stored in."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import ClassVar, Protocol

from pcseg.errors import ConfigError
from pcseg.hints import did_you_mean
from pcseg.sim.rooms.room import Room

ROOM_LAYOUTS = {
    "scannet": "pcseg.sim.rooms.scannet:ScanNetWriter",
    "s3dis": "pcseg.sim.rooms.s3dis:S3disWriter",
}
"""Layout name and the class that writes it, imported on use."""

Step = Callable[[int], bool]
"""Told the number of every picture that was taken; False asks to stop."""


class RoomWriter(Protocol):
    """How rooms are scanned and stored in the layout of one data set.

    Rooms may be written in any order and by several processes; every file is whole or absent.

    Class attributes:
        entries: files and folders at the root that belong to the layout.
        own: pattern of the paths, from the root, that the writer makes; its group ``sequence`` is
            the room they belong to, where they belong to one.
        frames: pictures (or stations of the scanner) per room, unless the user says otherwise.
        what: one of those frames is called.
        sensor: that the data set was recorded with.
    """

    entries: ClassVar[tuple[str, ...]]
    own: ClassVar[str]
    frames: ClassVar[int]
    what: ClassVar[str]
    sensor: ClassVar[str]

    def __init__(self, root: Path, image_scale: float, frames: int) -> None: ...

    @staticmethod
    def room_kind(number: int) -> str:
        """Which kind of room comes at a number; a key of `pcseg.sim.rooms.plan.ROOM_KINDS`."""
        ...

    @staticmethod
    def room_name(number: int) -> str:
        """Folder of a room within the data set, as the manifest lists it."""
        ...

    def remove_leftovers(self, number: int) -> None:
        """Remove the half-written files of a process that was killed."""
        ...

    def has_room(self, number: int) -> bool:
        """Whether all files of a room are there, whole."""
        ...

    def write_room(self, number: int, room: Room, seed: int, step: Step) -> int:
        """Scan a room and store it.

        Args:
            number: of the room.
            room: to be scanned.
            seed: of the chance in the scan.
            step: told of every frame.

        Returns:
            Points stored; 0 if `step` asked to stop.
        """
        ...

    def finish(self, numbers: range) -> None:
        """Store what needs all rooms. Called once at the end of every run."""
        ...


def room_layout_class(layout: str) -> type[RoomWriter]:
    """The class that writes a layout of rooms.

    Raises:
        ConfigError: for an unknown layout.
    """
    if layout not in ROOM_LAYOUTS:
        raise ConfigError(
            f"there is no layout of rooms '{layout}'{did_you_mean(layout, list(ROOM_LAYOUTS))}. "
            f"Known: {', '.join(ROOM_LAYOUTS)}."
        )
    module, _, name = ROOM_LAYOUTS[layout].partition(":")
    found: type[RoomWriter] = getattr(import_module(module), name)
    return found
