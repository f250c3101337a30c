"""Show a scene: as files where files are asked for, else in a window."""

from __future__ import annotations

import os
from pathlib import Path

from pcseg.viz.scene import Scene


def show(
    scene: Scene,
    png: str | os.PathLike[str] | None = None,
    html: str | os.PathLike[str] | None = None,
    layer: str | None = None,
    frame: int | None = None,
    view: str = "auto",
    theme: str = "dark",
    max_points: int | None = None,
) -> list[Path]:
    """Write a scene as PNG or HTML or both, or open a window if neither is asked for.

    Args:
        scene: what to show.
        png: where to write a picture.
        html: where to write a page that opens from disk in any browser and can be turned.
        layer: what to colour by at first (for a PNG: only), for example "label" or "height".
        frame: index of the frame to begin with (for a PNG: the only one).
        view: "auto" (from behind and above, or into a room) or "top".
        theme: "dark" or "light".
        max_points: the most points in an HTML page; more are thinned out, which the page says.

    Returns:
        The files written, none for a window.

    Raises:
        PcsegError: for a frame, layer, view or theme there is not, if a file cannot be written, or
            if a window was asked for and there is no display.
        MissingExtra: if a window was asked for and Open3D is not installed.
    """
    # Each way of drawing is imported only when it is used: they bring in numba, Pillow or Open3D.
    written = []
    if png is not None:
        from pcseg.viz.png import write_png

        written.append(write_png(scene, png, layer=layer, frame=frame, view=view, theme=theme))
    if html is not None:
        from pcseg.viz.html import DEFAULT_MAX_POINTS, write_html

        limit = DEFAULT_MAX_POINTS if max_points is None else max_points
        page = write_html(
            scene, html, layer=layer, frame=frame, view=view, theme=theme, max_points=limit
        )
        written.append(page)
    if png is None and html is None:
        from pcseg.viz.window import open_window

        open_window(scene, layer=layer, frame=frame or 0, view=view, theme=theme)
    return written
