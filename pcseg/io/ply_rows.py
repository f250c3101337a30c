"""The rows of a PLY file: views of the data where all rows are alike, else row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pcseg.errors import DataError
from pcseg.io.numbers import read_table
from pcseg.io.ply_header import ORDERS, Element, Header

Rows = dict[str, Any]
"""Property name -> (n,) numbers, or for lists (all corners (K,), how many in each row (n,))."""


def read_rows(path: Path, data: bytes, header: Header) -> dict[str, Rows]:
    """Read the elements, as far as vertices and faces are concerned.

    Raises:
        DataError: for truncated or damaged rows.
    """
    try:
        return _read_alike(path, data, header)
    except _Uneven:
        return _read_general(path)


class _Uneven(Exception):
    """Lists of different lengths: no array can view the rows."""


def _read_alike(path: Path, data: bytes, header: Header) -> dict[str, Rows]:
    """Every element up to the faces, as views of the data where all rows are alike."""
    read_element = _text_rows if header.encoding == "ascii" else _binary_rows
    elements: dict[str, Rows] = {}
    at = (header.end, header.end_line)
    for element in header.elements:
        elements[element.name], at = read_element(path, data, header, element, at)
        if {"vertex", "face"} <= set(elements):
            break
    return elements


_At = tuple[int, int]


def _binary_rows(
    path: Path, data: bytes, header: Header, element: Element, at: _At
) -> tuple[Rows, _At]:
    order, start = ORDERS[header.encoding], at[0]
    fields: list[Any] = []
    offset = start
    for i, p in enumerate(element.properties):
        if not p.count:
            fields.append((p.name, order + p.dtype))
            offset += np.dtype(p.dtype).itemsize
            continue
        counter = np.dtype(order + p.count)
        if element.size and offset + counter.itemsize > len(data):
            raise DataError(f"{path}: truncated in '{element.name}'. Copy the file again.")
        length = int(np.frombuffer(data, counter, 1, offset)[0]) if element.size else 0
        if not 0 <= length <= len(data):
            raise _Uneven
        fields += [(f"{i}#", counter), (p.name, order + p.dtype, (length,))]
        offset += counter.itemsize + length * np.dtype(p.dtype).itemsize
    rows_type = np.dtype(fields)
    end = start + element.size * rows_type.itemsize
    lists = [i for i, p in enumerate(element.properties) if p.count]
    if end > len(data):
        if lists:
            raise _Uneven
        raise DataError(f"{path}: truncated in '{element.name}'. Copy the file again.")
    rows = np.frombuffer(data, rows_type, element.size, start)
    if any((rows[f"{i}#"] != rows[f"{i}#"][:1]).any() for i in lists):
        raise _Uneven
    return _split_lists(element, {p.name: rows[p.name] for p in element.properties}), (end, 0)


def _text_rows(
    path: Path, data: bytes, header: Header, element: Element, at: _At
) -> tuple[Rows, _At]:
    start, line = at
    end = _after_lines(data, start, element.size)
    has_lists = any(p.count for p in element.properties)
    try:
        table = read_table(data[start:end], path, line, element.size)
    except DataError:
        if has_lists:
            raise _Uneven from None
        raise
    values: Rows = {}
    column = 0
    for p in element.properties:
        if p.count:
            length = int(table[0, column]) if len(table) else 0
            if len(table) and (table[:, column] != length).any():
                raise _Uneven
            values[p.name] = table[:, column + 1 : column + 1 + length].astype(p.dtype)
            column += 1 + length
        else:
            if len(table) and column >= table.shape[1]:
                break
            values[p.name] = _exact(
                path, p.name, table[:, column] if len(table) else table, p.dtype
            )
            column += 1
    if len(table) and column != table.shape[1]:
        raise DataError(
            f"{path}: line {line} has {table.shape[1]} numbers where the header names "
            f"{len(element.properties)} properties of '{element.name}'. Mend the header."
        )
    return _split_lists(element, values), (end, line + element.size)


def _split_lists(element: Element, values: Rows) -> Rows:
    """Lists, here all of one length, as (corners, counts)."""
    for p in element.properties:
        if p.count and p.name in values:
            corners = np.asarray(values[p.name]).reshape(element.size, -1)
            counts = np.full(element.size, corners.shape[1], np.int64)
            values[p.name] = (corners.ravel(), counts)
    return values


def _after_lines(data: bytes, start: int, count: int) -> int:
    """The offset behind `count` lines."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8, offset=start) == 10)
    return (
        start + int(ends[count - 1]) + 1
        if 0 < count <= len(ends)
        else len(data)
        if count
        else start
    )


def _exact(path: Path, name: str, values: np.ndarray, dtype: str) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        typed = values.reshape(-1).astype(dtype)
    if dtype[0] != "f" and not np.array_equal(typed, values.reshape(-1)):
        raise DataError(f"{path}: values of '{name}' do not fit its type {dtype}. Mend the header.")
    return typed


def _read_general(path: Path) -> dict[str, Rows]:
    """Rows with lists of different lengths, row by row (plyfile)."""
    import plyfile

    try:
        ply = plyfile.PlyData.read(str(path))
    except (plyfile.PlyParseError, ValueError, OverflowError, EOFError) as error:
        raise DataError(f"{path}: damaged or truncated ({error}). Copy the file again.") from error
    elements: dict[str, Rows] = {}
    for element in ply.elements:
        values: Rows = elements.setdefault(element.name, {})
        for p in element.properties:
            rows = element[p.name]
            if isinstance(p, plyfile.PlyListProperty):
                counts = np.array([len(row) for row in rows], np.int64)
                values[p.name] = (np.concatenate([*rows, np.empty(0, np.int64)]), counts)
            else:
                values[p.name] = np.asarray(rows)
    return elements
