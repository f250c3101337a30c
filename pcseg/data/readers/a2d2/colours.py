"""A2D2's label pictures: which class each colour means, checked against the data set's own list."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from pcseg.data.labels import map_data
from pcseg.errors import DataError, LabelError
from pcseg.files import read_json

UNLABELLED = 0
_UNKNOWN = 255


def classes_of(colours: np.ndarray, source: Path) -> np.ndarray:
    """Raw ids of colours.

    Args:
        colours: (..., 3) uint8 RGB from a label picture.
        source: of that picture, for messages.

    Returns:
        (...) uint8 raw ids of the label map.

    Raises:
        LabelError: for a colour that means nothing, with the number of its pixels.
    """
    codes = _codes(colours)
    found = _table()[codes]
    unknown = found == _UNKNOWN
    if unknown.any():
        code, count = (int(value[0]) for value in np.unique(codes[unknown], return_counts=True))
        raise LabelError(
            f"{source}: colour #{code:06x} ({count} pixels) is no class of A2D2. Label pictures "
            "must be the PNG files of the data set, never resized or saved again with loss."
        )
    return found


def check_class_list(path: Path) -> bool:
    """Compare ``class_list.json`` of the data set with the colours of the label map.

    Returns:
        False if there is no such file, so that nothing vouches for the meaning of the colours.

    Raises:
        DataError: if the file is broken.
        LabelError: if a colour means something else there.
    """
    if not path.is_file():
        return False
    stored = read_json(path)
    if not isinstance(stored, dict):
        raise DataError(f"{path}: expected {{colour: name}}, found a {type(stored).__name__}.")
    known = {code: _maps_names()[raw] for code, raw in _known().items()}
    for colour, name in stored.items():
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
            raise DataError(f"{path}: '{colour}' is no colour such as #ff0000. Copy it again.")
        ours = known.get(int(colour[1:], 16))
        if ours != name:
            raise LabelError(
                f"{path}: colour {colour.lower()} is '{name}' there, but "
                f"{repr(ours) if ours else 'no class'} in the label map 'a2d2'. "
                "Take the class_list.json of the data set, or mend the map."
            )
    return True


def _codes(colours: np.ndarray) -> np.ndarray:
    red, green, blue = (colours[..., k].astype(np.int32) for k in range(3))
    return (red << 16) | (green << 8) | blue


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    """(2²⁴,) uint8: the raw id of every colour."""
    table = np.full(1 << 24, _UNKNOWN, np.uint8)
    for code, raw in _known().items():
        table[code] = raw
    return table


def _known() -> dict[int, int]:
    colours = map_data("a2d2")["raw_colors"]
    return {(r << 16) | (g << 8) | b: int(raw) for raw, (r, g, b) in colours.items()}


def _maps_names() -> dict[int, str]:
    names: dict[int, str] = map_data("a2d2")["raw_names"]
    return names
