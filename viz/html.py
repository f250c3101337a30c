"""One self-contained HTML file that opens from disk and shows a scene that can be turned."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import logging
import math
import os
from collections.abc import Iterator
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from pcseg._version import __version__
from pcseg.errors import PcsegError
from pcseg.files import atomic_path
from pcseg.viz.camera import camera_for, point_size
from pcseg.viz.colors import COLORMAPS, THEMES, colormap
from pcseg.viz.packing import Packer
from pcseg.viz.scene import Scene

DEFAULT_MAX_POINTS = 4_000_000
"""About 30 MB of page, which every browser of today opens in a few seconds."""
MAX_FRAMES = 200
_LARGE_PAGE = 50_000_000
_SCRIPTS = ("data.js", "camera.js", "draw.js", "panel.js", "viewer.js")

log = logging.getLogger(__name__)


def write_html(
    scene: Scene,
    path: str | os.PathLike[str],
    layer: str | None = None,
    frame: int | None = None,
    view: str = "auto",
    theme: str = "dark",
    max_points: int = DEFAULT_MAX_POINTS,
) -> Path:
    """Write a page with all frames of a scene; it needs no network and nothing beside it.

    Frames are loaded and written one at a time, so memory holds one of them. Sequences beyond
    `MAX_FRAMES` frames are shown by every k-th frame, and frames are thinned out evenly so that
    there are at most `max_points` points in all; the page says so where it does.

    Args:
        scene: what to show.
        path: of the page.
        layer: to begin with; by default the first.
        frame: index of the frame to begin with; by default the first.
        view: "auto" or "top".
        theme: "dark" or "light", to begin with.
        max_points: of all frames together.

    Returns:
        The path written.

    Raises:
        PcsegError: for a frame, layer, view or theme there is not, a `max_points` that leaves no
            point, or a file that cannot be written.
    """
    if theme not in THEMES:
        raise PcsegError(f"there is no theme '{theme}'. Choose one of: {', '.join(THEMES)}.")
    indices = _written_frames(len(scene), frame)
    if max_points < len(indices):
        raise PcsegError(
            f"max_points={max_points} leaves less than a point for each of {len(indices)} frames. "
            "Give a larger number."
        )
    start = frame if frame is not None else 0
    first = scene.frame(start)
    packer = Packer(max_points // len(indices))
    camera = camera_for(view, first.xyz)
    manifest = {
        "version": __version__,
        "title": scene.title,
        "theme": theme,
        "layer": first.layer(layer).name,
        "frame": indices.index(start),
        "camera": asdict(camera),
        "point_size": point_size(min(len(first), packer.max_points), camera),
        "top": asdict(camera_for("top", first.xyz)),
        "frames": len(indices),
        "notes": _notes(len(scene), indices),
        "colormaps": {name: colormap(name).tolist() for name in COLORMAPS},
    }
    with atomic_path(path) as temporary:
        with temporary.open("w", encoding="utf-8", newline="\n") as page:
            for part in _parts(scene, indices, packer, manifest):
                page.write(part)
        size = temporary.stat().st_size
    if size > _LARGE_PAGE:
        log.warning(
            "%s has %.0f MB: some browsers will be slow. Fewer frames or a smaller max_points "
            "make it smaller.",
            path,
            size / 1e6,
        )
    return Path(path)


def _written_frames(count: int, start: int | None) -> list[int]:
    """Every k-th frame, through the one to begin with."""
    step = math.ceil(count / MAX_FRAMES)
    return list(range((start or 0) % step, count, step))


def _notes(count: int, indices: list[int]) -> list[str]:
    if len(indices) == count:
        return []
    step = math.ceil(count / MAX_FRAMES)
    ordinal = {2: "2nd", 3: "3rd"}.get(step, f"{step}th")
    return [f"{len(indices)} of {count} frames: every {ordinal}"]


def _parts(
    scene: Scene, indices: list[int], packer: Packer, manifest: dict[str, Any]
) -> Iterator[str]:
    """The page, piece by piece: head, frames, then what is known only after the frames."""
    style = _asset("viewer.css")
    # One function around all, so that the page has no global names.
    script = "(() => {\n'use strict';\n" + "\n".join(map(_asset, _SCRIPTS)) + "\n})();\n"
    template = _asset("viewer.html")
    template = template.replace("{{title}}", html.escape(scene.title))
    template = template.replace("{{style_hash}}", _hash(style))
    template = template.replace("{{script_hash}}", _hash(script))
    head, _, tail = template.partition("{{data}}")
    yield head.replace("{{style}}", style)
    for number, index in enumerate(indices):
        yield _data(f"frame-{number}", packer.pack(scene.frame(index)))
    known = {"simulated": scene.simulated, "tables": packer.tables}
    yield _data("scene", {**manifest, **known})
    yield tail.replace("{{script}}", script)


def _data(name: str, value: dict[str, Any]) -> str:
    # Names of classes and files are the user's: no "<" may end the element they stand in.
    text = json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>\n'


def _hash(text: str) -> str:
    """What the page's security policy allows to run or to style: just this text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (files("pcseg.viz") / "assets" / name).read_text(encoding="utf-8")
