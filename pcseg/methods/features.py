"""Which networks show the features that auxiliary losses look at."""

from __future__ import annotations

from torch import nn

from pcseg.errors import ConfigError
from pcseg.models import MinkUNet


def feature_network(network: nn.Module, method: str) -> MinkUNet:
    """The network, if it shows its features.

    Args:
        network: of a supervised method.
        method: for the message.

    Raises:
        ConfigError: if it is another network than a MinkUNet.
    """
    if type(network) is not MinkUNet:
        raise ConfigError(
            f"method={method} looks at the voxel features of a MinkUNet, which "
            f"{type(network).__name__} does not have. Set model.name=minkunet."
        )
    return network
