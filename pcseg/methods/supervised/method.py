"""Supervised: a sparse network trained on labelled scans."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from pcseg.config import Config, InputConfig
from pcseg.data import IGNORE, LabelSet, Prediction, Scan
from pcseg.methods.supervised.batch import Batch, collate, num_features, usable, within
from pcseg.models import SegmentationLoss, build_network


class Supervised(nn.Module):
    """A network, its loss, and the way from scans to per-point labels.

    Args:
        config: the experiment.
        label_set: the class table.
        class_weights: (K,) weights of cross entropy, or None.
    """

    def __init__(
        self, config: Config, label_set: LabelSet, class_weights: Tensor | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.label_set = label_set
        classes = label_set.num_classes
        self.network = build_network(config.model, num_features(config.input), classes)
        loss = config.loss
        self.criterion = SegmentationLoss(
            loss.cross_entropy, loss.lovasz, class_weights, loss.label_smoothing
        )

    def collate(self) -> Callable[[Sequence[Scan]], Batch]:
        """A function of scans for the loader's processes; it holds no weights."""
        inputs = self.config.input
        classes = self.label_set.num_classes
        return functools.partial(_collate_for_training, inputs=inputs, num_classes=classes)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Loss and its parts as scalars, ``"loss"`` first."""
        per_point = self.network.per_point
        labels = batch.point_labels if per_point else batch.voxel_labels
        return self.criterion(self.network(batch.voxels(), batch.points), labels)

    @torch.no_grad()
    def predict(self, scans: Sequence[Scan]) -> list[Prediction]:
        """Label every point of every scan, in file order.

        Points without finite coordinates get `IGNORE` and confidence 0.
        """
        finite = [usable(scan) for scan in scans]
        seen = [s.select(f) if not f.all() else s for s, f in zip(scans, finite, strict=True)]
        confidence, labels = self.averaged_probabilities(seen).max(1)
        split = [len(scan) for scan in seen]
        return [
            _scattered(f, one.cpu().numpy(), sure.cpu().numpy())
            for f, one, sure in zip(
                finite, labels.split(split), confidence.split(split), strict=True
            )
        ]

    def averaged_probabilities(self, scans: Sequence[Scan]) -> Tensor:
        """(N, K) float32 class probabilities of all points of the scans, over all turns."""
        total = self._probabilities(scans)
        for turn in range(1, self.config.eval.tta):
            total = total + self._probabilities([_turned(scan, turn) for scan in scans])
        return total / max(1, self.config.eval.tta)

    def _probabilities(self, scans: Sequence[Scan]) -> Tensor:
        """(N, K) float32 class probabilities of all points of the scans."""
        device = next(self.parameters()).device
        batch = collate(scans, self.config.input, self.label_set.num_classes).to(device)
        logits = self.network(batch.voxels(), batch.points)
        if not self.network.per_point:
            logits = logits[batch.points.rows]
        return logits.float().softmax(1)


def _collate_for_training(scans: Sequence[Scan], inputs: InputConfig, num_classes: int) -> Batch:
    return collate([within(scan, inputs.max_range) for scan in scans], inputs, num_classes)


def _turned(scan: Scan, turn: int) -> Scan:
    """The scan turned by a fraction of a circle that differs for each `turn`, odd ones mirrored."""
    angle = 2.0 * np.pi * turn * 0.6180339887  # golden section: spread well for any number of turns
    c, s = np.cos(angle), np.sin(angle)
    mirror = -1.0 if turn % 2 else 1.0
    rotation = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) * [1.0, mirror, 1.0]
    moved = (scan.xyz @ rotation.T.astype(np.float32)).astype(np.float32)
    attrs = dict(scan.attrs)
    if "normal" in attrs:
        attrs["normal"] = attrs["normal"] @ rotation.T.astype(np.float32)
    return scan.replace(xyz=moved, attrs=attrs)


def _scattered(finite: np.ndarray, labels: np.ndarray, confidence: np.ndarray) -> Prediction:
    if finite.all():
        return Prediction(labels, confidence)
    all_labels = np.full(len(finite), IGNORE, np.int64)
    all_confidence = np.zeros(len(finite), np.float32)
    all_labels[finite], all_confidence[finite] = labels, confidence
    return Prediction(all_labels, all_confidence)
