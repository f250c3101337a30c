"""Looking at scans, predictions and errors: a scene, and the ways to draw it."""

from pcseg.viz.from_scans import scene_from_scans
from pcseg.viz.scene import Frame, Scene
from pcseg.viz.show import show

__all__ = ["Frame", "Scene", "scene_from_scans", "show"]
