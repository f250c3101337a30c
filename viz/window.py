"""An Open3D window in which a scene is turned, stepped through, played and recoloured."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any

import numpy as np

from pcseg.errors import PcsegError
from pcseg.viz.camera import Camera, camera_for
from pcseg.viz.colors import THEMES
from pcseg.viz.display import has_display
from pcseg.viz.hud import hud_image
from pcseg.viz.layers import Layer
from pcseg.viz.open3d_import import WITHOUT_WINDOW, open3d
from pcseg.viz.panel import CORNER, Panel
from pcseg.viz.scene import Frame, Scene

KEYS = (
    ("left, right", "step"),
    ("space", "play, stop"),
    ("C, 1 to 9", "colour"),
    ("+, -", "size of points"),
    ("T, R", "from above, reset"),
    ("L, K", "legend, keys"),
    ("B", "background"),
    ("Q", "quit"),
)
"""What the keys do, as listed in the window."""

_SECONDS_A_FRAME = 0.1
_LEFT, _RIGHT = 263, 262  # key codes of GLFW, which Open3D uses


def open_window(
    scene: Scene,
    layer: str | None = None,
    frame: int = 0,
    view: str = "auto",
    theme: str = "dark",
) -> None:
    """Open a window and stay until the user closes it.

    Raises:
        PcsegError: without a display, or for a frame, layer, view or theme there is not.
        MissingExtra: if Open3D is not installed.
    """
    if not has_display():
        raise PcsegError(f"there is no display to open a window on. {WITHOUT_WINDOW}")
    with Window(scene, layer, frame, view, theme) as window:
        window.run()


class Window:
    """A window on a scene; frames are loaded when they are stepped to.

    Attributes:
        index: of the frame shown.
        layer: by which it is coloured.
        playing: whether frames follow each other by themselves.
    """

    def __init__(
        self,
        scene: Scene,
        layer: str | None = None,
        frame: int = 0,
        view: str = "auto",
        theme: str = "dark",
        visible: bool = True,
        size: tuple[int, int] = (1440, 900),
    ) -> None:
        """Open the window.

        Args:
            scene: what to show.
            layer: to begin with; by default the first.
            frame: index of the frame to begin with.
            view: "auto" or "top".
            theme: "dark" or "light".
            visible: False draws off-screen, which needs no display (for `capture`).
            size: (width, height) in pixels.

        Raises:
            PcsegError: for a frame, layer, view or theme there is not, or if the system refuses
                the window.
            MissingExtra: if Open3D is not installed.
        """
        if theme not in THEMES:
            raise PcsegError(f"there is no theme '{theme}'. Choose one of: {', '.join(THEMES)}.")
        self._scene = scene
        self._theme = THEMES[theme]
        self.index = frame
        self.playing = False
        self.layer = scene.frame(frame).layer(layer).name
        self._home = camera_for(view, scene.frame(frame).xyz)
        self._near = min(0.05, 0.01 * self._home.distance)
        self._show_legend, self._show_keys = True, True
        self._o3d = open3d()
        self._visual = self._o3d.visualization.VisualizerWithKeyCallback()
        title = f"{scene.title}{' (SIMULATED)' if scene.simulated else ''} - pcseg view"
        if not self._visual.create_window(title, *size, visible=visible):
            raise PcsegError(f"the system refused to open a window. {WITHOUT_WINDOW}")
        self._cloud = self._o3d.geometry.PointCloud()
        self._panel = Panel(self._o3d, self._visual, self._near)
        self._fill()
        self._visual.add_geometry(self._cloud)
        self._set_background()
        self._visual.get_render_option().point_size = 2.5
        self._visual.get_render_option().light_on = (
            False  # the panel's colours are to stay as drawn
        )
        self._look_from(self._home)
        self._register_keys()
        self._draw_panel()

    def __enter__(self) -> Window:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def run(self) -> None:
        """Stay until the user closes the window."""
        due = time.monotonic()
        while self._visual.poll_events():
            if self.playing and time.monotonic() >= due:
                due = time.monotonic() + _SECONDS_A_FRAME
                self.step(1)
            self._panel.follow()
            self._visual.update_renderer()
            time.sleep(0.005)  # without it, a window at rest would take a whole core

    def step(self, count: int) -> None:
        """Go to another frame; after the last comes the first."""
        self.index = (self.index + count) % len(self._scene)
        self._refresh()

    def show_layer(self, name: str) -> None:
        """Colour by another layer."""
        self.layer = name
        self._refresh()

    def toggle_legend(self) -> None:
        """Show or hide the panel with title, legend and keys."""
        self._show_legend = not self._show_legend
        self._draw_panel()

    def toggle_keys(self) -> None:
        """Show or hide the list of keys in the panel."""
        self._show_keys = not self._show_keys
        self._draw_panel()

    def capture(self) -> np.ndarray:
        """What the window shows: (H, W, 3) uint8 RGB."""
        self._panel.follow()
        self._visual.poll_events()
        self._visual.update_renderer()
        pixels = np.asarray(self._visual.capture_screen_float_buffer(do_render=True))
        return (255 * pixels).round().astype(np.uint8)

    def close(self) -> None:
        """Close the window."""
        self._visual.destroy_window()

    def _current(self) -> tuple[Frame, Layer]:
        frame = self._scene.frame(self.index)
        # A frame may lack the layer, for example one without a prediction.
        return frame, frame.layers.get(self.layer) or frame.layer()

    def _fill(self) -> None:
        frame, layer = self._current()
        shown = slice(None)
        if self._home.cut_above is not None:
            shown = frame.xyz[:, 2] <= self._home.cut_above
        vector = self._o3d.utility.Vector3dVector
        self._cloud.points = vector(frame.xyz[shown].astype(np.float64))
        self._cloud.colors = vector(layer.colors[shown].astype(np.float64) / 255)

    def _refresh(self) -> None:
        self._fill()
        self._visual.update_geometry(self._cloud)
        self._draw_panel()

    def _set_background(self) -> None:
        middle = np.add(self._theme.top, self._theme.bottom) / 2 / 255
        self._visual.get_render_option().background_color = middle

    def _look_from(self, camera: Camera) -> None:
        if camera.fov_deg == 0:
            # The nearest thing to a parallel projection: from far away through a long lens.
            far = 0.5 * camera.distance / np.tan(np.radians(5))
            camera = Camera(camera.target, far, camera.azimuth_deg, camera.elevation_deg, 10.0)
        control = self._visual.get_view_control()
        parameters = control.convert_to_pinhole_camera_parameters()
        width, height = parameters.intrinsic.width, parameters.intrinsic.height
        focal = 0.5 * height / np.tan(np.radians(camera.fov_deg) / 2)
        center = (width / 2 - 0.5, height / 2 - 0.5)
        parameters.intrinsic.set_intrinsics(width, height, focal, focal, *center)
        eye, rotation = camera.axes()
        extrinsic = np.eye(4)
        extrinsic[:3, :3] = rotation
        extrinsic[:3, 3] = -rotation @ eye
        parameters.extrinsic = extrinsic
        control.convert_from_pinhole_camera_parameters(parameters, allow_arbitrary=True)
        control.set_constant_z_near(self._near)
        control.set_constant_z_far(12 * camera.distance + 200)

    def _draw_panel(self) -> None:
        if not self._show_legend:
            self._panel.show(None)
            return
        frame, layer = self._current()
        camera = self._visual.get_view_control().convert_to_pinhole_camera_parameters()
        room = camera.intrinsic.height - 2 * CORNER
        keys = KEYS if self._show_keys else ()
        self._panel.show(hud_image(self._scene, self.index, frame, layer, keys, self._theme, room))

    def _register_keys(self) -> None:
        actions: dict[int, Callable[[], None]] = {
            _LEFT: partial(self.step, -1),
            _RIGHT: partial(self.step, 1),
            ord(" "): self._toggle_play,
            ord("C"): self._next_layer,
            ord("T"): self._look_from_above,
            ord("R"): partial(self._look_from, self._home),
            ord("L"): self.toggle_legend,
            ord("K"): self.toggle_keys,
            ord("B"): self._toggle_theme,
        }
        actions |= {ord("1") + place: partial(self._layer_at, place) for place in range(9)}
        for key, action in actions.items():
            self._visual.register_key_callback(key, _callback(action))

    def _look_from_above(self) -> None:
        self._look_from(camera_for("top", self._current()[0].xyz))

    def _toggle_play(self) -> None:
        self.playing = not self.playing

    def _toggle_theme(self) -> None:
        self._theme = THEMES["light" if self._theme.name == "dark" else "dark"]
        self._set_background()
        self._draw_panel()

    def _next_layer(self) -> None:
        frame, layer = self._current()
        names = list(frame.layers)
        self.show_layer(names[(names.index(layer.name) + 1) % len(names)])

    def _layer_at(self, place: int) -> None:
        names = list(self._current()[0].layers)
        if place < len(names):
            self.show_layer(names[place])


def _callback(action: Callable[[], None]) -> Callable[[Any], bool]:
    """An action as Open3D calls it: with the window, asking whether shapes are to be sent again."""

    def call(_: Any) -> bool:
        action()
        return False

    return call
