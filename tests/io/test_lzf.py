"""LZF: what is packed comes back, damage is told, and the packed form is the one others read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcseg.io.lzf import compress, decompress

PIECES = st.lists(
    st.tuples(st.binary(min_size=1, max_size=40), st.integers(1, 400)), min_size=1, max_size=8
)


@settings(max_examples=100, deadline=None)
@given(PIECES)
def test_what_is_packed_comes_back(pieces):
    data = b"".join(piece * times for piece, times in pieces)
    assert decompress(compress(data), len(data)) == data


@pytest.mark.parametrize("size", [1, 2, 3, 31, 32, 33, 64, 265, 8191, 8193, 100_000])
def test_sizes_at_the_limits_of_the_codes(size):
    noise = np.random.default_rng(size).integers(0, 256, size, np.uint8).tobytes()
    for data in (noise, bytes(size), noise + noise, noise[:7] + bytes(size) + noise):
        assert decompress(compress(data), len(data)) == data


def test_repetitions_are_packed():
    assert len(compress(bytes(100_000))) < 100_000 / 80


def test_hand_made_codes():
    """Literals 'abc', a short copy (3 bytes, 3 back), a long copy (9 + 3 bytes, 1 back)."""
    packed = bytes([2, *b"abc", (1 << 5) | 0, 2, (7 << 5) | 0, 3, 0])
    assert decompress(packed, 18) == b"abcabc" + b"c" * 12


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 4000))
def test_garbage_never_crashes(data, size):
    try:
        assert len(decompress(data, size)) == size
    except ValueError:
        pass


def test_truncated_and_absurd_data_are_refused():
    packed = compress(bytes(range(256)) * 4)
    with pytest.raises(ValueError):
        decompress(packed[:-3], 1024)
    with pytest.raises(ValueError, match="cannot hold"):
        decompress(packed, 1 << 50)
