"""A street as a 64-beam sensor sees it: 64 rings of 180 points, with labels and intensities."""

from __future__ import annotations

import numpy as np

from pcseg.data import Scan

ROAD, CAR, POLE = 40, 10, 80


def street(dataset: str = "semantickitti", frame: str = "000001", seed: int = 0) -> Scan:
    """64 rings of 180 points listed ring after ring: flat road, cars beside, poles behind."""
    rng = np.random.default_rng(seed)
    ring, column = np.divmod(np.arange(64 * 180), 180)
    inclination = np.deg2rad(np.linspace(2.0, -24.8, 64))[ring]
    azimuth = np.pi - (column + 0.5) / 180 * 2 * np.pi
    reach = np.where(inclination < -0.03, 1.73 / np.maximum(-np.sin(inclination), 1e-3), 60.0)
    raw = np.where(reach < 55, ROAD, POLE)
    beside = (np.abs(azimuth - np.pi / 2) < 0.6) & (reach > 8) & (inclination < 0.02)
    reach, raw = np.where(beside, 8.0, reach), np.where(beside, CAR, raw)
    flat = np.cos(inclination)
    ray = np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(inclination)], 1)
    intensity = np.where(raw == ROAD, 0.25, 0.6) + rng.uniform(-0.1, 0.1, len(raw))
    names = {ROAD: 8, CAR: 0, POLE: 17}
    return Scan(
        xyz=(ray * reach[:, None]).astype(np.float32),
        attrs={"intensity": intensity.astype(np.float32), "tag": np.arange(len(raw))},
        labels=np.vectorize(names.get)(raw).astype(np.int64),
        raw_labels=raw.astype(np.int64),
        instances=(raw == CAR).astype(np.int64),
        pose=np.eye(4),
        meta={"dataset": dataset, "sequence": "08", "frame": frame, "path": "x.bin"},
    )
