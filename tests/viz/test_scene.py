"""What is shown: layers, legends, laziness, and the errors of scenes that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.data import Prediction
from pcseg.errors import DataError, LabelError, PcsegError
from pcseg.viz import scene_from_scans
from pcseg.viz.html import write_html
from pcseg.viz.layers import ClassLayer, ScalarLayer, counted


def test_layers_come_in_the_order_of_interest(street, prediction, label_set) -> None:
    frame = scene_from_scans([street], [prediction], label_set).frame(0)
    assert list(frame.layers) == (
        "label prediction error confidence rgb intensity height instance".split()
    )
    assert frame.name == "00:000007"
    for layer in frame.layers.values():
        assert layer.colors.shape == (3000, 3) and layer.colors.dtype == np.uint8


def test_legend_counts_what_is_there(street, prediction, label_set) -> None:
    frame = scene_from_scans([street], [prediction], label_set).frame(0)
    counts = {entry.name: entry.count for entry in frame.layer("label").legend}
    assert counts == {"ground": 1900, "wall": 700, label_set.names[2]: 300, "ignored": 100}
    assert frame.layer("label").legend[0].color == (200, 100, 0)
    errors = {entry.name: entry.count for entry in frame.layer("error").legend}
    assert errors == {"right": 2860, "wrong": 40, "ignored": 100}
    written = [text for _, text in counted(frame.layer("error").legend, "error")]
    assert written == ["2,860 (98.6 %)", "40 (1.4 %)", "100"]


def test_error_is_wrong_where_nothing_was_predicted(street, label_set) -> None:
    nothing = Prediction(np.full(3000, -1), np.zeros(3000, np.float32))
    frame = scene_from_scans([street], [nothing], label_set).frame(0)
    errors = {entry.name: entry.count for entry in frame.layer("error").legend}
    assert errors == {"wrong": 2900, "ignored": 100}


def test_dark_class_colours_are_lifted_with_their_hue(street, label_set) -> None:
    table = scene_from_scans([street], None, label_set).frame(0).layer("label").table
    assert table.colors[2].tolist() == [125, 0, 125]


def test_sequences_are_loaded_when_looked_at(street, label_set) -> None:
    read: list[int] = []

    class Lazy:
        def __len__(self) -> int:
            return 50

        def __getitem__(self, index: int):
            read.append(index)
            return street.replace(meta={"sequence": "00", "frame": index})

    scene = scene_from_scans(Lazy(), None, label_set)
    assert read == [0] and len(scene) == 50
    assert scene.frame(30).name == "00:000030"
    scene.frame(30)
    assert read == [0, 30]


def test_colour_limits_do_not_change_in_play(street) -> None:
    taller = street.replace(xyz=street.xyz * np.float32(3))
    scene = scene_from_scans([street, taller])
    first, second = (scene.frame(i).layer("height") for i in (0, 1))
    assert isinstance(first, ScalarLayer) and isinstance(second, ScalarLayer)
    assert (first.low, first.high) == (second.low, second.high)
    assert first.low == pytest.approx(np.percentile(street.xyz[:, 2], 1))


def test_confidence_is_never_stretched(street, prediction, label_set) -> None:
    layer = scene_from_scans([street], [prediction], label_set).frame(0).layer("confidence")
    assert (layer.low, layer.high) == (0, 1)
    np.testing.assert_array_equal(layer.steps, np.rint(prediction.confidence * 255))


def test_points_without_finite_coordinates_are_left_out_and_said(
    street, prediction, label_set
) -> None:
    xyz = street.xyz.copy()
    xyz[5, 1], xyz[2500, 0] = np.nan, np.inf
    frame = scene_from_scans([street.replace(xyz=xyz)], [prediction], label_set).frame(0)
    assert len(frame) == 2998
    assert frame.notes == ("2 points with NaN or infinite values left out",)
    assert all(len(layer.colors) == 2998 for layer in frame.layers.values())


def test_points_marked_as_invalid_are_left_out(street, prediction, label_set) -> None:
    valid = np.ones(3000, bool)
    valid[[5, 2500]] = False
    marked = street.replace(attrs={**street.attrs, "valid": valid})
    frame = scene_from_scans([marked], [prediction], label_set).frame(0)
    assert frame.notes == ("2 points with NaN or infinite values left out",)
    np.testing.assert_array_equal(frame.xyz, street.xyz[valid])


def test_a_simulated_scan_among_others_marks_the_scene(street, tmp_path) -> None:
    genuine = street.replace(meta={"sequence": "00", "frame": 1})
    scene = scene_from_scans([genuine, street])
    assert not scene.simulated
    scene.frame(1)
    assert scene.simulated
    page = write_html(scene_from_scans([genuine, street]), tmp_path / "a.html").read_text()
    assert '"simulated":true' in page


def test_without_label_set_classes_are_numbered(street, prediction) -> None:
    frame = scene_from_scans([street], [prediction]).frame(0)
    layer = frame.layer("label")
    assert isinstance(layer, ClassLayer)
    assert layer.table.names == ("class 0", "class 1", "class 2", "ignored")
    assert "error" in frame.layers


def test_raw_labels_are_encoded_or_numbered(street, label_set) -> None:
    raw = street.replace(labels=None, raw_labels=street.labels + 1)
    encoded = scene_from_scans([raw], None, label_set).frame(0).layer("label")
    assert [entry.name for entry in encoded.legend][:2] == ["ground", "wall"]
    numbered = scene_from_scans([raw]).frame(0).layer("label")
    assert [entry.name for entry in numbered.legend] == ["raw 0", "raw 1", "raw 2", "raw 3"]


def test_bare_points_are_shown_by_height(street) -> None:
    bare = street.replace(attrs={}, labels=None, instances=None, meta={"path": "a/b/room.ply"})
    scene = scene_from_scans([bare])
    assert list(scene.frame(0).layers) == ["height"] and scene.title == "room.ply"
    assert scene_from_scans([street, street]).title == "2 scans"
    assert not scene.simulated and scene_from_scans([street]).simulated


def test_empty_scan_makes_an_empty_frame(street, label_set) -> None:
    empty = street.select(np.zeros(3000, bool))
    frame = scene_from_scans([empty], None, label_set).frame(0)
    assert len(frame) == 0 and frame.layer("label").legend == ()


def test_what_does_not_fit_is_refused(street, prediction, label_set) -> None:
    with pytest.raises(DataError, match="nothing to show"):
        scene_from_scans([])
    with pytest.raises(DataError, match=r"1 predictions for 2 scans"):
        scene_from_scans([street, street], [prediction])
    short = Prediction(prediction.labels[:-1], prediction.confidence[:-1])
    with pytest.raises(LabelError, match=r"2999 predicted labels for 3000 points.*predict"):
        scene_from_scans([street], [short]).frame(0)
    foreign = Prediction(prediction.labels + 2, prediction.confidence)
    with pytest.raises(LabelError, match=r"00:7: prediction 3 is outside the 3 classes"):
        scene_from_scans([street], [foreign], label_set).frame(0)
    scene = scene_from_scans([street], None, label_set)
    with pytest.raises(PcsegError, match=r"no frame 3: .* has frames 0 to 0"):
        scene.frame(3)
    with pytest.raises(PcsegError, match=r"no layer 'error' to show.*This frame has: label, rgb"):
        scene.frame(0).layer("error")
