"""The table of a result for the terminal: protocol first, absent classes as a dash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group as Stack
from rich.table import Table
from rich.text import Text

from pcseg.evaluate.protocol import protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pcseg.evaluate.groups import Group
    from pcseg.evaluate.result import Result

DASH = "–"
_BAR_CELLS = 20
_EIGHTHS = " ▏▎▍▌▋▊▉"


def render(result: Result) -> Stack:
    """Everything a reader needs to quote a figure, in about as many lines as there are classes."""
    parts: list[Text | Table] = [
        Text(result.line(), style="dim"),
        _headline(result),
        Text(),
        _classes(result),
    ]
    if any(group.points for group in result.range_bins):
        parts += [Text(), _groups("distance", result.range_bins)]
    if result.motion:
        parts += [Text(), _groups("objects", result.motion)]
    return Stack(*parts, *_notes(result))


def percent(value: float | None) -> str:
    """A fraction as a percentage with one decimal, a dash if there is none."""
    return DASH if value is None or value != value else f"{100 * value:.1f}"


def bar(value: float | None, cells: int = _BAR_CELLS) -> str:
    """A fraction as a bar of eighths of character cells."""
    if value is None or value != value:
        return ""
    eighths = round(max(0.0, min(1.0, value)) * cells * 8)
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def _headline(result: Result) -> Text:
    text = Text.assemble(("mIoU ", "bold"), (percent(result.miou), "bold green"))
    if result.interval is not None:
        found = result.interval
        text.append(
            f" ({100 * found.level:.0f} % interval {percent(found.low)} to {percent(found.high)},"
            f" by {found.unit})"
        )
    text.append(f"   accuracy {percent(result.scores.accuracy)}")
    text.append(f"   mIoU per scan {percent(result.miou_per_scan)}")
    if result.ece is not None:
        text.append(f"   ECE {percent(result.ece)}")
    if result.error_auroc is not None:
        text.append(f"   error AUROC {percent(result.error_auroc)}")
    return text


def _classes(result: Result) -> Table:
    scores = result.scores
    table = _table("class", "IoU", "", "points")
    for name, iou, points in zip(result.names, scores.iou, scores.points, strict=True):
        style = "" if points else "dim"
        table.add_row(Text(name), percent(iou), bar(iou), f"{points:,}", style=style)
    return table


def _groups(title: str, groups: Sequence[Group]) -> Table:
    table = _table(title, "mIoU", "", "points", "accuracy")
    for group in groups:
        table.add_row(
            Text(group.name),
            percent(group.miou),
            bar(group.miou),
            f"{group.points:,}",
            percent(group.accuracy),
            style="" if group.points else "dim",
        )
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        bars, text = column == "", column == columns[0]
        table.add_column(
            column,
            justify="left" if bars or text else "right",
            min_width=_BAR_CELLS if bars else None,
            style="cyan" if bars else "",
        )
    return table


def _notes(result: Result) -> list[Text]:
    scored = int(result.scores.points.sum())
    total = int(result.confusion.counts.sum())
    notes = [f"{result.scans:,} scans, {total:,} points, {scored:,} of them scored"]
    if result.absent and result.protocol.absent != "zero":
        zero = result.under(protocol("semantickitti-official/1")).miou
        notes.append(
            f"absent from the truth and not in the mean: {', '.join(result.absent)} "
            f"(counted as 0, as the SemanticKITTI server does: mIoU {percent(zero)})"
        )
    if result.motion:
        notes.append("static, moving: only the classes that have moving objects")
    return [Text(), *(Text(note, style="dim") for note in notes)]
