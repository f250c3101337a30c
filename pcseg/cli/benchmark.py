"""`pcseg benchmark`: plans of trainings and targets, done, scored and reported."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pcseg.cli.console import console, errors

if TYPE_CHECKING:
    from pcseg.benchmark.expand import Work
    from pcseg.benchmark.plan import Plan
    from pcseg.benchmark.run import Progress
    from pcseg.benchmark.store import Store
    from pcseg.executor import Executor

benchmark = typer.Typer(
    help="Compare methods: on other sensors and cities, on corrupted scans, on less data.",
    no_args_is_help=True,
)

PlanName = Annotated[
    str | None, typer.Argument(help="A YAML file, or a name of `pcseg benchmark dg --list`.")
]
Changes = Annotated[
    list[str] | None, typer.Argument(help="Changed settings of the plan: tier=full seeds=[1,2,3]")
]
Out = Annotated[Path | None, typer.Option(help="Folder for all results; by default runs/<plan>.")]
Workers = Annotated[int, typer.Option(min=1, help="Units of work at a time.")]
AutoWorkers = Annotated[
    int | None,
    typer.Option(min=1, help="Units of work at a time; by default one a GPU, else one a core."),
]
Engine = Annotated[str, typer.Option(help="Who works: local, ray or slurm.")]
Gpus = Annotated[
    str | None, typer.Option(help="Ids of GPUs to deal to the workers, by comma: 0,1.")
]
Threads = Annotated[
    int | None, typer.Option(min=1, help="CPU threads of a worker; by default its share.")
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
SlurmSettings = Annotated[
    list[str] | None,
    typer.Option("--slurm", help="What Slurm is asked for: --slurm slurm_partition=gpu …"),
]
Listed = Annotated[bool, typer.Option("--list", help="List the plans that come with pcseg.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only show the units of work and what they will cost.")
]


@benchmark.command("dg")
def dg(
    plan: PlanName = None,
    changes: Changes = None,
    out: Out = None,
    workers: AutoWorkers = None,
    engine: Engine = "local",
    gpus: Gpus = None,
    device: Device = "auto",
    slurm: SlurmSettings = None,
    list_plans: Listed = False,
    dry_run: DryRun = False,
) -> None:
    """Train each method on each source, score it on each target under each view, and report.

    Checkpoints are chosen on scans of the source and sealed before labels of a target are read. The
    same command goes on where it stopped; what is done is never done again.

    Examples, each on its own line:

      pcseg benchmark dg dg/sim_quick --out runs/sim_quick --workers 2

      pcseg benchmark dg my_plan.yaml tier=full --engine slurm --slurm slurm_partition=gpu
    """
    if list_plans or plan is None:
        _list_plans()
        return
    _run("dg", plan, changes, out, workers, engine, gpus, device, slurm, dry_run)


@benchmark.command("hunger")
def hunger(
    plan: PlanName = None,
    changes: Changes = None,
    out: Out = None,
    workers: AutoWorkers = None,
    engine: Engine = "local",
    gpus: Gpus = None,
    device: Device = "auto",
    slurm: SlurmSettings = None,
    list_plans: Listed = False,
    dry_run: DryRun = False,
) -> None:
    """Accuracy against the amount and the diversity of training data.

    Examples, each on its own line:

      pcseg benchmark hunger dg/sim_hunger --out runs/hunger --workers 2
    """
    if list_plans or plan is None:
        _list_plans()
        return
    _run("hunger", plan, changes, out, workers, engine, gpus, device, slurm, dry_run)


@benchmark.command("corruptions")
def corruptions(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or a checkpoint file.")],
    settings: Annotated[
        list[str] | None,
        typer.Argument(help="Changed settings of the run: data.root=DIR data.split=08:0-99"),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="robustness.json of another run, or 'published' with --official; else no mCE."
        ),
    ] = None,
    official: Annotated[
        Path | None, typer.Option(help="Robo3D's files: <corruption>/<severity>/velodyne.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results; by default RUN/corruptions.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the corruptions.")] = 0,
    workers: Workers = 1,
    engine: Engine = "local",
    gpus: Gpus = None,
    threads: Threads = None,
    device: Device = "auto",
    slurm: SlurmSettings = None,
) -> None:
    """Score a run on eight corruptions at three severities: mRR, and mCE against a baseline.

    The corruptions are made from the clean split (`robo3d-like/1`); with --official those that
    Robo3D published are read. An interrupted call can be repeated: it goes on.

    Examples, each on its own line:

      pcseg benchmark corruptions runs/mine --baseline runs/minkunet/corruptions/robustness.json

      pcseg benchmark corruptions runs/mine --official /data/SemanticKITTI-C --baseline published
    """
    from pcseg.benchmark.corruptions import Suite, score_corruptions, summary
    from pcseg.benchmark.report.robustness import headline, write_robustness
    from pcseg.cli.console import progress
    from pcseg.methods.load import checkpoint_path

    folder = out or checkpoint_path(run).parent / "corruptions"
    split = _split_of(run, settings or [])
    suite = Suite(run, tuple(settings or ()), split, folder, official, seed, device)
    share = threads or _share(workers)
    with progress("scores") as update:
        crew = _crew(engine, workers, share, gpus, slurm, folder)
        found = score_corruptions(suite, crew, baseline, update)
    told = summary(suite, found)
    console.print(headline(told), soft_wrap=True)
    for path in (folder / "robustness.json", *write_robustness(told, folder)):
        console.print(f"wrote {path}", style="dim", soft_wrap=True)


def _split_of(run: Path, settings: list[str]) -> str:
    """The validation scans of the run unless data.split says otherwise."""
    from pcseg.config.load import build_config
    from pcseg.methods.load import checkpoint_path
    from pcseg.train.checkpoint import load_checkpoint

    data = build_config(load_checkpoint(checkpoint_path(run)).config, settings).data
    asked = any(text.startswith("data.split=") for text in settings)
    return data.split if asked or data.val_split is None else data.val_split


def _run(
    kind: str,
    name: str,
    changes: list[str] | None,
    out: Path | None,
    workers: int | None,
    engine: str,
    gpus: str | None,
    device: str,
    slurm: list[str] | None,
    dry_run: bool,
) -> None:
    from pcseg.benchmark import Context, Store, expand, load_plan, run_benchmark
    from pcseg.errors import ConfigError

    plan = load_plan(name, changes or ())
    if plan.kind != kind:
        raise ConfigError(f"{name}: is a plan of the kind '{plan.kind}': run it by "
                          f"`pcseg benchmark {plan.kind}`.")  # fmt: skip
    folder = out or Path("runs") / Path(name).stem
    count = workers or _workers(gpus, device, plan.threads)
    if dry_run:
        _show_units(expand(plan), Store(folder), count)
        return
    crew = _crew(engine, count, plan.threads, gpus, slurm, folder)
    with _bars() as told:
        work = run_benchmark(plan, Context(folder.absolute(), device), crew, told)
    _report(plan, work, folder)


def _report(plan: Plan, work: Work, out: Path) -> None:
    from pcseg.benchmark.report import write_report
    from pcseg.cli.pictures import picture

    found = write_report(plan, work, out, picture)
    for line in found.summary:
        console.print(line, soft_wrap=True)
    for path in found.files:
        console.print(f"wrote {path}", style="dim", soft_wrap=True)


def _crew(
    engine: str,
    workers: int,
    threads: int,
    gpus: str | None,
    slurm: list[str] | None,
    folder: Path,
) -> Executor:
    from pcseg.config.load import parse_settings
    from pcseg.executor import Resources, executor

    given = Resources(
        threads=threads,
        gpus=tuple(g.strip() for g in gpus.split(",")) if gpus else (),
        slurm=parse_settings(slurm or ()),
        folder=folder.absolute() / "slurm",
    )
    return executor(engine, workers, given)


def _workers(gpus: str | None, device: str, threads: int) -> int:
    """One unit at a time on each GPU; without one, as many as the cores bear."""
    import os

    import torch

    if gpus:
        return len(gpus.split(","))
    if device != "cpu" and torch.cuda.is_available():
        return 1
    return max(1, (os.cpu_count() or 1) // threads)


def _share(workers: int) -> int:
    """CPU threads for each of the workers of this machine."""
    import os

    return max(1, (os.cpu_count() or 1) // workers)


def _list_plans() -> None:
    from pcseg.benchmark import load_plan
    from pcseg.config.load import shipped_plans

    for name in shipped_plans():
        plan = load_plan(name)
        size = f"{len(plan.chosen_methods)} methods, {len(plan.targets)} targets"
        console.print(f"{name:24} {plan.kind:8} {plan.title} ({size})", soft_wrap=True)


def _show_units(work: Work, store: Store, workers: int) -> None:
    from pcseg.benchmark.cost import estimate

    for unit in work.units:
        mark = "done" if store.is_done(unit) else "    "
        console.print(f"{mark}  {unit.id:24} {unit.label}", soft_wrap=True)
    total = 0.0
    for cost in estimate(work, store):
        total += cost.seconds
        basis = "as measured here" if cost.measured else "a guess: nothing was measured here yet"
        unknown = f", {cost.unknown} units with data that are not there" if cost.unknown else ""
        console.print(
            f"{cost.kind:9} {cost.units - cost.done} of {cost.units} left, {cost.scans} scans"
            f"{unknown}: {_minutes(cost.seconds)} ({basis})",
            soft_wrap=True,
        )
    console.print(f"together about {_minutes(total / workers)} with {workers} workers")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min"


@contextlib.contextmanager
def _bars() -> Iterator[Callable[[Progress], None]]:
    """A bar for all units, and one for each that is under way."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=errors) as bars:
        whole = bars.add_task("units", total=None)
        tasks: dict[str, Any] = {}

        def told(now: Progress) -> None:
            bars.update(whole, completed=now.done, total=now.total)
            if now.unit is None:
                return
            if now.step == 0 or now.step == now.steps:
                task = tasks.pop(now.unit.id, None)
                if task is not None:
                    bars.remove_task(task)
                return
            if now.unit.id not in tasks:
                tasks[now.unit.id] = bars.add_task(now.unit.label, total=now.steps)
            bars.update(tasks[now.unit.id], completed=now.step)

        yield told
