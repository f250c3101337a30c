"""`pcseg simulate`: labelled LiDAR sequences, made here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pcseg.cli.console import console, progress


def simulate(
    out: Annotated[Path, typer.Argument(help="Folder for the dataset.")],
    layout: Annotated[
        str, typer.Option(help="Whose files to write: one of `pcseg ls layouts`.")
    ] = "semantickitti",
    sensor: Annotated[
        str | None,
        typer.Option(help="Device or rig of `pcseg ls sensors` in place of the layout's own."),
    ] = None,
    sequences: Annotated[str, typer.Option(help="Names, by comma: each a street of its own.")] = (
        "00,01,08"
    ),
    frames: Annotated[int, typer.Option(min=1, help="Scans in each sequence.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of everything.")] = 0,
    frame_step: Annotated[
        float | None, typer.Option(help="Metres between scans; by default one sweep's way.")
    ] = None,
    cameras: Annotated[
        str | None,
        typer.Option(help="Which take pictures: all, none, or names by comma."),
    ] = None,
    image_scale: Annotated[
        float, typer.Option(help="Size of the pictures; 1 is the dataset's own.")
    ] = 1.0,
    columns_step: Annotated[
        int, typer.Option(min=1, help="Keep every n-th firing: lighter scans.")
    ] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    overwrite: Annotated[
        bool, typer.Option(help="Replace other simulated data in the folder.")
    ] = False,
) -> None:
    """Simulate streets and a moving car full of sensors, written in a dataset's own layout.

    The same arguments give the same bytes. An interrupted call can be repeated: it goes on.

    Example, on one line:

      pcseg simulate data/streets --sensor nuscenes --sequences 00,01,02,08 --frames 30

      pcseg simulate data/nuscenes --layout nuscenes --image-scale 0.25 --workers 2
    """
    from pcseg.sim import simulate as run

    with progress("simulate") as update:
        made = run(
            out,
            layout=layout,
            sensor=sensor,
            cameras=None if cameras is None else [] if cameras == "none" else cameras.split(","),
            image_scale=image_scale,
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
