"""Odometry: where scans without poses were taken, by KISS-ICP (extra `odometry`)."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from pcseg.config.schema import LabelPropConfig
from pcseg.data import Scan
from pcseg.optional import need


class Odometry(Protocol):
    """Finds the poses of a sequence of scans."""

    def pose(self, scan: Scan) -> np.ndarray:
        """(4, 4) float64 sensor -> world of the next scan; the first one's is the identity."""

    def reset(self) -> None:
        """Begin a new sequence."""


def make_odometry(settings: LabelPropConfig) -> Odometry:
    """The odometry of a run.

    Raises:
        MissingExtra: if KISS-ICP is not installed.
    """
    return KissIcp(settings.map_range)


class KissIcp:
    """KISS-ICP (Vizzo et al., RA-L 2023, arXiv:2209.15397) with its own defaults.

    Scans are taken as compensated for the motion within a sweep, as published datasets have them.

    Args:
        max_range: metres; its voxels are a hundredth of this, its own default.

    Raises:
        MissingExtra: if it is not installed.
    """

    def __init__(self, max_range: float) -> None:
        purpose = "finding the poses of scans"
        self._config = need("kiss_icp.config", "odometry", purpose)
        self._module = need("kiss_icp.kiss_icp", "odometry", purpose)
        self._max_range = max_range
        self.reset()

    def reset(self) -> None:
        """Begin a new sequence."""
        config = self._config.KISSConfig()
        config.data.max_range, config.data.deskew = self._max_range, False
        if config.mapping.voxel_size is None:
            config.mapping.voxel_size = self._max_range / 100.0
        self._engine: Any = self._module.KissICP(config)

    def pose(self, scan: Scan) -> np.ndarray:
        """(4, 4) float64 pose of the next scan, from its points alone."""
        self._engine.register_frame(scan.xyz.astype(np.float64), np.zeros(0))
        return np.array(self._engine.last_pose, np.float64)
