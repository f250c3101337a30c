"""The tables on the screen: times beside agreement, then what was aimed at and what was reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]

_CELL = 28


def heading(engines: Sequence[str]) -> str:
    """The first line of the table of times."""
    cells = (f"{name + ' ms (least) off':>{_CELL}}" for name in engines)
    return f"{'operation':>15} {'floor':>7}" + "".join(cells)


def line(rows: Sequence[Row], engines: Sequence[str]) -> str:
    """One operation: the floor, and of each engine median, minimum, and difference to naive."""
    by_engine = {row["engine"]: row for row in rows}
    floor = rows[0]["floor_ms"]
    text = f"{rows[0]['op']:>15} {floor:7.1f}" if floor else f"{rows[0]['op']:>15} {'':>7}"
    return text + "".join(f"{_cell(by_engine.get(name)):>{_CELL}}" for name in engines)


def details(rows: Sequence[Row]) -> str:
    """Below the line: share of the floor of the first engine, and memory."""
    parts = []
    share = rows[0]["floor_share"]
    if share:
        parts.append(f"{rows[0]['engine']} at {share:.0%} of the floor's speed")
    memory = [f"{r['engine']} {r['peak_mb']:.0f}" for r in rows if r["peak_mb"] is not None]
    if memory:
        parts.append(f"peak memory in MB: {', '.join(memory)}")
    return "; ".join(parts)


def summary(ratios: Sequence[Row]) -> str:
    """Aimed at and reached."""
    lines = []
    for entry in ratios:
        where = f"{entry['scene']:>10} {entry['threads']} threads {entry['dtype']:>8}"
        what = f"{entry['op']:>15} {entry['what']:>14} against {entry['against']:<14}"
        text = f"{where} {what} {entry['ratio']:6.2f}"
        if entry["aim"] is not None:
            sign = "at most" if entry["what"] == "memory" else "at least"
            verdict = "met" if entry["met"] else "missed"
            text += f"   aim: {sign} {entry['aim']:.2f}   {verdict}"
        lines.append(text)
    return "\n".join(lines)


def _cell(row: Row | None) -> str:
    if row is None or row["ms"] is None:
        return "-"
    least = f"({row['min_ms']:.1f})"
    apart = row["difference"]
    return f"{row['ms']:9.1f} {least:>9} {'?' if apart is None else f'{apart:.0e}':>6}"
