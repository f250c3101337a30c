"""LZF, the compression inside binary_compressed PCD files, at compiled speed."""

from __future__ import annotations

import numpy as np
from numba import njit


def compress(data: bytes) -> bytes:
    """Compress as liblzf does (any LZF reader can undo it)."""
    source = np.frombuffer(data, np.uint8)
    # Worst case: nothing repeats, and each 32 literal bytes cost one more.
    packed = np.empty(len(source) + len(source) // 32 + 8, np.uint8)
    return packed[: _compress(source, packed)].tobytes()


def decompress(data: bytes, size: int) -> bytes:
    """Undo LZF.

    Args:
        data: compressed bytes.
        size: of the result, known beforehand.

    Raises:
        ValueError: if the data are damaged or do not give exactly `size` bytes.
    """
    if size > len(data) * MOST:
        raise ValueError(f"{len(data)} bytes cannot hold {size}")
    result = np.empty(size, np.uint8)
    written = _decompress(np.frombuffer(data, np.uint8), result)
    if written != size:
        raise ValueError("damaged LZF data" if written < 0 else f"{written} of {size} bytes")
    return result.tobytes()


MOST = 88
"""LZF cannot shrink data to less than 1/88: three bytes stand for at most 264."""


@njit(cache=True, nogil=True)
def _decompress(source, result):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    i, o, n, size = 0, 0, len(source), len(result)
    while i < n:
        control = np.int64(source[i])
        i += 1
        if control < 32:  # that many literal bytes and one
            length = control + 1
            if i + length > n or o + length > size:
                return -1
            for k in range(length):
                result[o + k] = source[i + k]
            i += length
            o += length
        else:  # a copy of what stands some way back
            length = control >> 5
            if length == 7:
                if i >= n:
                    return -1
                length += np.int64(source[i])
                i += 1
            length += 2
            if i >= n:
                return -1
            back = ((control & 31) << 8) + np.int64(source[i]) + 1
            i += 1
            if back > o or o + length > size:
                return -1
            for k in range(length):  # byte by byte: the copy may overlap itself
                result[o + k] = result[o - back + k]
            o += length
    return o


@njit(cache=True, nogil=True)
def _compress(source, packed):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    n = len(source)
    table = np.full(1 << 15, -1, np.int64)  # last place of each hash of three bytes
    i, literal, o = 0, 0, 0
    while i < n:
        length, back = 0, 0
        if i + 2 < n:
            key = (np.int64(source[i]) << 16) | (np.int64(source[i + 1]) << 8) | source[i + 2]
            slot = ((key * 2654435761) >> 12) & 32767
            place = table[slot]
            table[slot] = i
            if place >= 0 and i - place <= 8192:
                most = min(264, n - i)
                while length < most and source[place + length] == source[i + length]:
                    length += 1
                back = i - place - 1
        if length < 3:
            i += 1
            if i < n:
                continue
        for begin in range(literal, i, 32):  # the bytes since the last copy, as they are
            count = min(32, i - begin)
            packed[o] = count - 1
            for k in range(count):
                packed[o + 1 + k] = source[begin + k]
            o += count + 1
        if length >= 3:
            code = length - 2
            if code < 7:
                packed[o] = (code << 5) | (back >> 8)
                o += 1
            else:
                packed[o] = (7 << 5) | (back >> 8)
                packed[o + 1] = code - 7
                o += 2
            packed[o] = back & 255
            o += 1
            i += length
        literal = i
    return o
