"""How far the results of an engine are from those of the reference."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def difference(found: Sequence[Tensor], reference: Sequence[Tensor]) -> float:
    """The worst of several results.

    Of numbers, the largest difference relative to the largest entry of the reference; of maps
    (integers, a row for each pair), the share of pairs that only one of the two has. Infinite for
    other shapes and for NaN.
    """
    if len(found) != len(reference):
        return float("inf")
    return max(_one(a, b) for a, b in zip(found, reference, strict=True))


def _one(found: Tensor, reference: Tensor) -> float:
    if not found.is_floating_point():
        if torch.equal(found, reference):
            return 0.0
        _, times = torch.unique(torch.cat([found, reference]), dim=0, return_counts=True)
        return float((times == 1).sum()) / max(len(reference), 1)
    if found.shape != reference.shape:
        return float("inf")
    apart = float((found - reference).abs().max() / reference.abs().max().clamp(min=1e-30))
    return apart if apart == apart else float("inf")
