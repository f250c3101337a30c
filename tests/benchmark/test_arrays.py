"""Stored predictions: labels exactly, confidences closely and in order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcseg.benchmark.arrays import Predictions, decode, encode, write_manifest, write_part
from pcseg.data import Prediction, label_set
from pcseg.data.dataset import FrameId
from pcseg.errors import DataError


@given(st.lists(st.tuples(st.integers(-1, 254), st.floats(0, 1, width=32)), max_size=50))
def test_round_trip(pairs: list[tuple[int, float]]) -> None:
    labels = np.array([label for label, _ in pairs], np.int64)
    sure = np.array([confidence for _, confidence in pairs], np.float32)
    rows = encode(Prediction(labels, sure))
    back = decode(rows)
    assert rows.dtype == np.uint8
    np.testing.assert_array_equal(back.labels, labels)
    np.testing.assert_allclose(back.confidence, sure, atol=0.006)
    order = np.argsort(sure)
    assert (np.diff(back.confidence[order]) >= 0).all()


def test_confidences_near_one_stay_apart() -> None:
    sure = np.array([0.99, 0.999, 0.9999, 0.99999, 1.0], np.float32)
    back = decode(encode(Prediction(np.zeros(5, np.int64), sure))).confidence
    assert (np.diff(back) > 0).all() and back[-1] == 1.0
    np.testing.assert_allclose(1 - back[:-1], 1 - sure[:-1], rtol=0.3)


def test_a_byte_has_255_classes() -> None:
    with pytest.raises(DataError, match="class 255 does not fit"):
        encode(Prediction(np.array([255]), np.ones(1, np.float32)))


def test_frames_are_found_in_their_sequence(tmp_path: Path) -> None:
    def made(label: int, count: int) -> Prediction:
        return Prediction(np.full(count, label), np.ones(count, np.float32))

    write_part(tmp_path / "a.npy", [encode(made(3, 2)), encode(made(4, 5))])
    part = {"file": "a.npy", "sequence": "08", "frames": ["000000", "000002"], "points": [2, 5]}
    classes = label_set("semantic_kitti/sk19")
    write_manifest(tmp_path, {"parts": [part], "label_set": classes.to_dict()})
    found = Predictions(tmp_path)
    assert len(found) == 2 and found.label_set.names == classes.names
    assert found.of(FrameId("08", "000002")).labels.tolist() == [4] * 5
    with pytest.raises(DataError, match="08/000001 was not predicted"):
        found.of(FrameId("08", "000001"))
    (tmp_path / "a.npy").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"a\.npy: damaged"):
        Predictions(tmp_path).of(FrameId("08", "000000"))
