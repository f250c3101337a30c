"""Kinds of things in rooms: ScanNet's categories with their NYU40 ids, and S3DIS's classes.

The raw ids of room worlds are the ids of ScanNet's table ``scannetv2-labels.combined.tsv``: 0 is
nothing, 1 is wall, 2 is chair, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@dataclass(frozen=True)
class Kind:
    """A category of things.

    Attributes:
        id: of ScanNet's category table; the raw id in worlds and pictures of rooms.
        name: raw category, as annotators typed it.
        category: that the raw category is merged into.
        nyu40: its id among the 40 classes of NYU Depth v2.
        nyu40_name: of that class, in the table's spelling (``refridgerator``).
        s3dis: the class it has in S3DIS, where whatever has no class of its own is clutter.
    """

    id: int
    name: str
    category: str
    nyu40: int
    nyu40_name: str
    s3dis: str = "clutter"


KINDS: tuple[Kind, ...] = (
    Kind(1, "wall", "wall", 1, "wall", "wall"),
    Kind(2, "chair", "chair", 5, "chair", "chair"),
    Kind(3, "floor", "floor", 2, "floor", "floor"),
    Kind(4, "table", "table", 7, "table", "table"),
    Kind(5, "door", "door", 8, "door", "door"),
    Kind(6, "couch", "couch", 6, "sofa", "sofa"),
    Kind(7, "cabinet", "cabinet", 3, "cabinet"),
    Kind(9, "desk", "desk", 14, "desk", "table"),
    Kind(10, "office chair", "office chair", 5, "chair", "chair"),
    Kind(11, "bed", "bed", 4, "bed"),
    Kind(13, "pillow", "pillow", 18, "pillow"),
    Kind(14, "sink", "sink", 34, "sink"),
    Kind(15, "picture", "picture", 11, "picture"),
    Kind(16, "window", "window", 9, "window", "window"),
    Kind(17, "toilet", "toilet", 33, "toilet"),
    Kind(18, "bookshelf", "bookshelf", 10, "bookshelf", "bookcase"),
    Kind(19, "monitor", "monitor", 40, "otherprop"),
    Kind(21, "curtain", "curtain", 16, "curtain"),
    Kind(22, "books", "book", 23, "books"),
    Kind(23, "armchair", "armchair", 5, "chair", "sofa"),
    Kind(24, "coffee table", "coffee table", 7, "table", "table"),
    Kind(26, "box", "box", 29, "box"),
    Kind(27, "refrigerator", "refrigerator", 24, "refridgerator"),
    Kind(28, "lamp", "lamp", 35, "lamp"),
    Kind(29, "kitchen cabinet", "kitchen cabinet", 3, "cabinet"),
    Kind(31, "towel", "towel", 27, "towel"),
    Kind(33, "tv", "tv", 25, "television"),
    Kind(34, "nightstand", "nightstand", 32, "night stand"),
    Kind(36, "dresser", "dresser", 17, "dresser"),
    Kind(38, "stool", "stool", 40, "otherprop", "chair"),
    Kind(40, "plant", "plant", 40, "otherprop"),
    Kind(41, "ceiling", "ceiling", 22, "ceiling", "ceiling"),
    Kind(42, "bathtub", "bathtub", 36, "bathtub"),
    Kind(44, "end table", "end table", 7, "table", "table"),
    Kind(46, "keyboard", "keyboard", 40, "otherprop"),
    Kind(48, "backpack", "backpack", 40, "otherprop"),
    Kind(49, "toilet paper", "toilet paper", 40, "otherprop"),
    Kind(51, "tv stand", "tv stand", 39, "otherfurniture"),
    Kind(52, "whiteboard", "whiteboard", 30, "whiteboard", "board"),
    Kind(55, "shower curtain", "shower curtain", 28, "shower curtain"),
    Kind(56, "trash can", "trash can", 39, "otherfurniture"),
    Kind(103, "clock", "clock", 40, "otherprop"),
    Kind(59, "microwave", "microwave", 40, "otherprop"),
    Kind(61, "rug", "rug", 40, "otherprop"),
    Kind(62, "stove", "stove", 38, "otherstructure"),
    Kind(64, "computer tower", "computer tower", 40, "otherprop"),
    Kind(65, "bottle", "bottle", 40, "otherprop"),
    Kind(67, "ottoman", "ottoman", 39, "otherfurniture", "sofa"),
    Kind(68, "bench", "bench", 39, "otherfurniture", "chair"),
    Kind(71, "mirror", "mirror", 19, "mirror"),
    Kind(75, "file cabinet", "file cabinet", 3, "cabinet"),
    Kind(77, "laptop", "laptop", 40, "otherprop"),
    Kind(79, "paper", "paper", 26, "paper"),
    Kind(88, "plate", "plate", 40, "otherprop"),
    Kind(89, "blackboard", "blackboard", 38, "otherstructure", "board"),
    Kind(96, "radiator", "radiator", 39, "otherfurniture"),
    Kind(99, "wardrobe closet", "wardrobe", 39, "otherfurniture"),
    Kind(101, "telephone", "telephone", 40, "otherprop"),
    Kind(106, "laundry basket", "laundry basket", 40, "otherprop"),
    Kind(120, "column", "column", 38, "otherstructure", "column"),
    Kind(130, "cup", "cup", 40, "otherprop"),
    Kind(136, "dishwasher", "dishwasher", 38, "otherstructure"),
    Kind(159, "kitchen counter", "kitchen counter", 12, "counter"),
    Kind(232, "light switch", "light switch", 38, "otherstructure"),
    Kind(342, "range hood", "range hood", 38, "otherstructure"),
    Kind(562, "bowl", "bowl", 40, "otherprop"),
    Kind(1156, "bathroom counter", "bathroom counter", 12, "counter"),
    Kind(1168, "ceiling light", "ceiling light", 38, "otherstructure"),
    # ScanNet has no word for beams.
    Kind(1178, "structure", "structure", 38, "otherstructure", "beam"),
)
"""Everything that stands in simulated rooms."""

S3DIS_CLASSES = (
    "ceiling",
    "floor",
    "wall",
    "beam",
    "column",
    "window",
    "door",
    "table",
    "chair",
    "sofa",
    "bookcase",
    "board",
    "clutter",
)
"""In the order of their ids."""

STRUCTURE = ("wall", "floor", "ceiling")
"""Kinds of which a room has one each, made of many parts."""

_BY_NAME = {kind.name: kind for kind in KINDS}


def kind_id(name: str) -> int:
    """The raw id of a kind by its name."""
    return _BY_NAME[name].id


@lru_cache(maxsize=1)
def kinds_by_id() -> dict[int, Kind]:
    """Every kind under its raw id."""
    return {kind.id: kind for kind in KINDS}


@lru_cache(maxsize=1)
def nyu40_ids() -> np.ndarray:
    """Lookup table from raw ids to NYU40 ids: ``nyu40_ids()[raw]``; 0 for what is no kind."""
    table = np.zeros(max(kind.id for kind in KINDS) + 1, np.uint16)
    for kind in KINDS:
        table[kind.id] = kind.nyu40
    return table


@lru_cache(maxsize=1)
def s3dis_ids() -> np.ndarray:
    """Lookup table from raw ids to rows of `S3DIS_CLASSES`: ``s3dis_ids()[raw]``."""
    table = np.full(max(kind.id for kind in KINDS) + 1, S3DIS_CLASSES.index("clutter"), np.uint16)
    for kind in KINDS:
        table[kind.id] = S3DIS_CLASSES.index(kind.s3dis)
    return table
