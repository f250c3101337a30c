"""Verifying prepared data: every file against the manifest, the labels, and the source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pcseg.data.catalogue import open_dataset
from pcseg.data.dataset import FrameId
from pcseg.data.labels import LabelSet, label_set
from pcseg.data.prepared import JOURNAL, MANIFEST, Manifest, load_scan, read_manifest, scan_path
from pcseg.data.reader import Reader
from pcseg.data_prep.preparation import file_sha256, source_facts
from pcseg.errors import DataError, LabelError
from pcseg.executor import Report, executor

Progress = Callable[[int, int, str], None]

REMEDY = "Run the same `pcseg prepare` again: it makes what is missing or does not fit."


@dataclass(frozen=True)
class Problem:
    """Something wrong with prepared data.

    Attributes:
        path: of the file.
        what: is wrong, and what helps.
    """

    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


def verify(
    folder: Path,
    root: Path | None = None,
    *,
    workers: int = 1,
    engine: str = "local",
    progress: Progress | None = None,
) -> list[Problem]:
    """Look for damage in a prepared folder.

    Every scan is read whole: its size, its checksum, its number of points, finite coordinates and
    label ids. Files that the manifest does not list are named. With the dataset at hand its scans
    are compared too: new, vanished or changed ones.

    Args:
        folder: of the prepared scans.
        root: of the dataset they were made from, or None.
        workers: processes.
        engine: ``local`` or ``ray``.
        progress: called after every scan.

    Returns:
        All problems; none if the folder is sound.
    """
    if (folder / JOURNAL).is_file():
        return [Problem(folder / JOURNAL, f"the preparation is not finished. {REMEDY}")]
    try:
        manifest = read_manifest(folder)
    except DataError as error:
        return [Problem(folder / MANIFEST, str(error).partition(": ")[2])]
    problems = list(_strangers(folder, manifest))
    frames = list(manifest.items)
    work = partial(_check_one, folder, label_set(manifest.label_map))
    tasks = [(frame, manifest.items[frame]) for frame in frames]
    found: dict[int, list[str]] = {}
    for done, (number, wrong) in enumerate(executor(engine, workers).run(work, tasks), 1):
        found[number] = wrong
        if progress:
            progress(done, len(frames), str(frames[number]))
    for number in sorted(found):
        problems += [Problem(scan_path(folder, frames[number]), what) for what in found[number]]
    if root is not None:
        problems += _against_source(folder, root, manifest)
    return problems


def _strangers(folder: Path, manifest: Manifest) -> Iterator[Problem]:
    known = {scan_path(folder, frame) for frame in manifest.items} | {folder / MANIFEST}
    for path in sorted(folder.rglob("*")):
        if not path.is_dir() and path not in known:
            yield Problem(path, "is not in the manifest. Delete it.")


def _check_one(
    folder: Path, classes: LabelSet, task: tuple[FrameId, dict[str, Any]], report: Report
) -> list[str]:
    frame, row = task
    path = scan_path(folder, frame)
    if not path.is_file():
        return [f"missing. {REMEDY}"]
    size = path.stat().st_size
    if size != row.get("bytes"):
        return [f"{size} bytes, the manifest says {row.get('bytes')}. {REMEDY}"]
    if file_sha256(path) != row.get("sha256"):
        return [f"its checksum is not the manifest's: the file changed. Delete it. {REMEDY}"]
    try:
        scan = load_scan(path)
        if scan.raw_labels is not None:
            classes.encode(scan.raw_labels, path)
    except (DataError, LabelError) as error:
        return [str(error).partition(": ")[2]]
    wrong = []
    if len(scan) != row["points"]:
        wrong.append(f"{len(scan)} points, the manifest says {row['points']}. {REMEDY}")
    if (scan.raw_labels is not None) != row["labelled"]:
        wrong.append(f"labelled or not: the manifest says {row['labelled']}. {REMEDY}")
    if not np.isfinite(scan.xyz).all():
        wrong.append("has points with NaN or infinite coordinates: mend the dataset.")
    return wrong


def _against_source(folder: Path, root: Path, manifest: Manifest) -> Iterator[Problem]:
    try:
        dataset = open_dataset(manifest.dataset, root, manifest.split, **manifest.options)
    except DataError as error:
        yield Problem(root, f"the dataset itself cannot be read: {error}")
        return
    assert isinstance(dataset, Reader)
    there = {frame: i for i, frame in enumerate(dataset.frames)}
    for frame, row in manifest.items.items():
        path = scan_path(folder, frame)
        if frame not in there:
            yield Problem(path, f"frame {frame} is no longer in the dataset {root}. {REMEDY}")
        elif source_facts(dataset, there[frame], root) != row.get("source"):
            yield Problem(path, f"the files of frame {frame} in {root} changed since. {REMEDY}")
    for frame in there:
        if frame not in manifest.items:
            path = scan_path(folder, frame)
            yield Problem(path, f"frame {frame} of {root} was not prepared. {REMEDY}")
