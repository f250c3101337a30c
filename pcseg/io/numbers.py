"""Numbers in text, read by compiled code: bytes to float64, with line numbers for errors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numba import njit

from pcseg.errors import DataError


@dataclass(frozen=True)
class Numbers:
    """All numbers of a text, and how they lie in its lines (blank and comment lines left out).

    Attributes:
        values: (T,) float64; integers are exact up to 2^53.
        counts: (L,) int64 how many numbers each line has.
        lines: (L,) int64 line number in the file, from 1.
    """

    values: np.ndarray
    counts: np.ndarray
    lines: np.ndarray


def read_numbers(data: bytes, path: Path, first_line: int = 1) -> Numbers:
    """Read all numbers of a text, separated by blanks, commas or semicolons.

    What follows ``#`` or ``//`` in a line is a comment.

    Args:
        data: the text.
        path: named in errors.
        first_line: number of the first line, for errors.

    Raises:
        DataError: for what is no number and for empty fields, with the line.
    """
    if b"\n" not in data and b"\r" in data:
        data = data.replace(b"\r", b"\n")  # lines of old Macintosh files
    array = np.frombuffer(data, np.uint8)
    num_lines = data.count(b"\n") + 1
    # np.empty costs no memory before it is written: the bound may be generous.
    values = np.empty(len(data) // 2 + 1, np.float64)
    counts, lines = np.empty(num_lines, np.int64), np.empty(num_lines, np.int64)
    hard_at, hard_start = (np.empty(len(values), np.int64) for _ in range(2))
    num_values, num_rows, num_hard, stop = _scan(array, values, counts, lines, hard_at, hard_start)
    for at, start in zip(hard_at[:num_hard].tolist(), hard_start[:num_hard].tolist(), strict=True):
        token = _token(data, start)
        try:
            values[at] = float(token)
        except ValueError:
            raise _no_number(data, path, first_line, start) from None
    if stop >= 0 and data[stop] in b",;":
        line = first_line + data.count(b"\n", 0, stop)
        raise DataError(f"{path}: line {line} has an empty field. Fill it in, or remove the line.")
    if stop >= 0:
        raise _no_number(data, path, first_line, stop)
    return Numbers(values[:num_values], counts[:num_rows], lines[:num_rows] + first_line)


def read_table(data: bytes, path: Path, first_line: int = 1, num_rows: int = -1) -> np.ndarray:
    """Read a table of numbers with equally many in each line.

    Args:
        data: the text.
        path: named in errors.
        first_line: number of the first line, for errors.
        num_rows: how many rows there must be; -1 for any number.

    Returns:
        (rows, columns) float64.

    Raises:
        DataError: for what is no number, uneven lines, or another number of rows.
    """
    numbers = read_numbers(data, path, first_line)
    counts = numbers.counts
    if num_rows >= 0 and len(counts) != num_rows:
        raise DataError(
            f"{path}: promises {num_rows} rows of numbers, but {len(counts)} are there. "
            "The file is damaged or truncated: copy it again."
        )
    if not len(counts):
        return np.empty((0, 0))
    uneven = counts != counts[0]
    if uneven.any():
        row = int(np.argmax(uneven))
        raise DataError(
            f"{path}: line {numbers.lines[row]} has {counts[row]} numbers where the first has "
            f"{counts[0]}. Mend or remove the line (is the file truncated?)."
        )
    return numbers.values.reshape(len(counts), int(counts[0]))


def _token(data: bytes, start: int) -> bytes:
    end = start + 1
    while end < len(data) and data[end] > 32 and data[end] not in b",;#/":
        end += 1
    token = data[start:end]
    return b"?" + token if b"_" in token else token  # float() takes 1_0, no file means that


def _no_number(data: bytes, path: Path, first_line: int, start: int) -> DataError:
    line = first_line + data.count(b"\n", 0, start)
    shown = _token(data, start)[:40].lstrip(b"?").decode("utf-8", "replace")
    return DataError(f"{path}: line {line}: {shown!r} is not a number. Mend or remove the line.")


@njit(cache=True, nogil=True)
def _scan(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    data, values, counts, lines, hard_at, hard_start
):
    """Fill the arrays; numbers that need more than exact float64 arithmetic are left to Python.

    A decimal of at most 53 bits times or over a power of ten up to 10^22 is one exactly rounded
    operation (Clinger 1990), so these values equal `float(token)`; the others are listed in
    `hard_at` (index of the value) and `hard_start` (offset of its token). It stops, and returns
    where, at a separator that follows none and at what cannot begin a number; numbers are
    therefore at least one byte apart, and `values` cannot overflow.
    """
    n, i, line = len(data), 0, 0
    num_values, num_rows, num_hard = 0, 0, 0
    in_line, field_open = 0, False  # numbers in this line; a separator awaits its number
    while True:
        c = data[i] if i < n else 10
        if c == 35 or (c == 47 and i + 1 < n and data[i + 1] == 47):  # '#' or '//'
            while i < n and data[i] != 10:
                i += 1
            c = 10
        if c == 10:
            if in_line > 0:
                counts[num_rows], lines[num_rows] = in_line, line
                num_rows += 1
            in_line, field_open = 0, False
            line += 1
            if i >= n:
                return num_values, num_rows, num_hard, -1
            i += 1
        elif c == 44 or c == 59:  # ',' ';'
            if field_open or in_line == 0:
                return num_values, num_rows, num_hard, i
            field_open = True
            i += 1
        elif c == 32 or 9 <= c <= 13:
            i += 1
        elif not (48 <= c <= 57 or c in (43, 45, 46, 73, 78, 105, 110)):  # '+-.', inf, nan
            return num_values, num_rows, num_hard, i
        else:
            start = i
            negative = c == 45
            if c == 45 or c == 43:
                i += 1
            mantissa, digits, exponent = np.uint64(0), 0, 0
            while i < n and 48 <= data[i] <= 57:
                mantissa = mantissa * np.uint64(10) + np.uint64(data[i] - 48)
                digits += mantissa > 0
                i += 1
            any_digit = i > start + (c == 45 or c == 43)
            if i < n and data[i] == 46:
                i += 1
                point = i
                while i < n and 48 <= data[i] <= 57:
                    mantissa = mantissa * np.uint64(10) + np.uint64(data[i] - 48)
                    digits += mantissa > 0
                    i += 1
                exponent = point - i
                any_digit = any_digit or exponent < 0
            if any_digit and i < n and (data[i] == 101 or data[i] == 69):  # 'e' 'E'
                j, power = i + 1, 0
                down = j < n and data[j] == 45
                if j < n and (data[j] == 45 or data[j] == 43):
                    j += 1
                first = j
                while j < n and 48 <= data[j] <= 57:
                    power = min(power * 10 + (data[j] - 48), 100000)
                    j += 1
                any_digit = j > first
                exponent += -power if down else power
                i = j
            ended = _at_end(data, i, n)
            simple = digits <= 18 and mantissa <= np.uint64(1 << 53) and -22 <= exponent <= 22
            if any_digit and ended and simple:
                value = np.float64(mantissa)
                if exponent < 0:
                    value = value / _POWERS[-exponent]
                else:
                    value = value * _POWERS[exponent]
                values[num_values] = -value if negative else value
            else:
                hard_at[num_hard], hard_start[num_hard] = num_values, start
                num_hard += 1
                while not _at_end(data, i, n):
                    i += 1
            num_values += 1
            in_line += 1
            field_open = False


@njit(cache=True, nogil=True)
def _at_end(data, i, n):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Whether no token goes on at i: a blank, ',', ';', or '#' or '/' of a comment."""
    return i >= n or data[i] <= 32 or data[i] in (44, 59, 35, 47)


_POWERS = np.array([float(f"1e{exponent}") for exponent in range(23)])
