"""Splits: which sequences and frames a word such as `train`, `xmuda:val` or `00:0-7` means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pcseg.data.labels import map_data
from pcseg.errors import ConfigError, DataError
from pcseg.hints import did_you_mean

ALL = "all"
_SYNONYMS = {"valid": "val", "validation": "val", "training": "train", "testing": "test"}


@dataclass(frozen=True)
class Part:
    """Frames of one sequence.

    Attributes:
        sequence: folder name, for example ``"08"``.
        ranges: (first, last) frame numbers, both included; None for the whole sequence.
    """

    sequence: str
    ranges: tuple[tuple[int, int], ...] | None = None


def splits(label_map: str) -> dict[str, dict[str, list[str]]]:
    """The split conventions of a dataset, as its label map states them.

    Args:
        label_map: name of a shipped map such as ``"semantic_kitti"``, or the path of one.

    Returns:
        {convention: {"train" | "val" | "test": [sequences]}}, the default convention first. An
        entry may name frames of a sequence: ``"001:0-49"``.
    """
    data = map_data(label_map)
    table = data.get("splits") or {}
    first = data.get("default_splits") or next(iter(table), None)
    order = sorted(table, key=lambda convention: convention != first)
    return {
        str(name): {str(k): [str(s) for s in v] for k, v in table[name].items()} for name in order
    }


def parse_selection(
    text: str, conventions: dict[str, dict[str, list[str]]]
) -> tuple[list[Part] | None, str | None]:
    """Understand a split.

    Args:
        text: ``"train"`` (of the first convention), ``"xmuda:val"``, ``"all"``, or explicit
            sequences and frames: ``"00"``, ``"00,02"``, ``"00:0-7"``, ``"00:0-7,9;02"``.
        conventions: what `splits` returns.

    Returns:
        The parts and the name of the split, which is None for explicit sequences; parts are None
        for ``"all"``, the sequences that are there.

    Raises:
        ConfigError: for a word that names no split, listing the splits.
    """
    text = text.strip()
    if text == ALL:
        return None, ALL
    convention, colon, word = text.rpartition(":")
    table = conventions.get(convention) if colon else next(iter(conventions.values()), {})
    word = _SYNONYMS.get(word, word)
    if table and word in table:
        return [part for item in table[word] for part in _explicit(item)], text
    if convention in conventions or not re.search(r"\d", text):
        raise ConfigError(_unknown(text, conventions))
    return [part for item in text.split(";") if item.strip() for part in _explicit(item)], None


def choose_frames(names: Sequence[str], part: Part, where: object) -> list[str]:
    """The frames of one sequence that a part asks for.

    A range means the frames of it that exist; a single frame must exist.

    Args:
        names: frame names present, sorted, for example ``["000000", "000001"]``.
        part: what is asked for.
        where: folder, for messages.

    Raises:
        DataError: if a single frame, or every frame of a range, is missing.
    """
    if part.ranges is None:
        return list(names)
    numbers = {int(name): name for name in names if name.isdecimal()}
    chosen: set[str] = set()
    for first, last in part.ranges:
        found = [name for number, name in numbers.items() if first <= number <= last]
        if not found:
            asked = str(first) if first == last else f"{first}-{last}"
            there = f"{min(numbers)}-{max(numbers)}" if numbers else "none"
            raise DataError(
                f"{where}: no frame {asked} of sequence {part.sequence}. "
                f"Frames there: {there} ({len(numbers)}). Ask for some of these."
            )
        chosen.update(found)
    return [name for name in names if name in chosen]


def _explicit(item: str) -> list[Part]:
    sequence, colon, frames = item.strip().partition(":")
    if not colon:
        return [Part(name.strip()) for name in sequence.split(",") if name.strip()]
    ranges = []
    for word in frames.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*", word)
        if match is None or int(match[2] or match[1]) < int(match[1]):
            raise ConfigError(
                f"split '{item}': '{word}' is not a frame or a range of frames. "
                "Write for example 00:0-7 or 00:0-7,9;02."
            )
        ranges.append((int(match[1]), int(match[2] or match[1])))
    return [Part(sequence.strip(), tuple(ranges))]


def _unknown(text: str, conventions: dict[str, dict[str, list[str]]]) -> str:
    known = [ALL, *next(iter(conventions.values()), {})]
    for name, table in conventions.items():
        known += [f"{name}:{split}" for split in table]
    return (
        f"'{text}' is not a split{did_you_mean(text, known)}. Splits: {', '.join(known)}; "
        "or sequences and frames such as 00:0-7,9;02."
    )
