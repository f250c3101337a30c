"""Configuration: typed settings, and the YAML files and key=value overrides that fill them."""

from pcseg.config.load import load_config, read_yaml
from pcseg.config.schema import (
    Config,
    DataConfig,
    InputConfig,
    LossConfig,
    OptimConfig,
    TrainConfig,
)

__all__ = [
    "Config",
    "DataConfig",
    "InputConfig",
    "LossConfig",
    "OptimConfig",
    "TrainConfig",
    "load_config",
    "read_yaml",
]
