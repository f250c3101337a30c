"""The panel drawn into the window: frame, layer, legend, keys. Open3D itself cannot write text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from pcseg.viz.colors import Theme, colormap
from pcseg.viz.layers import Layer, ScalarLayer, counted
from pcseg.viz.scene import Frame, Scene
from pcseg.viz.text import Canvas, shorten

WIDTH = 300
_PAD = 14
_ROW = 22
_BAR_ROWS = 2


def hud_image(
    scene: Scene,
    index: int,
    frame: Frame,
    layer: Layer,
    keys: Sequence[tuple[str, str]],
    theme: Theme,
    most_height: int,
) -> np.ndarray:
    """Draw the panel.

    Args:
        scene: supplies the title.
        index: of the frame.
        frame: that is shown.
        layer: that it is coloured by.
        keys: keys and what they do, listed at the end; may be empty.
        theme: colours of the panel.
        most_height: pixels there are; legend lines beyond are counted instead of listed.

    Returns:
        (H, `WIDTH`, 3) uint8 RGB.
    """
    head = [frame.name] if frame.name != scene.title else []
    if len(scene) > 1:
        head.append(f"frame {index} of 0 to {len(scene) - 1}")
    head += [f"{len(frame):,} points", *frame.notes]
    used = 2 * _PAD + 30 + _ROW * (len(head) + 1 + len(keys)) + (_ROW if scene.simulated else 0)
    room = max(1, (most_height - used) // _ROW)
    entries = sorted(counted(layer.legend, layer.name), key=lambda pair: -pair[0].count)
    listed = entries if len(entries) <= room else entries[: room - 1]
    rows = len(listed) + (len(listed) < len(entries))
    rows = _BAR_ROWS if isinstance(layer, ScalarLayer) else rows
    canvas = Canvas(WIDTH, used + _ROW * rows, theme.panel)
    y = _PAD + 10.0
    canvas.text(_PAD, y, shorten(scene.title, 18, WIDTH - 2 * _PAD), 18, theme.text)
    y += 26
    if scene.simulated:
        canvas.pill(_PAD, y, "SIMULATED", 12, theme.accent, theme.page)
        y += _ROW
    for line in head:
        canvas.text(_PAD, y, shorten(line, 14, WIDTH - 2 * _PAD), 14, theme.faint)
        y += _ROW
    canvas.text(_PAD, y, f"colour: {layer.name}", 15, theme.text)
    y += _ROW
    if isinstance(layer, ScalarLayer):
        _draw_bar(canvas, y, layer, theme)
    for entry, count in listed:
        canvas.swatch(_PAD, y, 13, entry.color)
        canvas.text(WIDTH - _PAD, y, count, 13, theme.faint, "rm")
        canvas.text(_PAD + 22, y, shorten(entry.name, 14, 160), 14, theme.text)
        y += _ROW
    if len(listed) < len(entries):
        canvas.text(_PAD + 22, y, f"and {len(entries) - len(listed)} more", 14, theme.faint)
    y = canvas.image.height - _PAD - _ROW * len(keys) + _ROW / 2
    for key, action in keys:
        canvas.text(_PAD, y, key, 13, theme.text)
        canvas.text(_PAD + 110, y, action, 13, theme.faint)
        y += _ROW
    return np.asarray(canvas.image)


def _draw_bar(canvas: Canvas, y: float, layer: ScalarLayer, theme: Theme) -> None:
    bar = Image.fromarray(colormap(layer.colormap)[None]).resize((WIDTH - 2 * _PAD, 12))
    canvas.picture(_PAD, int(y) - 6, bar, radius=3)
    y += _ROW
    canvas.text(_PAD, y, f"{layer.low:.2f} {layer.unit}", 13, theme.faint)
    canvas.text(WIDTH - _PAD, y, f"{layer.high:.2f} {layer.unit}", 13, theme.faint, "rm")
