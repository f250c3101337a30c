"""The journal of a preparation: a line for every finished scan, so that a kill loses nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pcseg.data import FrameId
from pcseg.data.prepared import FORMAT, JOURNAL, MANIFEST, items_sha256
from pcseg.errors import DataError
from pcseg.files import explained_refusals, read_json, write_json

Rows = dict[FrameId, dict[str, Any]]


def read_rows(folder: Path) -> tuple[dict[str, Any] | None, Rows]:
    """The head and the rows of a folder, from its journal and its manifest.

    A last line that was cut short by a kill is left out, and so is a manifest that cannot be read:
    the scans it listed are made again.

    Returns:
        (what was prepared, or None for a new folder; facts of every finished scan).
    """
    head: dict[str, Any] | None = None
    rows: Rows = {}
    if (folder / MANIFEST).is_file():
        try:
            data = read_json(folder / MANIFEST)
            listed = data.pop("items")
            if data.pop("items_sha256") == items_sha256(listed):
                rows = {FrameId(str(r["sequence"]), str(r["frame"])): r for r in listed}
            head = data
        except (DataError, AttributeError, KeyError, TypeError):
            head, rows = None, {}
    journal = folder / JOURNAL
    if journal.is_file():
        for line in journal.read_text(errors="replace").splitlines():
            try:
                entry = json.loads(line)
                if "format" in entry:
                    head = entry
                else:
                    rows[FrameId(str(entry["sequence"]), str(entry["frame"]))] = entry
            except (json.JSONDecodeError, KeyError, TypeError):
                continue
    return head, rows


class Journal:
    """Appends rows, each on the disk before the next scan is reported.

    Args:
        folder: of the prepared scans.
        head: what is being prepared: the manifest without its items.
    """

    def __init__(self, folder: Path, head: Mapping[str, Any]) -> None:
        self._folder, self._head = folder, dict(head)
        path = folder / JOURNAL
        with explained_refusals(path):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a")
            self._write(self._head)

    def add(self, row: Mapping[str, Any]) -> None:
        """Note a finished scan."""
        self._write(row)

    def finish(self, rows: list[dict[str, Any]]) -> None:
        """Write the manifest of all scans and remove the journal."""
        self.close()
        manifest = {**self._head, "items_sha256": items_sha256(rows), "items": rows}
        write_json(self._folder / MANIFEST, manifest)
        (self._folder / JOURNAL).unlink(missing_ok=True)

    def close(self) -> None:
        """Leave the journal for the next run."""
        self._file.close()

    def _write(self, entry: Mapping[str, Any]) -> None:
        with explained_refusals(self._folder / JOURNAL):
            # A line that a kill cut short must not swallow this one.
            self._file.write("\n" + json.dumps(entry) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())


def head_of(
    dataset: str,
    label_map: str,
    splits: Mapping[str, Mapping[str, list[str]]],
    split: str,
    options: Mapping[str, Any],
    version: str,
    simulated: bool,
) -> dict[str, Any]:
    """The manifest's head, as it will be read back."""
    head = {
        "format": FORMAT,
        "dataset": dataset,
        "label_map": label_map,
        "splits": splits,
        "split": split,
        "options": dict(options),
        "version": version,
        "simulated": simulated,
    }
    return json.loads(json.dumps(head))
