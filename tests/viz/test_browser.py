"""The page in a real browser: it draws, turns, answers and hides; skipped without Chromium."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pcseg.viz import html as page_writer
from pcseg.viz import scene_from_scans

from .browser import Browser
from .conftest import HOSTILE

SELFTEST = Path(__file__).parent / "assets" / "selftest.js"


def test_a_user_can_turn_ask_hide_and_step(
    street, prediction, label_set, tmp_path, monkeypatch
) -> None:
    scene = scene_from_scans(
        [street, street], [prediction, prediction], label_set, title=f"two {HOSTILE}"
    )
    seen = _in_browser(scene, tmp_path, monkeypatch)
    assert "error" not in seen, seen["error"]
    assert seen["trouble"] == ""
    assert seen["layers"][:4] == ["label", "prediction", "error", "confidence"]
    assert seen["layer"] == "label" and seen["second"] == "prediction"
    assert seen["drawn"] > 1000
    # A point asked for by the mouse is the point of the file: place, class and confidence.
    index = seen["index"]
    np.testing.assert_allclose(seen["xyz"], street.xyz[index], atol=2e-3)
    tip = seen["tip"].split("\n")
    names = [*label_set.names, "ignored"]
    assert tip[tip.index("label") + 1] == names[street.labels[index]]
    assert tip[tip.index("prediction") + 1] == names[prediction.labels[index]]
    confidence = float(tip[tip.index("confidence") + 1].strip("≤≥ "))
    assert confidence == pytest.approx(prediction.confidence[index], abs=0.01)
    assert seen["held"] == index and seen["marker"]
    assert seen["turned"] == pytest.approx(30)
    assert seen["entries"][0] == "ground\n1,900"
    assert seen["withoutOne"] and seen["withoutAll"] == 0 and seen["allAgain"]
    assert seen["where"] == "2 / 2"
    assert seen["parallel"] and seen["light"] and seen["help"] and seen["simulated"]
    # The hostile name is shown as text and has made no element.
    assert seen["heading"] == f"two {HOSTILE}" and seen["images"] == 0


def _in_browser(scene, folder: Path, monkeypatch) -> dict:
    asset = page_writer._asset
    monkeypatch.setattr(page_writer, "_SCRIPTS", (*page_writer._SCRIPTS, SELFTEST.name))
    monkeypatch.setattr(
        page_writer,
        "_asset",
        lambda name: SELFTEST.read_text() if name == SELFTEST.name else asset(name),
    )
    page = page_writer.write_html(scene, folder / "page.html")
    with Browser(folder / "profile") as browser:
        return browser.evaluate(page, "window.selftest")
