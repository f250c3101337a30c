"""The legend under a picture: classes with counts, shares of right and wrong, colour bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from pcseg.viz.colors import Theme, colormap
from pcseg.viz.layers import ClassLayer, Layer, LegendEntry, ScalarLayer, counted
from pcseg.viz.text import Canvas, text_width

_TEXT = 17
_ROW = 30
_TITLE_WIDTH = 168
_GAP = 34
_MOST = 48
"""More entries than this (instances, mostly) are counted instead of listed."""


@dataclass(frozen=True)
class Section:
    """The part of a legend that explains one colouring.

    Attributes:
        title: names of the layers explained.
        entries: colour, name and what is written behind the name.
        bar: of a scalar layer, in place of entries.
        more: how many entries were left out.
    """

    title: str
    entries: tuple[tuple[LegendEntry, str], ...] = ()
    bar: ScalarLayer | None = None
    more: int = 0


def sections(layers: Sequence[Layer]) -> list[Section]:
    """What must be explained for a picture of these layers, of one frame or of several."""
    result: list[Section] = []
    classes = [layer for layer in layers if layer.name in ("label", "prediction")]
    names = list(dict.fromkeys(layer.name for layer in classes))
    if classes:
        result.append(_class_section(names, [_totals(classes, name) for name in names]))
    for name in dict.fromkeys(layer.name for layer in layers if layer not in classes):
        first = next(layer for layer in layers if layer.name == name)
        if isinstance(first, ScalarLayer):
            result.append(Section(name, bar=first))
        elif isinstance(first, ClassLayer):
            result.append(_plain_section(name, _totals(layers, name)))
    return result


def legend_height(parts: Sequence[Section], width: float) -> int:
    """Pixels needed to draw the sections in a given width."""
    rows = sum(len(_rows(part, width - _TITLE_WIDTH)) for part in parts)
    return rows * _ROW + max(len(parts) - 1, 0) * 8


def draw_legend(
    canvas: Canvas, x: float, y: float, width: float, parts: Sequence[Section], theme: Theme
) -> None:
    """Draw the sections one under the other, from the upper left corner (x, y)."""
    for part in parts:
        canvas.text(x, y + _ROW / 2, part.title, _TEXT, theme.faint)
        for row in _rows(part, width - _TITLE_WIDTH):
            place = x + _TITLE_WIDTH
            if part.bar is not None:
                _draw_bar(canvas, place, y + _ROW / 2, part.bar, theme)
            for entry, value in row:
                middle = y + _ROW / 2
                canvas.swatch(place, middle, 15, entry.color)
                end = place + 23 + canvas.text(place + 23, middle, entry.name, _TEXT, theme.text)
                canvas.text(end + 8, middle, value, _TEXT - 2, theme.faint)
                place += _entry_width(entry, value)
            y += _ROW
        y += 8


def _class_section(names: list[str], totals: list[dict[str, LegendEntry]]) -> Section:
    merged: dict[str, LegendEntry] = {}
    for counts in totals:
        merged = {**counts, **merged}
    order = sorted(merged.values(), key=lambda e: (e.name == "ignored", -e.count, e.name))
    entries = []
    for entry in order:
        numbers = [counts[entry.name].count if entry.name in counts else 0 for counts in totals]
        entries.append((entry, " / ".join(f"{number:,}" for number in numbers)))
    return Section(" / ".join(names), tuple(entries[:_MOST]), more=max(len(entries) - _MOST, 0))


def _plain_section(name: str, totals: dict[str, LegendEntry]) -> Section:
    entries = counted(list(totals.values()), name)
    if name != "error":  # right, wrong and ignored keep their order
        entries.sort(key=lambda pair: -pair[0].count)
    return Section(name, tuple(entries[:_MOST]), more=max(len(entries) - _MOST, 0))


def _totals(layers: Sequence[Layer], name: str) -> dict[str, LegendEntry]:
    """Entries of all layers of a name, with their counts added."""
    totals: dict[str, LegendEntry] = {}
    for layer in layers:
        if layer.name == name:
            for entry in layer.legend:
                before = totals[entry.name].count if entry.name in totals else 0
                totals[entry.name] = LegendEntry(entry.name, entry.color, before + entry.count)
    return totals


def _rows(part: Section, width: float) -> list[list[tuple[LegendEntry, str]]]:
    """Entries broken into lines; one line for a bar."""
    entries = list(part.entries)
    if part.more:
        entries.append((LegendEntry(f"and {part.more} more", (128, 128, 128), 0), ""))
    rows: list[list[tuple[LegendEntry, str]]] = [[]]
    used = 0.0
    for entry, value in entries:
        needed = _entry_width(entry, value)
        if rows[-1] and used + needed - _GAP > width:
            rows.append([])
            used = 0.0
        rows[-1].append((entry, value))
        used += needed
    return rows


def _entry_width(entry: LegendEntry, value: str) -> float:
    return 31 + text_width(entry.name, _TEXT) + text_width(value, _TEXT - 2) + _GAP


def _draw_bar(canvas: Canvas, x: float, y: float, layer: ScalarLayer, theme: Theme) -> None:
    unit = f" {layer.unit}" if layer.unit else ""
    x += 8 + canvas.text(x, y, f"{layer.low:.2f}{unit}", _TEXT, theme.text)
    bar = Image.fromarray(colormap(layer.colormap)[None]).resize((320, 14))
    canvas.picture(int(x), int(y - 7), bar, radius=4)
    canvas.text(x + 328, y, f"{layer.high:.2f}{unit}", _TEXT, theme.text)
