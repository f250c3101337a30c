"""LiDOG: supervised training with a dense bird's-eye-view head as an auxiliary task."""

from __future__ import annotations

from torch import Tensor, nn

from pcseg.config import Config
from pcseg.data import LabelSet
from pcseg.methods.features import feature_network
from pcseg.methods.lidog.bev import Grid, flat_features, flat_labels
from pcseg.methods.lidog.dice import dice_loss
from pcseg.methods.supervised.batch import Batch
from pcseg.methods.supervised.method import Supervised

STRIDE = 4
"""Cells of the features along one cell of the labels: two convolutions of stride 2."""


class LiDOG(Supervised):
    """Domain generalisation by a bird's-eye view; predicts exactly as the supervised network.

    Saltori et al., "Walking Your LiDOG: A Journey Through Multiple Domains for LiDAR Semantic
    Segmentation", ICCV 2023, section 4.

    Args:
        config: the experiment; its section ``lidog`` holds the grid and the weights.
        label_set: the class table.
        class_weights: (K,) weights of cross entropy, or None.

    Raises:
        ConfigError: if the network is not a MinkUNet.
    """

    def __init__(
        self, config: Config, label_set: LabelSet, class_weights: Tensor | None = None
    ) -> None:
        super().__init__(config, label_set, class_weights)
        settings = config.lidog
        channels = feature_network(self.network, "lidog").classifier.in_features
        self.labelled = Grid(settings.reach, settings.cell)
        self.seen = Grid(settings.reach, settings.cell / STRIDE)
        self.head = nn.Sequential(
            *_halving(channels, settings.channels),
            *_halving(settings.channels, settings.channels),
            nn.Conv2d(settings.channels, label_set.num_classes, 1),
        )

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Loss and its parts as scalars, ``"loss"`` first."""
        settings, size = self.config.lidog, self.config.input.voxel_size
        network = feature_network(self.network, "lidog")
        _, finest = network.features(batch.voxels())
        logits = network.classifier(finest.feats)
        if settings.criterion == "dice":
            own = dice_loss(logits, batch.voxel_labels, settings.smoothing, True, True)
            parts = {"dice": own.detach()}
        else:
            parts = self.criterion(logits, batch.voxel_labels)
            own = parts.pop("loss")
        side, classes = self.labelled.side, self.label_set.num_classes
        flat = self.head(flat_features(finest, self.seen, size))[:, :, :side, :side]
        truth = flat_labels(finest, batch.voxel_labels, self.labelled, size, classes)
        bev = dice_loss(flat.permute(0, 2, 3, 1).reshape(-1, classes), truth.reshape(-1))
        total = settings.weight_3d * own + settings.weight_bev * bev
        return {"loss": total, **parts, "bev_dice": bev.detach()}


def _halving(in_channels: int, out_channels: int) -> list[nn.Module]:
    """A convolution of stride 2 with batch norm and ReLU."""
    return [
        nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    ]
