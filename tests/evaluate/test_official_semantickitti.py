"""The SemanticKITTI rules, implemented a second time point by point, give the same figures."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcseg.data import label_set
from pcseg.evaluate import Confusion, protocol

SK19 = label_set("semantic_kitti/sk19")
OFFICIAL = protocol("semantickitti-official/1")
CLASSES = range(1, 20)
"""The server's ids: 1..19 are scored, 0 is "unlabeled"."""


def official(
    pred_raw: list[int], truth_raw: list[int]
) -> tuple[Fraction, Fraction, list[Fraction]]:
    """Exact (mIoU, accuracy, IoU of each class) by the server's rules, one point at a time."""
    hit = dict.fromkeys(CLASSES, 0)
    false_alarm = dict.fromkeys(CLASSES, 0)
    missed = dict.fromkeys(CLASSES, 0)
    for pred, truth in zip(map(_server_id, pred_raw), map(_server_id, truth_raw), strict=True):
        if truth == 0:
            continue
        if pred == truth:
            hit[truth] += 1
            continue
        missed[truth] += 1
        if pred != 0:
            false_alarm[pred] += 1
    unions = {c: hit[c] + false_alarm[c] + missed[c] for c in CLASSES}
    ious = [Fraction(hit[c], unions[c]) if unions[c] else Fraction(0) for c in CLASSES]
    answered = sum(hit.values()) + sum(false_alarm.values())
    accuracy = Fraction(sum(hit.values()), answered) if answered else Fraction(0)
    return sum(ious) / len(ious), accuracy, ious


def _server_id(raw: int) -> int:
    return SK19.raw_to_train[raw] + 1


raw_ids = st.sampled_from(sorted(SK19.raw_to_train))
scans = st.lists(
    st.lists(st.tuples(raw_ids, raw_ids), min_size=1, max_size=40), min_size=1, max_size=4
)


@given(scans)
def test_equal_on_any_scans(frames) -> None:
    points = [pair for frame in frames for pair in frame]
    ours = Confusion(SK19.num_classes)
    for frame in frames:
        pred, truth = (np.array(column) for column in zip(*frame, strict=True))
        ours.add(SK19.encode(pred), SK19.encode(truth))
    scored = [pair for pair in points if _server_id(pair[1])]
    if not scored:
        return
    miou, accuracy, ious = official([p for p, _ in points], [t for _, t in points])
    found = ours.scores(OFFICIAL)
    assert found.miou == pytest.approx(float(miou), abs=1e-12)
    np.testing.assert_allclose(found.iou, [float(value) for value in ious], atol=1e-12)
    if found.predicted.any():
        assert found.accuracy == pytest.approx(float(accuracy), abs=1e-12)
    here = [value for value, there in zip(ious, ours.present(), strict=True) if there]
    assert ours.miou() == pytest.approx(float(sum(here) / len(here)), abs=1e-12)


def test_hand_made_case() -> None:
    truth = [10, 10, 40, 40, 252, 60, 0, 99, 30]
    pred = [10, 40, 40, 0, 10, 40, 10, 10, 31]
    # car: 2 of 3 points (10, 252) hit, no false alarm among scored points -> 2/3
    # road: hits 40, 60; one car point taken for road; one road point not answered -> 2/4
    # person: missed -> 0; bicyclist: a false alarm, absent from the truth -> 0 for the server
    miou, accuracy, _ = official(pred, truth)
    assert miou == (Fraction(2, 3) + Fraction(2, 4)) / 19
    assert accuracy == Fraction(4, 6)
    ours = Confusion(19)
    ours.add(SK19.encode(np.array(pred)), SK19.encode(np.array(truth)))
    assert ours.miou(OFFICIAL) == pytest.approx(float(miou))
    assert ours.accuracy(OFFICIAL) == pytest.approx(4 / 6)
    # The house rule: three classes are in the truth, and not answering is wrong.
    assert ours.miou() == pytest.approx((2 / 3 + 2 / 4 + 0) / 3)
    assert ours.accuracy() == pytest.approx(4 / 7)


@pytest.mark.realdata
def test_equal_on_a_genuine_scan(realdata, rng) -> None:
    path = realdata / "semantickitti_seq00_genuine/dataset/sequences/00/labels/000000.label"
    truth = (np.fromfile(path, "<u4") & 0xFFFF).astype(np.int64)
    noise = rng.choice(sorted(SK19.train_to_raw.values()), len(truth))
    pred = np.where(rng.random(len(truth)) < 0.7, np.where(truth == 1, 0, truth), noise)
    miou, accuracy, _ = official(pred.tolist(), truth.tolist())
    ours = Confusion(19)
    ours.add(SK19.encode(pred), SK19.encode(truth))
    assert ours.miou(OFFICIAL) == pytest.approx(float(miou), abs=1e-12)
    assert ours.accuracy(OFFICIAL) == pytest.approx(float(accuracy), abs=1e-12)
