"""One entry for all ways of showing."""

from __future__ import annotations

import subprocess
import sys

from pcseg.viz import scene_from_scans, show


def test_files_are_written_where_asked(street, label_set, tmp_path) -> None:
    scene = scene_from_scans([street], None, label_set)
    png, html = tmp_path / "a.png", tmp_path / "b.html"
    assert show(scene, png=png, html=html, theme="light", max_points=100) == [png, html]
    assert png.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert html.read_text().startswith("<!doctype html>")


def test_importing_the_package_does_not_import_what_draws() -> None:
    code = "import sys, pcseg.viz; sys.exit(str({'open3d', 'PIL', 'numba'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stderr.strip() == "set()"
