"""The ids of the simulator: finer kinds have a SemanticKITTI id, translations fall back to it."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.data import label_set
from pcseg.sim.classes import (
    BUS,
    CAR,
    COARSE,
    CURB,
    MOVING,
    PICKUP,
    SIDEWALK,
    TRUCK,
    fine_to_semantickitti,
    translation,
)

KNOWN = label_set("semantic_kitti/sk19").raw_to_train


def test_finer_kinds_become_semantickitti_ids() -> None:
    ids = np.array([[0, CAR, CURB], [MOVING[BUS], PICKUP, SIDEWALK]], np.uint16)
    coarse = fine_to_semantickitti(ids)
    assert coarse.dtype == np.uint16
    assert coarse.tolist() == [[0, CAR, SIDEWALK], [MOVING[BUS], TRUCK, SIDEWALK]]
    assert set(fine_to_semantickitti(np.array(list(COARSE))).tolist()) <= KNOWN.keys()
    assert min(COARSE) >= 300  # apart from every id of SemanticKITTI


def test_translation_falls_back_to_the_coarser_kind_and_to_rest() -> None:
    table = {raw: raw + 1 for raw in KNOWN if raw < 252}
    lookup = translation({**table, CURB: 7, MOVING[CAR]: 8})
    ids = np.array([0, CAR, MOVING[CAR], MOVING[BUS], CURB, PICKUP])
    assert lookup[ids].tolist() == [1, CAR + 1, 8, BUS + 1, 7, TRUCK + 1]
    assert lookup[299] == -1  # no such id


def test_a_class_without_an_entry_is_refused() -> None:
    with pytest.raises(ValueError, match=f"no entry for the simulator's id {CAR}"):
        translation({0: 0})
