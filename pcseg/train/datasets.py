"""From the data settings to the scans of a split."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pcseg.config import DataConfig, LossConfig
from pcseg.data import LabelSet
from pcseg.data.catalogue import open_dataset
from pcseg.data.dataset import Progress, ScanDataset
from pcseg.errors import ConfigError


def open_split(
    config: DataConfig, split: str, labels: str = "only", label_set: LabelSet | None = None
) -> ScanDataset:
    """Open the scans of a split.

    Args:
        config: dataset, root and reader settings.
        split: as the dataset understands it.
        labels: ``only`` to leave out frames without labels, ``optional`` to keep them.
        label_set: the class table; by default the configuration's, else the dataset's first.

    Raises:
        ConfigError: if no root is given.
        DataError: if the files are missing or damaged.
    """
    if config.root is None:
        raise ConfigError(
            f"data.root is not set: add data.root=DIR, the folder of your {config.name} data. "
            "No data? `pcseg simulate DIR` makes some."
        )
    options: dict[str, Any] = {"labels": labels, "invalid": config.invalid, **config.options}
    if config.label_map is not None:
        options["label_map"] = config.label_map
    return open_dataset(config.name, config.root, split, label_set or config.label_set, **options)


def class_weights(
    config: LossConfig, dataset: ScanDataset, progress: Progress | None = None
) -> Tensor | None:
    """Weights of cross entropy as the settings ask for them.

    Args:
        config: ``none``, a list, ``sqrt_inverse``: 1/sqrt(share of the class), scaled to a mean
            of 1 over the classes that occur, or ``inverse``: 1/(100 share) between 0.05 and 50, as
            3DLabelProp has it; classes that never occur get 1.
        dataset: the training scans, counted once.
        progress: called with (scans counted, scans in all).

    Returns:
        (K,) float32, or None for equal weights.

    Raises:
        ConfigError: if a list does not have one weight for each class.
    """
    classes = dataset.label_set.num_classes
    if config.class_weights == "none":
        return None
    if isinstance(config.class_weights, str):
        counts = torch.from_numpy(dataset.class_counts(progress)).double()
        if config.class_weights == "inverse":
            share = counts / counts.sum().clamp(min=1)
            weights = (0.01 / share).clamp(0.05, 50.0)
            return torch.where(counts > 0, weights, 1.0).float()
        weights = torch.where(counts > 0, counts.clamp(min=1).rsqrt(), torch.nan)
        return (weights / weights.nanmean()).nan_to_num(1.0).float()
    if len(config.class_weights) != classes:
        raise ConfigError(
            f"loss.class_weights has {len(config.class_weights)} values for the {classes} classes "
            f"of {dataset.label_set.dataset}/{dataset.label_set.name}."
        )
    return torch.tensor(config.class_weights)
