"""The page: whole, small, self-contained, safe against names, honest about what it leaves out."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest

from pcseg.errors import PcsegError
from pcseg.viz import html as page_writer
from pcseg.viz import scene_from_scans
from pcseg.viz.html import write_html
from pcseg.viz.packing import Packer

from .conftest import HOSTILE


class Page(HTMLParser):
    """Elements of a page, and the text of those that have an id or are scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = [("", {})]
        self.texts: dict[str, str] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(("", {}))

    def handle_data(self, data: str) -> None:
        tag, attrs = self.tags[-1]
        key = attrs.get("id") or tag
        self.texts[key] = self.texts.get(key, "") + data


def _read(path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def _unpack(packed: dict) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Positions and layer arrays, as the page's script unpacks them."""
    count = packed["count"]
    data = np.frombuffer(zlib.decompress(base64.b64decode(packed["data"])), np.uint8)
    planes = data[: 6 * count].reshape(3, 2, count).astype(np.uint16)
    counts = np.cumsum(planes[:, 0] + 256 * planes[:, 1], axis=1, dtype=np.uint16).T
    layers, start = {}, 6 * count
    for entry in packed["layers"]:
        width = 3 if entry["kind"] == "rgb" else entry.get("bytes", 1)
        part = data[start : start + width * count]
        layers[entry["name"]] = part.view("<u2") if entry.get("bytes") == 2 else part
        start += width * count
    assert start == len(data)
    return np.array(packed["low"]) + counts * np.array(packed["step"]), layers


def test_frames_survive_packing(street, prediction, label_set) -> None:
    frame = scene_from_scans([street], [prediction], label_set).frame(0)
    packer = Packer(10_000)
    packed = packer.pack(frame)
    xyz, layers = _unpack(packed)
    assert np.abs(xyz - frame.xyz).max() <= 0.51 * max(packed["step"]) < 1e-3
    for name in ("label", "prediction", "error", "instance"):
        np.testing.assert_array_equal(layers[name], frame.layer(name).ids)
    np.testing.assert_array_equal(layers["intensity"], frame.layer("intensity").steps)
    np.testing.assert_array_equal(layers["rgb"].reshape(-1, 3), frame.layer("rgb").colors)
    tables = packer.tables
    by_name = {entry["name"]: entry.get("table") for entry in packed["layers"]}
    assert by_name["label"] == by_name["prediction"] != by_name["error"]
    assert tables[by_name["label"]]["names"] == [*label_set.names, "ignored"]


def test_more_than_256_meanings_take_two_bytes(street) -> None:
    many = street.replace(labels=None, instances=np.arange(3000) // 5)
    frame = scene_from_scans([many]).frame(0)
    _, layers = _unpack(Packer(10_000).pack(frame))
    np.testing.assert_array_equal(layers["instance"], frame.layer("instance").ids)


def test_empty_and_flat_frames_pack(street) -> None:
    empty = scene_from_scans([street.select(np.zeros(3000, bool))]).frame(0)
    assert _unpack(Packer(10).pack(empty))[0].shape == (0, 3)
    flat = scene_from_scans([street.replace(xyz=np.ones((3000, 3), np.float32))]).frame(0)
    np.testing.assert_allclose(_unpack(Packer(5000).pack(flat))[0], 1, atol=1e-6)


def test_thinning_keeps_points_and_colours_together_and_says_so(
    street, prediction, label_set
) -> None:
    frame = scene_from_scans([street], [prediction], label_set).frame(0)
    packed = Packer(500).pack(frame)
    xyz, layers = _unpack(packed)
    assert len(xyz) == 500 and packed["notes"] == ["thinned out: 500 of 3,000 points shown"]
    nearest = np.linalg.norm(frame.xyz[None] - xyz[:, None], axis=2).argmin(axis=1)
    np.testing.assert_array_equal(layers["label"], frame.layer("label").ids[nearest])
    assert packed == Packer(500).pack(frame)


def test_the_page_needs_nothing_but_itself(street, prediction, label_set, tmp_path) -> None:
    path = tmp_path / "scan.html"
    scene = scene_from_scans([street, street], [prediction, None], label_set)
    assert write_html(scene, path) == path
    page = _read(path)
    assert not [attrs for _, attrs in page.tags if {"src", "href", "action"} & set(attrs)]
    assert not re.search(r"https?:|//cdn|@import|url\(|import\(", path.read_text())
    assert "{{" not in path.read_text()
    manifest = json.loads(page.texts["scene"])
    assert manifest["frames"] == 2 and manifest["simulated"] and manifest["layer"] == "label"
    assert json.loads(page.texts["frame-1"])["count"] == 3000
    assert list(tmp_path.iterdir()) == [path]


def test_only_the_pages_own_script_and_style_may_run(street, tmp_path) -> None:
    page = _read(write_html(scene_from_scans([street]), tmp_path / "scan.html"))
    policy = next(a["content"] for tag, a in page.tags if "http-equiv" in a) or ""
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for kind in ("script", "style"):
        digest = hashlib.sha256(page.texts[kind].encode()).digest()
        assert f"{kind}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy


def test_names_cannot_become_markup(street, label_set, tmp_path) -> None:
    named = street.replace(meta={"path": f"/data/{HOSTILE}.bin"})
    title = f"</title>{HOSTILE}"
    path = write_html(scene_from_scans([named], None, label_set, title), tmp_path / "scan.html")
    text, page = path.read_text(), _read(path)
    assert "<img" not in text
    assert [tag for tag, _ in page.tags].count("script") == 3  # frame, scene, program
    assert page.texts["title"].strip() == title
    assert json.loads(page.texts["scene"])["tables"][0]["names"][2] == HOSTILE


def test_long_sequences_are_cut_to_every_kth_frame(street, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(page_writer, "MAX_FRAMES", 4)
    scene = scene_from_scans([street] * 10)
    page = _read(write_html(scene, tmp_path / "scan.html", max_points=4000, frame=7))
    manifest = json.loads(page.texts["scene"])
    assert manifest["frames"] == 3 and manifest["notes"] == ["3 of 10 frames: every 3rd"]
    assert manifest["frame"] == 2  # of frames 1, 4, 7
    assert json.loads(page.texts["frame-0"])["count"] == 1333


def test_large_pages_are_warned_of(street, tmp_path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(page_writer, "_LARGE_PAGE", 1000)
    write_html(scene_from_scans([street]), tmp_path / "scan.html")
    assert "smaller max_points" in caplog.text


def test_wishes_that_cannot_be_met(street, tmp_path) -> None:
    scene = scene_from_scans([street])
    for wish, message in (
        ({"theme": "pink"}, "no theme 'pink'"),
        ({"view": "side"}, "no view 'side'"),
        ({"frame": 2}, "no frame 2"),
        ({"frame": -1}, "no frame -1"),
        ({"layer": "label2"}, "no layer 'label2'"),
        ({"max_points": 0}, "max_points=0 leaves less than a point"),
    ):
        with pytest.raises(PcsegError, match=message):
            write_html(scene, tmp_path / "scan.html", **wish)
    assert not any(tmp_path.iterdir())


@pytest.mark.realdata
def test_a_genuine_scan_takes_less_than_three_megabytes(realdata, tmp_path) -> None:
    folder = realdata / "semantickitti_seq00_genuine/dataset/sequences/00"
    points = np.fromfile(folder / "velodyne/000000.bin", np.float32).reshape(-1, 4)
    from pcseg.data import Scan

    scan = Scan(np.ascontiguousarray(points[:, :3]), {"intensity": points[:, 3]})
    path = write_html(scene_from_scans([scan]), tmp_path / "scan.html")
    assert path.stat().st_size < 3_000_000
    assert json.loads(_read(path).texts["frame-0"])["count"] == 124_668
