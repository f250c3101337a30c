"""From a configuration to the method it names."""

from __future__ import annotations

import importlib

from torch import Tensor

from pcseg.config import Config
from pcseg.data import LabelSet
from pcseg.train.protocols import Method

METHODS = {
    "supervised": "pcseg.methods.supervised.method:Supervised",
    "dglss": "pcseg.methods.dglss.method:DGLSS",
    "lidog": "pcseg.methods.lidog.method:LiDOG",
    "labelprop": "pcseg.methods.labelprop.method:LabelPropMethod",
}
"""Name in the configuration -> class, imported on use."""


def build_method(
    config: Config, label_set: LabelSet, class_weights: Tensor | None = None
) -> Method:
    """Build an untrained method.

    Args:
        config: the experiment.
        label_set: the class table it is trained on.
        class_weights: (K,) float weights of the loss, if the configuration asks for them.
    """
    module, _, name = METHODS[config.method].partition(":")
    method: Method = getattr(importlib.import_module(module), name)(
        config, label_set, class_weights
    )
    return method
