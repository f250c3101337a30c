"""Text tables of points (xyz, txt, csv): one point a line, columns by header or by count."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from pcseg.errors import DataError
from pcseg.files import atomic_path
from pcseg.io.columns import TRIPLES, canonical, from_columns, to_columns
from pcseg.io.layouts import Columns, name_table
from pcseg.io.numbers import read_table
from pcseg.io.points import PointFile, Stored


def read(path: Path, columns: Columns | None = None) -> PointFile:
    """Read a text table.

    Blanks, commas and semicolons separate; ``#`` and ``//`` begin comments. The columns are named
    by `columns`, else by a header line (also behind ``#`` or ``//``), else by their number (see
    `pcseg.io.layouts`). A first line with one whole number must be the number of points.
    Coordinates become float64; integers are exact up to 2^53.

    Raises:
        DataError: with the line number for what is no number and for uneven lines; for a file
            that is not text, has a decimal comma, no points, or columns that cannot be told.
    """
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    if b"\0" in data:
        raise DataError(f"{path}: is binary, not text. Give it the suffix of its real format.")
    header, first_line, body = _split_header(data)
    count, first_line, body = _split_count(first_line, body)
    _refuse_decimal_comma(path, body)
    table = read_table(body, path, first_line, count)
    if not table.size:
        raise DataError(f"{path}: holds no points. Remove the file, or make it again.")
    if header is not None and len(header) != table.shape[1]:
        if not _COMMENT.match(data):
            raise DataError(
                f"{path}: the header names {len(header)} columns ({' '.join(header)}), but the "
                f"lines have {table.shape[1]}. Mend the header, or say columns=…"
            )
        header = None  # a comment of words, not the names of columns
    named = name_table(path, table, columns or header)
    return from_columns(path, _whole(named))


def write(path: Path, points: PointFile, columns: Columns | None, encoding: str | None) -> None:
    """Write a text table: float32 with 9 digits, float64 as short as exact, integers as such.

    The names of the columns stand in the first line, behind ``#`` unless the file is a CSV.
    """
    named = to_columns(path, _untyped(points))
    separator, start = (",", "") if path.suffix.lower() == ".csv" else (" ", "# ")
    line = separator.join(_FORMATS.get(v.dtype.str[1:], "%d") for v in named.values()) + "\n"
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(start + separator.join(named) + "\n")
        for begin in range(0, len(points), _CHUNK):
            chunk = [values[begin : begin + _CHUNK].tolist() for values in named.values()]
            flat = [value for row in zip(*chunk, strict=True) for value in row]
            file.write((line * len(chunk[0])) % tuple(flat))


def _split_header(data: bytes) -> tuple[Columns | None, int, bytes]:
    """The names of the header if there is one, the number of the first line after it, the rest."""
    line = data.splitlines()[0] if data[:4096].strip() else b""
    text = re.sub(r"^(#|//)+", "", line.decode("utf-8", "replace").strip()).replace('"', "")
    names = [name.strip() for name in re.split(r"[\s,;]+", text.strip(" ,;")) if name]
    if {"x", "y", "z"} <= {name.lower() for name in names}:
        return tuple(names), 2, data[len(line) :].lstrip(b"\r").removeprefix(b"\n")
    return None, 1, data


def _split_count(first_line: int, body: bytes) -> tuple[int, int, bytes]:
    """The number of points that some programs write alone in the first line, else -1."""
    match = re.match(rb"[ \t]*(\d{1,15})[ \t]*\r?\n(?=[ \t]*\S+[ \t,;]+\S)", body)
    if match is None:
        return -1, first_line, body
    return int(match[1]), first_line + 1, body[match.end() :]


def _refuse_decimal_comma(path: Path, body: bytes) -> None:
    """``1,5 2,5 3,5`` or ``1,5;2,5;3,5``: with commas as separators it would be six numbers."""
    head = body[:4096].decode("utf-8", "replace")
    rows = (re.sub(r"(#|//).*", "", row).strip() for row in head.splitlines())
    row = next((row for row in rows if row), "")
    if re.search(r"\d,\d", row) and re.search(r"\d[;\s]+[-+\d]", row):
        raise DataError(
            f"{path}: decimal commas ('{row[:40]}'). Write the numbers with decimal points."
        )


def _whole(named: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Ids as integers; whole colours above 1 as 8 or 16 bits, so that they are written as such."""
    typed = dict(named)
    by_name = {canonical(name): name for name in reversed(named)}
    for name in (by_name[key] for key in ("label", "ring", "instance") if key in by_name):
        if _is_whole(named[name]):
            typed[name] = named[name].astype(np.int64)
    colors = [by_name[name] for name in TRIPLES["rgb"][0] if name in by_name]
    if len(colors) == 3:
        rgb = np.stack([named[name] for name in colors])
        if _is_whole(rgb) and rgb.min() >= 0 and 1 < rgb.max() <= 65535:
            dtype = np.uint8 if rgb.max() <= 255 else np.uint16
            typed.update({name: named[name].astype(dtype) for name in colors})
    return typed


def _is_whole(values: np.ndarray) -> bool:
    return np.array_equal(values, np.rint(values)) and bool(np.abs(values).max() < 2**53)


def _untyped(points: PointFile) -> PointFile:
    """The points as they can be understood again without types.

    Intensities scaled from integers are written as 0..1, and so are colours if all would be
    written as 0 or 1 of 255.
    """
    gone = {"intensity"} if points.stored.get("intensity", _PLAIN).scale != 1 else set()
    rgb = points.stored.get("rgb", _PLAIN)
    if rgb.scale != 1 and points.attrs["rgb"].max() * rgb.scale <= 1:
        gone.add("rgb")
    return points.replace(stored={k: v for k, v in points.stored.items() if k not in gone})


_PLAIN = Stored((), np.dtype(np.float64))
_COMMENT = re.compile(rb"\s*(#|//)")
_FORMATS = {"f2": "%.5g", "f4": "%.9g", "f8": "%r"}
_CHUNK = 65536
