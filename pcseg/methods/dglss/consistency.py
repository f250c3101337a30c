"""The two constraints of DGLSS: features and class correlations that do not depend on density."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from pcseg.ops import segment_mean
from pcseg.sparse import SparseTensor

_EPSILON = 1e-7
_ROWS_AT_ONCE = 2048


def sparsity_invariance(
    bottom: SparseTensor, neighbours: int = 3, affinity: float = 0.707
) -> Tensor:
    """Sparsity invariant feature consistency: mean distance of the two views' features.

    Kim et al., "Single Domain Generalization for LiDAR Semantic Segmentation" (CVPR 2023), section
    3.3, as its repository computes it. Voxels that both views have are compared directly. Voxels
    that the thinned view lost are compared with the mean of its nearest voxels, weighted by the
    inverse distance, and only by those whose features in the whole view are alike; no gradient
    flows into that mean.

    Args:
        bottom: (V, C) features of 2B scans; number B + i is the thinned view of number i.
        neighbours: nearest voxels to look at.
        affinity: least cosine of features that count as alike.

    Returns:
        Scalar float32: mean absolute difference, averaged over the scans.
    """
    feats = bottom.feats.float()
    scans = bottom.batch_size // 2
    total = feats.sum() * 0.0
    twins = _twins(bottom, scans)
    for scan in range(scans):
        thin = (bottom.batch_index == scans + scan).nonzero()[:, 0]
        twin = twins[thin]
        if not len(thin):
            continue
        lost = _others(bottom, scan, twin)
        stand_in, usable = _stand_ins(bottom.coords, feats, lost, thin, twin, neighbours, affinity)
        whole = torch.cat([feats[twin], feats[lost[usable]]])
        thinned = torch.cat([feats[thin], stand_in[usable].detach()])
        total = total + (whole - thinned).abs().mean()
    return total / max(scans, 1)


def correlation_consistency(
    feats: Tensor, labels: Tensor, batch_index: Tensor, num_scans: int, num_classes: int
) -> Tensor:
    """Semantic correlation consistency: how classes resemble each other is the same in all scans.

    Section 3.4 of the same paper. A class's prototype is the mean of its features in a scan,
    normalised; the correlations of all prototypes are compared between every two scans, views
    included, for the classes that both have (each with itself, too, as in the repository).

    Args:
        feats: (V, D) features.
        labels: (V,) int64 train ids, -1 where not labelled.
        batch_index: (V,) int64 scan of each row.
        num_scans: S.
        num_classes: K.

    Returns:
        Scalar float32: mean absolute difference of the correlations; 0 if nothing can be compared.
    """
    labelled = labels >= 0
    rows = batch_index[labelled] * num_classes + labels[labelled]
    means = segment_mean(feats[labelled].float(), rows, num_scans * num_classes)
    prototypes = F.normalize(means, dim=1).view(num_scans, num_classes, -1)
    correlation = prototypes @ prototypes.transpose(1, 2)
    present = torch.bincount(rows, minlength=num_scans * num_classes).view(num_scans, -1) > 0
    defined = present[:, :, None] & present[:, None, :]
    first, second = torch.triu_indices(num_scans, num_scans, 1, device=feats.device)
    both = defined[first] & defined[second]
    difference = (correlation[first] - correlation[second]).abs()
    return (difference * both).sum() / both.sum().clamp(min=1)


def _twins(bottom: SparseTensor, scans: int) -> Tensor:
    """(V,) int64: for a voxel of a thinned view the row of the same voxel of the whole view."""
    whole = bottom.coords.clone()
    whole[:, 0] -= scans
    return torch.where(bottom.batch_index >= scans, bottom.level.find(whole), -1)


def _others(bottom: SparseTensor, scan: int, twin: Tensor) -> Tensor:
    """Rows of the voxels of a scan that its thinned view does not have."""
    lost = bottom.batch_index == scan
    lost[twin] = False
    return lost.nonzero()[:, 0]


def _stand_ins(
    coords: Tensor,
    feats: Tensor,
    lost: Tensor,
    thin: Tensor,
    twin: Tensor,
    neighbours: int,
    affinity: float,
) -> tuple[Tensor, Tensor]:
    """Features (L, C) to compare the lost voxels with, and (L,) bool: which have any."""
    position = coords[:, 1:].float()
    parts = []
    with torch.no_grad():
        for rows in lost.split(_ROWS_AT_ONCE):
            distance = torch.cdist(position[rows], position[thin])
            nearest = distance.topk(min(neighbours, len(thin)), largest=False)
            alike = F.cosine_similarity(feats[rows][:, None], feats[twin[nearest.indices]], dim=2)
            weights = (alike >= affinity) / (nearest.values + _EPSILON)
            total = weights.sum(1, keepdim=True)
            weights = weights / total.clamp(min=_EPSILON**2)
            mean = (feats[thin[nearest.indices]] * weights[:, :, None]).sum(1)
            parts.append((mean, total[:, 0] > 0))
    if not parts:
        return feats[lost], lost > 0
    means, usable = zip(*parts, strict=True)
    return torch.cat(means), torch.cat(usable)
