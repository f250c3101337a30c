"""The report of corruptions: a table by corruption and severity, and curves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pcseg.benchmark.report import svg
from pcseg.benchmark.report.page import Section, cell, items, page, table
from pcseg.benchmark.report.words import NOTHING
from pcseg.files import write_text

_OF_US = (
    "The corruptions were made here from the clean scans (robo3d-like/1). Figures on Robo3D's own "
    "files are other figures: they cannot be compared."
)


def write_robustness(found: Mapping[str, Any], out: Path) -> tuple[Path, ...]:
    """Write ``robustness.md`` and ``robustness.html``.

    Args:
        found: see `pcseg.benchmark.corruptions.summary`.
        out: folder.
    """
    paths = (out / "robustness.md", out / "robustness.html")
    write_text(paths[0], _markdown(found))
    write_text(paths[1], _html(found))
    return paths


def headline(found: Mapping[str, Any]) -> str:
    """The figures that are quoted."""
    mce = NOTHING if found["mce"] is None else f"{found['mce']:.2f} % (against {found['baseline']})"
    return (
        f"{found['suite']}: clean mIoU {100 * found['clean']:.2f}, mRR {found['mrr']:.2f} %, "
        f"mCE {mce}"
    )


def _rows(found: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for name, values in found["miou"].items():
        error = found["corruption_errors"]
        rows.append(
            [
                name.replace("_", " "),
                *(f"{100 * value:.2f}" for value in values),
                f"{found['resilience_rates'][name]:.2f}",
                NOTHING if error is None else f"{error[name]:.2f}",
            ]
        )
    return rows


def _head(found: Mapping[str, Any]) -> list[str]:
    return ["corruption", *found["severities"], "RR", "CE"]


def _notes(found: Mapping[str, Any]) -> list[str]:
    data = found["data"]
    notes = [
        f"Scans: {data['dataset']} {data['split']}. Rules: {found['protocol']}. mIoU in percent.",
        "RR: share of the clean mIoU that is left. CE: error relative to the baseline's; 100 is "
        "the baseline.",
    ]
    return notes + ([_OF_US] if found["suite"].startswith("robo3d-like") else [])


def _markdown(found: Mapping[str, Any]) -> str:
    head = _head(found)
    lines = ["# Corruptions", "", headline(found), "", *(f"- {note}" for note in _notes(found)), ""]
    for row in (head, ["---"] * len(head), *_rows(found)):
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def _html(found: Mapping[str, Any]) -> str:
    body = []
    for row, values in zip(_rows(found), found["miou"].values(), strict=True):
        heated = [cell(text, value) for text, value in zip(row[1:4], values, strict=True)]
        body.append([cell(row[0]), *heated, *map(cell, row[4:])])
    places = ["clean", *found["severities"]]
    series = {name: [found["clean"], *values] for name, values in found["miou"].items()}
    chart = svg.lines(places, series, 760, 360) + svg.legend(list(series))
    sections = [
        Section("Figures", table(_head(found), body)),
        Section("By severity", chart),
        Section("How they were made", items(_notes(found))),
    ]
    return page("Corruptions", headline(found), False, sections)
