"""SPVCNN: MinkUNet with a high-resolution point branch beside it."""

from __future__ import annotations

from torch import Tensor, nn

from pcseg import sparse
from pcseg.models.minkunet import CHANNELS, MinkUNet
from pcseg.models.points import Points
from pcseg.sparse import SparseTensor


class SPVCNN(MinkUNet):
    """Sparse point-voxel convolution network.

    Tang et al., "Searching Efficient 3D Architectures with Sparse Point-Voxel Convolution",
    ECCV 2020, section 3: the points meet the voxels after the stem, at the bottom, half-way up
    and at the end; each time the voxels are read at the points (trilinear) and added to a
    transform of the point features.

    Args:
        in_channels: C of the voxel and point features.
        num_classes: K of the logits.
        width: multiplies all channels.
        depth: 14, 18 or 34.
        dropout: share of voxel features dropped where points are fed back.
    """

    per_point = True
    """Rows of the logits are points."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        width: float = 1.0,
        depth: int = 18,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(in_channels, num_classes, width, depth)
        c = [int(width * channels) for channels in CHANNELS]
        self.point_transforms = nn.ModuleList(
            sparse.Sequential(
                sparse.OnFeatures(nn.Linear(a, b)), sparse.BatchNorm(b), sparse.ReLU(inplace=True)
            )
            for a, b in ((c[0], c[4]), (c[4], c[6]), (c[6], c[8]))
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, voxels: SparseTensor, points: Points) -> Tensor:
        """Compute logits (N, K) of the points."""
        sparse.plan_routes(self, voxels)
        x = self.stem(voxels)
        fine = sparse.interpolation(x, points.position)
        z = points.replace(sparse.devoxelize(x, fine, "trilinear"))
        skips = []
        for stage in self.encoder:
            skips.append(x)
            x = stage(x)
        for half, transform in enumerate(self.point_transforms[:2]):
            read = sparse.devoxelize(x, points.position, "trilinear")
            z = z.replace(read + transform(z).feats)
            rows = sparse.point_rows(x, points.position)
            x = sparse.average_points(x, z.feats, rows)
            x = x.replace(self.dropout(x.feats))
            for stage in self.decoder[2 * half : 2 * half + 2]:
                x = stage(x, skips.pop())
        read = sparse.devoxelize(x, fine, "trilinear")
        return self.classifier(read + self.point_transforms[2](z).feats)
