"""Label maps: which raw ids a dataset stores, and the class tables (label sets) made from them."""

from __future__ import annotations

import colorsys
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.data.label_files import find_map, load_map, shipped_maps
from pcseg.data.scan import IGNORE
from pcseg.errors import LabelError


@dataclass(frozen=True)
class LabelSet:
    """A class table: train ids 0..K-1 with names and colours, and the way to and from raw ids.

    Attributes:
        dataset: name of the dataset whose raw ids are meant, for example ``"semantic_kitti"``.
        name: of the set, for example ``"sk19"``.
        names: class names by train id.
        colors: (K, 3) uint8 RGB by train id.
        raw_to_train: every known raw id and its train id, `IGNORE` where not scored.
        train_to_raw: the raw id written for each train id.
        raw_names: names of the raw ids.
        moving: raw ids that mean "this object moves".
        things: raw ids of what comes as single objects (vehicles, people), not as ground or walls.
        ignored_raw: the raw id written where the train id is `IGNORE`.
    """

    dataset: str
    name: str
    names: tuple[str, ...]
    colors: np.ndarray
    raw_to_train: Mapping[int, int]
    train_to_raw: Mapping[int, int]
    raw_names: Mapping[int, str]
    moving: frozenset[int] = frozenset()
    things: frozenset[int] = frozenset()
    ignored_raw: int = 0

    @property
    def num_classes(self) -> int:
        """K, the number of scored classes."""
        return len(self.names)

    @cached_property
    def thing_classes(self) -> tuple[int, ...]:
        """Train ids whose raw ids are all things: the objects that mixes may paste."""
        back: dict[int, set[int]] = {}
        for raw_id, train_id in self.raw_to_train.items():
            back.setdefault(train_id, set()).add(raw_id)
        return tuple(sorted(k for k, raw in back.items() if k != IGNORE and raw <= self.things))

    @cached_property
    def hash(self) -> str:
        """Twelve hex digits that change when a class, its order or its raw ids change."""
        table = [self.names, sorted(self.raw_to_train.items()), sorted(self.train_to_raw.items())]
        return hashlib.sha256(json.dumps(table).encode()).hexdigest()[:12]

    def encode(self, raw: np.ndarray, source: object = "labels") -> np.ndarray:
        """Turn raw ids into train ids.

        Args:
            raw: (N,) integer raw semantic ids.
            source: what to name in an error, usually the file.

        Returns:
            (N,) int64 train ids, `IGNORE` where not scored.

        Raises:
            LabelError: for a raw id that is not in the map.
        """
        table = self._encode_table
        outside = (raw < IGNORE) | (raw >= len(table) - 1)
        train = table[np.where(outside, 0, raw)]
        unknown = outside | (train == _UNKNOWN)
        if unknown.any():
            ids, counts = np.unique(raw[unknown], return_counts=True)
            listed = ", ".join(
                f"{i} ({n} points)" for i, n in zip(ids[:5], counts[:5], strict=True)
            )
            raise LabelError(
                f"{source}: raw label {listed} is not in label map '{self.dataset}/{self.name}'. "
                f"Known raw labels: {', '.join(map(str, sorted(self.raw_to_train)))}. "
                f"Add it under raw_to_train (train id {IGNORE} means ignored), or mend the file."
            )
        return train

    def decode(self, train: np.ndarray) -> np.ndarray:
        """Turn train ids (N,) into raw ids (N,) int64; `IGNORE` becomes `ignored_raw`."""
        table = np.full(self.num_classes + 1, self.ignored_raw, np.int64)  # the last serves -1
        for train_id, raw_id in self.train_to_raw.items():
            table[train_id] = raw_id
        return table[train]

    def is_moving(self, raw: np.ndarray) -> np.ndarray:
        """(N,) bool: which points belong to objects labelled as moving."""
        return np.isin(raw, list(self.moving))

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` turns back into the same set (stored in checkpoints)."""
        return {
            "dataset": self.dataset,
            "name": self.name,
            "names": list(self.names),
            "colors": self.colors.tolist(),
            "raw_to_train": dict(self.raw_to_train),
            "train_to_raw": dict(self.train_to_raw),
            "raw_names": dict(self.raw_names),
            "moving": sorted(self.moving),
            "things": sorted(self.things),
            "ignored_raw": self.ignored_raw,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LabelSet:
        """The inverse of `to_dict`."""
        return cls(
            dataset=data["dataset"],
            name=data["name"],
            names=tuple(data["names"]),
            colors=np.asarray(data["colors"], np.uint8),
            raw_to_train={int(k): int(v) for k, v in data["raw_to_train"].items()},
            train_to_raw={int(k): int(v) for k, v in data["train_to_raw"].items()},
            raw_names={int(k): str(v) for k, v in data["raw_names"].items()},
            moving=frozenset(data["moving"]),
            things=frozenset(data.get("things", ())),
            ignored_raw=int(data.get("ignored_raw", 0)),
        )

    @cached_property
    def _encode_table(self) -> np.ndarray:
        table = np.full(max(self.raw_to_train) + 2, _UNKNOWN, np.int64)  # the last serves -1
        for raw_id, train_id in self.raw_to_train.items():
            table[raw_id] = train_id
        return table


_MOST_RAW_IDS = 1 << 24
"""As many as colours of 24 bits, which some take for ids."""

_UNKNOWN = -2
"""Marks raw ids that no line of the map mentions; never leaves this module."""


def label_set(name: str) -> LabelSet:
    """Load a label set by name.

    Args:
        name: ``"<map>/<set>"`` such as ``"semantic_kitti/sk19"``, ``"<map>"`` for the first set of
            a shipped map, or either with a path to a YAML file in place of the map's name.

    Raises:
        LabelError: for an unknown map or set (naming the known ones), or a malformed file.
    """
    path, set_name = find_map(name)
    return read_label_set(path, set_name)


def list_label_sets() -> list[str]:
    """Names of all shipped label sets, ``"<map>/<set>"``."""
    names = []
    for path in sorted(shipped_maps().values()):
        names += [f"{path.stem}/{set_name}" for set_name in load_map(path)["sets"]]
    return names


def read_label_set(path: Path, set_name: str | None = None) -> LabelSet:
    """Read one set of a label-map YAML file; the first set if no name is given.

    The file has ``dataset``, optional ``raw_names`` {id: name}, ``raw_colors`` {id: [r, g, b]},
    ``moving`` [ids] and ``things`` [ids], ``ignored_raw`` (the raw id written for what is ignored),
    and ``sets`` {name: {names, raw_to_train, optional train_to_raw and colors}}. It may be based on
    a shipped map, see `pcseg.data.label_files`.

    Raises:
        LabelError: if the file or the set is malformed, naming what is missing.
    """
    data = load_map(path)
    sets = data["sets"]
    set_name = set_name or next(iter(sets))
    if set_name not in sets:
        raise LabelError(f"{path}: no label set '{set_name}'. It has: {', '.join(sets)}.")
    table = sets[set_name]
    try:
        names = tuple(str(n) for n in table["names"])
        raw_to_train = {int(k): int(v) for k, v in table["raw_to_train"].items()}
        back = table.get("train_to_raw") or _first_raw_of_each(raw_to_train)
        return LabelSet(
            dataset=str(data["dataset"]),
            name=set_name,
            names=names,
            colors=_colors(data, table, names, back),
            raw_to_train=_checked(path, raw_to_train, len(names)),
            train_to_raw={int(k): int(v) for k, v in back.items()},
            raw_names={int(k): str(v) for k, v in data.get("raw_names", {}).items()},
            moving=frozenset(int(i) for i in data.get("moving", ())),
            things=frozenset(int(i) for i in data.get("things", ())),
            ignored_raw=_ignored_raw(data, raw_to_train),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LabelError(
            f"{path}: set '{set_name}' needs 'names' (a list) and 'raw_to_train' "
            f"(raw id: train id); {type(error).__name__}: {error}."
        ) from error


def map_data(name: str | Path) -> dict[str, Any]:
    """Everything a label map states, its facts and splits included, as plain data.

    Args:
        name: of a shipped map such as ``"semantic_kitti"``, or the path of a YAML file.

    Raises:
        LabelError: if there is no such map or it is malformed.
    """
    return load_map(name if isinstance(name, Path) else find_map(name)[0])


def _ignored_raw(data: Mapping[str, Any], raw_to_train: Mapping[int, int]) -> int:
    """What the map states, else 0 or the first raw id that is ignored, else 0."""
    ignored = [raw_id for raw_id in sorted(raw_to_train) if raw_to_train[raw_id] == IGNORE]
    stated = data.get("ignored_raw")
    if stated is None:
        return ignored[0] if ignored and raw_to_train.get(0, IGNORE) != IGNORE else 0
    if int(stated) not in ignored:
        raise ValueError(f"ignored_raw {stated} is not a raw id that is ignored")
    return int(stated)


def _first_raw_of_each(raw_to_train: Mapping[int, int]) -> dict[int, int]:
    back: dict[int, int] = {}
    for raw_id in sorted(raw_to_train):
        back.setdefault(raw_to_train[raw_id], raw_id)
    back.pop(IGNORE, None)
    return back


def _checked(path: Path, raw_to_train: dict[int, int], num_classes: int) -> dict[int, int]:
    wrong = {v for v in raw_to_train.values() if not IGNORE <= v < num_classes}
    if wrong or not raw_to_train:
        raise LabelError(
            f"{path}: train ids {sorted(wrong)} are outside {IGNORE}..{num_classes - 1} "
            f"for {num_classes} names."
        )
    if max(raw_to_train) >= _MOST_RAW_IDS:
        raise LabelError(
            f"{path}: raw id {max(raw_to_train)} is too large: ids are looked up in a table and "
            f"must be below {_MOST_RAW_IDS}. Number the classes from 0."
        )
    negative = [k for k, v in raw_to_train.items() if k < 0 and (k, v) != (-1, IGNORE)]
    if negative:
        raise LabelError(
            f"{path}: raw ids must not be negative: {negative}. "
            f"Only -1 may stand there, as ignored (-1: {IGNORE}): many files say so for 'none'."
        )
    return raw_to_train


def _colors(
    data: Mapping[str, Any],
    table: Mapping[str, Any],
    names: tuple[str, ...],
    train_to_raw: Mapping[int, int],
) -> np.ndarray:
    """Colours of the set, else of the raw ids, else evenly spread hues."""
    if "colors" in table:
        return np.asarray(table["colors"], np.uint8).reshape(len(names), 3)
    raw_colors = data.get("raw_colors", {})
    colors = np.zeros((len(names), 3), np.uint8)
    for train_id in range(len(names)):
        given = raw_colors.get(train_to_raw.get(train_id))
        hue = colorsys.hsv_to_rgb((train_id * 0.618034) % 1.0, 0.65, 0.95)
        colors[train_id] = given if given is not None else [int(255 * c) for c in hue]
    return colors
