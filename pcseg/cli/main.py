"""`pcseg`: puts the verbs together and turns errors into one readable line."""

from __future__ import annotations

import os
import sys
from typing import Any

# Idle OpenMP threads must sleep: spinning ones steal the cores from loader processes and from
# each other (a 1 ms product took 8 ms). It has to be set before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import typer
import typer.core

from pcseg._version import __version__
from pcseg.cli import (
    benchmark,
    check,
    configs,
    demo,
    doctor,
    evaluate,
    listing,
    predict,
    prepare,
    simulate,
    stats,
    submit,
    train,
    view,
)
from pcseg.cli.console import errors
from pcseg.cli.memory import keep_freed_memory
from pcseg.errors import Interrupted, PcsegError


class Verbs(typer.core.TyperGroup):
    """All verbs; errors meant for people become one line and exit status 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run a verb."""
        try:
            return super().invoke(ctx)
        except PcsegError as error:
            stopped = isinstance(error, Interrupted)
            errors.print("[bold yellow]stopped:" if stopped else "[bold red]error:", end=" ")
            errors.print(str(error), markup=False, highlight=False, soft_wrap=True)
            sys.exit(130 if stopped else 2)
        except KeyboardInterrupt:
            errors.print("[bold yellow]stopped.[/] Whole files stay; half-written ones are gone.")
            sys.exit(130)
        except BrokenPipeError:  # `pcseg … | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)


app = typer.Typer(
    name="pcseg",
    cls=Verbs,
    help="Segment 3D point clouds: train, evaluate, predict and look.\n\n"
    "New here? `pcseg demo` does everything once on simulated streets.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("demo", rich_help_panel="Start here")(demo.demo)
app.command("doctor", rich_help_panel="Start here")(doctor.doctor)
app.command("ls", rich_help_panel="Start here")(listing.ls)
app.command("train", rich_help_panel="Work")(train.train)
app.command("eval", rich_help_panel="Work")(evaluate.evaluate)
app.command("predict", rich_help_panel="Work")(predict.predict)
app.command("view", rich_help_panel="Work")(view.view)
app.command("submit", rich_help_panel="Work")(submit.submit)
app.add_typer(benchmark.benchmark, name="benchmark", rich_help_panel="Work")
app.command("simulate", rich_help_panel="Data and settings")(simulate.simulate)
app.command("prepare", rich_help_panel="Data and settings")(prepare.prepare)
app.command("check", rich_help_panel="Data and settings")(check.check)
app.command("stats", rich_help_panel="Data and settings")(stats.stats)
app.command("cp", rich_help_panel="Data and settings")(configs.cp)


@app.callback(invoke_without_command=True)
def _version(
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    if version:
        typer.echo(f"pcseg {__version__}")
        raise typer.Exit


def run() -> None:
    """Run the command line."""
    keep_freed_memory()
    app()
