"""Sweep motion: the distortion of a scan whose ego-motion was not removed; not in Robo3D."""

from __future__ import annotations

import numpy as np

from pcseg.data.corruptions.roles import Roles
from pcseg.data.scan import Scan

_SPEED_M_S = (5.0, 15.0, 30.0)
_TURN_DEG_S = (5.0, 10.0, 20.0)
"""A yard, a road, a motorway, with their fastest turns. No published scale was found."""

_SWEEP_S = 0.1
_LONGEST_SWEEP_S = 1.0


def sweep_motion(scan: Scan, severity: int, rng: np.random.Generator, roles: Roles) -> Scan:
    """Give each point the place where the moving sensor measured it, as raw data have it.

    The vehicle drives ahead and turns at a rate that is drawn; the middle of the sweep stays where
    it is. Times are ``attrs["time"]`` if they span less than a second, else those of a sensor
    that turns clockwise in 0.1 s and begins behind.
    """
    time = _times(scan)
    turn = np.deg2rad(_TURN_DEG_S[severity]) * rng.uniform(-1.0, 1.0)
    angle = turn * time
    # The world seen from where the sensor was: first moved back, then turned back.
    x = scan.xyz[:, 0] - _SPEED_M_S[severity] * time
    y = scan.xyz[:, 1].astype(np.float64)
    moved = scan.xyz.copy()
    moved[:, 0] = np.cos(angle) * x + np.sin(angle) * y
    moved[:, 1] = -np.sin(angle) * x + np.cos(angle) * y
    return scan.replace(xyz=moved)


def _times(scan: Scan) -> np.ndarray:
    """(N,) float64 seconds from the middle of the sweep."""
    if "time" in scan.attrs:
        time = scan.attrs["time"].astype(np.float64)
        first, last = time.min(), time.max()
        if 0.0 < last - first < _LONGEST_SWEEP_S:
            middle: np.ndarray = time - (first + last) / 2
            return middle
    azimuth = np.arctan2(scan.xyz[:, 1].astype(np.float64), scan.xyz[:, 0])
    return -azimuth / (2 * np.pi) * _SWEEP_S
