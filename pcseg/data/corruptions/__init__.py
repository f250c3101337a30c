"""Corruptions of scans, `robo3d-like/1`: those of Robo3D, made again and deterministic.

>>> foggy = corrupt(scan, "fog", "heavy")
"""

from pcseg.data.corruptions.suite import (
    CORRUPTIONS,
    EXTRA,
    SEVERITIES,
    SUITE,
    Corrupted,
    corrupt,
)

__all__ = ["CORRUPTIONS", "EXTRA", "SEVERITIES", "SUITE", "Corrupted", "corrupt"]
