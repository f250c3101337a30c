"""Text tables of points (xyz, txt, csv): one point a line, columns by header or by count."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from pcseg.errors import DataError
from pcseg.files import atomic_path
from pcseg.io.columns import SCALARS, TRIPLES, from_columns, to_columns
from pcseg.io.layouts import Columns, name_table
from pcseg.io.numbers import read_table
from pcseg.io.points import PointFile


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
    return from_columns(path, _whole_colors(named))


def write(path: Path, points: PointFile, columns: Columns | None, encoding: str | None) -> None:
    """Write a text table: float32 with 9 digits, float64 as short as exact, integers as such.

    The names of the columns stand in the first line, behind ``#`` unless the file is a CSV.
    """
    named = to_columns(path, _plain_dark_colors(points))
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


def _whole_colors(named: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Whole colours above 1 as 8-bit or 16-bit integers, so that they are written back as such."""
    by_key = {name.lower(): name for name in named}
    whole = dict(named)
    for names in (tuple(by_key.get(name, "") for name in triple) for triple in TRIPLES["rgb"]):
        if not all(names):
            continue
        rgb = np.stack([named[name] for name in names])
        if rgb.min() >= 0 and 1 < rgb.max() <= 65535 and np.array_equal(rgb, np.rint(rgb)):
            dtype = np.uint8 if rgb.max() <= 255 else np.uint16
            whole.update({name: named[name].astype(dtype) for name in names})
    for attr in ("ring", "instance"):
        for name in (by_key.get(name, "") for name in SCALARS[attr]):
            if name and np.array_equal(named[name], np.rint(named[name])):
                whole[name] = named[name].astype(np.int64)
    return whole


def _plain_dark_colors(points: PointFile) -> PointFile:
    """Colours that would be written as 0 and 1 of 255 are written as 0..1: text has no types."""
    stored = points.stored.get("rgb")
    if stored and stored.scale > 1 and points.attrs["rgb"].max() * stored.scale <= 1:
        return points.replace(stored={k: v for k, v in points.stored.items() if k != "rgb"})
    return points


_COMMENT = re.compile(rb"\s*(#|//)")
_FORMATS = {"f2": "%.5g", "f4": "%.9g", "f8": "%r"}
_CHUNK = 65536
