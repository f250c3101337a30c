"""The manifest of simulated data: what fixed their bytes, and which of the files are theirs."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pcseg._version import __version__
from pcseg.data.reader import SIMULATION
from pcseg.errors import ConfigError, DataError
from pcseg.files import explained_refusals, read_json, remove_leftovers, write_json
from pcseg.sim.rooms.layouts import ROOM_LAYOUTS, RoomWriter, room_layout_class
from pcseg.sim.writers import Writer, layout_class


def claim_folder(
    root: Path,
    recipe: Mapping[str, Any],
    facts: Mapping[str, Any],
    sequences: Sequence[str],
    overwrite: bool,
) -> None:
    """Make sure that all that is in the folder has the same recipe, and leave the manifest there.

    Sequences of another recipe are deleted before the new manifest is written, so that the manifest
    tells the truth whenever the work is interrupted.

    Args:
        root: of the data set.
        recipe: all that fixes the bytes; ``layout`` is part of it.
        facts: whatever else the manifest should say.
        sequences: names of those that are about to be made.
        overwrite: delete simulated data of another recipe.

    Raises:
        ConfigError: if the folder holds data of another recipe that may not be overwritten, or
            data that was not simulated.
        PcsegError: if the disk refuses.
    """
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{root}: is a file, not a folder. Choose another place for the data.")
    path = root / SIMULATION
    known: dict[str, Any] = {}
    if path.exists():
        known = _read(path)
        ours = json.loads(json.dumps({"version": __version__, **recipe}))
        theirs = {"version": known.get("version"), **known["recipe"]}
        differing = [key for key in ours if theirs.get(key) != ours[key]]
        if differing and not overwrite:
            listed = ", ".join(f"{k}: there {theirs.get(k)}, asked {ours[k]}" for k in differing)
            raise ConfigError(
                f"{path}: this folder was simulated differently ({listed}). "
                "Choose another folder, or say that it may be overwritten."
            )
        if differing:
            _refuse_genuine(root, set(_entries(recipe["layout"])) - {*_entries(theirs["layout"])})
            _delete_simulated(root, theirs["layout"], known)
            known = {}
    else:
        _refuse_genuine(root, _entries(recipe["layout"]))
    manifest = {
        "label": "simulated",
        "program": "pcseg",
        "version": __version__,
        "recipe": dict(recipe),
        **facts,
        "sequences": sorted({*known.get("sequences", []), *sequences}),
    }
    write_json(path, manifest)
    remove_leftovers(root, SIMULATION)


def _entries(layout: str) -> tuple[str, ...]:
    """Files and folders at the root that belong to a layout."""
    return _writer(layout).entries


def _writer(layout: str) -> type[Writer] | type[RoomWriter]:
    return room_layout_class(layout) if layout in ROOM_LAYOUTS else layout_class(layout)


def _refuse_genuine(root: Path, entries: Iterable[str]) -> None:
    for entry in sorted(entries):
        if (root / entry).exists():
            raise ConfigError(
                f"{root}: has '{entry}' but no {SIMULATION} that lists it, so it may be genuine "
                "data. Simulate into another folder."
            )


def _delete_simulated(root: Path, layout: str, known: Mapping[str, Any]) -> None:
    """Delete what the manifest vouches for, if there is nothing else among it."""
    entries = [root / entry for entry in _entries(layout)]
    own, names = re.compile(_writer(layout).own, re.DOTALL), known.get("sequences", [])
    for path in _all_within(entries):
        match = own.fullmatch(path.relative_to(root).as_posix())
        if path.is_symlink() or not match or match["sequence"] not in (None, *names):
            raise ConfigError(
                f"{path}: was not simulated here, so it is not overwritten. "
                "Move it away, or simulate into another folder."
            )
    for path in entries:
        with explained_refusals(path, "delete old data"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _all_within(entries: Sequence[Path]) -> Iterator[Path]:
    """Every file, and every link, whatever it leads to."""
    for entry in entries:
        if entry.is_symlink() or entry.is_file():
            yield entry
        elif entry.is_dir():
            yield from _all_within(sorted(entry.iterdir()))


def _read(path: Path) -> dict[str, Any]:
    known = read_json(path)
    if not isinstance(known, dict) or known.get("label") != "simulated":
        raise DataError(f"{path}: is not a manifest of a simulation. Choose another folder.")
    recipe, names = known.get("recipe"), known.get("sequences")
    sound = isinstance(recipe, dict) and isinstance(recipe.get("layout"), str)
    if not sound or not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise DataError(
            f"{path}: 'recipe' or 'sequences' of the manifest is damaged, so nobody knows what "
            "lies there. Simulate into another folder."
        )
    return known
