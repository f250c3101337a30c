"""The folder of a benchmark: a folder for each unit, and word of those that are done."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pcseg.benchmark.units import Unit
from pcseg.errors import ConfigError
from pcseg.files import read_json, write_json

DONE = "done.json"
"""Written last: a unit's folder with this file is whole."""


class Store:
    """Finds and keeps the results of units.

    Args:
        out: folder of the benchmark.
    """

    def __init__(self, out: Path) -> None:
        self.out = out

    def folder(self, unit_id: str) -> Path:
        """Where a unit keeps its files; simulated data lie apart, to be looked at."""
        home = "data" if unit_id.startswith("simulate-") else "units"
        return self.out / home / unit_id

    def is_done(self, unit: Unit) -> bool:
        """Whether a unit's results are there."""
        return (self.folder(unit.id) / DONE).is_file()

    def record(self, unit_id: str) -> dict[str, Any]:
        """What a finished unit says of itself.

        Raises:
            DataError: if the file is damaged.
        """
        found: dict[str, Any] = read_json(self.folder(unit_id) / DONE)
        return found

    def finish(self, unit: Unit, facts: Mapping[str, Any], made: Mapping[str, Any]) -> None:
        """Note that a unit is done.

        Args:
            unit: that is done.
            facts: what was found; equal whenever the unit is done again.
            made: how: seconds, memory, machine.
        """
        row = {
            "id": unit.id,
            "kind": unit.kind,
            "label": unit.label,
            "spec": unit.spec,
            "needs": list(unit.needs),
            "facts": dict(facts),
            "made": dict(made),
        }
        write_json(self.folder(unit.id) / DONE, row)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runners out of the folder.

        Raises:
            ConfigError: if one is at work there.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        with (self.out / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ConfigError(
                    f"{self.out}: another benchmark is at work in this folder. Wait for it, or "
                    "choose another --out."
                ) from None
            lock.write(f"{os.getpid()}\n")
            yield


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()
