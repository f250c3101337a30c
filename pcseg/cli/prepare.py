"""`pcseg prepare`: a dataset whose own files are slow, stored once as quick ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcseg.cli.console import console, errors, progress

if TYPE_CHECKING:
    from pcseg.data_prep import PrepareJob

MIB = 1 << 20


def prepare(
    dataset: Annotated[str, typer.Argument(help="Name of `pcseg ls datasets`.")],
    root: Annotated[Path, typer.Argument(help="Folder of the dataset.")],
    out: Annotated[Path, typer.Argument(help="Folder for the prepared scans.")],
    options: Annotated[
        list[str] | None, typer.Argument(help="Settings of the reader, key=value.")
    ] = None,
    split: Annotated[str, typer.Option(help="Which scans; train and val can be chosen later.")] = (
        "all"
    ),
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    engine: Annotated[str, typer.Option(help="local, or ray for a cluster.")] = "local",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be read and written, and how big.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Verify what was prepared, against the dataset too.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Make everything anew, also what differs.")
    ] = False,
) -> None:
    """Store every scan of a dataset as one file that loads at the speed of the disk.

    It pays where the dataset's own files are slow: s3dis (text), scannet (meshes and JSON), waymo
    (parquet), nuscenes (tables), a2d2 (a picture for each scan). Interrupted work goes on when the
    same command is given again. Train on the result as on the dataset: data.root=OUT.

    Examples:
      pcseg prepare s3dis Stanford3dDataset_v1.2_Aligned_Version data/s3dis --workers 8

      pcseg prepare s3dis Stanford3dDataset_v1.2_Aligned_Version data/s3dis --check
    """
    from pcseg.config.load import parse_settings
    from pcseg.data_prep import PrepareJob

    settings = tuple(sorted(parse_settings(options or ()).items()))
    job = PrepareJob(dataset, root, out, split, settings)
    if check:
        _check(job, workers, engine)
    elif dry_run:
        _dry_run(job)
    else:
        _prepare(job, workers, engine, overwrite)


def _prepare(job: PrepareJob, workers: int, engine: str, overwrite: bool) -> None:
    from pcseg.data_prep import prepare as run

    with progress("prepare") as update:
        made = run(job, workers=workers, engine=engine, overwrite=overwrite, progress=update)
    console.print(
        f"[bold green]done[/]: {made.scans:,} scans ({made.written:,} new), {made.points:,} points,"
        f" {_size(made.bytes)} in {job.out}; at most {_size(made.peak_bytes)} of memory a process",
        soft_wrap=True,
    )
    console.print(
        f"next: pcseg train CONFIG data.name={job.dataset} data.root={job.out}   or   "
        f"pcseg prepare {job.dataset} {job.root} {job.out} --check",
        soft_wrap=True,
    )


def _dry_run(job: PrepareJob) -> None:
    from pcseg.data_prep import estimate

    found = estimate(job)
    left = found.scans - found.there
    console.print(
        f"would read {_size(found.source_bytes)} of {job.root} and write {left:,} scans, about "
        f"{_size(found.bytes)}, to {job.out} ({found.there:,} of {found.scans:,} are there "
        f"already; {_size(found.free_bytes)} are free)",
        soft_wrap=True,
    )
    if found.bytes > found.free_bytes:
        errors.print("[bold yellow]too little space there[/]", soft_wrap=True)
        raise typer.Exit(1)


def _check(job: PrepareJob, workers: int, engine: str) -> None:
    from pcseg.data_prep import verify

    with progress("check") as update:
        problems = verify(job.out, job.root, workers=workers, engine=engine, progress=update)
    for problem in problems:
        console.print(str(problem), markup=False, soft_wrap=True)
    if problems:
        errors.print(f"[bold red]{len(problems)} problems[/] in {job.out}", soft_wrap=True)
        raise typer.Exit(1)
    console.print(f"[bold green]sound[/]: {job.out}", soft_wrap=True)


def _size(count: int) -> str:
    return f"{count / MIB:,.1f} MiB" if count < 1024 * MIB else f"{count / MIB / 1024:,.1f} GiB"
