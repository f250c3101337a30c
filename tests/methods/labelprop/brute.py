"""Plain references for 3DLabelProp: rebuilt from nothing for each scan, without cells or lists."""

from __future__ import annotations

import numpy as np


class RebuiltMap:
    """The map as the paper's code keeps it: arrays that are thinned anew whenever a scan comes."""

    def __init__(self, voxel: float) -> None:
        self.voxel = voxel
        self.xyz = np.zeros((0, 3), np.float32)
        self.labels = np.zeros(0, np.int64)
        self.confidence = np.zeros(0, np.float32)
        self.stamps = np.zeros(0, np.int64)

    def add(self, stamp: int, xyz: np.ndarray, labels: np.ndarray, confidence: np.ndarray) -> None:
        self.xyz = np.concatenate([self.xyz, xyz])
        self.labels = np.concatenate([self.labels, labels])
        self.confidence = np.concatenate([self.confidence, confidence])
        self.stamps = np.concatenate([self.stamps, np.full(len(xyz), stamp)])
        voxels = np.floor(self.xyz.astype(np.float64) / self.voxel).astype(np.int64)
        self.choose(np.sort(np.unique(voxels, axis=0, return_index=True)[1]))

    def choose(self, rows: np.ndarray) -> None:
        for name in ("xyz", "labels", "confidence", "stamps"):
            setattr(self, name, getattr(self, name)[rows])

    def drop_newest(self) -> None:
        self.choose(self.stamps != self.stamps.max())

    def drop_until(self, stamp: int) -> None:
        self.choose(self.stamps > stamp)

    def drop_far(self, center: np.ndarray, limit: float) -> None:
        away = self.xyz[:, :2].astype(np.float64) - center
        self.choose((away**2).sum(1) < limit**2)


def propagate(
    past: np.ndarray,
    past_labels: np.ndarray,
    past_confidence: np.ndarray,
    xyz: np.ndarray,
    classes: int,
    radius: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The formula of the paper over all pairs of points, in float64."""
    labels = np.full(len(xyz), -1)
    confidence = np.zeros(len(xyz))
    for i, point in enumerate(xyz.astype(np.float64)):
        squared = ((past.astype(np.float64) - point) ** 2).sum(1)
        weights = past_confidence * np.exp(-squared * np.log(2.0) / radius**2)
        counted = weights > 0.5
        sums = np.zeros(classes + 1)
        np.add.at(sums, past_labels[counted] + 1, weights[counted])
        if counted.any():
            labels[i] = sums.argmax() - 1
            winners = counted & (past_labels == labels[i])
            confidence[i] = past_confidence[winners].astype(np.float64).mean()
    return labels, confidence


def in_steps(confidence: np.ndarray) -> np.ndarray:
    """Confidences as the map keeps them."""
    return (np.rint(confidence * 65536) / 65536).astype(np.float32)
