"""Plots as SVG files, written here so that a benchmark needs no plotting library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

COLOURS = ("#1965b0", "#dc050c", "#4eb265", "#f1932d", "#882e72", "#777777")
_WIDTH, _LEFT, _RIGHT, _TOP = 860, 150, 110, 50


def bars(path: Path, title: str, groups: Mapping[str, Mapping[str, float]]) -> None:
    """Horizontal bars: for each group one bar for each name, with its value at the end.

    Bars are as long as the value relative to the largest of its group.
    """
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    colour = dict(zip(names, COLOURS * 9, strict=False))
    parts, y = [*_legend(names, colour)], _TOP + 10
    room = _WIDTH - _LEFT - _RIGHT
    for group, values in groups.items():
        parts.append(_text(_LEFT - 8, y + 7 * len(values), group, "end"))
        largest = max(values.values())
        for name, value in values.items():
            width = room * value / largest
            parts.append(
                f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="11" fill="{colour[name]}"/>'
            )
            parts.append(_text(_LEFT + width + 5, y + 10, f"{value:.3g}", "start"))
            y += 13
        y += 9
    _write(path, title, parts, y + 15)


def lines(
    path: Path,
    title: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    x_name: str,
    y_name: str,
) -> None:
    """Lines on two logarithmic axes; the points must be positive."""
    points = [point for curve in series.values() for point in curve]
    height, bottom = 520, 470
    x_low, x_high = _decades([x for x, _ in points])
    y_low, y_high = _decades([y for _, y in points])

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - x_low) / (x_high - x_low)
        up = (math.log10(y) - y_low) / (y_high - y_low)
        return _LEFT + across * (_WIDTH - _LEFT - 30), bottom - up * (bottom - _TOP - 40)

    colour = dict(zip(series, COLOURS * 9, strict=False))
    parts = [*_legend(list(series), colour)]
    for decade in range(x_low, x_high + 1):
        x, y = place(10.0**decade, 10.0**y_low)
        parts += [_line((x, y), (x, _TOP + 40)), _text(x, y + 18, f"{10**decade:g}", "middle")]
    for decade in range(y_low, y_high + 1):
        x, y = place(10.0**x_low, 10.0**decade)
        parts += [_line((x, y), (_WIDTH - 30, y)), _text(x - 8, y + 4, f"{10.0**decade:g}", "end")]
    parts.append(_text((_LEFT + _WIDTH) / 2, bottom + 38, x_name, "middle"))
    parts.append(_text(20, _TOP + 30, y_name, "start"))
    for name, curve in series.items():
        where = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in curve))
        style = f'fill="none" stroke="{colour[name]}" stroke-width="2"'
        parts.append(f'<polyline points="{where}" {style}/>')
        for x, y in (place(*point) for point in curve):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour[name]}"/>')
    _write(path, title, parts, height)


def _legend(names: Sequence[str], colour: Mapping[str, str]) -> list[str]:
    parts, x = [], 20.0
    for name in names:
        parts.append(f'<rect x="{x}" y="34" width="11" height="11" fill="{colour[name]}"/>')
        parts.append(_text(x + 16, 44, name, "start"))
        x += 34 + 7.5 * len(name)
    return parts


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(a: tuple[float, float], b: tuple[float, float]) -> str:
    ends = f'x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}"'
    return f'<line {ends} stroke="#dddddd"/>'


def _write(path: Path, title: str, parts: Sequence[str], height: float) -> None:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height:.0f}" '
        'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>'
    )
    name = f'<text x="20" y="22" font-size="14" font-weight="bold">{escape(title)}</text>'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([head, name, *parts, "</svg>\n"]), encoding="utf-8")
