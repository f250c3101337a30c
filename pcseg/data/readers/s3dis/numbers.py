"""Lines ``x y z r g b`` as points, in one compiled pass; anything unusual is left to others."""

from __future__ import annotations

import numpy as np
from numba import njit


def parse_points(data: bytes) -> tuple[np.ndarray, np.ndarray] | None:
    """Parse a text of points, if every line of it is as it should be.

    Numbers are decimals without exponent of at most 15 digits, which float64 holds exactly; they
    become what ``float(text)`` rounded to float32 gives.

    Args:
        data: the text; blank lines are passed over.

    Returns:
        (N, 3) float32 coordinates and (N, 3) uint8 colours, or None if a line is not three
        coordinates and three whole colours from 0 to 255.
    """
    most = len(data) // _SHORTEST_LINE + 1
    # np.empty costs no memory before it is written: the bound may be generous.
    xyz, rgb = np.empty((most, 3), np.float32), np.empty((most, 3), np.uint8)
    num_rows = _scan(np.frombuffer(data + b"\n", np.uint8), xyz, rgb)
    return None if num_rows < 0 else (xyz[:num_rows], rgb[:num_rows])


_SHORTEST_LINE = len(b"0 0 0 0 0 0\n")


@njit(cache=True, nogil=True)
def _scan(text, xyz, rgb):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Fill the arrays; the number of rows, or -1 at the first thing that is not as it should be.

    The last byte of the text is a line end: no loop over digits or blanks can run past it.
    Everything that counts bytes is unsigned, for speed: one comparison then tells a digit, and
    none is needed for indices from the end.
    """
    one, zero, failed = np.uint64(1), np.uint8(48), np.int64(-1)
    num_bytes, most = np.uint64(len(text)), np.uint64(len(xyz))
    i = row = np.uint64(0)
    while True:
        while i < num_bytes and (text[i] == 32 or 9 <= text[i] <= 10 or text[i] == 13):
            i += one
        if i >= num_bytes:
            return np.int64(row)
        if row == most:
            return failed
        for column in range(6):
            while text[i] == 32 or text[i] == 9:
                i += one
            negative = text[i] == 45  # '-'
            if negative:
                i += one
            mantissa, start = np.int64(0), i
            digit = np.uint8(text[i] - zero)
            while digit <= 9:
                mantissa = mantissa * 10 + digit  # overflows only if there are too many digits
                i += one
                digit = np.uint8(text[i] - zero)
            num_digits, num_decimals = np.int64(i - start), np.int64(0)
            if text[i] == 46:  # '.'
                i += one
                start = i
                digit = np.uint8(text[i] - zero)
                while digit <= 9:
                    mantissa = mantissa * 10 + digit
                    i += one
                    digit = np.uint8(text[i] - zero)
                num_decimals = np.int64(i - start)
                num_digits += num_decimals
            ended = text[i] == 32 or 9 <= text[i] <= 10 or text[i] == 13
            if not 0 < num_digits <= 15 or not ended:
                return failed
            if column < 3:
                value = np.float64(-mantissa if negative else mantissa)
                xyz[row, np.uint64(column)] = value / _POWERS[num_decimals]
                continue
            if num_decimals:
                whole = mantissa // _WHOLE_POWERS[num_decimals]
                if whole * _WHOLE_POWERS[num_decimals] != mantissa:
                    return failed
                mantissa = whole
            if negative or mantissa > 255:
                return failed
            rgb[row, np.uint64(column - 3)] = mantissa
        while text[i] == 32 or text[i] == 9 or text[i] == 13:
            i += one
        if text[i] != 10:
            return failed
        row += one


_POWERS = np.array([10.0**exponent for exponent in range(16)])
_WHOLE_POWERS = np.array([10**exponent for exponent in range(16)], np.int64)
