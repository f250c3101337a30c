"""Charts as inline SVG: bars, lines, intervals and confusions, in the colours of the page.

Text and lines take the page's colours from CSS classes, so that a chart suits light and dark. Every
mark says its value when pointed at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

Series = Mapping[str, Sequence[float | None]]
"""A value, 0..1, for each place of each named series; None where there is none."""

COLORS = ("#3b78c2", "#d9762b", "#3a9a6d", "#b4517f", "#8567c0", "#a8862b", "#4aa3b8", "#8a8a8a")
"""Told apart by most people with a colour deficiency, on white and on black."""

_LEFT, _RIGHT, _TOP = 46, 12, 12


def bars(places: Sequence[str], series: Series, width: int = 860, height: int = 250) -> str:
    """Groups of upright bars, 0..100 %.

    Args:
        places: name of each group.
        series: a bar in each group.
        width: pixels.
        height: pixels, names below included.
    """
    below = 62
    inner, base = width - _LEFT - _RIGHT, height - below
    parts = [_percent_axis(width, base)]
    group = inner / max(1, len(places))
    bar = 0.8 * group / max(1, len(series))
    for i, place in enumerate(places):
        x = _LEFT + i * group
        parts.append(_slanted(x + group / 2, base + 14, place))
        for k, (name, values) in enumerate(series.items()):
            value = values[i]
            if value is None:
                continue
            tall = max(0.8, value * (base - _TOP))
            parts.append(
                f'<rect x="{x + 0.1 * group + k * bar:.1f}" y="{base - tall:.1f}" '
                f'width="{max(1.0, bar - 1):.1f}" height="{tall:.1f}" fill="{_color(k)}">'
                f"{_title(f'{place}, {name}: {100 * value:.1f}')}</rect>"
            )
    return _svg(width, height, parts) + legend(list(series))


def lines(places: Sequence[str], series: Series, width: int = 420, height: int = 230) -> str:
    """A line for each series over ordered places, 0..100 %; a gap where there is no value."""
    base = height - 30
    step = (width - _LEFT - _RIGHT) / max(1, len(places))
    xs = [_LEFT + (i + 0.5) * step for i in range(len(places))]
    parts = [_percent_axis(width, base)]
    parts += [_text(x, base + 17, p, "middle") for x, p in zip(xs, places, strict=True)]
    for k, (name, values) in enumerate(series.items()):
        points = [
            (x, base - v * (base - _TOP), p, v)
            for x, p, v in zip(xs, places, values, strict=True)
            if v is not None
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in points)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{_color(k)}" stroke-width="2"/>'
        )
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{_color(k)}">'
            f"{_title(f'{name}, {p}: {100 * v:.1f}')}</circle>"
            for x, y, p, v in points
        ]
    return _svg(width, height, parts)


def intervals(
    rows: Sequence[tuple[str, float, float | None, float | None, int]], width: int = 860
) -> str:
    """A dot with whiskers in each line, 0..100 % from left to right.

    Args:
        rows: label, value, lower and upper bound (None without), and number of the colour.
        width: pixels.
    """
    left, line = 170, 22
    height = _TOP + line * len(rows) + 26
    scale = width - left - _RIGHT
    base = height - 24
    parts = []
    for tick in range(0, 101, 20):
        x = left + tick / 100 * scale
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{base}"/>')
        parts.append(_text(x, base + 16, str(tick), "middle"))
    for i, (label, value, low, high, color) in enumerate(rows):
        y = _TOP + (i + 0.5) * line
        said = f"{label}: {100 * value:.1f}"
        parts.append(_text(left - 10, y + 4, label, "end"))
        if low is not None and high is not None:
            said += f" [{100 * low:.1f}, {100 * high:.1f}]"
            parts.append(
                f'<line x1="{left + low * scale:.1f}" y1="{y}" x2="{left + high * scale:.1f}" '
                f'y2="{y}" stroke="{_color(color)}" stroke-width="3" stroke-linecap="round"/>'
            )
        parts.append(
            f'<circle cx="{left + value * scale:.1f}" cy="{y}" r="5" fill="{_color(color)}">'
            f"{_title(said)}</circle>"
        )
    return _svg(width, height, parts)


def confusion(names: Sequence[str], counts: Sequence[Sequence[int]], width: int = 520) -> str:
    """Shares of each true class (rows) that were predicted as each class (columns).

    Args:
        names: K + 1 names, the last for what no class of the view was predicted for.
        counts: (K, K + 1) points, rows truth.
        width: pixels.
    """
    left, top = 150, 110
    cell = (width - left - 8) / len(names)
    height = round(top + cell * len(counts) + 6)
    parts = [
        f'<g transform="translate({left + (j + 0.6) * cell:.1f},{top - 8}) rotate(-45)">'
        f"{_text(0, 0, name, 'start')}</g>"
        for j, name in enumerate(names)
    ]
    for i, row in enumerate(counts):
        total = sum(row)
        y = top + i * cell
        parts.append(_text(left - 8, y + cell / 2 + 4, names[i], "end"))
        for j, count in enumerate(row):
            share = count / total if total else 0.0
            x = left + j * cell
            kind = "right" if i == j else "wrong"
            parts.append(
                f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{cell - 1:.1f}" '
                f'height="{cell - 1:.1f}" fill-opacity="{share:.3f}">'
                f"{_title(f'{names[i]} as {names[j]}: {100 * share:.1f} % of {total:,} points')}"
                "</rect>"
            )
            if share >= 0.005:
                parts.append(_text(x + cell / 2, y + cell / 2 + 4, f"{100 * share:.0f}", "middle"))
    return _svg(width, height, parts)


def legend(names: Sequence[str]) -> str:
    """Names of series with their colours, as HTML."""
    items = "".join(
        f'<span><i style="background:{_color(k)}"></i>{escape(name)}</span>'
        for k, name in enumerate(names)
    )
    return f'<div class="legend">{items}</div>'


def _svg(width: int, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
        f"{''.join(parts)}</svg>"
    )


def _percent_axis(width: int, base: float) -> str:
    parts = []
    for tick in range(0, 101, 25):
        y = base - tick / 100 * (base - _TOP)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{width - _RIGHT}" y2="{y:.1f}"/>'
            + _text(_LEFT - 8, y + 4, str(tick), "end")
        )
    return "".join(parts)


def _slanted(x: float, y: float, text: str) -> str:
    return f'<g transform="translate({x:.1f},{y:.1f}) rotate(-24)">{_text(0, 0, text, "end")}</g>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _title(text: str) -> str:
    return f"<title>{escape(text)}</title>"


def _color(number: int) -> str:
    return COLORS[number % len(COLORS)]
