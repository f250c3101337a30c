"""The header of a PCD file (version 0.6 and 0.7): its fields, size and encoding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pcseg.errors import DataError

ENCODINGS = ("ascii", "binary", "binary_compressed")

_KINDS = {"I": "i", "U": "u", "F": "f"}


@dataclass(frozen=True)
class Header:
    """What the header says.

    Attributes:
        names, types, counts: of the fields: NumPy type and values a point.
        width, height: of the organised cloud; height 1 if it is not organised.
        viewpoint: translation and quaternion of the sensor, as text.
        encoding: one of `ENCODINGS`.
        end, end_line: where the data begin, in bytes and lines (from 1).
    """

    names: list[str]
    types: list[str]
    counts: list[int]
    width: int
    height: int
    viewpoint: str
    encoding: str
    end: int
    end_line: int

    @property
    def num_points(self) -> int:
        """Width times height."""
        return self.width * self.height

    @property
    def row(self) -> np.dtype:
        """The structured type of one point."""
        shapes = [(count,) if count > 1 else () for count in self.counts]
        return np.dtype(list(zip(self.names, self.types, shapes, strict=True)))


def parse_header(path: Path, data: bytes) -> Header:
    """Read the header at the start of `data`.

    Raises:
        DataError: if this is no PCD header or it contradicts itself.
    """
    entries: dict[str, list[str]] = {}
    at, line = 0, 0
    while "DATA" not in entries:
        end = data.find(b"\n", at, at + 1_000_000)
        words = data[at : end if end >= 0 else at].decode("ascii", "replace").split()
        line += 1
        if end < 0 or (words and not words[0].startswith("#") and words[0] not in _ENTRIES):
            raise DataError(f"{path}: line {line} is not of a PCD header. Is this a .pcd file?")
        if words and not words[0].startswith("#"):
            entries[words[0]] = words[1:]
        at = end + 1
    try:
        return _checked(path, _header(entries, at, line + 1), entries)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise DataError(
            f"{path}: its header lacks or contradicts something ({type(error).__name__}: {error}). "
            "Make the file again."
        ) from error


def _header(entries: dict[str, list[str]], end: int, end_line: int) -> Header:
    names = entries.get("FIELDS") or entries["COLUMNS"]
    counts = [int(count) for count in entries.get("COUNT", ["1"] * len(names))]
    kinds = zip(entries["TYPE"], entries["SIZE"], strict=True)
    types = ["<" + _KINDS[kind] + str(int(size)) for kind, size in kinds]
    kept = [i for i, count in enumerate(counts) if count > 0]
    if not len(names) == len(counts) == len(types) or min(counts, default=0) < 0:
        raise ValueError(f"{len(names)} fields, {len(types)} types, {len(counts)} counts")
    points = int(entries["POINTS"][0]) if "POINTS" in entries else int(entries["WIDTH"][0])
    header = Header(
        # PCL pads with fields called "_": they need distinct names here.
        names=[f"_{i}" if names[i] == "_" else names[i] for i in kept],
        types=[np.dtype(types[i]).str for i in kept],
        counts=[counts[i] for i in kept],
        width=int(entries.get("WIDTH", [points])[0]),
        height=int(entries.get("HEIGHT", [1])[0]),
        viewpoint=" ".join(entries.get("VIEWPOINT", "0 0 0 1 0 0 0".split())),
        encoding=entries["DATA"][0].lower(),
        end=end,
        end_line=end_line,
    )
    _ = header.row  # NumPy refuses fields of one name
    return header


def _checked(path: Path, header: Header, entries: dict[str, list[str]]) -> Header:
    points = int(entries.get("POINTS", [header.num_points])[0])
    if header.width < 0 or header.height < 0 or header.num_points != points:
        raise DataError(
            f"{path}: WIDTH {header.width} times HEIGHT {header.height} is not POINTS {points}. "
            "The header is damaged: make the file again."
        )
    if header.encoding not in ENCODINGS:
        raise DataError(
            f"{path}: DATA is '{header.encoding}'; expected one of {', '.join(ENCODINGS)}."
        )
    return header


_ENTRIES = {
    "VERSION", "FIELDS", "COLUMNS", "SIZE", "TYPE", "COUNT", "WIDTH", "HEIGHT", "VIEWPOINT",
    "POINTS", "DATA",
}  # fmt: skip
