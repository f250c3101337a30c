"""The report as Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io

from pcseg.benchmark.report.results import Results
from pcseg.benchmark.report.words import COLUMNS, aggregates, percent, rules, title_of


def markdown(results: Results) -> str:
    """One table for each view, under the rules that hold for all."""
    lines = [f"# {results.plan.title}", ""]
    lines += [f"- {rule}" for rule in rules(results)]
    for view in results.views:
        lines += ["", f"## {title_of(view, results.plan.primary)}", ""]
        head, *body = _table(results, view)
        lines += [_piped(head), _piped(["---"] * len(head)), *map(_piped, body)]
        notes = _notes(results, view)
        lines += ["", *notes] if notes else []
    return "\n".join(lines) + "\n"


def latex(results: Results) -> str:
    """One booktabs table for each view."""
    tables = []
    for view in results.views:
        head, *body = _table(results, view)
        rows = [" & ".join(map(_tex, row)) + r" \\" for row in body]
        tables.append(
            "\n".join(
                [
                    r"\begin{table}",
                    rf"\caption{{{_tex(results.plan.title)}, {_tex(view)}: mIoU in percent"
                    + (", simulated data" if results.simulated else "")
                    + ".}",
                    rf"\begin{{tabular}}{{lll{'r' * (len(head) - 3)}}}",
                    r"\toprule",
                    " & ".join(map(_tex, head)) + r" \\",
                    r"\midrule",
                    *rows,
                    r"\bottomrule",
                    r"\end{tabular}",
                    r"\end{table}",
                ]
            )
        )
    return "\n\n".join(tables) + "\n"


def figures_csv(results: Results) -> str:
    """One line for each figure: cell, view, mIoU, its interval and what else there is."""
    fields = [
        "view", "method", "source", "variant", "oracle", "track", "target", "seed", "simulated",
        "miou", "interval_low", "interval_high", "interval_unit", "miou_per_scan", "ece",
        "error_auroc", "scans", "absent",
    ]  # fmt: skip
    out = io.StringIO()
    writer = csv.DictWriter(out, fields, lineterminator="\n")
    writer.writeheader()
    for view in results.views:
        for cell in results.work.cells:
            score = results.score(cell, view)
            if score is None:
                continue
            interval = score["interval"] or {}
            same = {key: getattr(cell, key) for key in fields[1:8]}
            rest = {k: score[k] for k in ("simulated", "miou", "miou_per_scan", "ece")}
            writer.writerow(
                {
                    "view": view,
                    **same,
                    **rest,
                    "error_auroc": score["error_auroc"],
                    "scans": score["scans"],
                    "interval_low": interval.get("low"),
                    "interval_high": interval.get("high"),
                    "interval_unit": interval.get("unit"),
                    "absent": " ".join(score["absent"]),
                }
            )
    return out.getvalue()


def classes_csv(results: Results) -> str:
    """One line for each class of each figure."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["view", "method", "source", "variant", "target", "seed", "class", "iou", "points"]
    )
    for view in results.views:
        for cell in results.work.cells:
            score = results.score(cell, view) or {"classes": {}}
            for name, values in score["classes"].items():
                where = (view, cell.method, cell.source, cell.variant, cell.target, cell.seed)
                writer.writerow([*where, name, values["iou"], values["points"]])
    return out.getvalue()


def _table(results: Results, view: str) -> list[list[str]]:
    targets = list(results.plan.targets)
    head = ["method", "source", "track", *targets, *COLUMNS]
    body = [
        [
            row.name,
            row.source,
            row.track,
            *(percent(row.targets.get(target)) for target in targets),
            *aggregates(row),
        ]
        for row in results.rows(view)
    ]
    return [head, *body]


def _notes(results: Results, view: str) -> list[str]:
    absent: dict[str, str] = {}
    other = False
    for cell in results.work.cells:
        score = results.score(cell, view)
        if score is not None:
            other |= not score["as_published"]
            if score["absent"]:
                absent[cell.target] = ", ".join(score["absent"])
    notes = [f"Absent from {target}: {names}." for target, names in absent.items()]
    if other:
        notes.append(
            "Networks were trained on other classes than the view's paper trains on: these figures "
            "are not the paper's task."
        )
    return notes


def _piped(row: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |"


def _tex(text: str) -> str:
    for plain, escaped in (
        ("\\", r"\textbackslash{}"), ("&", r"\&"), ("%", r"\%"), ("_", r"\_"), ("#", r"\#"),
        ("±", r"$\pm$"), ("–", "--"),
    ):  # fmt: skip
        text = text.replace(plain, escaped)
    return text
