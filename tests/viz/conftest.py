"""Small scenes with everything a scene can have."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.data import LabelSet, Prediction, Scan

HOSTILE = "</script><img src=x onerror=alert(1)>"
"""A class name that would end its script and run, were it not escaped."""


@pytest.fixture
def label_set() -> LabelSet:
    return LabelSet(
        dataset="toy",
        name="three",
        names=("ground", "wall", HOSTILE),
        colors=np.array([[200, 100, 0], [0, 200, 100], [10, 0, 10]], np.uint8),
        raw_to_train={0: -1, 1: 0, 2: 1, 3: 2},
        train_to_raw={0: 1, 1: 2, 2: 3},
        raw_names={},
    )


@pytest.fixture
def street(rng: np.random.Generator) -> Scan:
    """3000 points around a sensor: ground (0), a wall ahead (1), a thing (2), some ignored."""
    ground = np.c_[rng.uniform(-30, 30, (2000, 2)), np.full(2000, -1.7)]
    wall = np.c_[np.full(700, 20.0), rng.uniform(-10, 10, 700), rng.uniform(-1.7, 4, 700)]
    thing = rng.normal((8, 3, -1), 0.4, (300, 3))
    labels = np.repeat([0, 1, 2], [2000, 700, 300])
    labels[:100] = -1
    return Scan(
        xyz=np.concatenate([ground, wall, thing]).astype(np.float32),
        attrs={
            "intensity": rng.random(3000, dtype=np.float32),
            "rgb": rng.random((3000, 3), dtype=np.float32),
        },
        labels=labels.astype(np.int64),
        instances=np.repeat([0, 5, 9], [2000, 700, 300]).astype(np.int64),
        meta={"sequence": "00", "frame": 7, "simulated": True},
    )


@pytest.fixture
def prediction(street: Scan) -> Prediction:
    """Right but for the first 40 points of the wall, taken for ground."""
    labels = np.where(street.labels < 0, 0, street.labels)
    labels[2000:2040] = 0
    return Prediction(labels, np.linspace(0, 1, 3000, dtype=np.float32))
