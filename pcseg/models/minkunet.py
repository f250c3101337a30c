"""MinkUNet: a residual U-Net of sparse convolutions over voxels."""

from __future__ import annotations

from torch import Tensor, nn

from pcseg import sparse
from pcseg.models.points import Points
from pcseg.sparse import SparseTensor

CHANNELS = (32, 32, 64, 128, 256, 256, 128, 96, 96)
"""Stem, four encoder stages, four decoder stages, at width 1 (the published cr1.0)."""

BLOCKS = {14: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (2, 3, 4, 6)}
"""Residual blocks of the encoder stages by depth."""

DECODER_BLOCKS = {14: 1, 18: 2, 34: 2}
"""Residual blocks of each decoder stage by depth."""


class MinkUNet(nn.Module):
    """Residual sparse U-Net with four levels.

    Choy, Gwak, Savarese: "4D Spatio-Temporal ConvNets", CVPR 2019, in the layout of Tang et al.,
    "Searching Efficient 3D Architectures with Sparse Point-Voxel Convolution", ECCV 2020 (two stem
    convolutions, plain stride-2 convolution before each encoder stage).

    Args:
        in_channels: C of the voxel features.
        num_classes: K of the logits.
        width: multiplies all channels.
        depth: 14, 18 or 34.
    """

    per_point = False
    """Rows of the logits are voxels."""

    def __init__(
        self, in_channels: int, num_classes: int, width: float = 1.0, depth: int = 18
    ) -> None:
        super().__init__()
        c = [int(width * channels) for channels in CHANNELS]
        self.stem = sparse.Sequential(*conv_block(in_channels, c[0]), *conv_block(c[0], c[0]))
        self.encoder = nn.ModuleList(
            Down(c[i], c[i + 1], blocks) for i, blocks in enumerate(BLOCKS[depth])
        )
        skips = [c[3], c[2], c[1], c[0]]
        self.decoder = nn.ModuleList(
            Up(c[4 + i], skips[i], c[5 + i], DECODER_BLOCKS[depth]) for i in range(4)
        )
        self.classifier = nn.Linear(c[8], num_classes)

    def forward(self, voxels: SparseTensor, points: Points) -> Tensor:
        """Compute logits (V, K) of voxels with features (V, C); the points are not looked at."""
        _, finest = self.features(voxels)
        return self.classifier(finest.feats)

    def features(self, voxels: SparseTensor) -> tuple[SparseTensor, SparseTensor]:
        """Compute what auxiliary losses look at.

        Returns:
            The features at the bottom, on voxels 16 times as large, and those that the classifier
            reads, on the voxels given.
        """
        sparse.plan_routes(self, voxels)
        x = self.stem(voxels)
        skips = []
        for stage in self.encoder:
            skips.append(x)
            x = stage(x)
        bottom = x
        for stage in self.decoder:
            x = stage(x, skips.pop())
        return bottom, x


class Down(sparse.Sequential):
    """Halve the resolution, then residual blocks."""

    def __init__(self, in_channels: int, out_channels: int, blocks: int) -> None:
        super().__init__(
            sparse.SparseConv3d(in_channels, in_channels, kernel_size=2, stride=2),
            sparse.BatchNorm(in_channels),
            sparse.ReLU(),
            sparse.ResidualBlock(in_channels, out_channels),
            *(sparse.ResidualBlock(out_channels, out_channels) for _ in range(blocks - 1)),
        )


class Up(nn.Module):
    """Double the resolution, join the encoder's features, then residual blocks."""

    def __init__(
        self, in_channels: int, skip_channels: int, out_channels: int, blocks: int
    ) -> None:
        super().__init__()
        self.up = sparse.Sequential(
            sparse.SparseInverseConv3d(in_channels, out_channels, kernel_size=2),
            sparse.BatchNorm(out_channels),
            sparse.ReLU(),
        )
        self.blocks = nn.Sequential(
            sparse.ResidualBlock(out_channels + skip_channels, out_channels),
            *(sparse.ResidualBlock(out_channels, out_channels) for _ in range(blocks - 1)),
        )

    def forward(self, x: SparseTensor, skip: SparseTensor) -> SparseTensor:
        """Bring `x` to the voxels of `skip`."""
        return self.blocks(sparse.cat([self.up(x), skip]))


def conv_block(in_channels: int, out_channels: int) -> list[nn.Module]:
    """A submanifold 3x3x3 convolution with batch norm and ReLU."""
    return [
        sparse.SubMConv3d(in_channels, out_channels, kernel_size=3),
        sparse.BatchNorm(out_channels),
        sparse.ReLU(),
    ]
