"""`pcseg simulate`: labelled LiDAR sequences, made here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pcseg.cli.console import console, progress


def simulate(
    out: Annotated[Path, typer.Argument(help="Folder for the dataset.")],
    sensor: Annotated[
        str, typer.Option(help="Device or rig of `pcseg ls sensors`.")
    ] = "semantic_kitti",
    sequences: Annotated[str, typer.Option(help="Names, by comma: each a street of its own.")] = (
        "00,01,08"
    ),
    frames: Annotated[int, typer.Option(min=1, help="Scans in each sequence.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of everything.")] = 0,
    frame_step: Annotated[
        float | None, typer.Option(help="Metres between scans; by default one sweep's way.")
    ] = None,
    columns_step: Annotated[
        int, typer.Option(min=1, help="Keep every n-th firing: lighter scans.")
    ] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    overwrite: Annotated[
        bool, typer.Option(help="Replace other simulated data in the folder.")
    ] = False,
) -> None:
    """Simulate streets and a moving LiDAR, written in SemanticKITTI's layout.

    The same arguments give the same bytes. An interrupted call can be repeated: it goes on.

    Example, on one line:

      pcseg simulate data/streets --sensor nuscenes --sequences 00,01,02,08 --frames 30
    """
    from pcseg.sim import simulate as run

    with progress("simulate") as update:
        made = run(
            out,
            sensor=sensor,
            sequences=tuple(name.strip() for name in sequences.split(",") if name.strip()),
            frames=frames,
            seed=seed,
            frame_step=frame_step,
            columns_step=columns_step,
            workers=workers,
            overwrite=overwrite,
            progress=update,
        )
    console.print(
        f"[bold green]done[/]: {made.frames} frames ({made.written} new) in {out}", soft_wrap=True
    )
    console.print(
        f"next: pcseg view {out}   or   pcseg train simulated/demo data.root={out} out=RUN",
        soft_wrap=True,
    )
