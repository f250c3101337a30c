"""The window, drawn where nobody sees it; and what is said where there can be none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pcseg.errors import MissingExtra, PcsegError
from pcseg.optional import available
from pcseg.viz import open3d_import, scene_from_scans, show
from pcseg.viz.colors import THEMES
from pcseg.viz.display import has_display
from pcseg.viz.hud import WIDTH, hud_image
from pcseg.viz.window import KEYS

from .window_session import GREEN, RED

SESSION = Path(__file__).with_name("window_session.py")


def test_a_window_steps_recolours_and_explains(tmp_path) -> None:
    if not available("open3d"):
        pytest.skip('no Open3D: pip install "pcseg[viz]"')
    file = tmp_path / "pictures.npz"
    # Apart, because a graphics driver that fails takes its process with it.
    command = [sys.executable, "-m", "tests.viz.window_session", str(file)]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=180, cwd=Path(__file__).parents[2]
    )
    if "can draw" not in result.stdout:
        pytest.skip(f"Open3D cannot draw here: {(result.stdout + result.stderr)[-200:]}")
    assert result.returncode == 0, result.stderr
    pictures = dict(np.load(file))
    reds = {name: _count(picture, RED) for name, picture in pictures.items()}
    greens = {name: _count(picture, GREEN) for name, picture in pictures.items()}
    assert pictures["first"].shape == (600, 900, 3)
    assert reds["first"] > 20_000 > 100 > greens["first"]
    assert greens["second"] > 20_000 > 100 > reds["second"]
    np.testing.assert_array_equal(pictures["first again"], pictures["first"])
    assert reds["height"] < 0.2 * reds["first"]
    corner = (slice(20, 200), slice(20, 300))
    # Only text is nearly white: nothing of the scene is.
    assert (pictures["first"][corner].min(axis=2) > 130).sum() > 100
    assert (pictures["no legend"][corner].min(axis=2) > 130).sum() == 0


def test_without_a_display_the_other_ways_are_named(street, monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(PcsegError, match=r"no display to open a window on.*--png.*--html"):
        show(scene_from_scans([street]))


def test_a_display_that_does_not_answer_is_none(monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-4711")
    assert not has_display()


def test_without_open3d_the_install_command_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(MissingExtra, match=r'pip install "pcseg\[viz\]"(.|\n)*--html'):
        open3d_import.open3d()


def test_the_panel_fits_and_tells(street, prediction, label_set) -> None:
    scene = scene_from_scans([street], [prediction], label_set)
    frame, theme = scene.frame(0), THEMES["dark"]
    images = {
        name: hud_image(scene, 0, frame, frame.layer(name), KEYS, theme, 800)
        for name in frame.layers
    }
    for image in images.values():
        assert image.shape[1] == WIDTH and image.shape[0] <= 800
    assert _count(images["label"], (200, 100, 0)) > 50
    assert _count(images["height"], (200, 100, 0)) < 50
    crowd = scene_from_scans([street.replace(instances=np.arange(3000))]).frame(0)
    image = hud_image(scene, 0, crowd, crowd.layer("instance"), KEYS, theme, 500)
    assert image.shape[0] <= 500


def _count(picture: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((np.abs(picture.astype(int) - color).max(axis=-1) <= 8).sum())
