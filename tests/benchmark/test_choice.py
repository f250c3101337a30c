"""Choices of frames: thinned, joined, and by amount, sequence and distance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcseg.benchmark import Plan, expand
from pcseg.benchmark.choice import Chosen, Joined, choose
from pcseg.benchmark.hunger import choose_for_hunger, evenly, of_sequences, spaced, variants
from pcseg.data import open_dataset
from pcseg.data.dataset import FrameId
from pcseg.errors import ConfigError, LabelError


def test_every_nth_frame_of_each_sequence() -> None:
    frames = [FrameId("00", str(i)) for i in range(5)] + [FrameId("01", str(i)) for i in range(3)]
    assert choose(frames, 2) == [0, 2, 4, 5, 7]
    assert choose(frames, 100) == [0, 5] and choose(frames, 1) == list(range(8))


def test_parts_of_a_dataset_know_their_counts(kitti: Path) -> None:
    whole = open_dataset("semantickitti", kitti, "00")
    some = Chosen(whole, [5, 2])
    assert some.frames == [whole.frames[5], whole.frames[2]]
    np.testing.assert_array_equal(some[0].xyz, whole[5].xyz)
    np.testing.assert_array_equal(some.frame_classes(), whole.frame_classes()[[5, 2]])
    np.testing.assert_array_equal(some.point_counts(), whole.point_counts()[[5, 2]])
    assert len(some.balanced_weights()) == 2
    with pytest.raises(IndexError):
        some[2]


def test_joined_datasets(kitti: Path, poss: Path) -> None:
    sk = open_dataset("semantickitti", kitti, "08", "semantic_kitti/dg_l3")
    sp = open_dataset("semanticposs", poss, "00", "semantic_poss/dg_l3")
    both = Joined([sk, sp])
    assert len(both) == 4 and len(set(both.frames)) == 4
    np.testing.assert_array_equal(both[3].xyz, sp[1].xyz)
    np.testing.assert_array_equal(both.class_counts(), sk.class_counts() + sp.class_counts())
    assert len(both.point_counts()) == len(both.balanced_weights()) == 4
    with pytest.raises(IndexError):
        both[4]
    with pytest.raises(LabelError, match="classes"):
        Joined([open_dataset("semantickitti", kitti, "08"), sp])


@given(st.integers(1, 300), st.floats(0.001, 1))
def test_even_choices(count: int, share: float) -> None:
    wanted = max(1, round(share * count))
    rows = evenly(count, wanted)
    assert len(set(rows)) == wanted and rows == sorted(rows) and 0 <= rows[0] <= rows[-1] < count
    gaps = np.diff(rows)
    assert not len(gaps) or gaps.max() - gaps.min() <= 1


def test_few_sequences_and_distant_frames(kitti: Path) -> None:
    frames = [FrameId(s, str(i)) for s in ("00", "01", "02", "03") for i in range(4)]
    assert {frames[r].sequence for r in of_sequences(frames, 2)} == {"01", "03"}
    with pytest.raises(ConfigError, match="there are 4"):
        of_sequences(frames, 5)
    dataset = open_dataset("semantickitti", kitti, "00")
    assert spaced(dataset, 3.0) == [0, 3, 6], "frames of the tiny world are a metre apart"
    choice = {"frames": 2, "spacing_m": 3.0, "share": 1.0}
    assert choose_for_hunger(dataset, choice) == [0, 3]
    assert len(choose_for_hunger(dataset, {"amount": 0.25, "share": 0.25})) == 2
    with pytest.raises(ConfigError, match=r"leaves 3 of 8"):
        choose_for_hunger(dataset, {**choice, "frames": 4})


def test_hunger_trains_as_long_on_less(data: dict) -> None:
    data |= {"kind": "hunger", "seeds": [1], "hunger": {"amounts": [0.25, 1.0]}}
    plan = Plan.model_validate(data)
    assert [name for name, _ in variants(plan)] == ["amount 0.25", "full"]
    trains = {u.label: u.spec for u in expand(plan).units if u.kind == "train"}
    less, full = trains["train with on sk amount 0.25 seed 1"], trains["train with on sk seed 1"]
    assert (less["config"]["train"]["epochs"], full["config"]["train"]["epochs"]) == (16, 4)
    assert less["train"][0]["choice"] == {"amount": 0.25, "share": 0.25}
    assert less["val"] == full["val"]
