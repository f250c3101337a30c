"""Dice loss: overlap of predicted and true class, each class counted equally."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from pcseg.data import IGNORE


def dice_loss(
    logits: Tensor,
    labels: Tensor,
    smoothing: float = 0.0,
    squared: bool = False,
    present_only: bool = False,
) -> Tensor:
    """One minus the mean over classes of ``2 sum(p t) / (sum(p) + sum(t))``.

    Milletari et al., "V-Net" (3DV 2016), section 3; options as in LiDOG's repository, whose "soft
    Dice" is ``smoothing=0.05, squared=True, present_only=True``.

    Args:
        logits: (N, K).
        labels: (N,) int64; rows with `IGNORE` are left out.
        smoothing: of the true class's share, given to the other classes in equal parts.
        squared: whether p is squared in the denominator.
        present_only: whether classes without a label are left out of the mean; else they count as
            not overlapping at all.

    Returns:
        Scalar float32; 0 with a gradient of 0 where nothing is labelled.
    """
    kept = labels != IGNORE
    logits, labels = logits[kept].float(), labels[kept]
    if not len(labels):
        return logits.sum() * 0.0
    num_classes = logits.shape[1]
    truth = F.one_hot(labels, num_classes).float()
    present = truth.sum(0) > 0
    if smoothing:
        truth = truth * (1.0 - smoothing) + (1.0 - truth) * smoothing / max(num_classes - 1, 1)
    found = logits.softmax(1)
    predicted = found.square() if squared else found
    overlap = 2.0 * (found * truth).sum(0) / (predicted.sum(0) + truth.sum(0) + 1e-12)
    return 1.0 - (overlap[present].mean() if present_only else torch.mean(overlap))
