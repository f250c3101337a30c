"""Batch: scans turned into what a sparse network reads, made in the loader's processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pcseg import sparse
from pcseg.config import InputConfig
from pcseg.data import IGNORE, Scan
from pcseg.errors import DataError
from pcseg.models.points import Points


@dataclass  # not frozen: mixed precision rebuilds batches field by field
class Batch:
    """B scans as voxels and points.

    Attributes:
        feats: (V, C) float32 voxel features, means over their points.
        coords: (V, 4) int32 [batch, x, y, z], sorted within each scan.
        points: the N points that the voxels were made of.
        voxel_labels: (V,) int64, the most frequent label of the voxel's points.
        point_labels: (N,) int64.
        num_scans: B; a scan may have no points at all.
    """

    feats: Tensor
    coords: Tensor
    points: Points
    voxel_labels: Tensor
    point_labels: Tensor
    num_scans: int

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        return Batch(
            feats=self.feats.to(device),
            coords=self.coords.to(device),
            points=self.points.to(device),
            voxel_labels=self.voxel_labels.to(device),
            point_labels=self.point_labels.to(device),
            num_scans=self.num_scans,
        )

    def voxels(self) -> sparse.SparseTensor:
        """The voxels as the sparse core's tensor, with a fresh cache of kernel maps."""
        return sparse.SparseTensor(self.feats, self.coords, batch_size=self.num_scans)


def collate(scans: Sequence[Scan], inputs: InputConfig, num_classes: int) -> Batch:
    """Voxelise scans one by one and stack them.

    Args:
        scans: B scans with finite coordinates; labels may be missing.
        inputs: voxel size and features.
        num_classes: K of the labels.

    Raises:
        DataError: if a scan lacks an attribute that is an input feature.
    """
    parts = [_voxelized(scan, i, inputs, num_classes) for i, scan in enumerate(scans)]
    starts = np.cumsum([0, *(len(part["coords"]) for part in parts)])
    for part, start in zip(parts, starts, strict=False):
        part["rows"] += start
    stacked = {
        key: torch.from_numpy(np.concatenate([part[key] for part in parts])) for key in parts[0]
    }
    return Batch(
        feats=stacked["voxel_feats"],
        coords=stacked["coords"],
        points=Points(stacked["feats"], stacked["position"], stacked["rows"]),
        voxel_labels=stacked["voxel_labels"],
        point_labels=stacked["labels"],
        num_scans=len(scans),
    )


def within(scan: Scan, max_range: float | None) -> Scan:
    """The usable points up to a range; the scan itself if that is all of them.

    Args:
        scan: to choose from.
        max_range: metres from the sensor; None for no limit.
    """
    kept = usable(scan)
    if max_range is not None:
        kept &= np.linalg.norm(scan.xyz, axis=1) <= max_range
    return scan if kept.all() else scan.select(kept)


def usable(scan: Scan) -> np.ndarray:
    """(N,) bool: points with a place in space; readers mark broken ones in ``attrs["valid"]``."""
    finite: np.ndarray = np.isfinite(scan.xyz).all(1)
    return finite & scan.attrs["valid"] if "valid" in scan.attrs else finite


def num_features(inputs: InputConfig) -> int:
    """C, the number of input channels."""
    return sum(_CHANNELS.get(name, 1) for name in inputs.features)


def _voxelized(
    scan: Scan, place: int, inputs: InputConfig, num_classes: int
) -> dict[str, np.ndarray]:
    """The arrays of one scan, the `place`-th of its batch."""
    coords, rows = sparse.voxelize(scan.xyz, inputs.voxel_size)
    coords[:, 0] = place
    position = np.empty((len(scan), 4), np.float32)
    position[:, 0] = place
    position[:, 1:] = scan.xyz.astype(np.float64) / inputs.voxel_size
    columns = [_feature(name, scan, position[:, 1:], inputs) for name in inputs.features]
    feats = np.concatenate(columns, axis=1).astype(np.float32)
    labels = scan.labels if scan.labels is not None else np.full(len(scan), IGNORE, np.int64)
    return {
        "voxel_feats": sparse.pool_features(feats, rows, len(coords)),
        "coords": coords,
        "feats": feats,
        "position": position,
        "rows": rows,
        "voxel_labels": sparse.pool_labels(labels, rows, len(coords), num_classes),
        "labels": labels,
    }


def _feature(name: str, scan: Scan, position: np.ndarray, inputs: InputConfig) -> np.ndarray:
    """(N, C) values of one input feature."""
    if name in _COMPUTED:
        values = _COMPUTED[name](scan.xyz, position)
    elif name in scan.attrs:
        values = scan.attrs[name]
    elif inputs.missing == "zero":
        values = np.zeros((len(scan), _CHANNELS.get(name, 1)), np.float32)
    else:
        raise DataError(
            f"{scan.name}: has no '{name}', which is an input feature of this network. It has: "
            f"{', '.join(scan.attrs) or 'coordinates only'}. Train without it "
            "(input.features=[xyz]), or set input.missing=zero to read zeros in its place."
        )
    return values[:, None] if values.ndim == 1 else values


_CHANNELS = {"xyz": 3, "offset": 3, "rgb": 3, "normal": 3}

_COMPUTED: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "one": lambda xyz, position: np.ones(len(xyz), np.float32),
    "xyz": lambda xyz, position: xyz,
    "height": lambda xyz, position: xyz[:, 2],
    "range": lambda xyz, position: np.linalg.norm(xyz, axis=1),
    "offset": lambda xyz, position: position - np.floor(position) - 0.5,
}
"""Features made from coordinates (N, 3) in metres and in voxels."""
