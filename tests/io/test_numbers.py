"""The compiled text reader agrees with float() to the last bit and finds every fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcseg.errors import DataError
from pcseg.io.numbers import read_numbers, read_table

FILE = Path("points.xyz")
WRITTEN = ("%r", "%.17g", "%.15g", "%.9g", "%.3f", "%.6e", "%+.4E", "%.0f")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.floats(width=64), min_size=1, max_size=30), st.sampled_from(WRITTEN))
def test_every_number_is_exactly_what_python_reads(values, style):
    tokens = [style % value for value in values]
    got = read_numbers(" ".join(tokens).encode(), FILE).values
    np.testing.assert_array_equal(got, [float(token) for token in tokens])


@settings(max_examples=150, deadline=None)
@given(st.text("0123456789.+-eE", min_size=1, max_size=8))
def test_tokens_are_numbers_exactly_when_python_says_so(token):
    try:
        want = float(token)
    except ValueError:
        with pytest.raises(DataError, match=r"line 3: .* is not a number"):
            read_numbers(f"1 2\n\n7 {token} 9\n".encode(), FILE)
    else:
        assert read_numbers(f"7 {token} 9".encode(), FILE).values[1] == want


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 4), max_size=20), st.sampled_from([" ", ",", ", ", ";", "\t"]))
def test_lines_and_counts(widths, separator):
    text = "\n".join(separator.join(["1.5"] * width) for width in widths)
    numbers = read_numbers(text.encode(), FILE, first_line=11)
    assert numbers.counts.tolist() == [width for width in widths if width]
    assert numbers.lines.tolist() == [11 + i for i, width in enumerate(widths) if width]


@pytest.mark.parametrize("text", ["1 2 # three\n3 4", "1 2//x\r\n# all\r\n3 4\r\n", "1 2\r3 4\r"])
def test_comments_and_line_ends(text):
    np.testing.assert_array_equal(read_table(text.encode(), FILE), [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2\n3 x4\n", "points.xyz: line 2: 'x4' is not a number"),
        ("1 2\n3 1_0\n", "line 2: '1_0' is not a number"),
        ("1 2\n\n3 4 5\n", "line 3 has 3 numbers where the first has 2"),
        ("1,2\n3,,4\n", "line 2 has an empty field"),
        ("1,2\n,3\n", "line 2 has an empty field"),
        ("1 2\n3 \x014\n", "line 2: '\\x014' is not a number"),
    ],
)
def test_faults_are_named_with_their_line(text, message):
    with pytest.raises(DataError) as error:
        read_table(text.encode(), FILE)
    assert message in str(error.value)


def test_wrong_number_of_rows():
    with pytest.raises(DataError, match="promises 3 rows of numbers, but 2 are there"):
        read_table(b"1 2\n3 4\n", FILE, num_rows=3)


def test_nothing_is_no_rows():
    assert read_table(b"\n# only words\n", FILE).size == 0


@settings(max_examples=300, deadline=None)
@given(st.text("0+-.ni/# ,\x01\n\xff", max_size=60))
def test_garbage_is_an_error_or_numbers_but_never_a_crash(text):
    try:
        numbers = read_numbers(text.encode("latin1"), FILE)
    except DataError:
        return
    assert numbers.counts.sum() == len(numbers.values)
