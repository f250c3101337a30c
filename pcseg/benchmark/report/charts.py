"""The charts of the report: which figures of the results go into which drawing."""

from __future__ import annotations

from html import escape
from typing import Any

from pcseg.benchmark.report import svg
from pcseg.benchmark.report.page import Section, tabs
from pcseg.benchmark.report.results import Results, Row


def classes(results: Results, view: str) -> str:
    """IoU of each class by target, a bar for each method: means over seeds."""
    panels = []
    for target in results.plan.targets:
        series: dict[str, list[float | None]] = {}
        points: dict[str, int] = {}
        for row in results.rows(view):
            scores = _scores(results, row, target, view)
            if scores:
                points = {n: one["points"] for n, one in scores[0]["classes"].items()}
                series[_key(results, row)] = [
                    _mean([s["classes"][name]["iou"] for s in scores]) for name in points
                ]
        if series:
            listed = ", ".join(f"{n} {p:,}" for n, p in points.items())
            note = f"<p class='faint'>Points in the truth: {escape(listed)}.</p>"
            panels.append((target, svg.bars(list(points), series) + note))
    return tabs(panels)


def interval_rows(results: Results, view: str) -> str:
    """MIoU with its bootstrap interval, method by method under each target; first seed."""
    rows = results.rows(view)
    drawn = []
    units = set()
    for target in results.plan.targets:
        lines = []
        for number, row in enumerate(rows):
            scores = _scores(results, row, target, view)
            if not scores:
                continue
            interval = scores[0]["interval"]
            bounds = (interval["low"], interval["high"]) if interval else (None, None)
            units |= {interval["unit"]} if interval else set()
            lines.append((_key(results, row), scores[0]["miou"], *bounds, number))
        if lines:
            chart = svg.intervals(lines, 540)
            drawn.append(f"<div><h3>{escape(target)}</h3>{chart}</div>")
    about = (
        "<p class='faint'>95 % bootstrap intervals of the first seed, with other scans of the same "
        f"kind: drawn by {' and '.join(sorted(units)) or 'nothing'}. Intervals by scan are too "
        "narrow, because scans of one drive resemble each other. They say nothing of other "
        "trainings: that is the spread over seeds.</p>"
    )
    return f"{about}<div class='grid2'>{''.join(drawn)}</div>"


def distances(results: Results, view: str) -> str:
    """MIoU by distance from the sensor, target by target; means over seeds."""
    drawn = []
    names: list[str] = []
    for target in results.plan.targets:
        series = {}
        places: list[str] = []
        for row in results.rows(view):
            scores = _scores(results, row, target, view)
            bins = [score["range_bins"] for score in scores if score["range_bins"]]
            if bins:
                places = [group["name"] for group in bins[0]]
                series[_key(results, row)] = [
                    _mean([groups[i]["miou"] for groups in bins]) for i in range(len(places))
                ]
        if series:
            names = list(series)
            drawn.append(f"<div><h3>{escape(target)}</h3>{svg.lines(places, series)}</div>")
    return f"{svg.legend(names)}<div class='grid2'>{''.join(drawn)}</div>"


def confusions(results: Results, view: str) -> str:
    """What each class was taken for, target by target and method by method; first seed."""
    panels = []
    for target in results.plan.targets:
        drawn = []
        for row in results.rows(view):
            scores = _scores(results, row, target, view)
            if scores:
                found = scores[0]["confusion"]
                names = [*found["order"][:-1], "other"]
                chart = svg.confusion(names, found["counts"][:-1])
                drawn.append(f"<div><h3>{escape(_key(results, row))}</h3>{chart}</div>")
        if drawn:
            panels.append((target, f"<div class='grid2'>{''.join(drawn)}</div>"))
    about = "<p class='faint'>Percent of the points of a true class (line), first seed.</p>"
    return about + tabs(panels)


def hunger_sections(results: Results, view: str) -> list[Section]:
    """Curves over the amount and the diversity of training data; none for other plans."""
    asked = results.plan.hunger
    if results.plan.kind != "hunger" or asked is None:
        return []
    kinds = {
        "Amount of training frames": [
            (f"{a:g}", "full" if a == 1 else f"amount {a:g}") for a in sorted(asked.amounts)
        ],
        f"Sequences that {asked.frames} frames come from": [
            (str(n), f"sequences {n}") for n in sorted(asked.sequences)
        ],
        f"Metres between {asked.frames} frames": [
            (f"{d:g}", f"spacing {d:g} m") for d in sorted(asked.spacing_m)
        ],
    }
    found = []
    for title, places in kinds.items():
        panels = []
        for target in results.plan.targets:
            series = _curves(results, view, target, [variant for _, variant in places])
            if series:
                chart = svg.lines([name for name, _ in places], series, 640, 300)
                panels.append((target, chart + svg.legend(list(series))))
        if places and panels:
            found.append(Section(title, tabs(panels)))
    return found


def _curves(
    results: Results, view: str, target: str, variants: list[str]
) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = {}
    for row in results.rows(view):
        if row.oracle or row.variant not in variants or target not in row.targets:
            continue
        curve = found.setdefault(f"{row.method} on {row.source}", [None] * len(variants))
        curve[variants.index(row.variant)] = row.targets[target].mean
    return found


def _scores(results: Results, row: Row, target: str, view: str) -> list[dict[str, Any]]:
    scores = (results.score(cell, view) for cell in results.cells(row, target))
    return [score for score in scores if score is not None]


def _key(results: Results, row: Row) -> str:
    """A method's name in a legend, with its source where there are several."""
    return row.name if len(results.plan.sources) == 1 else f"{row.name} on {row.source}"


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
