"""`pcseg check`: a configuration validated in a second, or a whole dataset read and judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pcseg.cli.console import console, errors, progress, split_settings

if TYPE_CHECKING:
    from pcseg.data_prep import Finding, Survey, SurveyJob


def check(
    what: Annotated[
        str, typer.Argument(help="A dataset of `pcseg ls datasets`, or a configuration.")
    ],
    words: Annotated[
        list[str] | None,
        typer.Argument(help="The folder of the dataset; settings, key=value."),
    ] = None,
    split: Annotated[str, typer.Option(help="Of a dataset: which scans.")] = "all",
    label_set: Annotated[str | None, typer.Option(help="Of a dataset: the class table.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Of a dataset: each n-th scan only.")] = 1,
    cameras: Annotated[
        str, typer.Option(help="Of a dataset: pictures to compare, all, none or names by comma.")
    ] = "none",
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    json: Annotated[Path | None, typer.Option(help="Write the findings to a file too.")] = None,
) -> None:
    """Judge a dataset before you train on it, or validate a configuration without any data.

    A dataset is read once, whole: damaged files, missing ones, labels outside the map, NaN,
    duplicates, poses that jump or do not fit, pictures that do not show the points. The exit status
    is 0 if it is sound; warnings do not count.

    Examples:
      pcseg check semantickitti data/kitti --workers 4

      pcseg check pandaset data/pandaset --cameras all

      pcseg check semantickitti/minkunet train.epochs=5
    """
    plain, settings = split_settings(words or [])
    if not plain:
        _check_config(what, settings)
        return
    from pcseg.config.load import parse_settings
    from pcseg.data_prep import SurveyJob
    from pcseg.data_prep.survey import options_of
    from pcseg.errors import ConfigError

    if len(plain) > 1:
        raise ConfigError(f"one dataset at a time: what is '{plain[1]}'?")
    options = list(parse_settings(settings).items())
    if cameras != "none":
        options.append(("cameras", tuple(cameras.split(","))))
    job = SurveyJob(what, Path(plain[0]), split, label_set, options_of(options), every)
    _check_dataset(job, workers, json)


def _check_dataset(job: SurveyJob, workers: int, json: Path | None) -> None:
    from dataclasses import asdict

    from pcseg.data_prep import check, survey
    from pcseg.files import write_json

    with progress("check") as update:
        found = survey(job, workers=workers, progress=update)
    findings = check(found)
    _print(found, findings)
    if json is not None:
        facts = {"dataset": job.dataset, "root": str(job.root), "scans": len(found.scans)}
        write_json(json, {**facts, "findings": [asdict(finding) for finding in findings]})
    damage = sum(finding.level == "error" for finding in findings)
    if damage:
        errors.print(f"[bold red]{damage} errors[/] in {job.root}", soft_wrap=True)
        raise typer.Exit(1)
    console.print(f"[bold green]sound[/]: {job.root}", soft_wrap=True)


def _print(found: Survey, findings: list[Finding]) -> None:
    from rich.table import Table

    from pcseg.data_prep.checks import LEVELS

    counts = found.by_range
    total = max(1, int(counts.sum()))
    title = f"{found.job.dataset}: {len(found.scans)} scans" + (
        " (simulated)" if found.simulated else ""
    )
    table = Table(title=title, title_justify="left")
    for column in ("class", "points", "share", "scans with it", "instances"):
        table.add_column(column, justify="left" if column == "class" else "right")
    instances = {(f.frame.sequence, *pair) for f in found.scans for pair in f.instances}
    for number, name in enumerate([*found.classes.names, "(ignored)"]):
        points = int(counts[number].sum())
        with_it = sum(bool(facts.by_range[number].any()) for facts in found.scans)
        things = sum(label == number for _, label, _ in instances)
        table.add_row(
            name,
            f"{points:,}",
            f"{points / total:.2%}",
            str(with_it),
            f"{things:,}" if things else "",
        )
    console.print(table)
    color = dict(zip(LEVELS, ("red", "yellow", "blue"), strict=True))
    for finding in findings:
        console.print(f"[{color[finding.level]}]{finding.level}[/]", end=" ")
        console.print(f"{finding.where}: {finding.what}", markup=False, soft_wrap=True)


def _check_config(name: str, settings: list[str]) -> None:
    from pcseg.config import load_config
    from pcseg.data import label_set
    from pcseg.data.catalogue import DATASETS, default_label_set
    from pcseg.errors import ConfigError
    from pcseg.methods import build_method

    if name in DATASETS:
        raise ConfigError(f"'{name}' is a dataset: name its folder too, pcseg check {name} DIR.")
    loaded = load_config(name, settings)
    data = loaded.data
    table = data.label_set or data.label_map or default_label_set(data.name)
    if table is None:
        console.print(
            f"[bold green]sound[/]: {loaded.model.name} on {data.name}; "
            "its classes will come from data.label_map"
        )
        return
    classes = label_set(table)
    method = build_method(loaded, classes)
    count = sum(p.numel() for p in method.parameters())
    console.print(
        f"[bold green]sound[/]: {loaded.model.name} on {data.name}, "
        f"{classes.num_classes} classes of {classes.dataset}/{classes.name}, "
        f"{count / 1e6:.2f} M parameters",
        soft_wrap=True,
    )
