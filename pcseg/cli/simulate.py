"""`pcseg simulate`: labelled drives and rooms, made here."""

from __future__ import annotations

from collections.abc import Mapping
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
    sequences: Annotated[
        str | None,
        typer.Option(help="Names, by comma: each a street of its own; by default 00,01,08."),
    ] = None,
    rooms: Annotated[
        int | None, typer.Option(min=1, help="How many, for scannet and s3dis; by default 6.")
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Scans in each sequence (20), pictures of each room (scannet: 60), or stations "
            "of the scanner in it (s3dis: 3).",
        ),
    ] = None,
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
        int | None, typer.Option(min=1, help="Keep every n-th firing: lighter scans.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    overwrite: Annotated[
        bool, typer.Option(help="Replace other simulated data in the folder.")
    ] = False,
) -> None:
    """Simulate streets and a moving car full of sensors, or rooms and a camera in them.

    All is written in a dataset's own layout. The same arguments give the same bytes. An interrupted
    call can be repeated: it goes on.

    Examples, each on one line:

      pcseg simulate data/streets --sensor nuscenes --sequences 00,01,02,08 --frames 30

      pcseg simulate data/nuscenes --layout nuscenes --image-scale 0.25 --workers 2

      pcseg simulate data/rooms --layout scannet --rooms 7 --image-scale 0.25 --workers 2
    """
    from pcseg.errors import ConfigError
    from pcseg.hints import did_you_mean
    from pcseg.sim.rooms.layouts import ROOM_LAYOUTS
    from pcseg.sim.writers import LAYOUTS

    known = [*LAYOUTS, *ROOM_LAYOUTS]
    if layout not in known:
        raise ConfigError(
            f"there is no layout '{layout}'{did_you_mean(layout, known)}. "
            f"Known: {', '.join(known)}."
        )
    drives = {
        "--sensor": sensor,
        "--sequences": sequences,
        "--frame-step": frame_step,
        "--cameras": cameras,
        "--columns-step": columns_step,
    }
    if layout in ROOM_LAYOUTS:
        _refuse(layout, drives, "rooms are not driven through")
        _rooms(out, layout, rooms, frames, seed, image_scale, workers, overwrite)
        return
    _refuse(layout, {"--rooms": rooms}, "streets have sequences")
    from pcseg.sim import simulate as run

    names = "00,01,08" if sequences is None else sequences
    with progress("simulate") as update:
        made = run(
            out,
            layout=layout,
            sensor=sensor,
            cameras=None if cameras is None else [] if cameras == "none" else cameras.split(","),
            image_scale=image_scale,
            sequences=tuple(name.strip() for name in names.split(",") if name.strip()),
            frames=20 if frames is None else frames,
            seed=seed,
            frame_step=frame_step,
            columns_step=columns_step or 1,
            workers=workers,
            overwrite=overwrite,
            progress=update,
        )
    console.print(
        f"[bold green]done[/]: {made.frames} frames ({made.written} new) in {out}", soft_wrap=True
    )
    _say_what_next(layout, out)


def _rooms(
    out: Path,
    layout: str,
    rooms: int | None,
    frames: int | None,
    seed: int,
    image_scale: float,
    workers: int,
    overwrite: bool,
) -> None:
    from pcseg.sim import simulate_rooms

    with progress("simulate") as update:
        made = simulate_rooms(
            out,
            layout=layout,
            rooms=6 if rooms is None else rooms,
            frames=frames,
            seed=seed,
            image_scale=image_scale,
            workers=workers,
            overwrite=overwrite,
            progress=update,
        )
    console.print(
        f"[bold green]done[/]: {made.frames} rooms ({made.written} new) in {out}", soft_wrap=True
    )
    _say_what_next(layout, out)


def _say_what_next(layout: str, out: Path) -> None:
    look, then = f"pcseg view {out}", f"pcseg train simulated/demo data.root={out} out=RUN"
    if layout != "semantickitti":
        look, then = f"{look} --dataset {layout}", f"pcseg check {layout} {out} --cameras all"
    console.print(f"next: {look}   or   {then}", soft_wrap=True)


def _refuse(layout: str, given: Mapping[str, object], why: str) -> None:
    """Refuse options that mean nothing for a layout."""
    from pcseg.errors import ConfigError

    wrong = [name for name, value in given.items() if value is not None]
    if wrong:
        raise ConfigError(
            f"{', '.join(wrong)}: not for the layout '{layout}': {why}. Leave it out."
        )
