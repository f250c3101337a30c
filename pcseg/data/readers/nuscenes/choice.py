"""What a user's words mean in nuScenes: version, splits by place and light, source of labels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pcseg.data.labels import LabelSet, label_set, map_data
from pcseg.data.reader import check_choice
from pcseg.data.readers.nuscenes.index import Index
from pcseg.errors import ConfigError, DataError, LabelError

SOURCES = ("lidarseg", "panoptic", "boxes")
LABEL_MAP, BOXES_MAP = "nuscenes_lidarseg", "nuscenes_boxes"

Convention = dict[str, list[str]]


def tables_folder(root: Path, version: str | None, split: str) -> Path:
    """The folder of tables that is asked for, or that holds the split.

    Raises:
        DataError: if there is none, saying what is there.
    """
    if (root / "scene.json").is_file() and version in (None, root.name):
        return Path(os.path.abspath(root))  # "." has no parent
    there = sorted(path.parent for path in root.glob("*/scene.json"))
    if version is not None:
        there = [path for path in there if path.name == version]
    if not there:
        wanted = version or "v1.0-trainval, v1.0-mini or v1.0-test"
        held = ", ".join(sorted(path.name for path in root.iterdir())[:8]) if root.is_dir() else ""
        raise DataError(
            f"{root}: no tables of nuScenes, {wanted} with scene.json, found here; "
            f"{f'it holds: {held}' if held else 'the folder is empty or missing'}. Point clouds "
            "alone cannot be read: times, poses and labels are in the tables. Unpack the archive "
            "of the metadata (v1.0-..._meta.tgz) beside samples/."
        )
    order = ["trainval", "mini", "test"]
    first = "mini" if "mini" in split else "test" if split == "test" else "trainval"
    order.sort(key=lambda word: word != first)
    known = [path for word in order for path in there if path.name.endswith(word)]
    return (known or there)[0]


def xmuda_parts(index: Index, official: Convention, carved: Convention) -> Convention:
    """XMUDA's parts of train and val by place and light, as its published code makes them.

    Args:
        index: whose locations and descriptions decide.
        official: scenes of ``train`` and ``val``.
        carved: scenes of ``val_singapore`` and ``val_night``, which the train parts lack.

    Returns:
        Scenes of ``train_usa``, ``test_usa`` and so on for singapore, night and day.
    """
    names = [name.decode() for name in index.scene_name.tolist()]
    place = [text.lower() for text in index.scene_location.tolist()]
    story = [text.lower() for text in index.scene_description.tolist()]
    rules: Mapping[str, list[bool]] = {
        "usa": [b"boston" in text for text in place],
        "singapore": [b"singapore" in text for text in place],
        "night": [b"night" in text for text in story],
        "day": [b"night" not in text for text in story],
    }
    parts = {}
    for subset, holds in rules.items():
        inside = {name for name, held in zip(names, holds, strict=True) if held}
        train = inside - set(carved.get(f"val_{subset}", ()))
        parts[f"train_{subset}"] = [name for name in official["train"] if name in train]
        parts[f"test_{subset}"] = [name for name in official["val"] if name in inside]
    return parts


def source_of_labels(given: str | None, table: str | LabelSet | None) -> str:
    """Where labels come from, by the setting or else by the raw ids that the label set means.

    Raises:
        ConfigError: for another word than `SOURCES`, or one that does not fit the label set.
    """
    chosen = label_set(table) if isinstance(table, str) else table
    of_boxes = chosen is not None and chosen.dataset == BOXES_MAP
    source = given or ("boxes" if of_boxes else "lidarseg")
    check_choice("labels_from", source, SOURCES)
    if chosen is not None and of_boxes != (source == "boxes"):
        raise ConfigError(
            f"labels_from={source} does not fit the label set {chosen.dataset}/{chosen.name}: "
            f"labels from boxes have the raw ids of the map {BOXES_MAP}, "
            f"all others those of {LABEL_MAP}."
        )
    return source


def raw_ids(index: Index, tables: Path) -> np.ndarray:
    """(categories,) int64 raw id of each row of category.json by its name.

    Raises:
        LabelError: if the table gives a name another index than the label map.
    """
    names = map_data(LABEL_MAP)["raw_names"]
    id_of = {str(name): int(number) for number, name in names.items()}
    found = []
    for row, stored in zip(
        index.category_name.tolist(), index.category_index.tolist(), strict=True
    ):
        name = row.decode()
        known = id_of.get(name)
        if known is None or (stored >= 0 and stored != known):
            raise LabelError(
                f"{tables / 'category.json'}: category '{name}' has index {stored}, but the label "
                f"map {LABEL_MAP} gives it {'none' if known is None else known}. "
                "Unpack the archive of nuScenes-lidarseg again, or correct the table."
            )
        found.append(known)
    return np.array(found, np.int64)
