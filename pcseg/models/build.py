"""From a model's settings to the network."""

from __future__ import annotations

from typing import Any

from torch import nn

from pcseg.models.minkunet import MinkUNet
from pcseg.models.spvcnn import SPVCNN

NETWORKS: dict[str, type[nn.Module]] = {"minkunet": MinkUNet, "spvcnn": SPVCNN}


def build_network(settings: Any, in_channels: int, num_classes: int) -> nn.Module:
    """Build the network that `settings` (a section ``model`` of the configuration) describes."""
    options = settings.model_dump(exclude={"name"})
    return NETWORKS[settings.name](in_channels, num_classes, **options)
