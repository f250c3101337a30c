"""pcseg with one of its backends."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from _sparse.engines.base import Engine
from _sparse.networks import IN_CHANNELS, NETWORKS
from pcseg import sparse
from pcseg.models.minkunet import Down, MinkUNet, Up, conv_block
from pcseg.models.points import Points
from pcseg.models.spvcnn import SPVCNN
from pcseg.sparse import SparseTensor, pick_backend, set_backend
from pcseg.sparse.kernel import make_kernel


class Ours(Engine):
    """The layers and models of pcseg, whatever they fuse."""

    conv_types = (sparse.SubMConv3d, sparse.SparseConv3d, sparse.SparseInverseConv3d)

    def __init__(self, name: str, device: torch.device, backend: str | None = None) -> None:
        super().__init__(name, device)
        set_backend(backend or name)
        pick_backend(device)

    def build_maps(self, coords: Tensor, strided: bool) -> Any:
        """See `Engine.build_maps`."""
        tensor = SparseTensor(coords.new_empty((len(coords), 0), dtype=torch.float32), coords)
        level, maps, backend = tensor.level, tensor.maps, pick_backend(tensor.device)
        found = [(level, level, maps.kernel_map(level, level, make_kernel(3), backend))]
        if strided:
            coarse = maps.coarser(level, (2, 2, 2), backend)
            found.append(
                (level, coarse, maps.kernel_map(level, coarse, make_kernel(2, 2), backend))
            )
        return found

    def pairs(self, maps: Any) -> list[tuple[Tensor, Tensor, Tensor]]:
        """See `Engine.pairs`."""
        return [
            (
                found.offset_ids().cpu(),
                fine.coords.cpu()[found.in_rows.cpu().long()],
                coarse.coords.cpu()[found.out_rows.cpu().long()],
            )
            for fine, coarse, found in maps
        ]

    def tensor(self, coords: Tensor, feats: Tensor) -> SparseTensor:
        """See `Engine.tensor`."""
        return SparseTensor(feats, coords)

    def feats(self, x: SparseTensor) -> Tensor:
        """See `Engine.feats`."""
        return x.feats

    def replace(self, x: SparseTensor, feats: Tensor) -> SparseTensor:
        """See `Engine.replace`."""
        return x.replace(feats)

    def rows(self, x: SparseTensor) -> Tensor:
        """See `Engine.rows`."""
        return x.coords.cpu()

    def subm(self, cin: int, cout: int, level: int) -> nn.Module:
        """See `Engine.subm`."""
        return sparse.SubMConv3d(cin, cout)

    def down(self, cin: int, cout: int, level: int) -> nn.Module:
        """See `Engine.down`."""
        return sparse.SparseConv3d(cin, cout)

    def up(self, cin: int, cout: int, level: int) -> nn.Module:
        """See `Engine.up`."""
        return sparse.SparseInverseConv3d(cin, cout)

    def network(self, name: str, position: Tensor) -> nn.Module:
        """See `Engine.network`."""
        if name == "unet":
            return ShortUNet()
        classes = NETWORKS[name].classes
        if name == "minkunet34":
            return OnVoxels(MinkUNet(IN_CHANNELS, classes, depth=34), position)
        return OnVoxels(SPVCNN(IN_CHANNELS, classes, dropout=0.0), position)


class ShortUNet(nn.Module):
    """The U-Net of the benchmark from the parts of pcseg's MinkUNet."""

    def __init__(self) -> None:
        super().__init__()
        shape = NETWORKS["unet"]
        stem, depth = shape.stem[0], len(shape.encoder)
        widths, ups = (stem, *shape.encoder), (shape.encoder[-1], *shape.decoder)
        self.stem = sparse.Sequential(
            *conv_block(IN_CHANNELS, stem), sparse.ResidualBlock(stem, stem)
        )
        self.encoder = nn.ModuleList(
            Down(widths[i], widths[i + 1], shape.encoder_blocks[i]) for i in range(depth)
        )
        self.decoder = nn.ModuleList(
            Up(ups[i], widths[depth - 1 - i], ups[i + 1], shape.decoder_blocks)
            for i in range(depth)
        )

    def forward(self, x: SparseTensor) -> SparseTensor:
        """(V, 4) to (V, 96) on the same voxels."""
        x = self.stem(x)
        skips = []
        for stage in self.encoder:
            skips.append(x)
            x = stage(x)
        for stage in self.decoder:
            x = stage(x, skips.pop())
        return x


class OnVoxels(nn.Module):
    """A model of pcseg as a module from tensor to tensor, with a point in each voxel."""

    def __init__(self, net: nn.Module, position: Tensor) -> None:
        super().__init__()
        self.net = net
        self.position = position

    def forward(self, x: SparseTensor) -> SparseTensor:
        """(V, 4) to (V, classes)."""
        points = Points(x.feats, self.position, torch.arange(len(x), device=x.device))
        return x.replace(self.net(x, points))
