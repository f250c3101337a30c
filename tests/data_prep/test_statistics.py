"""Statistics of datasets: figures that can be counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcseg.data import FrameId, LabelSet
from pcseg.data_prep.facts import RANGE_EDGES_M, ScanFacts
from pcseg.data_prep.statistics import compare, js_divergence, statistics
from pcseg.data_prep.survey import Survey, SurveyJob
from tests.conftest import pcseg

CLASSES = LabelSet(
    "toy",
    "ab",
    ("a", "b"),
    np.zeros((2, 3), np.uint8),
    {0: -1, 1: 0, 2: 1},
    {0: 1, 1: 2},
    {},
    things=frozenset([2]),
)


def facts(sequence: str, number: int, a: int, b: int, x: float, instances: int = 0) -> ScanFacts:
    by_range = np.zeros((3, len(RANGE_EDGES_M) - 1), np.int64)
    by_range[0, 1], by_range[1, 2] = a, b
    pose = np.eye(4)
    pose[0, 3] = x
    cell = np.array([[int(x // 10), 0]], np.int32)
    nothing = np.zeros((0, 2), np.int32)
    return ScanFacts(
        frame=FrameId(sequence, f"{number:03d}"),
        points=a + b,
        invalid=0,
        duplicates=0,
        labelled=True,
        by_range=by_range,
        instances=frozenset((1, 7 + i) for i in range(instances)),
        places=(cell if a else nothing, cell if b else nothing),
        distances_m=(6.0, 12.0, 12.0),
        intensity=None,
        pose=pose,
        time=None,
        digest=f"{sequence}{number}",
    )


def toy(*scans: ScanFacts) -> Survey:
    return Survey(SurveyJob("toy", Path("data/toy")), CLASSES, scans, (), (), False)


def test_figures_by_hand() -> None:
    found = statistics(
        toy(
            facts("00", 0, 10, 0, 0.0),
            facts("00", 1, 5, 5, 4.0, instances=2),
            facts("00", 2, 5, 5, 12.0, instances=2),
            facts("01", 0, 0, 10, 0.0, instances=1),
        )
    )
    assert (found.scans, found.sequences, found.points) == (4, 2, 40)
    assert found.travelled_m == 12.0
    # 00: 0, (4 is near 0), 12; 01: 0
    assert found.different_frames == {"5 m": 3, "10 m": 3, "20 m": 2, "50 m": 2}
    assert found.effective_classes == pytest.approx(2.0)
    a, b = found.classes
    assert (a.points, a.share, a.scans, a.instances, a.places) == (20, 0.5, 3, None, 2)
    # Instance 7 of street 00 in two scans is one object; 7 of street 01 another.
    assert (b.points, b.scans, b.instances, b.places) == (20, 3, 3, 3)
    assert b.ranges[2] == 1.0 and sum(b.ranges) == 1.0
    half = js_divergence(np.array([1.0, 0]), np.array([0.5, 0.5]))
    assert found.divergence_next == pytest.approx(half / 2)  # half apart, then equal
    assert found.divergence_between is not None and found.divergence_within is not None
    assert found.divergence_between == pytest.approx((1 + 2 * half) / 3, abs=0.03)


def test_datasets_are_compared_by_class_names() -> None:
    one = statistics(toy(facts("00", 0, 10, 0, 0.0)))
    other = statistics(toy(facts("00", 0, 0, 10, 0.0)))
    assert compare(one, one).classes == 0.0
    assert compare(one, other).classes == pytest.approx(1.0)
    assert compare(one, other).ranges == pytest.approx(1.0)
    assert compare(one, other).shared == ("a", "b")


histograms = st.lists(st.floats(0, 1e6), min_size=4, max_size=4).filter(lambda h: sum(h) > 1e-3)


@given(histograms, histograms)
def test_divergence_is_symmetric_and_bounded(first: list[float], second: list[float]) -> None:
    p, q = np.array(first), np.array(second)
    assert 0 <= js_divergence(p, q) <= 1 + 1e-9
    assert js_divergence(p, q) == pytest.approx(js_divergence(q, p))
    assert js_divergence(p, 3 * p) == pytest.approx(0, abs=1e-9)


def test_the_command_counts_compares_and_draws(dataset: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    done = pcseg(
        "stats",
        *("semantickitti", str(dataset), "semantickitti", str(dataset)),
        *("--json", str(tmp_path / "s.json"), "--plots", str(tmp_path / "plots"), "--every", "2"),
    )
    assert done.returncode == 0, done.stderr
    data = json.loads((tmp_path / "s.json").read_text())
    assert len(data["datasets"]) == 2 and data["datasets"][0]["simulated"]
    assert data["comparisons"][0]["classes"] == 0.0
    assert sorted(p.name for p in (tmp_path / "plots").iterdir()) == [
        "classes.png",
        "divergence.png",
        "ranges.png",
    ]


def test_the_command_refuses() -> None:
    done = pcseg("stats", "semantickitti")
    assert done.returncode == 2 and "name datasets with their folders" in done.stderr
