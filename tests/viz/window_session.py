"""Run by test_window.py in a process of its own: a window that nobody sees, stepped through."""

from __future__ import annotations

import sys

import numpy as np

from pcseg.data import LabelSet, Scan
from pcseg.viz import scene_from_scans
from pcseg.viz.open3d_import import open3d
from pcseg.viz.window import Window

RED, GREEN = (255, 40, 0), (0, 255, 60)


def session() -> dict[str, np.ndarray]:
    """Pictures of two frames, two layers, and with the legend off."""
    y, z = np.meshgrid(np.linspace(-9, 9, 300), np.linspace(-9, 9, 300))
    wall = np.c_[np.full(y.size, 3.0), y.ravel(), z.ravel()].astype(np.float32)
    table = LabelSet("toy", "two", ("red", "green"), np.array([RED, GREEN], np.uint8), {}, {}, {})
    scans = [
        Scan(wall, labels=np.full(len(wall), label), meta={"sequence": "00", "frame": label})
        for label in (0, 1)
    ]
    pictures = {}
    with Window(scene_from_scans(scans, None, table), visible=False, size=(900, 600)) as window:
        pictures["first"] = window.capture()
        window.step(1)
        pictures["second"] = window.capture()
        window.step(1)
        pictures["first again"] = window.capture()
        window.show_layer("height")
        pictures["height"] = window.capture()
        window.toggle_legend()
        pictures["no legend"] = window.capture()
    return pictures


if __name__ == "__main__":
    probe = open3d().visualization.Visualizer()
    if not probe.create_window("probe", 64, 64, visible=False):
        sys.exit("no OpenGL")
    probe.destroy_window()
    sys.stdout.write("can draw\n")
    sys.stdout.flush()
    np.savez(sys.argv[1], **session())
