"""Golden figures: published rules and published arithmetic, reproduced to the printed digit."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.data import IGNORE, LabelSet, Prediction, Scan, label_set, list_label_sets
from pcseg.errors import ConfigError, DataError, LabelError
from pcseg.evaluate import Confusion, Evaluation, batch_mean_iou, list_views, protocol, view
from pcseg.evaluate.aggregate import (
    arithmetic_mean,
    gap_closed,
    harmonic_mean,
    mean_corruption_error,
    mean_resilience_rate,
    relative_drop,
)

SK19 = label_set("semantic_kitti/sk19")

# MinkUNet18 on Robo3D: mIoU by corruption, averaged over severities, then the clean mIoU and mRR.
BASELINES = {
    "SemanticKITTI-C": ([55.87, 53.99, 53.28, 32.92, 56.32, 58.34, 54.43, 46.05], 62.76, 81.90),
    "nuScenes-C": ([53.64, 73.91, 40.35, 73.39, 68.54, 26.58, 63.83, 50.95], 75.76, 74.44),
    "WOD-C": ([66.99, 60.99, 57.75, 68.92, 64.15, 65.37, 63.36, 56.44], 69.06, 91.22),
}
SEVERITIES = np.array(
    [
        [61.71, 58.32, 47.59],
        [58.38, 52.38, 51.21],
        [55.50, 53.70, 50.65],
        [42.78, 31.62, 24.35],
        [60.70, 56.78, 51.47],
        [59.87, 58.47, 56.68],
        [57.89, 54.68, 50.72],
        [57.53, 52.08, 28.53],
    ]
)


def confusion(pred: list[int], target: list[int], num_classes: int) -> Confusion:
    made = Confusion(num_classes)
    made.add(np.array(pred), np.array(target))
    return made


@pytest.mark.parametrize("name", BASELINES)
def test_1_mean_resilience_rate(name) -> None:
    averages, clean, expected = BASELINES[name]
    rate = mean_resilience_rate(np.array(averages)[:, None] / 100, clean / 100)
    assert rate == pytest.approx(expected, abs=0.01)


def test_1_severities_give_the_averages_and_the_baseline_has_100() -> None:
    averages, clean, expected = BASELINES["SemanticKITTI-C"]
    np.testing.assert_allclose(SEVERITIES.mean(1), averages, atol=0.01)
    assert mean_resilience_rate(SEVERITIES / 100, clean / 100) == pytest.approx(expected, abs=0.01)
    assert mean_corruption_error(SEVERITIES / 100, SEVERITIES / 100) == pytest.approx(100)
    worse = SEVERITIES / 100 - 0.1
    assert mean_corruption_error(worse, SEVERITIES / 100) > 100


def test_2_ignored_points_cost_nothing_but_under_the_lidog_rule() -> None:
    made = confusion([0, 0, 1, 1], [0, IGNORE, 1, IGNORE], 2)
    for name in ("pcseg/1", "semantickitti-official/1", "3dlabelprop/1", "nuscenes-official/1"):
        assert made.iou(protocol(name)).tolist() == [1, 1], name
    mean, by_class = batch_mean_iou([made], protocol("lidog/1"))
    assert by_class.tolist() == [0.5, 0.5]
    assert mean == 0.5


def test_2_perfect_prediction_with_anything_on_ignored_points_is_100(rng) -> None:
    target = rng.integers(-1, 19, 5000)
    pred = np.where(target == IGNORE, rng.integers(-1, 19, 5000), target)
    made = Confusion(19)
    made.add(pred, target)
    assert made.miou() == 1
    assert made.accuracy() == 1


def test_2_the_lidog_rule_averages_over_batches_that_have_the_class() -> None:
    first = confusion([0, 0, 1], [0, 1, 1], 2)  # class 0: 1/2, class 1: 1/2
    second = confusion([0, 1], [0, 0], 2)  # class 0: 1/2; the false alarm of class 1 is free
    mean, by_class = batch_mean_iou([first, second], protocol("lidog/1"))
    assert by_class.tolist() == [0.5, 0.5]
    assert mean == 0.5
    whole = (first + second).iou()
    np.testing.assert_allclose(whole, [2 / 4, 1 / 3])  # the same points in one matrix
    with pytest.raises(ConfigError, match="mean over batches"):
        Evaluation(SK19, protocol("lidog/1"))


def test_2_the_views_of_three_papers_count_ignored_points_each_in_its_way() -> None:
    pred, truth = np.array([0, 0, 1, 1]), np.array([0, IGNORE, 1, IGNORE])
    lidog = view("lidog7-b8/v1")
    mean, by_class = batch_mean_iou([lidog.confusion(pred, truth)], lidog.protocol)
    assert (mean, by_class[:2].tolist()) == (0.5, [0.5, 0.5])
    dglss = view("dglss10/v1")
    assert dglss.confusion(pred, truth).iou(dglss.protocol)[:2].tolist() == [1, 1]
    pair = view("3dlabelprop/sk-sk/v1")
    assert pair.confusion(pred, truth).iou(pair.protocol)[:2].tolist() == [1, 1]


def test_3_answering_nothing_is_0_and_under_the_nuscenes_rule_an_error() -> None:
    made = confusion([IGNORE] * 4, [0, 1, 1, IGNORE], 2)
    assert made.miou() == 0
    assert made.accuracy() == 0
    for name in ("nuscenes-official/1", "3dlabelprop/1"):
        with pytest.raises(LabelError, match="nothing to score"):
            made.miou(protocol(name))


def test_3_abstaining_pays_where_abstentions_are_dropped() -> None:
    made = confusion([0, IGNORE, 1, IGNORE], [0, 0, 1, 1], 2)
    assert made.miou() == 0.5
    assert made.miou(protocol("3dlabelprop/1")) == 1


def test_4_one_matrix_and_mean_of_scans_differ_and_both_are_given() -> None:
    evaluation = Evaluation(SK19)
    for frame, (pred, target) in enumerate([([0, 0, 0, 0], [0, 0, 0, 0]), ([0, 8], [8, 8])]):
        scan = Scan(np.ones((len(pred), 3), np.float32), labels=np.array(target))
        scan = scan.replace(meta={"sequence": "00", "frame": frame})
        evaluation.add(scan, Prediction(np.array(pred), np.full(len(pred), 0.5, np.float32)))
    result = evaluation.result()
    # One matrix: car 4/5, road 1/2. By scan: 1, and 1/2 (road alone is in the second scan).
    assert result.miou == pytest.approx((4 / 5 + 1 / 2) / 2)
    assert result.miou_per_scan == pytest.approx((1 + 1 / 2) / 2)
    data = result.to_dict()
    assert data["miou"] != data["miou_per_scan"]


def test_5_dglss_on_poss_has_five_classes_and_merges_vegetation_into_terrain() -> None:
    five = view("dglss-poss5/v1")
    vegetation, terrain, truck = 9, 8, 3
    pred = np.array([0, 1, 5, 6, vegetation, terrain, truck])
    truth = np.array([0, 1, 5, 6, terrain, terrain, 0])
    made = five.confusion(pred, truth)
    scores = made.scores(five.protocol)
    assert len(scores.iou) == 5
    np.testing.assert_allclose(scores.iou, [1 / 2, 1, 1, 1, 1])  # the truck is a missed car
    assert scores.miou == pytest.approx(0.9)


def test_6_predicted_poles_on_signs_are_vegetation_against_manmade() -> None:
    pandaset = view("3dlabelprop/sk-pandaset/v1")
    pole = SK19.names.index("pole")
    sign = label_set("pandaset/3dlabelprop_8").encode(np.array([36]))
    made = pandaset.confusion(np.array([pole]), sign)
    row, column = np.argwhere(made.counts)[0]
    assert (pandaset.names[row], pandaset.names[column]) == ("Manmade", "Vegetation")
    assert made.miou(pandaset.protocol) == 0


def test_views_name_what_they_do_not_know() -> None:
    poss = view("3dlabelprop/sk-sp/v1")
    assert len(poss.names) == 11
    with pytest.raises(LabelError, match=r"view '3dlabelprop/sk-sp/v1': label 13 has no common"):
        poss.confusion(np.array([0]), np.array([13]))


def test_7_any_split_over_workers_gives_the_same_counts_and_padding_is_refused(rng) -> None:
    scans = [_random_scan(rng, frame) for frame in range(7)]
    whole = Evaluation(SK19)
    for pair in scans:
        whole.add(*pair)
    for workers in (1, 2, 3, 7, 9):
        merged = Evaluation(SK19)
        for rank in range(workers):
            part = Evaluation(SK19)
            for pair in scans[rank::workers]:
                part.add(*pair)
            received = Evaluation(SK19)
            received.load_state(part.state())
            merged.merge(received)
        assert merged.confusion() == whole.confusion()
        ours, theirs = merged.result().to_dict(), whole.result().to_dict()
        assert theirs["simulated"]
        assert all(group["points"] for group in theirs["motion"])
        for key in theirs.keys() - {"miou_per_scan", "interval"}:
            assert ours[key] == theirs[key], key
        assert ours["miou_per_scan"] == pytest.approx(theirs["miou_per_scan"], abs=1e-15)
    padding = Evaluation(SK19)
    padding.add(*scans[0])
    with pytest.raises(DataError, match=r"scored twice.*without padding"):
        whole.merge(padding)


def test_8_means_over_targets() -> None:
    figures = (56.86, 42.28, 52.58)
    assert round(arithmetic_mean(figures), 2) == 50.57
    assert round(harmonic_mean(figures), 2) == 49.79
    assert harmonic_mean((0.5, 0.0)) == 0
    assert relative_drop(30, 60) == pytest.approx(0.5)
    assert gap_closed(44.18, 24.69, 48.49) == pytest.approx(19.49 / 23.80)
    with pytest.raises(ConfigError, match="every target"):
        arithmetic_mean((0.5, float("nan")))


def test_the_three_rules_for_an_absent_class() -> None:
    made = confusion([0, 2], [0, 0], 4)  # 1 and 3 appear nowhere, 2 is a false alarm
    expected = {
        "pcseg/1": [0.5, np.nan, np.nan, np.nan],
        "semantickitti-official/1": [0.5, 0, 0, 0],
        "dglss/1": [0.5, 0, 0, 0],
        "nuscenes-official/1": [0.5, np.nan, 0, np.nan],
        "waymo-official/1": [0.5, np.nan, 0, np.nan],
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(made.iou(protocol(name)), values, name)


def test_10_every_raw_id_of_every_map_is_mapped_or_ignored_on_purpose() -> None:
    for name in list_label_sets():
        table = label_set(name)
        assert set(table.raw_to_train) == set(table.raw_names), name
        assert set(table.raw_to_train.values()) <= {IGNORE, *range(table.num_classes)}, name


def test_10_every_view_has_a_hash_of_its_own() -> None:
    assert len({view(name).hash for name in list_views()}) == len(list_views())


def test_10_a_label_set_names_its_protocol_and_has_a_hash() -> None:
    evaluation = Evaluation(SK19)
    assert evaluation.protocol.name == "sk19/v1"
    again = LabelSet.from_dict(SK19.to_dict())
    assert Evaluation(again).label_set.hash == SK19.hash


def _random_scan(rng: np.random.Generator, frame: int) -> tuple[Scan, Prediction]:
    size = int(rng.integers(1, 200))
    raw = rng.choice(sorted(SK19.raw_to_train), size)
    scan = Scan(
        xyz=rng.normal(0, 30, (size, 3)).astype(np.float32),
        labels=SK19.encode(raw),
        raw_labels=raw,
        meta={"sequence": "08", "frame": frame, "simulated": frame == 6},
    )
    labels = np.where(rng.random(size) < 0.6, scan.labels, rng.integers(-1, 19, size))
    return scan, Prediction(labels, rng.random(size).astype(np.float32))
