"""pcseg: segmentation of 3D point clouds.

The names most people need; each is imported when it is first used, so that `import pcseg` is free:

>>> import pcseg
>>> run = pcseg.load_run("runs/kitti")
>>> scan = pcseg.to_scan(pcseg.read_points("scan.ply"))
>>> prediction, = run.method.predict([scan])
"""

from __future__ import annotations

import importlib
from typing import Any

from pcseg._version import __version__

_HOMES = {
    "LabelSet": "pcseg.data",
    "Prediction": "pcseg.data",
    "Scan": "pcseg.data",
    "SparseTensor": "pcseg.sparse",
    "label_set": "pcseg.data",
    "load_config": "pcseg.config",
    "load_run": "pcseg.methods",
    "open_dataset": "pcseg.data.catalogue",
    "read_points": "pcseg.io",
    "to_scan": "pcseg.io",
    "write_points": "pcseg.io",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pcseg' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
