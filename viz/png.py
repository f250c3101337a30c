"""Pictures of a scene as PNG: panels side by side, a title, and a legend that explains them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from pcseg.errors import PcsegError
from pcseg.files import atomic_path
from pcseg.viz.camera import Camera, camera_for
from pcseg.viz.colors import THEMES, Theme
from pcseg.viz.layers import Layer
from pcseg.viz.legend import draw_legend, legend_height, sections
from pcseg.viz.raster import Raster, paint, rasterize
from pcseg.viz.scene import Frame, Scene
from pcseg.viz.text import Canvas, shorten, text_width

_MARGIN = 28
_GUTTER = 14
_HEADER = 84
_PADDING = 18
_SHEET_FRAMES = 4
_SUPERSAMPLE = 2
_PANELS = {1: (1600, 900), 2: (960, 660), 3: (720, 540)}
"""Size in pixels of one panel, by how many stand side by side."""


def write_png(
    scene: Scene,
    path: str | os.PathLike[str],
    layer: str | None = None,
    frame: int | None = None,
    view: str = "auto",
    theme: str = "dark",
) -> Path:
    """Write a picture of a scene; see `draw` for what it shows.

    Returns:
        The path written.

    Raises:
        PcsegError: for a frame, layer, view or theme there is not, or a file that cannot be
            written.
    """
    picture = draw(scene, layer=layer, frame=frame, view=view, theme=theme)
    with atomic_path(path) as temporary:
        picture.save(temporary, format="PNG", optimize=False)
    return Path(path)


def draw(
    scene: Scene,
    layer: str | None = None,
    frame: int | None = None,
    view: str = "auto",
    theme: str = "dark",
    camera: Camera | None = None,
) -> Image.Image:
    """Draw a scene.

    One frame gives one row of panels. A sequence without `frame` gives a contact sheet: up to four
    frames spread evenly over it, all seen by the camera of the first, one row each if there are
    several layers.

    Args:
        scene: what to draw.
        layer: the one layer to draw; by default label, prediction and error side by side as far as
            they exist, else the first layer of the frame.
        frame: index of the one frame to draw.
        view: "auto" (from behind and above, or into a room) or "top" (the plan).
        theme: "dark" or "light".
        camera: where from, in place of `view`.

    Raises:
        PcsegError: for a frame, layer, view or theme there is not.
    """
    if theme not in THEMES:
        raise PcsegError(f"there is no theme '{theme}'. Choose one of: {', '.join(THEMES)}.")
    indices = [frame] if frame is not None else _spread(len(scene), _SHEET_FRAMES)
    frames = [scene.frame(index) for index in indices]
    rows = [_chosen_layers(one, layer) for one in frames]
    columns = max(max(len(row) for row in rows), min(len(rows), 2))
    width, height = _PANELS[columns]
    camera = camera or camera_for(view, frames[0].xyz)
    cells = [
        _Cell(one, colored, raster, f"{one.name} · " if len(frames) > 1 else "")
        for one, row in zip(frames, rows, strict=True)
        for raster in [_raster(one, camera, width, height)]
        for colored in row
    ]
    facts = _facts(scene, frames, indices)
    return _compose(scene, cells, columns, facts, (width, height), THEMES[theme])


def _chosen_layers(frame: Frame, layer: str | None) -> list[Layer]:
    if layer is not None:
        return [frame.layer(layer)]
    compared = [
        frame.layers[name] for name in ("label", "prediction", "error") if name in frame.layers
    ]
    return compared or [frame.layer()]


def _spread(count: int, most: int) -> list[int]:
    """Up to `most` indices spread evenly over a sequence, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(i * (count - 1) / (most - 1)) for i in range(most)]


def _raster(frame: Frame, camera: Camera, width: int, height: int) -> Raster:
    return rasterize(
        frame.xyz,
        camera,
        width * _SUPERSAMPLE,
        height * _SUPERSAMPLE,
        min_radius_px=0.8 * _SUPERSAMPLE,
        edge_px=_SUPERSAMPLE,
    )


@dataclass(frozen=True, eq=False)
class _Cell:
    """One panel: a layer of a frame, as the camera sees it."""

    frame: Frame
    layer: Layer
    raster: Raster
    prefix: str


def _compose(
    scene: Scene,
    cells: Sequence[_Cell],
    columns: int,
    facts: Sequence[str],
    size: tuple[int, int],
    theme: Theme,
) -> Image.Image:
    inner = columns * (size[0] + _GUTTER) - _GUTTER
    parts = sections([cell.layer for cell in cells])
    legend = legend_height(parts, inner - 2 * _PADDING) + 2 * _PADDING if parts else 0
    below = _HEADER + math.ceil(len(cells) / columns) * (size[1] + _GUTTER)
    canvas = Canvas(inner + 2 * _MARGIN, below + legend + _MARGIN, theme.page)
    _draw_header(canvas, scene, facts, inner, theme)
    for place, cell in enumerate(cells):
        x = _MARGIN + place % columns * (size[0] + _GUTTER)
        y = _HEADER + place // columns * (size[1] + _GUTTER)
        _draw_cell(canvas, x, y, cell, theme)
    if parts:
        canvas.box(_MARGIN, below, inner, legend, theme.panel)
        corner = (_MARGIN + _PADDING, below + _PADDING)
        draw_legend(canvas, *corner, inner - 2 * _PADDING, parts, theme)
    return canvas.image


def _draw_cell(canvas: Canvas, x: int, y: int, cell: _Cell, theme: Theme) -> None:
    picture = Image.fromarray(paint(cell.raster, cell.layer.colors, theme, _SUPERSAMPLE))
    canvas.picture(x, y, picture)
    canvas.text(x + _PADDING, y + 26, cell.prefix + cell.layer.name, 21, theme.text)
    if len(cell.frame) == 0:
        middle = (x + picture.width / 2, y + picture.height / 2)
        canvas.text(*middle, "no points", 24, theme.faint, "mm")


def _draw_header(
    canvas: Canvas, scene: Scene, facts: Sequence[str], inner: int, theme: Theme
) -> None:
    middle = _HEADER / 2
    said = " · ".join(facts)
    mark = 170 if scene.simulated else 20
    title = shorten(scene.title, 30, inner - text_width(said, 19) - mark)
    end = _MARGIN + canvas.text(_MARGIN, middle, title, 30, theme.text)
    if scene.simulated:
        canvas.pill(end + 20, middle, "SIMULATED", 17, theme.accent, theme.page)
    canvas.text(_MARGIN + inner, middle, said, 19, theme.faint, "rm")


def _facts(scene: Scene, frames: Sequence[Frame], indices: Sequence[int]) -> list[str]:
    facts = []
    if len(frames) > 1:
        facts.append(f"{len(frames)} of {len(scene)} frames")
    elif len(scene) > 1:
        facts.append(f"{frames[0].name}, frame {indices[0]} of 0 to {len(scene) - 1}")
    facts.append(f"{sum(len(frame) for frame in frames):,} points")
    return facts + list(dict.fromkeys(note for frame in frames for note in frame.notes))
