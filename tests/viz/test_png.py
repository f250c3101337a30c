"""Pictures: the right panels with the right colours, whole files, clear errors."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pcseg.errors import PcsegError
from pcseg.viz import scene_from_scans
from pcseg.viz.colors import RIGHT, THEMES, WRONG
from pcseg.viz.legend import legend_height, sections
from pcseg.viz.png import draw, write_png


def _has(picture: Image.Image, color: tuple[int, int, int], tolerance: int = 6) -> int:
    """Pixels of about a colour."""
    return int((np.abs(np.asarray(picture).astype(int) - color).max(axis=2) <= tolerance).sum())


def test_label_prediction_and_error_stand_side_by_side(
    street, prediction, label_set, tmp_path
) -> None:
    scene = scene_from_scans([street], [prediction], label_set)
    path = write_png(scene, tmp_path / "new" / "scan.png")
    with Image.open(path) as picture:
        assert picture.format == "PNG" and picture.width > 2.5 * picture.height
        third = picture.width // 3
        panels = [picture.crop((i * third, 84, (i + 1) * third, 600)) for i in range(3)]
    assert _has(panels[0], (0, 200, 100)) > _has(panels[1], (0, 200, 100)) > 0
    assert _has(panels[2], WRONG) > 20 and _has(panels[2], RIGHT) > 500
    assert _has(panels[0], WRONG) == 0
    assert list(path.parent.iterdir()) == [path]  # nothing temporary is left


def test_one_layer_fills_the_picture(street, prediction, label_set) -> None:
    scene = scene_from_scans([street], [prediction], label_set)
    assert draw(scene, layer="height").width < draw(scene).width


def test_a_sequence_becomes_a_contact_sheet_and_frame_picks_one(street, label_set) -> None:
    looked_at: list[int] = []

    class Lazy:
        def __len__(self) -> int:
            return 31

        def __getitem__(self, index: int):
            looked_at.append(index)
            return street

    sheet = draw(scene_from_scans(Lazy(), None, label_set))
    assert looked_at == [0, 10, 20, 30]
    one = draw(scene_from_scans(Lazy(), None, label_set), frame=17)
    assert looked_at[-1] == 17 and sheet.width > one.width


def test_simulated_is_said(street, label_set) -> None:
    real = street.replace(meta={"sequence": "00", "frame": 7})
    accent = THEMES["dark"].accent
    for scan, said in ((street, True), (real, False)):
        header = draw(scene_from_scans([scan], None, label_set)).crop((0, 0, 900, 84))
        assert (_has(header, accent) > 200) is said


def test_light_and_dark_and_from_above(street, label_set) -> None:
    scene = scene_from_scans([street], None, label_set)
    means = {theme: np.asarray(draw(scene, theme=theme)).mean() for theme in THEMES}
    assert means["light"] > means["dark"] + 100
    top = np.asarray(draw(scene, view="top"))
    assert not np.array_equal(top, np.asarray(draw(scene)))


def test_empty_scan_says_so(street, label_set) -> None:
    empty = street.select(np.zeros(3000, bool))
    picture = draw(scene_from_scans([empty], None, label_set))
    assert picture.height > 300


def test_legend_lists_counts_of_both_and_sums_frames(street, prediction, label_set) -> None:
    frame = scene_from_scans([street], [prediction], label_set).frame(0)
    layers = [frame.layer(name) for name in ("label", "prediction", "error")]
    classes, errors = sections([*layers, *layers])
    assert classes.title == "label / prediction"
    written = {entry.name: text for entry, text in classes.entries}
    assert written["ground"] == "3,800 / 4,080" and written["ignored"] == "200 / 0"
    assert [text for _, text in errors.entries] == ["5,720 (98.6 %)", "80 (1.4 %)", "200"]
    assert legend_height([classes, errors], 200) > legend_height([classes, errors], 2000)


def test_long_legends_are_counted_not_drawn_without_end(street) -> None:
    many = street.replace(labels=None, instances=np.arange(3000))
    (part,) = sections([scene_from_scans([many]).frame(0).layer("instance")])
    assert len(part.entries) == 48 and part.more == 2952


def test_scalars_are_explained_by_a_bar(street) -> None:
    (part,) = sections([scene_from_scans([street]).frame(0).layer("height")])
    assert part.bar is not None and part.bar.unit == "m"


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"theme": "pink"}, "no theme 'pink'. Choose one of: dark, light"),
        ({"view": "side"}, "no view 'side'"),
        ({"frame": 9}, "no frame 9"),
        ({"layer": "prediction"}, "no layer 'prediction'"),
    ],
)
def test_wishes_that_cannot_be_met(street, label_set, tmp_path, wish, message) -> None:
    scene = scene_from_scans([street], None, label_set)
    with pytest.raises(PcsegError, match=message):
        write_png(scene, tmp_path / "scan.png", **wish)
    assert not any(tmp_path.iterdir())


@pytest.mark.realdata
def test_a_genuine_scan(realdata, tmp_path) -> None:
    folder = realdata / "semantickitti_seq00_genuine/dataset/sequences/00"
    points = np.fromfile(folder / "velodyne/000000.bin", np.float32).reshape(-1, 4)
    raw = np.fromfile(folder / "labels/000000.label", np.uint32).astype(np.int64) & 0xFFFF
    from pcseg.data import Scan, label_set

    names = label_set("semantic_kitti/sk19")
    scan = Scan(np.ascontiguousarray(points[:, :3]), labels=names.encode(raw))
    scene = scene_from_scans([scan], None, names)
    picture = draw(scene)
    road = scene.frame(0).layer("label").table.colors[names.names.index("road")]
    assert _has(picture, tuple(int(c) for c in road)) > 20_000
