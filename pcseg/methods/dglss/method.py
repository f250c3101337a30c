"""DGLSS: supervised training on scans and their beam-thinned views, with two constraints."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import cast

from torch import Tensor, nn

from pcseg.config import Config
from pcseg.data import LabelSet, Scan
from pcseg.data.dataset import Progress, ScanDataset
from pcseg.methods.dglss.consistency import correlation_consistency, sparsity_invariance
from pcseg.methods.dglss.views import TwoViews, WithBeams, collate_views
from pcseg.methods.features import feature_network
from pcseg.methods.supervised.method import Supervised


class DGLSS(Supervised):
    """Domain generalisation by density; predicts exactly as the supervised network.

    Kim et al., "Single Domain Generalization for LiDAR Semantic Segmentation", CVPR 2023.

    Args:
        config: the experiment; its section ``dglss`` holds the weights.
        label_set: the class table.
        class_weights: (K,) weights of cross entropy, or None.

    Raises:
        ConfigError: if the network is not a MinkUNet.
    """

    def __init__(
        self, config: Config, label_set: LabelSet, class_weights: Tensor | None = None
    ) -> None:
        super().__init__(config, label_set, class_weights)
        channels = feature_network(self.network, "dglss").classifier.in_features
        self.projection: nn.Module = nn.Identity()
        if config.dglss.channels is not None:
            self.projection = nn.Sequential(
                nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, config.dglss.channels)
            )

    def training_set(self, dataset: ScanDataset, progress: Progress | None = None) -> ScanDataset:
        """The scans with the beam of each point, found before any augmentation, as they are read.

        Args:
            dataset: labelled scans.
            progress: never called; nothing is done ahead.
        """
        return cast(ScanDataset, WithBeams(dataset))

    def collate(self) -> Callable[[Sequence[Scan]], TwoViews]:  # type: ignore[override]
        """A function of scans for the loader's processes; it holds no weights."""
        return functools.partial(
            collate_views,
            inputs=self.config.input,
            num_classes=self.label_set.num_classes,
            keep=self.config.dglss.keep,
            seed=self.config.train.seed,
        )

    def forward(self, batch: TwoViews) -> dict[str, Tensor]:  # type: ignore[override]
        """Loss and its parts as scalars, ``"loss"`` first."""
        settings, both = self.config.dglss, batch.both
        network = feature_network(self.network, "dglss")
        bottom, finest = network.features(both.voxels())
        parts = self.criterion(network.classifier(finest.feats), both.voxel_labels)
        sparsity = sparsity_invariance(bottom, settings.neighbours, settings.affinity)
        correlation = correlation_consistency(
            self.projection(finest.feats),
            both.voxel_labels,
            finest.batch_index,
            both.num_scans,
            self.label_set.num_classes,
        )
        total = parts["loss"] + settings.sparsity * sparsity + settings.correlation * correlation
        return {
            **parts,
            "loss": total,
            "sparsity": sparsity.detach(),
            "correlation": correlation.detach(),
        }
