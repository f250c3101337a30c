"""Prepare a dataset: each scan read once by its own reader and stored as one quick file."""

from __future__ import annotations

import hashlib
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from pcseg._version import __version__
from pcseg.data.catalogue import open_dataset
from pcseg.data.dataset import FileDataset
from pcseg.data.prepared import MANIFEST, save_scan, scan_path
from pcseg.data.reader import Reader
from pcseg.data_prep.journal import Journal, Rows, head_of, read_rows
from pcseg.errors import ConfigError
from pcseg.executor import Report, executor
from pcseg.files import remove_leftovers

Progress = Callable[[int, int, str], None]
"""Called with scans done, scans in all, and the scan."""


@dataclass(frozen=True)
class PrepareJob:
    """What is prepared; the same in every process.

    Attributes:
        dataset: name in the catalogue.
        root: its folder.
        out: where the prepared scans go.
        split: of the dataset.
        options: of the reader, as (key, value).
    """

    dataset: str
    root: Path
    out: Path
    split: str = "all"
    options: tuple[tuple[str, Any], ...] = ()

    def open(self) -> Reader:
        """The dataset; opened once in each process.

        Raises:
            ConfigError: for a dataset whose scans need no preparation.
        """
        return _opened(self)


@dataclass(frozen=True)
class Preparation:
    """What a run did.

    Attributes:
        scans: in the folder now.
        written: by this run; the others were there.
        points: of all scans.
        bytes: of all files.
        peak_bytes: of memory that the hungriest process used.
    """

    scans: int
    written: int
    points: int
    bytes: int
    peak_bytes: int


@dataclass(frozen=True)
class Estimate:
    """What a run would do.

    Attributes:
        scans: in all.
        there: of them already prepared.
        source_bytes: of the files that would be read.
        bytes: that would be written, judged by a few scans.
        free_bytes: on the disk.
    """

    scans: int
    there: int
    source_bytes: int
    bytes: int
    free_bytes: int


