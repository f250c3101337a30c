"""A folder of someone's own files: which are scans, which are labels, and who is in which split."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.errors import ConfigError, DataError, LabelError
from pcseg.files import natural_key, read_lines
from pcseg.io import point_files
from pcseg.io.numpy_files import read_array

PREDICTIONS = "predictions.json"
"""Marks a folder of predictions, whose files are results and not scans."""

SPLITS = ("train", "val", "test")
_SYNONYMS = {"valid": "val", "validation": "val"}
_LABEL_ENDINGS = (".label", ".labels.npy", "_labels.npy", ".npy")
_NOT_POINTS = ("readme", "license", "licence", "notes", "classes", "changelog")


def find_point_files(root: Path, suffix: str | None = None, distinct: bool = True) -> list[Path]:
    """All point files under a folder, in natural order (``s2/`` before ``s10/``).

    Label files, lists, hidden files, and sub-folders filled by `pcseg predict` are left out.

    Args:
        root: the folder, or a single file.
        suffix: take only files that end so, for example ``".ply"``.
        distinct: refuse files that differ only in suffix, as one scan given twice.

    Raises:
        DataError: if there are none, or two of one name where that is refused.
    """
    if root.is_file():
        return [root]
    found: list[Path] = []
    for folder, subfolders, _ in os.walk(root):
        kept = [name for name in subfolders if _may_hold_points(folder, name)]
        subfolders[:] = sorted(kept, key=natural_key)
        here = [path for path in point_files(folder) if not suffix or path.name.endswith(suffix)]
        here = [path for path in here if not _is_text(path, root)]
        stems = {path.stem for path in here if path.suffix != ".npy"}
        here = [path for path in here if not _holds_labels(path, stems)]
        found += _distinct(here) if distinct else here
    if not found:
        ending = f" that end in {suffix}" if suffix else ""
        raise DataError(
            f"{root}: no point files{ending} under this folder. "
            "Readable are bin, npy, npz, ply, pcd, las, laz, xyz, txt, csv, off and obj."
        )
    return found


def label_file(path: Path) -> Path | None:
    """The file beside a point file that holds its labels.

    ``x.label`` (uint32 as in SemanticKITTI) or ``x.npy``, ``x.labels.npy``, ``x_labels.npy``
    (integers) in the same folder, in ``labels/`` there, or in ``labels/`` next to that folder
    (as for ``velodyne/`` or ``points/``).
    """
    for folder in (path.parent, path.parent / "labels", path.parent.parent / "labels"):
        for ending in _LABEL_ENDINGS:
            candidate = folder / f"{path.stem}{ending}"
            if candidate != path and candidate.is_file():
                return candidate
    return None


def read_labels(path: Path, points: Path, num_points: int) -> np.ndarray:
    """Raw ids (N,) int64 of a ``.npy`` label file.

    Raises:
        LabelError: if it does not hold one integer for each point.
    """
    try:
        labels = np.squeeze(read_array(path))
    except (DataError, OSError) as error:
        raise LabelError(f"{path}: cannot be read as labels ({error}). Save it again.") from error
    if labels.dtype.kind not in "iu" or labels.shape != (num_points,):
        raise LabelError(
            f"{path}: labels of shape {labels.shape} and type {labels.dtype} for the {num_points} "
            f"points of {points}. Save one integer for each point."
        )
    return labels.astype(np.int64)


def choose_split(
    root: Path, paths: Sequence[Path], split: str, rules: Mapping[str, Any], seed: int
) -> list[Path]:
    """The files of a split.

    Args:
        root: the dataset's folder.
        paths: all its point files.
        split: ``all``; ``train``, ``val`` or ``test``; or names of folders and files, by commas.
        rules: what the label map says under ``splits``: ``{train: 0.8, val: 0.2}`` or
            ``{train: [folder or file, …], …}``; without rules, lists (``train.txt``) and then
            folders (``train/``) decide.
        seed: of the shuffle for fractions.

    Raises:
        DataError: if nothing says which files belong to the split.
    """
    split = _SYNONYMS.get(split, split)
    if split == "all" or root.is_file():
        return list(paths)
    rules = {_SYNONYMS.get(name, name): value for name, value in rules.items()}
    if split in rules:
        if all(isinstance(value, (int, float)) for value in rules.values()):
            return _fraction(root, paths, split, rules, seed)
        return _listed(root, paths, rules[split], f"split '{split}' of the label map")
    listing = root / f"{split}.txt"
    if listing.is_file():
        lines = [line.strip() for line in read_lines(listing)]
        return _listed(root, paths, [line for line in lines if line], listing)
    names = [name.strip() for name in split.split(",")]
    if split not in SPLITS or _inside(root, paths, split):
        return _listed(root, paths, names, f"split '{split}'")
    raise DataError(
        f"{root}: nothing says which files belong to split '{split}'. Either make folders "
        "train/, val/, test/; or lists train.txt, val.txt of file names; or put 'splits: "
        "{train: 0.8, val: 0.2}' into the label map; or use split=all."
    )


def _fraction(
    root: Path, paths: Sequence[Path], split: str, shares: Mapping[str, float], seed: int
) -> list[Path]:
    """Files whose rank in an order drawn from names and seed falls into the split's share."""
    total = sum(shares.values())
    if not 0 < total <= 1 + 1e-9 or min(shares.values()) < 0:
        raise ConfigError(f"splits {dict(shares)}: shares must be positive and sum to at most 1.")

    def draw(path: Path) -> str:
        name = path.relative_to(root).as_posix()
        return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()

    before = 0.0
    for name, share in shares.items():
        first, last = (round(edge * len(paths)) for edge in (before, before + share))
        if name == split:
            chosen = set(sorted(paths, key=draw)[first:last])
            if not chosen:
                raise DataError(
                    f"{root}: split '{split}' is {share:g} of {len(paths)} files, which is none. "
                    "Add files or change the shares."
                )
            return [path for path in paths if path in chosen]
        before += share
    raise AssertionError("the caller checked that the split has a share")


