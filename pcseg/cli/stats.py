"""`pcseg stats`: how much data, how diverse, and how datasets differ."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcseg.cli.console import console, progress, split_settings

if TYPE_CHECKING:
    from rich.table import Table

    from pcseg.data_prep.statistics import Statistics


def stats(
    words: Annotated[
        list[str],
        typer.Argument(
            help="Pairs of dataset and folder: semantickitti DIR pandaset DIR …; settings of the "
            "readers, key=value.",
            show_default=False,
        ),
    ],
    split: Annotated[str, typer.Option(help="Which scans.")] = "all",
    label_set: Annotated[
        str | None,
        typer.Option(help="Name of a class table that all the datasets have, such as dg_l2."),
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Each n-th scan only.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    json: Annotated[Path | None, typer.Option(help="Write all figures to a file too.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Draw pictures into a folder.")] = None,
    form: Annotated[str, typer.Option(help="Of the pictures: png or svg.")] = "png",
) -> None:
    """Count points, instances, places and distances of datasets, and compare them.

    Size is not diversity: neighbouring scans are near-duplicates and rare classes sit in few
    places. So frames are counted again after thinning by distance, and the classes of scans are
    compared within and between sequences.

    Examples:
      pcseg stats semantickitti data/kitti --workers 4

      pcseg stats semantickitti data/kitti nuscenes data/nuscenes --label-set dg_l2 --plots out
    """
    from pcseg.config.load import parse_settings
    from pcseg.data.catalogue import default_label_set
    from pcseg.data_prep import SurveyJob, survey
    from pcseg.data_prep.statistics import compare, statistics
    from pcseg.data_prep.survey import options_of
    from pcseg.errors import ConfigError
    from pcseg.files import write_json

    plain, settings = split_settings(words)
    if not plain or len(plain) % 2:
        raise ConfigError("name datasets with their folders: pcseg stats semantickitti DIR.")
    if form not in ("png", "svg"):
        raise ConfigError(f"--form {form} is not possible: use png or svg.")
    options = options_of(list(parse_settings(settings).items()))
    found: list[Statistics] = []
    for name, root in zip(plain[::2], plain[1::2], strict=True):
        table, label_map = label_set, default_label_set(name)
        if table is not None and "/" not in table and label_map is not None:
            table = f"{label_map}/{table}"
        job = SurveyJob(name, Path(root), split, table, options, every)
        with progress(name) as update:
            found.append(statistics(survey(job, workers=workers, progress=update)))
    for one in found:
        console.print(_totals(one))
        console.print(_classes(one))
    comparisons = [compare(a, b) for i, b in enumerate(found) for a in found[:i]]
    for pair in comparisons:
        classes = "no shared class" if pair.classes is None else f"{pair.classes:.3f} bits"
        console.print(
            f"{pair.first} against {pair.second}: divergence of the {len(pair.shared)} shared "
            f"classes {classes}, of the distances {pair.ranges:.3f} bits",
            soft_wrap=True,
        )
    if json is not None:
        from dataclasses import asdict

        write_json(
            json,
            {
                "datasets": [one.to_dict() for one in found],
                "comparisons": [asdict(pair) for pair in comparisons],
            },
        )
    if plots is not None:
        from pcseg.data_prep.plots import plot_statistics

        for path in plot_statistics(plots, found, form):
            console.print(f"drawn: {path}", soft_wrap=True)


def _totals(s: Statistics) -> Table:
    from rich.table import Table

    table = Table(title=f"{s.title}, classes of {s.label_set}", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    low, middle, high = s.points_per_scan
    table.add_row("scans", f"{s.scans:,} ({s.labelled_scans:,} labelled)")
    table.add_row("sequences", f"{s.sequences:,}")
    table.add_row("points", f"{s.points:,}")
    table.add_row("points per scan", f"{low:,} … {middle:,.0f} … {high:,}")
    if s.travelled_m is not None:
        table.add_row("way of the sensor", f"{s.travelled_m:,.0f} m")
    for distance, count in (s.different_frames or {}).items():
        table.add_row(f"frames at least {distance} apart", f"{count:,}")
    table.add_row("effective number of classes", f"{s.effective_classes:.1f}")
    for name, value in (
        ("neighbouring scans", s.divergence_next),
        ("scans of one sequence", s.divergence_within),
        ("scans of two sequences", s.divergence_between),
    ):
        if value is not None:
            table.add_row(f"class divergence of {name}", f"{value:.3f} bits")
    return table


def _classes(s: Statistics) -> Table:
    from rich.table import Table

    table = Table()
    table.add_column("class")
    for column in ("points", "share", "scans", "instances", "places"):
        table.add_column(column, justify="right")
    edges = [f"{edge:g}" for edge in s.range_edges_m]
    table.add_column("by distance")
    table.caption = f"bins of the distance begin at {' '.join(edges)} m"
    for c in s.classes:
        counts = ["" if n is None else f"{n:,}" for n in (c.instances, c.places)]
        bars = _bars(c.ranges)
        table.add_row(c.name, f"{c.points:,}", f"{c.share:.3%}", f"{c.scans:,}", *counts, bars)
    return table


def _bars(shares: tuple[float, ...]) -> str:
    """A row of blocks, each as high as its share against the largest."""
    blocks = " ▁▂▃▄▅▆▇█"
    top = max(shares, default=0.0)
    return "".join(blocks[round(8 * share / top)] for share in shares) if top else ""
