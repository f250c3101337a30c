"""The text files of an S3DIS room: read fast, with the known damages of the release repaired."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pcseg.data.readers.s3dis.numbers import parse_points
from pcseg.errors import DataError
from pcseg.files import natural_key
from pcseg.io.numbers import read_numbers

log = logging.getLogger(__name__)

ANNOTATIONS = "Annotations"
OTHER = "clutter"
KNOWN_OTHERS = ("stairs",)
"""Objects of the release whose names are no class; any other such name is worth a notice."""

_COLUMNS = 6
_ALLOWED = b"0123456789+-.eE \t\r\n"
_STRAY = np.ones(256, bool)
_STRAY[list(_ALLOWED)] = False
_MOST_DAMAGED_LINES = 100
"""The release has one such line in each of three files; with more it is no S3DIS text at all."""


@dataclass(frozen=True)
class Room:
    """The points of a room, all annotation files one after the other.

    Attributes:
        xyz: (N, 3) float32 metres, as stored: z up, all rooms of an area in one frame.
        rgb: (N, 3) uint8.
        labels: (N,) uint8 number of the class in `classes`; None without annotations.
        instances: (N,) int32 from 1, the number of the annotation file; None without annotations.
        files: what was read, in order.
    """

    xyz: np.ndarray
    rgb: np.ndarray
    labels: np.ndarray | None
    instances: np.ndarray | None
    files: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.xyz)


def read_room(folder: Path, classes: Sequence[str], order: str = "annotations") -> Room:
    """Read a room.

    Its points are taken from ``Annotations/<class>_<number>.txt``, as everyone does; a class that
    is not known counts as clutter. Without annotations they are taken from the room's own file.

    Args:
        folder: of the room, ``Area_1/office_1``.
        classes: names, of which "clutter" is one.
        order: ``annotations``: file after file, in the order of their names with numbers by value;
            ``room``: as in ``office_1.txt``, which must then hold exactly the same points.

    Raises:
        DataError: if files are missing, empty, or damaged beyond the known repairs, with the line;
            or for ``order="room"`` if the two do not hold the same points.
    """
    paths = annotation_files(folder)
    if not paths:
        path = room_file(folder)
        return Room(*read_points(path), None, None, (path,))
    parts = [read_points(path) for path in paths]
    counts = [len(xyz) for xyz, _ in parts]
    xyz, rgb = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    labels = np.repeat(np.array([_class_of(path, classes) for path in paths], np.uint8), counts)
    instances = np.repeat(np.arange(1, len(paths) + 1, dtype=np.int32), counts)
    if order == "room":
        at = _order_of_room(folder, xyz, rgb)
        xyz, rgb, labels, instances = xyz[at], rgb[at], labels[at], instances[at]
    return Room(xyz, rgb, labels, instances, tuple(paths))


def annotation_files(folder: Path) -> list[Path]:
    """The annotation files of a room, in the order they are read."""
    paths = (folder / ANNOTATIONS).glob("[!.]*.txt")
    return sorted(paths, key=lambda path: natural_key(path.stem))


def room_file(folder: Path) -> Path:
    """The room's own file, ``office_1/office_1.txt``; Area_6 has one whose name is spelt otherwise.

    Raises:
        DataError: if there is none.
    """
    usual = folder / f"{folder.name}.txt"
    found = [usual] if usual.is_file() else sorted(folder.glob("[!.]*.txt"))
    if len(found) != 1:
        raise DataError(
            f"{usual}: missing, and no {folder / ANNOTATIONS} with points either. "
            "Copy the room again."
        )
    return found[0]


def read_points(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a file of lines ``x y z r g b``.

    A line with bytes that no number has (the release has three) is repaired if leaving them out,
    or putting a blank in their place, makes six plausible numbers of it; a notice names the line.

    Returns:
        (N, 3) float32 coordinates and (N, 3) uint8 colours.

    Raises:
        DataError: for any other damage, with the line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}). Is the copy complete?"
        ) from error
    points = parse_points(data)
    if points is None:
        rows = _careful_rows(path, data)
        points = rows[:, :3].astype(np.float32), rows[:, 3:].astype(np.uint8)
    if not len(points[0]):
        raise DataError(f"{path}: has no points. Copy the file again.")
    return points


def _careful_rows(path: Path, data: bytes) -> np.ndarray:
    """(N, 6) float64 of a text that holds something unusual, after repair."""
    numbers = read_numbers(_mended(path, data), path)
    uneven = numbers.counts != _COLUMNS
    if uneven.any():
        row = int(uneven.argmax())
        raise DataError(
            f"{path}, line {numbers.lines[row]}: {numbers.counts[row]} numbers, where x y z r g b "
            "are expected. Is the file truncated, or was it repaired by hand? Mend the line."
        )
    rows = numbers.values.reshape(-1, _COLUMNS)
    wrong = ~_is_color(rows[:, 3:]).all(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{path}, line {numbers.lines[row]}: colour {rows[row, 3:].tolist()} is not three "
            "whole numbers from 0 to 255. Mend the line."
        )
    return rows


def _mended(path: Path, data: bytes) -> bytes:
    """The text with its damaged lines repaired."""
    if not data.translate(None, _ALLOWED):  # at memory speed: nearly all files end here
        return data
    strays = np.flatnonzero(_STRAY[np.frombuffer(data, np.uint8)])
    pieces: list[bytes] = []
    done = number = damaged = 0
    for at in strays.tolist():
        if at < done:
            continue  # in a line that is repaired already
        begin = data.rfind(b"\n", 0, at) + 1
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        number += data.count(b"\n", done, begin)
        damaged += 1
        if damaged > _MOST_DAMAGED_LINES:
            raise DataError(
                f"{path}: more than {_MOST_DAMAGED_LINES} lines hold bytes that no number has: "
                "this is no text of points. Copy the file again."
            )
        pieces += [data[done:begin], _mended_line(path, number + 1, data[begin:end])]
        done = end
    return b"".join([*pieces, data[done:]])


def _mended_line(path: Path, number: int, line: bytes) -> bytes:
    without = line.translate(None, bytes(np.flatnonzero(_STRAY).tolist()))
    parted = bytes(32 if _STRAY[byte] else byte for byte in line)
    for mended in (without, parted):
        if _is_plausible(mended):
            log.warning(
                "%s, line %d: damaged, %r was read as %r", path, number, line, mended.decode()
            )
            return mended
    raise DataError(
        f"{path}, line {number}: {line[:80]!r} cannot be repaired: neither without the bytes that "
        "no number has, nor with blanks in their place, is it x y z r g b. Mend the line."
    )


def _is_plausible(line: bytes) -> bool:
    try:
        values = np.array([float(word) for word in line.split()])
    except ValueError:
        return False
    return len(values) == _COLUMNS and bool(_is_color(values[3:]).all())


def _is_color(values: np.ndarray) -> np.ndarray:
    return (values >= 0) & (values <= 255) & (values == np.rint(values))


def _class_of(path: Path, classes: Sequence[str]) -> int:
    name = path.stem.rpartition("_")[0] or path.stem
    if name in classes:
        return list(classes).index(name)
    if name not in KNOWN_OTHERS:
        log.warning("%s: '%s' is no class, its points count as %s", path, name, OTHER)
    return list(classes).index(OTHER)


def _order_of_room(folder: Path, xyz: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    """Where each point of the room's file stands among the annotated ones."""
    path = room_file(folder)
    wanted = np.hstack(read_points(path))
    rows = np.hstack([xyz, rgb])
    there, asked = _sorted(rows), _sorted(wanted)
    if len(rows) != len(wanted) or not np.array_equal(rows[there], wanted[asked]):
        raise DataError(
            f"{path}: does not hold the points of {folder / ANNOTATIONS} ({len(wanted)} and "
            f"{len(rows)}, or not the same), so there is no order to follow. "
            "Use order=annotations."
        )
    at = np.empty(len(rows), np.int64)
    at[asked] = there
    return at


def _sorted(rows: np.ndarray) -> np.ndarray:
    """An order by all columns, in which equal points keep theirs."""
    return np.lexsort(rows.T[::-1])
