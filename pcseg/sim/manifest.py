"""The manifest of simulated data: what fixed their bytes, and which of the files are theirs."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pcseg._version import __version__
from pcseg.data.reader import SIMULATION
from pcseg.errors import ConfigError, DataError
from pcseg.files import explained_refusals, read_json, remove_leftovers, write_json
from pcseg.sim.rooms.layouts import ROOM_LAYOUTS, room_layout_class
from pcseg.sim.writers import layout_class

_HOMES = re.compile(r"sequences|scans|Area_\d")
"""Folders in which each sequence, or room, has a folder of its own."""


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
        theirs = {"version": known.get("version"), **known.get("recipe", {})}
        differing = [key for key in ours if theirs.get(key) != ours[key]]
        if differing and not overwrite:
            listed = ", ".join(f"{k}: there {theirs.get(k)}, asked {ours[k]}" for k in differing)
            raise ConfigError(
                f"{path}: this folder was simulated differently ({listed}). "
                "Choose another folder, or say that it may be overwritten."
            )
        if differing:
            _delete_simulated(root, theirs.get("layout", recipe["layout"]), known)
            known = {}
    else:
        for entry in _entries(recipe["layout"]):
            if (root / entry).exists():
                raise ConfigError(
                    f"{root}: has '{entry}' but no {SIMULATION}, so it may be genuine data. "
                    "Simulate into another folder."
                )
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
    if layout in ROOM_LAYOUTS:
        return room_layout_class(layout).entries
    return layout_class(layout).entries


def _delete_simulated(root: Path, layout: str, known: Mapping[str, Any]) -> None:
    """Delete what the manifest vouches for, if there is nothing else among it."""
    folders = [root / entry for entry in _entries(layout)]
    foreign = [path for path in folders if path.is_symlink()]
    listed = {root / name for name in known.get("sequences", [])}
    for folder in folders:
        if _HOMES.fullmatch(folder.name) and folder.is_dir():
            listed |= {folder / name for name in known.get("sequences", [])}
            foreign += [p for p in folder.iterdir() if p.is_symlink() or p not in listed]
    if foreign:
        raise ConfigError(
            f"{min(foreign)}: was not simulated here, so it is not overwritten. "
            "Move it away, or simulate into another folder."
        )
    for path in folders:
        with explained_refusals(path, "delete old data"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    known = read_json(path)
    if not isinstance(known, dict) or known.get("label") != "simulated":
        raise DataError(f"{path}: is not a manifest of a simulation. Choose another folder.")
    return known
