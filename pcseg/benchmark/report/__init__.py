"""The report of a benchmark: Markdown, CSV, LaTeX, and one HTML page that needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pcseg.benchmark.expand import Work
from pcseg.benchmark.plan import Plan
from pcseg.benchmark.report.html import html
from pcseg.benchmark.report.pictures import Draw, worst_scans
from pcseg.benchmark.report.results import Results
from pcseg.benchmark.report.text import classes_csv, figures_csv, latex, markdown
from pcseg.benchmark.report.words import percent
from pcseg.benchmark.store import Store
from pcseg.files import write_text


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes:
        files: all of them.
        summary: a line for each method, for the terminal.
    """

    files: tuple[Path, ...]
    summary: tuple[str, ...]


def write_report(plan: Plan, work: Work, out: Path, draw: Draw | None = None) -> Report:
    """Write the report of a plan that has been run.

    Args:
        plan: the plan.
        work: its expansion, all of it done.
        out: folder of the benchmark; gets ``report.html``, ``.md``, ``.tex``, ``figures.csv`` and
            ``classes.csv``.
        draw: draws scans; None leaves pictures out.
    """
    results = Results(plan, work, Store(out))
    pictures = worst_scans(results, draw) if draw is not None else []
    texts = {
        "report.html": html(results, pictures),
        "report.md": markdown(results),
        "report.tex": latex(results),
        "figures.csv": figures_csv(results),
        "classes.csv": classes_csv(results),
    }
    for name, text in texts.items():
        write_text(out / name, text)
    return Report(tuple(out / name for name in texts), tuple(_summary(results)))


def _summary(results: Results) -> list[str]:
    over = ", ".join(results.means_over)
    lines = [f"mIoU under {results.plan.primary}" + (", simulated data" * results.simulated)]
    for row in results.rows(results.plan.primary):
        figures = ", ".join(f"{name} {percent(stat)}" for name, stat in row.targets.items())
        mean = f"; AM over {over}: {percent(row.am)}" if row.am else ""
        lines.append(f"{row.name} on {row.source}: {figures}{mean}")
    return lines
