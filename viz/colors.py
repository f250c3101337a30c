"""Colours for values, errors and instances, without a plotting library."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

IGNORED = (104, 110, 120)
"""Points that are not scored."""
RIGHT = (62, 131, 168)
"""Quiet blue: right points are the background against which errors are looked for."""
WRONG = (255, 92, 56)
"""Vermilion: told from `RIGHT` with every common kind of colour blindness."""


@dataclass(frozen=True)
class Theme:
    """Colours of everything that is not a point.

    Attributes:
        name: ``"dark"`` or ``"light"``.
        top, bottom: background at the upper and the lower edge of a picture.
        page, panel, line: behind everything, behind the legend, and of thin lines.
        text, faint: main and secondary text.
        accent: marks that must be noticed, such as "simulated".
    """

    name: str
    top: tuple[int, int, int]
    bottom: tuple[int, int, int]
    page: tuple[int, int, int]
    panel: tuple[int, int, int]
    line: tuple[int, int, int]
    text: tuple[int, int, int]
    faint: tuple[int, int, int]
    accent: tuple[int, int, int]


THEMES = {
    "dark": Theme(
        name="dark",
        top=(34, 41, 54),
        bottom=(13, 16, 22),
        page=(11, 13, 18),
        panel=(20, 24, 32),
        line=(44, 51, 64),
        text=(232, 236, 242),
        faint=(146, 156, 172),
        accent=(255, 190, 92),
    ),
    "light": Theme(
        name="light",
        top=(222, 229, 238),
        bottom=(250, 251, 253),
        page=(255, 255, 255),
        panel=(244, 246, 249),
        line=(214, 220, 229),
        text=(27, 33, 43),
        faint=(98, 108, 124),
        accent=(176, 96, 0),
    ),
}


def colormap(name: str) -> np.ndarray:
    """A continuous colour map.

    Args:
        name: one of `COLORMAPS`.

    Returns:
        (256, 3) uint8 RGB, from the lowest value to the highest.
    """
    anchors = np.array([[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in COLORMAPS[name]])
    places = np.linspace(0, len(anchors) - 1, 256)
    channels = [np.interp(places, np.arange(len(anchors)), anchors[:, c]) for c in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


COLORMAPS = {
    # Perceptually uniform; the default of any value.
    "viridis": "440154 482878 3e4a89 31688e 26828e 1f9e89 35b779 6dcd59 b4de2c fde725".split(),
    # Many hues, so that small steps of height can be told apart.
    "turbo": (
        "30123b 4145ab 4675ed 39a2fc 1bcfd4 24eca6 61fc6c a4fc3b d1e834 f3c63a fe9b2d f36315 "
        "d93806 b11901 7a0403"
    ).split(),
    # Bright at the low end: doubt catches the eye, certainty stays in the background.
    "doubt": "f9e54a fdb22f f58860 e3685f c5407d 93339c 5f3fb0 3c55ac 3a6fae 4488b4".split(),
}


def instance_colors(ids: np.ndarray) -> np.ndarray:
    """Colours that stay with an instance from frame to frame.

    Args:
        ids: (M,) integer instance ids, 0 for none.

    Returns:
        (M, 3) uint8 RGB; `IGNORED` for id 0.
    """
    ids = np.asarray(ids, np.int64)
    # Steps by the golden ratio spread the hues of neighbouring ids as far as can be.
    hue = (ids * 0.6180339887) % 1.0
    light = 0.55 + 0.15 * ((ids // 7) % 3)
    colors = _hsl(hue, 0.75, light)
    colors[ids == 0] = IGNORED
    return colors


def spread_colors(count: int) -> np.ndarray:
    """`count` colours for classes that came without any; (count, 3) uint8."""
    return instance_colors(np.arange(1, count + 1))


def visible(colors: np.ndarray) -> np.ndarray:
    """Brighten colours that could not be told from a dark background, keeping their hue.

    Drawings and their legends both use the result, so a legend always shows what is drawn.

    Args:
        colors: (K, 3) uint8 RGB.
    """
    strongest = colors.max(axis=1, keepdims=True).astype(np.float32)
    lifted = colors * (_DARKEST / np.maximum(strongest, 1))
    lifted = np.where(strongest == 0, _DARKEST, lifted)
    return np.where(strongest < _DARKEST, lifted, colors).round().astype(np.uint8)


_DARKEST = 125
"""The least value that the strongest channel of a class colour may have."""


def _hsl(hue: np.ndarray, saturation: float, lightness: np.ndarray) -> np.ndarray:
    amplitude = saturation * np.minimum(lightness, 1 - lightness)
    channels = []
    for offset in (0, 8, 4):
        k = (offset + hue * 12) % 12
        ramp = np.clip(np.minimum(k - 3, 9 - k), -1, 1)
        channels.append(lightness - amplitude * ramp)
    return (255 * np.stack(channels, axis=1)).round().astype(np.uint8)
