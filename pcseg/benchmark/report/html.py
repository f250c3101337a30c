"""The HTML report: what the figures are, where they come from, and what they look like."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape

from pcseg.benchmark.report import charts
from pcseg.benchmark.report.page import Section, cell, details, items, page, table, tabs
from pcseg.benchmark.report.pictures import Shown
from pcseg.benchmark.report.published import published_html
from pcseg.benchmark.report.results import Results, Row
from pcseg.benchmark.report.words import NOTHING, aggregates, percent, rules, title_of
from pcseg.benchmark.run import MANIFEST
from pcseg.files import read_json


def html(results: Results, pictures: Sequence[Shown] = ()) -> str:
    """The whole page; it asks nothing of any network.

    Args:
        results: of a plan that has been run.
        pictures: of scans, already drawn.
    """
    view = results.plan.primary
    sections = [
        Section("Figures", tabs([(v, _matrix(results, v)) for v in results.views])),
        Section("How they were made", items(rules(results))),
        *charts.hunger_sections(results, view),
        Section("Classes", charts.classes(results, view)),
        Section("Intervals", charts.interval_rows(results, view)),
        Section("Distance from the sensor", charts.distances(results, view)),
        Section("Moving objects and confidence", _more(results, view)),
        Section("Confusion", charts.confusions(results, view)),
    ]
    if any(row.gaps for row in results.rows(view)):
        sections.insert(2, Section("Gap closed", _gaps(results, view)))
    if pictures:
        sections.append(Section("Worst scans", "".join(map(_figure, pictures))))
    sections.append(Section("Published figures, not ours", published_html(), foreign=True))
    sections.append(Section("Manifest", _manifest(results)))
    methods = ", ".join(results.plan.chosen_methods)
    subtitle = f"{title_of(view, view)} · methods: {methods} · tier {results.plan.tier}"
    return page(results.plan.title, subtitle, results.simulated, sections)


def _matrix(results: Results, view: str) -> str:
    """The heat map of a view: a line for each method and source, a column for each target."""
    rows = results.rows(view)
    targets = list(results.plan.targets)
    best = max((row.am.mean for row in rows if row.am and not row.oracle), default=None)
    head = ["method", "source", "track", *targets, "AM", "HM", "drop"]
    body = []
    for row in rows:
        cells = [cell(row.name), cell(row.source), cell(row.track)]
        cells += [_matrix_cell(results, row, target, view) for target in targets]
        cells += [cell(text) for text in aggregates(row)]
        body.append(cells)
    marks = {
        number: "oracle" if row.oracle else "best"
        for number, row in enumerate(rows)
        if row.oracle or (row.am is not None and row.am.mean == best)
    }
    title = f"<h3>{escape(title_of(view, results.plan.primary))}</h3>"
    return title + table(head, body, marks=marks) + _flags(results, view)


def _matrix_cell(results: Results, row: Row, target: str, view: str) -> str:
    stat = row.targets.get(target)
    if stat is None:
        return cell(NOTHING)
    notes = []
    for one in results.cells(row, target):
        score = results.score(one, view)
        if score and score["interval"]:
            low, high = 100 * score["interval"]["low"], 100 * score["interval"]["high"]
            unit = score["interval"]["unit"]
            notes.append(f"seed {one.seed}: 95 % interval {low:.1f} to {high:.1f}, by {unit}")
    return cell(percent(stat), stat.mean, "; ".join(notes))


def _flags(results: Results, view: str) -> str:
    """Absent classes and figures that are not a paper's task, in words."""
    absent: dict[str, str] = {}
    scored: dict[str, str] = {}
    foreign = False
    for one in results.work.cells:
        score = results.score(one, view)
        if score is None:
            continue
        foreign |= not score["as_published"]
        scored[one.target] = f"{len(score['classes']) - len(score['absent'])} classes scored"
        if score["absent"]:
            absent[one.target] = ", ".join(score["absent"])
    lines = [f"{target}: absent from the truth: {names}" for target, names in absent.items()]
    if len(set(scored.values())) > 1:
        lines += [f"{target}: {words}" for target, words in scored.items()]
    if foreign:
        lines.append("Networks trained on other classes than the paper's: not the paper's task.")
    return items(lines) if lines else ""


def _gaps(results: Results, view: str) -> str:
    """How far each method goes from the reference to a network trained on the target's like."""
    rows = [row for row in results.rows(view) if not row.oracle]
    targets = [name for name, target in results.plan.targets.items() if target.oracle]
    body = [
        [
            cell(row.name),
            *(
                cell(percent(row.gaps.get(t)), row.gaps[t].mean if t in row.gaps else None)
                for t in targets
            ),
        ]
        for row in rows
    ]
    about = (
        f"<p class='faint'>0 is {escape(results.plan.compared_with)}, 100 its oracle, trained on "
        "scans like the target's.</p>"
    )
    return about + table(["method", *targets], body)


def _more(results: Results, view: str) -> str:
    """Static and moving objects, calibration, and the mean over scans, first seed of each."""
    head = ["method", "target", "static", "moving", "mIoU of scans", "ECE", "AUROC of errors"]
    body = []
    for row in results.rows(view):
        for target in row.targets:
            score = results.score(results.cells(row, target)[0], view)
            if score is None:
                continue
            motion = {group["name"]: group["miou"] for group in score["motion"]}
            values = [
                motion.get("static"),
                motion.get("moving"),
                score["miou_per_scan"],
                score["ece"],
                score["error_auroc"],
            ]
            words = [NOTHING if v is None else f"{100 * v:.1f}" for v in values]
            body.append([cell(row.name), cell(target), *map(cell, words)])
    return table(head, body) + (
        "<p class='faint'>In percent, first seed. Static and moving: classes of things that can "
        "move. ECE: gap between confidence and accuracy. AUROC: chance that a right point is more "
        "confident than a wrong one.</p>"
    )


def _figure(shown: Shown) -> str:
    data = base64.b64encode(shown.image).decode()
    kind = "png" if shown.image[:4] == b"\x89PNG" else "webp"
    return (
        f'<figure><img alt="{escape(shown.caption, quote=True)}" '
        f'src="data:image/{kind};base64,{data}"><figcaption>{escape(shown.caption)}</figcaption>'
        "</figure>"
    )


def _manifest(results: Results) -> str:
    manifest = read_json(results.store.out / MANIFEST)
    rows = [
        [cell(unit["label"]), cell(unit["id"]), cell(f"{unit['made']['seconds']:.0f} s")]
        for unit in manifest["units"]
    ]
    text = escape(json.dumps(manifest, indent=1))
    return (
        table(["what", "value"], _facts(manifest), "words")
        + details(f"{len(rows)} units of work", table(["unit", "id", "time"], rows))
        + details("Everything, as JSON", f"<pre>{text}</pre>")
    )


def _facts(manifest: dict[str, object]) -> list[list[str]]:
    environment = manifest["environment"]
    assert isinstance(environment, dict)
    flat = {key: value for key, value in environment.items() if not isinstance(value, dict)}
    flat |= environment["packages"]
    flat |= {k: manifest[k] for k in ("seconds_of_units", "peak_memory_mb")}
    return [[cell(str(key)), cell(str(value))] for key, value in flat.items() if value is not None]
