"""S3DIS layout: coloured rooms as text, and one text file for each object in them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import ClassVar

import numpy as np

from pcseg.errors import ConfigError
from pcseg.files import remove_leftovers, write_bytes
from pcseg.sim.rooms.kinds import S3DIS_CLASSES, s3dis_ids
from pcseg.sim.rooms.layouts import Step
from pcseg.sim.rooms.panorama import RoomCloud, scan_room
from pcseg.sim.rooms.plan import ROOM_KINDS
from pcseg.sim.rooms.room import Room

AREAS = 6
_KINDS = tuple(name for name, facts in ROOM_KINDS.items() if facts.s3dis)
_CHUNK = 200_000


class S3disWriter:
    """Writes rooms under ``root/Area_A/KIND_N``; each file is whole or absent.

    Rooms take turns over the six areas. A room's own text file is written last.
    """

    entries: ClassVar[tuple[str, ...]] = tuple(f"Area_{area}" for area in range(1, AREAS + 1))
    own: ClassVar[str] = r"(?P<sequence>Area_\d/[^/]+)/.*"
    frames: ClassVar[int] = 3
    what: ClassVar[str] = "station"
    sensor: ClassVar[str] = "Matterport camera (panoramas with depth)"

    def __init__(self, root: Path, image_scale: float, frames: int) -> None:
        if not 0.02 <= image_scale <= 4:
            raise ConfigError(f"panoramas cannot be scaled by {image_scale}: choose 0.02 to 4.")
        self.root, self._scale, self._stations = root, image_scale, frames

    @staticmethod
    def room_kind(number: int) -> str:
        """All kinds take turns, in each area shifted by one."""
        return _KINDS[(number + number // AREAS) % len(_KINDS)]

    @staticmethod
    def room_name(number: int) -> str:
        """Area and room, for example ``Area_1/office_1``; rooms of a kind are counted by area."""
        kind = S3disWriter.room_kind(number)
        before = range(number % AREAS, number, AREAS)
        count = 1 + sum(S3disWriter.room_kind(other) == kind for other in before)
        return f"Area_{number % AREAS + 1}/{ROOM_KINDS[kind].s3dis}_{count}"

    def remove_leftovers(self, number: int) -> None:
        """Remove the half-written files of a process that was killed."""
        remove_leftovers(self._folder(number), "*.txt")
        remove_leftovers(self._folder(number) / "Annotations", "*.txt")

    def has_room(self, number: int) -> bool:
        """Whether the room's points are there, and as many bytes in its annotations."""
        whole = self._room_file(number)
        if not whole.is_file():
            return False
        parts = (self._folder(number) / "Annotations").glob("[!.]*.txt")
        return whole.stat().st_size == sum(path.stat().st_size for path in parts) > 0

    def write_room(self, number: int, room: Room, seed: int, step: Step) -> int:
        """Scan a room from several stations and write its points, then all of them together."""
        cloud = scan_room(room, self._stations, self._scale, seed, step)
        if cloud is None:
            return 0
        rng = np.random.default_rng([seed, 3])
        # Rooms lie somewhere in their area, all parallel to its axes.
        cloud = cloud.moved(np.append(rng.uniform(-20, 20, 2), 0.0).round(3))
        self._remove_other_annotations(number, cloud)
        for name, rows in annotation_rows(cloud):
            path = self._folder(number) / "Annotations" / f"{name}.txt"
            write_bytes(path, point_lines(cloud.xyz[rows], cloud.rgb[rows]))
        write_bytes(self._room_file(number), point_lines(cloud.xyz, cloud.rgb))
        return len(cloud.xyz)

    def finish(self, numbers: range) -> None:
        """Nothing here spans rooms."""

    def _remove_other_annotations(self, number: int, cloud: RoomCloud) -> None:
        """Remove what a damaged copy of the room may have besides the files it should have."""
        wanted = {f"{name}.txt" for name, _ in annotation_rows(cloud)}
        for path in (self._folder(number) / "Annotations").glob("*.txt"):
            if path.name not in wanted:
                path.unlink()

    def _folder(self, number: int) -> Path:
        return self.root / self.room_name(number)

    def _room_file(self, number: int) -> Path:
        return self._folder(number) / f"{self._folder(number).name}.txt"


def annotation_rows(cloud: RoomCloud) -> list[tuple[str, np.ndarray]]:
    """Name of each annotation file, ``CLASS_N``, and the rows of its points; every row once."""
    seen: Counter[str] = Counter()
    found = []
    classes = s3dis_ids()[cloud.label]
    for instance in np.unique(cloud.instance).tolist():
        rows = np.flatnonzero(cloud.instance == instance)
        name = S3DIS_CLASSES[classes[rows[0]]]
        seen[name] += 1
        found.append((f"{name}_{seen[name]}", rows))
    return found


def point_lines(xyz: np.ndarray, rgb: np.ndarray) -> bytes:
    """Lines ``x y z r g b``, coordinates in metres with three decimals."""
    parts = []
    for start in range(0, len(xyz), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        rows = np.column_stack([xyz[chunk].astype(np.float64), rgb[chunk]])
        line = "%.3f %.3f %.3f %d %d %d\n" * len(rows)
        parts.append((line % tuple(rows.reshape(-1).tolist())).encode())
    return b"".join(parts)
