"""Losses on labelled rows: cross entropy, Lovász-softmax, and their weighted sum."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pcseg.data.scan import IGNORE


class SegmentationLoss(nn.Module):
    """Weighted sum of cross entropy and Lovász-softmax over rows that are not ignored.

    Args:
        cross_entropy: weight of cross entropy; 0 leaves it out.
        lovasz: weight of Lovász-softmax; 0 leaves it out.
        class_weights: (K,) weights of cross entropy, or None.
        label_smoothing: of cross entropy, 0..1.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        cross_entropy: float = 1.0,
        lovasz: float = 1.0,
        class_weights: Tensor | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.cross_entropy = cross_entropy
        self.lovasz = lovasz
        self.label_smoothing = label_smoothing
        self.register_buffer("class_weights", class_weights)

    def forward(self, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Score logits (N, K) against labels (N,) int64.

        Returns:
            ``{"loss": total, "cross_entropy": …, "lovasz": …}``, scalars in float32; zero with a
            gradient of zero when every row is ignored.
        """
        kept = labels != IGNORE
        logits, labels = logits[kept].float(), labels[kept]
        parts: dict[str, Tensor] = {}
        if self.cross_entropy:
            parts["cross_entropy"] = self._cross_entropy(logits, labels)
        if self.lovasz:
            parts["lovasz"] = lovasz_softmax(logits.softmax(1), labels)
        weights = {"cross_entropy": self.cross_entropy, "lovasz": self.lovasz}
        total = logits.sum() * 0.0
        for name, value in parts.items():
            total = total + weights[name] * value
        return {"loss": total, **{name: value.detach() for name, value in parts.items()}}

    def _cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        if not len(labels):  # the mean of nothing is NaN, and one NaN ends a training
            return logits.sum() * 0.0
        weights = self.class_weights
        return F.cross_entropy(logits, labels, weights, label_smoothing=self.label_smoothing)


def lovasz_softmax(probabilities: Tensor, labels: Tensor) -> Tensor:
    """The Lovász extension of the Jaccard loss, averaged over the classes present.

    Berman, Rannen Triki, Blaschko: "The Lovász-Softmax loss", CVPR 2018, algorithm 1 and eq. 11.

    Args:
        probabilities: (N, K) class probabilities.
        labels: (N,) int64 in 0..K-1, no ignored rows.

    Returns:
        Scalar in 0..1; 0 when there are no rows.
    """
    present = torch.bincount(labels, minlength=probabilities.shape[1]).nonzero()[:, 0]
    if not len(present):
        return probabilities.sum() * 0.0
    truth = (labels[:, None] == present).to(probabilities.dtype)
    errors = (truth - probabilities[:, present]).abs()
    errors, order = errors.sort(dim=0, descending=True, stable=True)
    return (errors * _jaccard_steps(truth.gather(0, order))).sum(0).mean()


def _jaccard_steps(truth: Tensor) -> Tensor:
    """(N, C) growth of the Jaccard loss as rows, sorted by error, are taken to be wrong."""
    total = truth.sum(0)
    intersection = total - truth.cumsum(0)
    union = total + (1.0 - truth).cumsum(0)
    jaccard = 1.0 - intersection / union
    return torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])
