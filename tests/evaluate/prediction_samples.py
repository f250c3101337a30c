"""Scans and predictions to write to files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import laspy
import numpy as np

from pcseg.data import LabelSet, Prediction, Scan, label_set

SK19 = label_set("semantic_kitti/sk19")


def a_scan(size: int = 50, seed: int = 0, **meta: Any) -> Scan:
    rng = np.random.default_rng(seed)
    return Scan(rng.normal(0, 20, (size, 3)).astype(np.float32), meta=meta)


def a_prediction(size: int = 50, seed: int = 0, num_classes: int = 19) -> Prediction:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, num_classes, size)
    return Prediction(labels, rng.random(size).astype(np.float32))


def a_label_set(raw_of: dict[int, int], known: dict[int, int] | None = None) -> LabelSet:
    """Classes c0, c1, … stored as the given raw ids."""
    count = len(raw_of)
    return LabelSet(
        dataset="mine",
        name="all",
        names=tuple(f"c{i}" for i in range(count)),
        colors=np.arange(3 * count, dtype=np.uint8).reshape(count, 3),
        raw_to_train=known or {raw: train for train, raw in raw_of.items()},
        train_to_raw=raw_of,
        raw_names={},
    )


def a_las_file(path: Path, point_format: int = 3, size: int = 40) -> laspy.LasData:
    """A survey tile: large coordinates, times, returns, a tool's own extra dimension."""
    rng = np.random.default_rng(1)
    header = laspy.LasHeader(point_format=point_format)
    header.scales, header.offsets = np.array([0.01, 0.01, 0.001]), np.array([4e5, 5.1e6, 0.0])
    header.add_extra_dim(laspy.ExtraBytesParams("amplitude", np.float64))
    las = laspy.LasData(header)
    las.x, las.y = 4e5 + rng.random(size) * 500, 5.1e6 + rng.random(size) * 500
    las.z = rng.random(size) * 30
    las.intensity = rng.integers(0, 65535, size)
    las.return_number = rng.integers(1, 4, size)
    las.gps_time = rng.random(size)
    las.amplitude = rng.random(size)
    las.classification = np.full(size, 2, np.uint8)
    las.write(str(path))
    return las
