"""Evaluation: bins, moving objects, bad input, and what it refuses to mix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pcseg.data import IGNORE, LabelSet, Prediction, Scan, label_set
from pcseg.errors import ConfigError, DataError, LabelError
from pcseg.evaluate import Evaluation, check_same_classes, protocol

SK19 = label_set("semantic_kitti/sk19")
CAR, PERSON, ROAD = (SK19.names.index(name) for name in ("car", "person", "road"))


def a_scan(labels: list[int], ranges: list[float] | None = None, **meta: Any) -> Scan:
    xyz = np.zeros((len(labels), 3), np.float32)
    xyz[:, 0] = ranges or 1.0
    meta = {"sequence": "08", "frame": 0, **meta}
    return Scan(xyz, labels=np.array(labels, np.int64), meta=meta)


def said(labels: list[int], confidence: float = 0.5) -> Prediction:
    return Prediction(np.array(labels, np.int64), np.full(len(labels), confidence, np.float32))


def test_range_bins_hold_each_point_once() -> None:
    evaluation = Evaluation(SK19)
    ranges = [0, 9.99, 10, 19.9, 20, 34.9, 35, 50, 500]
    pred = [CAR, ROAD, CAR, CAR, ROAD, ROAD, CAR, CAR, ROAD]
    evaluation.add(a_scan([CAR] * 9, ranges), said(pred))
    bins = evaluation.result().to_dict()["range_bins"]
    assert [b["points"] for b in bins] == [2, 2, 2, 1, 2]
    assert [b["miou"] for b in bins] == [0.5, 1, 0, 1, 0.5]
    assert [(b["from_m"], b["to_m"]) for b in bins] == [
        (0, 10),
        (10, 20),
        (20, 35),
        (35, 50),
        (50, None),
    ]
    assert bins[0]["classes"]["car"] == {"iou": 0.5, "points": 2}
    assert bins[0]["classes"]["road"] == {"iou": None, "points": 0}


def test_map_coordinates_are_scored_but_not_binned() -> None:
    evaluation = Evaluation(SK19)
    evaluation.add(a_scan([CAR, CAR], offset=(4e5, 5e6, 0.0)), said([CAR, ROAD]))
    result = evaluation.result()
    assert result.miou == 0.5
    assert sum(group.points for group in result.range_bins) == 0


def test_moving_and_static_objects_of_the_classes_that_can_move() -> None:
    raw = np.array([10, 10, 252, 252, 254, 40])
    scan = a_scan(SK19.encode(raw).tolist()).replace(raw_labels=raw)
    evaluation = Evaluation(SK19)
    evaluation.add(scan, said([CAR, CAR, CAR, ROAD, PERSON, CAR]))
    static, moving = evaluation.result().motion
    assert (static.name, static.points, static.miou) == ("static", 2, 1.0)
    assert (moving.name, moving.points) == ("moving", 3)
    assert moving.classes["car"] == {"iou": 0.5, "points": 2}
    assert moving.miou == pytest.approx((0.5 + 1) / 2)
    assert moving.accuracy == pytest.approx(2 / 3)


def test_without_raw_labels_nothing_is_said_about_motion() -> None:
    evaluation = Evaluation(SK19)
    evaluation.add(a_scan([CAR]), said([CAR]))
    assert evaluation.result().motion == ()


def test_calibration_takes_scored_points_only() -> None:
    evaluation = Evaluation(SK19)
    prediction = Prediction(np.array([CAR, CAR]), np.array([0.75, 0.01], np.float32))
    evaluation.add(a_scan([CAR, IGNORE]), prediction)
    assert evaluation.result().ece == pytest.approx(0.25)


def test_unknown_confidences_leave_ece_undefined() -> None:
    evaluation = Evaluation(SK19)
    evaluation.add(a_scan([CAR, ROAD]), said([CAR, ROAD], confidence=float("nan")))
    result = evaluation.result()
    assert result.miou == 1
    assert result.ece is None
    assert result.error_auroc is None


def test_one_simulated_scan_marks_the_result() -> None:
    evaluation = Evaluation(SK19)
    evaluation.add(a_scan([CAR], frame=0), said([CAR]))
    assert not evaluation.result().simulated
    evaluation.add(a_scan([CAR], frame=1, simulated=True), said([CAR]))
    assert evaluation.result().simulated
    assert evaluation.result().line().endswith("| simulated data")


def test_errors_leave_the_counts_as_they_were() -> None:
    evaluation = Evaluation(SK19)
    evaluation.add(a_scan([CAR], frame=0), said([CAR]))
    before = evaluation.state()
    scan = a_scan([CAR, ROAD], frame=1, path="08/velodyne/000001.bin")
    wrong_confidence = Prediction(np.array([0, 0]), np.array([0.5, np.nan], np.float32))
    for prediction, error, message in [
        (said([CAR]), LabelError, r"000001\.bin: 1 predicted labels for 2 points"),
        (said([CAR, 19]), LabelError, r"000001\.bin: prediction 19 is outside -1\.\.18"),
        (wrong_confidence, DataError, r"000001\.bin: 1 confidences are not in 0\.\.1"),
    ]:
        with pytest.raises(error, match=message):
            evaluation.add(scan, prediction)
    with pytest.raises(LabelError, match=r"000001\.bin: has no labels.*Use predict"):
        evaluation.add(scan.replace(labels=None), said([CAR, CAR]))
    with pytest.raises(LabelError, match=r"000001\.bin: label 19 is outside"):
        evaluation.add(scan.replace(labels=np.array([0, 19])), said([CAR, CAR]))
    after = evaluation.state()
    assert before.keys() == after.keys()
    for key, values in before.items():
        np.testing.assert_array_equal(after[key], values, err_msg=key)


def test_the_same_scan_is_refused_the_second_time() -> None:
    evaluation = Evaluation(SK19)
    evaluation.add(a_scan([CAR], frame=4), said([CAR]))
    with pytest.raises(DataError, match=r"08:4: scored twice.*without padding"):
        evaluation.add(a_scan([CAR], frame=4), said([CAR]))
    nameless = Scan(np.zeros((1, 3), np.float32), labels=np.array([CAR]))
    for _ in range(2):
        evaluation.add(nameless, said([CAR]))
    assert evaluation.result().scans == 3


def test_nothing_scored_is_an_error_not_a_figure() -> None:
    evaluation = Evaluation(SK19)
    evaluation.add(a_scan([IGNORE, IGNORE]), said([CAR, CAR]))
    with pytest.raises(LabelError, match=r"1 scans: nothing to score under 'sk19/v1'"):
        evaluation.result()


def test_scans_without_a_scored_point_do_not_enter_the_mean_of_scans() -> None:
    evaluation = Evaluation(SK19)
    evaluation.add(a_scan([IGNORE], frame=0), said([CAR]))
    evaluation.add(a_scan([CAR, CAR], frame=1), said([CAR, ROAD]))
    assert evaluation.result().miou_per_scan == 0.5


def test_bad_settings() -> None:
    with pytest.raises(ConfigError, match="must rise"):
        Evaluation(SK19, range_bins=(10, 10))
    with pytest.raises(ConfigError, match="must rise"):
        Evaluation(SK19, range_bins=(0, 10))
    with pytest.raises(ConfigError, match="cannot be merged"):
        Evaluation(SK19).merge(Evaluation(SK19, protocol("dglss/1")))
    with pytest.raises(ConfigError, match="other classes or range bins"):
        Evaluation(SK19, range_bins=(10,)).load_state(Evaluation(SK19).state())
    doubled = LabelSet.from_dict({**SK19.to_dict(), "names": ["car"] * 19})
    with pytest.raises(LabelError, match=r"two classes named \['car'\]"):
        Evaluation(doubled)


def test_a_wrong_class_table_is_named_with_the_first_difference() -> None:
    poss = label_set("semantic_poss/sp13")
    with pytest.raises(LabelError) as error:
        check_same_classes(SK19, poss, "runs/a/best.pt")
    assert str(error.value) == (
        "runs/a/best.pt: made for the classes of 'semantic_kitti/sk19', but the data is read with "
        "'semantic_poss/sp13': 19 classes against 13. Read the data with the label set "
        "'semantic_kitti/sk19', or use a network trained for 'semantic_poss/sp13'."
    )
    swapped = list(SK19.names)
    swapped[0:2] = swapped[1::-1]
    other = LabelSet.from_dict({**SK19.to_dict(), "names": swapped, "name": "mine"})
    with pytest.raises(LabelError, match="class 0 is 'car' in one and 'bicycle' in the other"):
        check_same_classes(SK19, other, "best.pt")
    check_same_classes(SK19, LabelSet.from_dict(SK19.to_dict()), "best.pt")
