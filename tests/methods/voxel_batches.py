"""Small scans and the batches that methods make of them."""

from __future__ import annotations

import numpy as np

from pcseg.config.load import build_config
from pcseg.data import LabelSet, Scan, label_set
from pcseg.methods import build_method
from tests.scenes import street

CLASSES: LabelSet = label_set("semantic_kitti/sk19")

TINY = ("model.width=0.125", "model.depth=14", "input.voxel_size=0.5", "input.features=[one]")


def scan(seed: int, points: int = 1500) -> Scan:
    """A labelled street, its points sorted into 16 beams by their elevation."""
    cloud, raw = street(np.random.default_rng(seed), points)
    elevation = np.arctan2(cloud[:, 2], np.hypot(cloud[:, 0], cloud[:, 1]))
    rank = np.argsort(np.argsort(-elevation))
    return Scan(
        xyz=np.ascontiguousarray(cloud[:, :3]),
        attrs={"intensity": cloud[:, 3].copy(), "ring": rank * 16 // len(rank)},
        labels=CLASSES.encode((raw & 0xFFFF).astype(np.int64)),
        meta={"sequence": "00", "frame": str(seed)},
    )


def method(name: str, *settings: str):
    config = build_config({"method": name}, (*TINY, *settings))
    return build_method(config, CLASSES)
