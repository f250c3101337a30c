"""Judges: the rules in which views differ, on cases worked by hand; counts add up however dealt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcseg.benchmark.views import as_published, common_classes, find_view, to_common, views_for
from pcseg.benchmark.work.judges import Judge, judge_of
from pcseg.data import IGNORE, Prediction, Scan
from pcseg.errors import ConfigError, LabelError
from pcseg.evaluate import Evaluation

SK, NS = "semantic_kitti/sk19", "nuscenes_lidarseg/ns16"
CAR, ROAD, POLE, UNLABELLED, MOVING_CAR = 10, 40, 80, 0, 252
"""Raw ids of SemanticKITTI; train ids are car 0, road 8, building 12, vegetation 14, pole 17."""


def scan(raw: list[int], name: str = "000000") -> Scan:
    xyz = np.column_stack([np.arange(len(raw)) + 5.0, np.zeros(len(raw)), np.zeros(len(raw))])
    meta = {"dataset": "semantickitti", "sequence": "08", "frame": name}
    return Scan(xyz.astype(np.float32), raw_labels=np.array(raw, np.int64), meta=meta)


def prediction(labels: list[int]) -> Prediction:
    return Prediction(np.array(labels, np.int64), np.full(len(labels), 0.5, np.float32))


def judged(name: str, pairs: list[tuple[list[int], list[int]]], network: str = SK) -> dict:
    judge = judge_of(name, network, SK)
    for number, (raw, predicted) in enumerate(pairs):
        judge.add(f"08/{number:06d}", scan(raw, f"{number:06d}"), prediction(predicted))
    return judge.result()


def test_what_the_truth_ignores_does_not_count_and_abstaining_is_a_miss() -> None:
    found = judged("L3", [([CAR, UNLABELLED, ROAD, ROAD], [0, 0, 8, IGNORE])])
    assert found["classes"]["vehicle"]["iou"] == 1.0
    assert found["classes"]["flat-ground"]["iou"] == 0.5
    assert found["miou"] == 0.75 and len(found["absent"]) == 4


def test_the_rule_of_3dlabelprop_drops_what_was_not_answered() -> None:
    pairs = [([CAR, ROAD, ROAD], [0, 8, IGNORE])]
    assert judged("3dlabelprop/sk-sk/v1", pairs)["miou"] == 1.0
    assert judged("L1", pairs)["miou"] == 0.75


def test_a_scan_is_not_a_dataset() -> None:
    """IoU of one matrix, and the mean over scans: a small wrong scan weighs as much as a large."""
    found = judged("L3", [([ROAD] * 9, [8] * 9), ([ROAD], [0])])
    assert found["miou"] == pytest.approx(0.9)
    assert found["miou_per_scan"] == pytest.approx(0.5)


def test_moving_objects_are_told_apart() -> None:
    found = judged("L3", [([CAR, CAR, MOVING_CAR, MOVING_CAR], [0, 0, 0, 8])])
    groups = {group["name"]: group["miou"] for group in found["motion"]}
    assert groups == {"static": 1.0, "moving": 0.5}


def test_broken_points_are_not_scored() -> None:
    one = scan([CAR, CAR])
    one = one.replace(attrs={"valid": np.array([True, False])})
    judge = judge_of("L3", SK, SK)
    judge.add("08/000000", one, prediction([0, 8]))
    assert judge.result()["miou"] == 1.0


def test_means_over_batches_hide_false_alarms() -> None:
    """LiDOG: in a batch without cars a predicted car costs nothing of the class car."""
    pairs = [([CAR, ROAD], [0, 8]), *[([ROAD, ROAD], [8, 8])] * 7, ([ROAD, ROAD], [0, 0])]
    network = "semantic_kitti/lidog_7"
    lidog = judged("lidog7-b8/v1", [(raw, _lidog(p)) for raw, p in pairs], network)
    assert lidog["classes"]["car"]["iou"] == 1.0
    assert judged("L3", pairs)["classes"]["vehicle"]["iou"] == pytest.approx(1 / 3)
    assert lidog["scans"] == 9


def _lidog(predicted: list[int]) -> list[int]:
    """Car and road in the train ids of LiDOG's seven classes."""
    return [{0: 0, 8: 2}[label] for label in predicted]


def test_unlabelled_scans_and_foreign_classes_are_refused() -> None:
    judge = judge_of("L3", SK, SK)
    bare = scan([CAR]).replace(raw_labels=None)
    with pytest.raises(LabelError, match="no labels"):
        judge.add("08/000000", bare, prediction([0]))
    with pytest.raises(ConfigError, match="does not know the predicted class 19"):
        judge.add("08/000000", scan([CAR]), prediction([19]))


def test_views_that_fit_a_pair() -> None:
    found = views_for(["L3", "3dlabelprop/*", "dglss*"], SK, NS)
    assert list(found) == ["L3", "3dlabelprop/sk-ns/v1", "dglss10/v1"]
    assert as_published("L3", SK, NS) and as_published("3dlabelprop/sk-ns/v1", SK, NS)
    assert not as_published("dglss10/v1", SK, NS), "trained on 19 classes, not on the ten"
    with pytest.raises(ConfigError, match="no view is called 'dgls/x'"):
        views_for(["L3", "dgls/x"], SK, NS)


def test_poles_on_signs_as_published() -> None:
    """3DLabelProp on PandaSet: predicted poles count as vegetation, true signs as manmade."""
    view = find_view("3dlabelprop/sk-pandaset/v1", SK, "pandaset/full")
    classes = common_classes(view, "pandaset/full")
    truth = classes.encode(np.array([36]))
    pole, building = 17, 12
    assert view.names[to_common(view, np.array([pole]))[0]] == "Vegetation"
    assert view.names[truth[0]] == "Manmade"
    assert view.names[to_common(view, np.array([building]))[0]] == "Manmade"


def test_common_classes_go_straight_from_raw_ids() -> None:
    view = find_view("L2", SK, "semantic_poss/sp13")
    classes = common_classes(view, "semantic_poss/sp13")
    assert classes.names == view.names and len(classes.colors) == len(view.names)
    assert classes.encode(np.array([22])).tolist() == [IGNORE], "one ground: no node of L2"
    assert classes.names[classes.encode(np.array([13]))[0]] == "pole-and-sign"


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_any_dealing_of_scans_gives_the_same_matrix(seed: int, workers: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = []
    for number in range(6):
        raw = rng.choice([CAR, ROAD, POLE, UNLABELLED, MOVING_CAR], 20)
        pairs.append((scan(raw.tolist(), f"{number:06d}"), prediction(rng.integers(-1, 19, 20))))
    judge = judge_of("L3", SK, SK)
    assert isinstance(judge, Judge)
    whole = Evaluation(judge.classes)
    for one, answer in pairs:
        whole.add(*judge.in_common(one, answer))
    dealt = rng.integers(0, workers, len(pairs))
    merged = Evaluation(judge.classes)
    for worker in range(workers):
        part = Evaluation(judge.classes)
        for (one, answer), mine in zip(pairs, dealt, strict=True):
            if mine == worker:
                part.add(*judge.in_common(one, answer))
        merged.merge(part)
    np.testing.assert_array_equal(merged.confusion().counts, whole.confusion().counts)
    assert merged.confusion().counts.sum() == 6 * 20, "nothing twice, nothing lost"