def prepare(
    job: PrepareJob,
    *,
    workers: int = 1,
    engine: str = "local",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Preparation:
    """Prepare what is not prepared yet.

    The result is the same, byte by byte, whatever the number of workers and however often it was
    interrupted. A scan whose source files have other names or sizes than before is made again.

    Args:
        job: what.
        workers: processes.
        engine: ``local`` or ``ray``.
        overwrite: make everything anew, also what was prepared in another way.
        progress: called after every scan.

    Raises:
        ConfigError: if the folder was prepared in another way, or holds something else.
        DataError: of the first scan that cannot be read; all finished ones are kept.
    """
    crew = executor(engine, workers)
    dataset = job.open()
    head = _head(job, dataset)
    rows = _claim(job, head, overwrite)
    left = [i for i, frame in enumerate(dataset.frames) if not _is_done(job, dataset, i, rows)]
    total, done = len(dataset), len(dataset) - len(left)
    if progress:
        progress(done, total, f"{done} were there already" if done else "")
    peak = _peak_bytes()
    journal = Journal(job.out, head)
    try:
        for number, (row, used) in crew.run(partial(_prepare_one, job), left):
            rows[dataset.frames[left[number]]] = row
            journal.add(row)
            done, peak = done + 1, max(peak, used)
            if progress:
                progress(done, total, f"{dataset.frames[left[number]]}: {row['points']} points")
        journal.finish([rows[frame] for frame in dataset.frames])
    finally:
        journal.close()
    listed = [rows[frame] for frame in dataset.frames]
    return Preparation(
        scans=total,
        written=len(left),
        points=sum(row["points"] for row in listed),
        bytes=sum(row["bytes"] for row in listed),
        peak_bytes=peak,
    )


def estimate(job: PrepareJob, samples: int = 3) -> Estimate:
    """Say what `prepare` would read and write, without writing; a few scans are tried."""
    dataset = job.open()
    _, rows = read_rows(job.out)
    left = [i for i in range(len(dataset)) if not _is_done(job, dataset, i, rows)]
    files = {path for i in left for path in dataset.source_files(i)}
    tried = left[:: max(1, len(left) // samples)][:samples]
    sizes = []
    with tempfile.TemporaryDirectory() as folder:
        for i in tried:
            path = Path(folder) / f"{i}.npz"
            save_scan(path, dataset[i])
            sizes.append(path.stat().st_size)
    place = next(path for path in (job.out, *job.out.absolute().parents) if path.exists())
    return Estimate(
        scans=len(dataset),
        there=len(dataset) - len(left),
        source_bytes=sum(path.stat().st_size for path in files if path.is_file()),
        bytes=round(sum(sizes) / max(1, len(sizes)) * len(left)),
        free_bytes=shutil.disk_usage(place).free,
    )


def source_facts(dataset: FileDataset, index: int, root: Path) -> dict[str, Any]:
    """Names and sizes of the files a scan is made of: bytes in all, and a digest of the listing."""
    digest, total = hashlib.sha256(), 0
    for path in dataset.source_files(index):
        if not path.is_file():
            digest.update(f"{path.name} missing\n".encode())
            continue
        size = path.stat().st_size
        name = path.relative_to(root) if path.is_relative_to(root) else path.name
        digest.update(f"{name} {size}\n".encode())
        total += size
    return {"bytes": total, "sha256": digest.hexdigest()}


def file_sha256(path: Path) -> str:
    """Of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _opened(job: PrepareJob) -> Reader:
    dataset = open_dataset(job.dataset, job.root, job.split, **dict(job.options))
    if not isinstance(dataset, Reader) or (job.root / MANIFEST).is_file():
        raise ConfigError(
            f"{job.root}: scans of '{job.dataset}' need no preparation there. "
            "Train on the folder as it is."
        )
    return dataset


def _prepare_one(job: PrepareJob, index: int, report: Report) -> tuple[dict[str, Any], int]:
    """Write one scan; its row, and the most memory this process has used."""
    dataset = job.open()
    frame = dataset.frames[index]
    scan, path = dataset[index], scan_path(job.out, frame)
    save_scan(path, scan)
    row = {
        "sequence": frame.sequence,
        "frame": frame.frame,
        "points": len(scan),
        "labelled": scan.raw_labels is not None,
        "bytes": path.stat().st_size,
        "sha256": file_sha256(path),
        "source": source_facts(dataset, index, job.root),
    }
    return row, _peak_bytes()


def _head(job: PrepareJob, dataset: Reader) -> dict[str, Any]:
    return head_of(
        job.dataset,
        dataset.raw_map,
        dataset.split_table(),
        job.split,
        dict(job.options),
        __version__,
        dataset.simulated,
    )


def _claim(job: PrepareJob, head: Mapping[str, Any], overwrite: bool) -> Rows:
    """What may be kept of the folder.

    Raises:
        ConfigError: if it may not be touched.
    """
    if job.out.exists() and not job.out.is_dir():
        raise ConfigError(f"{job.out}: is a file, not a folder. Choose another place.")
    if job.out.resolve() == job.root.resolve():
        raise ConfigError(f"{job.out}: is the dataset itself. Choose another place.")
    before, rows = read_rows(job.out)
    if before is None and job.out.is_dir() and not overwrite:
        others = [p.name for p in job.out.iterdir() if p.name not in (MANIFEST, "lost+found")]
        if others and not (job.out / MANIFEST).is_file():
            raise ConfigError(
                f"{job.out}: is not empty ({others[0]}) and was not prepared by pcseg. "
                "Choose an empty folder."
            )
    if before is not None and before != head and not overwrite:
        differing = [key for key in head if before.get(key) != head[key]]
        listed = ", ".join(f"{k}: there {before.get(k)}, asked {head[k]}" for k in differing)
        raise ConfigError(
            f"{job.out}: was prepared differently ({listed}). "
            "Choose another folder, or make it anew with --overwrite."
        )
    for folder in {job.out, *(scan_path(job.out, frame).parent for frame in rows)}:
        remove_leftovers(folder, "*.npz")
    return {} if overwrite else rows


def _is_done(job: PrepareJob, dataset: Reader, index: int, rows: Rows) -> bool:
    frame = dataset.frames[index]
    row, path = rows.get(frame), scan_path(job.out, frame)
    if row is None or not path.is_file() or path.stat().st_size != row.get("bytes"):
        return False
    return row.get("source") == source_facts(dataset, index, job.root)


def _peak_bytes() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024
