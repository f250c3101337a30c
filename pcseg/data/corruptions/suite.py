"""The suite: eight corruptions by three severities, one function for all of them."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.data.corruptions.roles import Roles, roles_of
from pcseg.data.dataset import ScanDataset
from pcseg.data.scan import Scan
from pcseg.errors import ConfigError
from pcseg.hints import did_you_mean

SUITE = "robo3d-like/1"
"""Never called "Robo3D" in a result: that is its published files, which nobody can make again bit
by bit. A change of what comes out is a new version."""

SEVERITIES = ("light", "moderate", "heavy")

Corruption = Callable[[Scan, int, np.random.Generator, Roles], Scan]
"""Of a scan, the severity (0 to 2), the draws, and what its raw ids mean."""

_HERE = "pcseg.data.corruptions"

_FUNCTIONS = {
    "fog": f"{_HERE}.fog:fog",
    "wet_ground": f"{_HERE}.wet_ground:wet_ground",
    "snow": f"{_HERE}.snow:snow",
    "motion_blur": f"{_HERE}.simple:motion_blur",
    "beam_missing": f"{_HERE}.simple:beam_missing",
    "crosstalk": f"{_HERE}.simple:crosstalk",
    "incomplete_echo": f"{_HERE}.simple:incomplete_echo",
    "cross_sensor": f"{_HERE}.simple:cross_sensor",
    "sweep_motion": f"{_HERE}.sweep:sweep_motion",
}

EXTRA = ("sweep_motion",)
"""Not part of Robo3D, nor of mCE and mRR."""

CORRUPTIONS = tuple(name for name in _FUNCTIONS if name not in EXTRA)
"""The eight, in the order of Robo3D's tables."""


def corrupt(scan: Scan, name: str, severity: str, seed: int = 0) -> Scan:
    """Corrupt a scan.

    The draws depend on the dataset, sequence and frame of the scan, the corruption, the severity
    and the seed, and on nothing else: any process makes the same scan. (NumPy may change how it
    turns random bits into distributions from one release to another; it rarely does.)

    Args:
        scan: as its reader made it, in file order and in the sensor's frame. Some corruptions need
            raw labels, as the original does: wet ground and snow to find the ground, incomplete
            echoes to find the objects.
        name: one of `CORRUPTIONS` or `EXTRA`.
        severity: one of `SEVERITIES`.
        seed: for another draw of the same kind.

    Returns:
        The corrupted scan. Points that no longer show what they were labelled as have the label
        `IGNORE`. ``meta["corruption"]`` says what was done.

    Raises:
        ConfigError: for an unknown corruption or severity.
        LabelError: if raw labels are needed and missing, or of a dataset whose classes are not
            known.
    """
    check(name, severity)
    if not len(scan):
        return scan
    module, _, function = _FUNCTIONS[name].partition(":")
    made: Corruption = getattr(importlib.import_module(module), function)
    dataset = str(scan.meta.get("dataset", ""))
    key = [SUITE, dataset, scan_id(scan), name, severity, seed]
    corrupted = made(scan, SEVERITIES.index(severity), draws(key), roles_of(dataset))
    done = {"suite": SUITE, "name": name, "severity": severity, "seed": seed}
    return corrupted.replace(meta={**corrupted.meta, "corruption": done})


def check(name: str, severity: str) -> None:
    """Refuse a corruption or severity that does not exist.

    Raises:
        ConfigError: with a suggestion.
    """
    if name not in _FUNCTIONS:
        raise ConfigError(
            f"there is no corruption '{name}'{did_you_mean(name, _FUNCTIONS)}. "
            f"There are: {', '.join(_FUNCTIONS)}."
        )
    if severity not in SEVERITIES:
        raise ConfigError(
            f"there is no severity '{severity}'{did_you_mean(severity, SEVERITIES)}. "
            f"There are: {', '.join(SEVERITIES)}."
        )


class Corrupted:
    """A dataset whose scans are corrupted as they are read; everything else is the dataset's own.

    Args:
        dataset: whose scans are meant.
        name: one of `CORRUPTIONS` or `EXTRA`.
        severity: one of `SEVERITIES`.
        seed: see `corrupt`.

    Raises:
        ConfigError: for an unknown corruption or severity.
    """

    def __init__(self, dataset: ScanDataset, name: str, severity: str, seed: int = 0) -> None:
        check(name, severity)
        self._dataset, self._how = dataset, (name, severity, seed)

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> Scan:
        """Scan number `index`, corrupted."""
        return corrupt(self._dataset[index], *self._how)

    def __getattr__(self, name: str) -> Any:
        """Everything else, such as frames and classes; counts are those of the clean scans."""
        if name.startswith("__") or name in ("_dataset", "_how"):  # while being unpickled
            raise AttributeError(name)
        return getattr(self._dataset, name)


def draws(key: list[Any]) -> np.random.Generator:
    """A stream of its own for a key of plain values: counter-based, by a hash of the key."""
    digest = hashlib.blake2b(json.dumps(key).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


def scan_id(scan: Scan) -> str:
    """What names a scan wherever its files lie: sequence and frame, else the name of its file."""
    if scan.meta.get("frame") is not None:
        return f"{scan.meta.get('sequence', '')}/{scan.meta['frame']}"
    return Path(str(scan.meta.get("path", ""))).name
