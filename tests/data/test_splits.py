"""What words and ranges select."""

from __future__ import annotations

import pytest

from pcseg.data.splits import Part, choose_frames, parse_selection
from pcseg.errors import ConfigError, DataError

TABLE = {"official": {"train": ["00", "01"], "val": ["08"]}, "other": {"val": ["07"]}}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("train", [Part("00"), Part("01")]),
        ("valid", [Part("08")]),
        ("other:val", [Part("07")]),
        ("all", None),
        ("00", [Part("00")]),
        ("00,02", [Part("00"), Part("02")]),
        ("00:0-7", [Part("00", ((0, 7),))]),
        (" 00:0-7,9; 02 ", [Part("00", ((0, 7), (9, 9))), Part("02")]),
    ],
)
def test_selection(text: str, parts: list[Part] | None) -> None:
    assert parse_selection(text, TABLE)[0] == parts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trian", r"'trian' is not a split \(did you mean train\?\)"),
        ("other:train", "other:val"),
        ("00:a-b", "'a-b' is not a frame"),
        ("00:7-3", "'7-3' is not a frame"),
    ],
)
def test_words_that_mean_nothing(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_selection(text, TABLE)


def test_frames_are_chosen_by_number() -> None:
    names = ["000000", "000001", "000005"]
    assert choose_frames(names, Part("00"), "x") == names
    assert choose_frames(names, Part("00", ((1, 9),)), "x") == ["000001", "000005"]
    # In file order, and once, however they are asked for.
    assert choose_frames(names, Part("00", ((5, 5), (0, 5))), "x") == names
    with pytest.raises(DataError, match=r"no frame 2 of sequence 00. Frames there: 0-5 \(3\)"):
        choose_frames(names, Part("00", ((0, 1), (2, 2))), "x")