def _listed(root: Path, paths: Sequence[Path], names: Iterable[str], source: object) -> list[Path]:
    """Files by folder, by path with or without suffix, or by bare name; in the order listed."""
    chosen: dict[Path, None] = {}
    for name in names:
        name = str(name).strip("/")
        found = _inside(root, paths, name) or [p for p in paths if name in _names(root, p)]
        if not found:
            there = ", ".join(p.relative_to(root).as_posix() for p in paths[:5])
            raise DataError(
                f"{root}: {source} names '{name}', which is neither a folder nor a file with "
                f"points here. Files here: {there}{', …' if len(paths) > 5 else ''}. "
                "Splits are all, train, val, test, or names of folders and files."
            )
        chosen.update(dict.fromkeys(found))
    return list(chosen)


def _inside(root: Path, paths: Sequence[Path], folder: str) -> list[Path]:
    return [path for path in paths if root / folder in path.parents]


def _names(root: Path, path: Path) -> tuple[str, ...]:
    relative = path.relative_to(root)
    return relative.as_posix(), relative.with_suffix("").as_posix(), path.name, path.stem


def _may_hold_points(parent: str, name: str) -> bool:
    results = os.path.isfile(os.path.join(parent, name, PREDICTIONS))
    return name != "labels" and not name.startswith(".") and not results


def _is_text(path: Path, root: Path) -> bool:
    """Lists of splits and what people write for people are no points."""
    lists = path.parent == root and path.stem in (*SPLITS, *_SYNONYMS, "all")
    return path.suffix == ".txt" and (lists or path.stem.lower().startswith(_NOT_POINTS))


def _holds_labels(path: Path, stems: set[str]) -> bool:
    if path.suffix != ".npy":
        return False
    return path.stem in stems or path.name.endswith((".labels.npy", "_labels.npy"))


def _distinct(paths: list[Path]) -> list[Path]:
    seen: dict[str, Path] = {}
    for path in paths:
        if path.stem in seen:
            raise DataError(
                f"{path}: the same scan as {seen[path.stem].name}? Names must differ by more than "
                f"the suffix. Keep one of them, or choose with suffix={path.suffix}."
            )
        seen[path.stem] = path
    return paths
