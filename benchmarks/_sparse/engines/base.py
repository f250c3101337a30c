"""Engine: what the benchmark asks of a library for sparse convolution."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from _sparse.networks import NETWORKS
from _sparse.ops import Op
from _sparse.unet import UNet


class Engine(ABC):
    """A library, on a device. Its own kind of tensor is written `x`.

    Weights and gradients cross this interface as (K, Cin, Cout), K in the order of
    `pcseg.sparse.kernel.Kernel.offsets`, whatever the library's own layout is.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        self.name = name
        self.device = device

    def refuses(self, op: Op) -> str | None:
        """Why this engine cannot do `op`; None if it can."""
        return None

    def versions(self) -> dict[str, str]:
        """Versions of the packages that it consists of."""
        return {}

    @abstractmethod
    def build_maps(self, coords: Tensor, strided: bool) -> Any:
        """The 3 x 3 x 3 map of (V, 4) voxels, and that of a stride-2 layer if `strided`."""

    @abstractmethod
    def pairs(self, maps: Any) -> list[tuple[Tensor, Tensor, Tensor]]:
        """For each map that `build_maps` made: offset (P,), and the voxels (P, 4) of both sides.

        The voxels of the coarser side of a strided map are in units of their own lattice.
        """

    @abstractmethod
    def tensor(self, coords: Tensor, feats: Tensor) -> Any:
        """A tensor `x` of (V, C) features on voxels whose maps do not exist yet."""

    @abstractmethod
    def feats(self, x: Any) -> Tensor:
        """(V, C) features, in the engine's order of rows."""

    @abstractmethod
    def replace(self, x: Any, feats: Tensor) -> Any:
        """Other features on the same voxels."""

    @abstractmethod
    def rows(self, x: Any) -> Tensor:
        """(V, 4) voxels of the rows of `x`, on the CPU."""

    def with_maps_of(self, x: Any, out: Any) -> Any:
        """`x` with the maps that were built on the way to `out`."""
        return x

    @abstractmethod
    def subm(self, cin: int, cout: int, level: int) -> nn.Module:
        """A 3 x 3 x 3 submanifold convolution of tensors at `level`; maps go by level."""

    @abstractmethod
    def down(self, cin: int, cout: int, level: int) -> nn.Module:
        """A 2 x 2 x 2 convolution of stride 2 from `level` to the next coarser one."""

    @abstractmethod
    def up(self, cin: int, cout: int, level: int) -> nn.Module:
        """The inverse of `down`: back to `level`."""

    def network(self, name: str, position: Tensor) -> nn.Module:
        """A network of `NETWORKS`, from x to x, as this engine's user would write it.

        Args:
            name: of the network.
            position: (V, 4) one point in each voxel, in voxels, for networks with points.
        """
        return UNet(self, NETWORKS[name])

    conv_types: tuple[type[nn.Module], ...] = ()
    """Classes of the modules that `subm`, `down` and `up` make."""

    weight_name = "weight"
    """Attribute of a convolution that holds its weight."""

    def to_layout(self, conv: nn.Module, weight: Tensor) -> Tensor:
        """(K, Cin, Cout) in the layout of the engine."""
        return weight

    def from_layout(self, conv: nn.Module, weight: Tensor) -> Tensor:
        """The inverse of `to_layout`."""
        return weight
