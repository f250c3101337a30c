"""SparseTensor: features of the occupied voxels of a batch, with a cache of kernel maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pcseg.errors import DataError
from pcseg.sparse.kernel import triple
from pcseg.sparse.keys import Triple
from pcseg.sparse.level import Level, MapCache


class SparseTensor:
    """V rows of features, one per occupied voxel. The order of rows is the caller's.

    Rows in key order, as `voxelize` returns them, take the fast paths; any other order works.

    Args:
        feats: (V, C) floating point.
        coords: (V, 4) int32 [batch, x, y, z] in units of this tensor's own lattice.
        stride: size of its voxels in voxels of the finest lattice, a number or (x, y, z).
        batch_size: number of samples, for batches whose last samples may be empty; by default the
            largest batch index plus one.
        maps: the cache of an earlier tensor of the same forward pass, by default a new one. If
            `coords` is the very tensor of one of its levels, maps are shared with it.

    Raises:
        DataError: if shapes, types or devices do not fit. Repeated coordinates are detected when
            the first layer needs the neighbours.
    """

    def __init__(
        self,
        feats: Tensor,
        coords: Tensor,
        stride: int | Sequence[int] = 1,
        batch_size: int | None = None,
        maps: MapCache | None = None,
    ) -> None:
        _check(feats, coords)
        self.feats = feats
        self.maps = MapCache() if maps is None else maps
        self.level: Level = self.maps.level(
            coords.to(torch.int32), triple(stride, "stride"), batch_size
        )

    @classmethod
    def on(cls, level: Level, feats: Tensor, maps: MapCache) -> SparseTensor:
        """Features (V, C) on a level that exists already; nothing is copied or checked."""
        tensor = cls.__new__(cls)
        tensor.feats, tensor.level, tensor.maps = feats, level, maps
        return tensor

    @property
    def coords(self) -> Tensor:
        """(V, 4) int32 [batch, x, y, z]."""
        return self.level.coords

    @property
    def stride(self) -> Triple:
        """Size of a voxel in voxels of the finest lattice, along x, y, z."""
        return self.level.stride

    @property
    def batch_size(self) -> int:
        """Number of samples, empty ones included."""
        return self.level.batch_size

    @property
    def batch_index(self) -> Tensor:
        """(V,) int64: the sample of each row."""
        return self.coords[:, 0].long()

    @property
    def num_channels(self) -> int:
        """C."""
        return self.feats.shape[1]

    @property
    def device(self) -> torch.device:
        """Where the features are."""
        return self.feats.device

    def __len__(self) -> int:
        return len(self.feats)

    def replace(self, feats: Tensor) -> SparseTensor:
        """Other features (V, C') on the same voxels, sharing coordinates and maps.

        Raises:
            DataError: if the number of rows differs.
        """
        if len(feats) != len(self):
            raise DataError(f"{len(feats)} rows of features for {len(self)} voxels.")
        return SparseTensor.on(self.level, feats, self.maps)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> SparseTensor:
        """The same tensor on another device; its maps are built anew there."""
        if torch.device(device) == self.device:
            return self
        coords = self.coords.to(device, non_blocking=non_blocking)
        maps = MapCache()
        level = maps.level(coords, self.stride, self.batch_size)
        return SparseTensor.on(level, self.feats.to(device, non_blocking=non_blocking), maps)

    def __add__(self, other: SparseTensor) -> SparseTensor:
        check_same_voxels([self, other])
        return self.replace(self.feats + other.feats)

    def __repr__(self) -> str:
        return (
            f"SparseTensor({len(self)} voxels, {self.num_channels} channels, "
            f"stride {self.stride}, {self.feats.dtype}, {self.device})"
        )


def cat(tensors: Sequence[SparseTensor]) -> SparseTensor:
    """Join the channels of tensors on the same voxels.

    Raises:
        DataError: if they are on different voxels.
    """
    check_same_voxels(tensors)
    return tensors[0].replace(torch.cat([tensor.feats for tensor in tensors], 1))


def check_same_voxels(tensors: Sequence[SparseTensor]) -> None:
    """Make sure that rows of several tensors mean the same voxels.

    Raises:
        DataError: if they do not.
    """
    first = tensors[0].level
    for tensor in tensors[1:]:
        same = tensor.level is first or (
            tensor.stride == first.stride and torch.equal(tensor.coords, first.coords)
        )
        if not same:
            raise DataError(
                f"tensors on different voxels cannot be joined row by row: {tensors[0]} and "
                f"{tensor}. Both must come from the same coordinates; a SparseInverseConv3d "
                "returns to the voxels that its SparseConv3d started from."
            )


def _check(feats: Tensor, coords: Tensor) -> None:
    if feats.dim() != 2 or not feats.is_floating_point():
        raise DataError(
            f"features must be (V, C) floating point, not {tuple(feats.shape)} {feats.dtype}."
        )
    integer = coords.dtype in (torch.int32, torch.int64)
    if coords.shape != (len(feats), 4) or not integer:
        raise DataError(
            f"coordinates must be ({len(feats)}, 4) int32 [batch, x, y, z] for {len(feats)} rows "
            f"of features, not {tuple(coords.shape)} {coords.dtype}."
        )
    if coords.device != feats.device:
        raise DataError(f"features are on {feats.device}, coordinates on {coords.device}.")
