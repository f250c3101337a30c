"""The header of a PLY file: what elements there are and what each row of them holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pcseg.errors import DataError

TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
    "float": "f4", "double": "f8",
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4",
    "float32": "f4", "float64": "f8",
}  # fmt: skip
"""PLY's names of number types, both spellings, and NumPy's."""

ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
"""Encodings and the byte order they mean."""


@dataclass(frozen=True)
class Property:
    """One property: a number of type `dtype`, or a list of such counted by a `count` number."""

    name: str
    dtype: str
    count: str = ""


@dataclass(frozen=True)
class Element:
    """`size` rows of `properties`."""

    name: str
    size: int
    properties: list[Property] = field(default_factory=list)

    @property
    def least_row(self) -> int:
        """The fewest bytes a row can have (binary)."""
        return sum(np.dtype(p.count or p.dtype).itemsize for p in self.properties)


@dataclass(frozen=True)
class Header:
    """The whole header; the data begin at byte `end` and line `end_line` (from 1)."""

    encoding: str
    elements: list[Element]
    comments: list[str]
    end: int
    end_line: int


def parse_header(path: Path, data: bytes) -> Header:
    """Read the header at the start of `data` and hold it against the size of the file.

    Raises:
        DataError: if this is no PLY header, with the line; or if the file is too short for it.
    """
    close = data.find(b"end_header")
    end = data.find(b"\n", close)
    if data[:3] != b"ply" or close < 0:
        raise DataError(f"{path}: no PLY header. The file is damaged or has the wrong suffix.")
    end = len(data) if end < 0 else end + 1
    encoding, elements, comments = "", [], []  # type: ignore[var-annotated]
    lines = data[:close].decode("ascii", "replace").splitlines()
    for number, line in enumerate(lines, 1):
        words = line.split()
        try:
            match words:
                case ["ply"] | []:
                    pass
                case ["comment" | "obj_info", *_]:
                    comments.append(line.strip())
                case ["format", name, _] if name in ORDERS:
                    encoding = name
                case ["element", name, count] if int(count) >= 0:
                    elements.append(Element(name, int(count)))
                case ["property", "list", count, dtype, name]:
                    elements[-1].properties.append(Property(name, TYPES[dtype], TYPES[count]))
                case ["property", dtype, name]:
                    elements[-1].properties.append(Property(name, TYPES[dtype]))
                case _:
                    raise ValueError
        except (ValueError, KeyError, IndexError) as error:
            raise DataError(
                f"{path}: line {number} of the header is not PLY: {line[:60]!r}. Make it again."
            ) from error
    if not encoding:
        raise DataError(f"{path}: the header does not say its format. Make the file again.")
    header = Header(encoding, elements, comments, end, len(lines) + 2)
    _refuse_absurd(path, header, len(data) - end)
    return header


def _refuse_absurd(path: Path, header: Header, size: int) -> None:
    """Before memory is taken: the promised rows must be able to lie in the bytes that are there."""
    if header.encoding == "ascii":
        least = sum(2 * e.size * len(e.properties) for e in header.elements) - 1
    else:
        least = sum(e.size * e.least_row for e in header.elements)
    if least > size:
        promised = ", ".join(f"{e.size} {e.name}" for e in header.elements)
        raise DataError(
            f"{path}: truncated: its header promises {promised} (at least {least} bytes), but "
            f"{size} bytes follow. Copy the file again."
        )
