"""Formats of prediction files, by suffix."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pcseg.data import LabelSet, Prediction, Scan
from pcseg.evaluate.formats import label, las, npz, ply


class Format(NamedTuple):
    """How predictions are written and read back."""

    write: Callable[[Path, Scan, Prediction, LabelSet], None]
    read: Callable[[Path, LabelSet], Prediction]


FORMATS: dict[str, Format] = {
    ".label": Format(label.write, label.read),
    ".ply": Format(ply.write, ply.read),
    ".las": Format(las.write, las.read),
    ".laz": Format(las.write, las.read),
    ".npz": Format(npz.write, npz.read),
}

__all__ = ["FORMATS", "Format"]
