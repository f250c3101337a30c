"""Five corruptions that need no physics: motion blur, lost beams, crosstalk, lost echoes, density.

Kong et al., "Robo3D: Towards Robust and Reliable 3D Perception against Corruptions" (ICCV 2023),
with the parameters of its generation scripts.
"""

from __future__ import annotations

import numpy as np

from pcseg.data.corruptions.roles import Roles, beams_of, ignored, objects_of
from pcseg.data.scan import Scan

_BLUR_M = (0.20, 0.25, 0.30)
_LOST_SHARE = (0.75, 0.85, 0.95)
_LEAST_POINTS = 10
_CROSSTALK_SIGMA = 3.0
_KEPT_STEP = (4.0, 2.0, 1.33)


def motion_blur(scan: Scan, severity: int, rng: np.random.Generator, roles: Roles) -> Scan:
    """Shift the scan by one normal draw an axis and each point by a tenth of it (z: a twentieth).

    It is a jitter; for the distortion of a sweep see `sweep_motion`.
    """
    sigma = _BLUR_M[severity]
    shift = rng.normal(0.0, sigma, 3)
    noise = rng.standard_normal(scan.xyz.shape) * (sigma * np.array([0.1, 0.1, 0.05]))
    moved = scan.xyz + shift + noise.clip(-3 * sigma, 3 * sigma)
    return scan.replace(xyz=moved.astype(np.float32))


def beam_missing(scan: Scan, severity: int, rng: np.random.Generator, roles: Roles) -> Scan:
    """Leave out beams: a quarter, half or three quarters as many draws as there are beams.

    Drawn with replacement, so fewer are gone, from those numbered 4 to 58 of 64 (2 to 28 of 32; in
    proportion for other sensors).
    """
    rings, beams = beams_of(scan, roles)
    edge = beams // 16
    drawn = rng.integers(edge, max(edge + 1, beams - edge - 1), beams * (severity + 1) // 4)
    return scan.select(~np.isin(rings, drawn))


def crosstalk(scan: Scan, severity: int, rng: np.random.Generator, roles: Roles) -> Scan:
    """Add normal noise of 3 to the coordinates (m) and the intensity of a share of the points.

    Those points are not scored. The share is 0.6, 0.8 or 1 % (nuScenes: 3 % at the least).
    """
    count = int(roles.crosstalk[severity] * len(scan))
    chosen = np.zeros(len(scan), bool)
    chosen[rng.choice(len(scan), count, replace=False)] = True
    noise = rng.standard_normal((count, 4)) * _CROSSTALK_SIGMA
    xyz, attrs = scan.xyz.copy(), dict(scan.attrs)
    xyz[chosen] += noise[:, :3].astype(np.float32)
    if "intensity" in attrs:
        attrs["intensity"] = attrs["intensity"].copy()
        attrs["intensity"][chosen] += noise[:, 3].astype(attrs["intensity"].dtype)
    return ignored(scan.replace(xyz=xyz, attrs=attrs), chosen, roles.noise[2])


def incomplete_echo(scan: Scan, severity: int, rng: np.random.Generator, roles: Roles) -> Scan:
    """Leave out 75, 85 or 95 % of the points of each class of vehicles and cycles.

    Classes with ten points or fewer stay whole.
    """
    kept = np.ones(len(scan), bool)
    for points in objects_of(scan, roles):
        if len(points) > _LEAST_POINTS:
            count = int(len(points) * _LOST_SHARE[severity])
            kept[rng.choice(points, count, replace=False)] = False
    return scan.select(kept)


def cross_sensor(scan: Scan, severity: int, rng: np.random.Generator, roles: Roles) -> Scan:
    """Leave out a quarter, half or three quarters of the beams, then every second point left.

    The beams are every fourth, every second, or all but each fourth or so, from number 1 on; points
    are counted in file order. Nothing is drawn. Height and field of view stay: it is another
    density, not another rig.
    """
    rings, beams = beams_of(scan, roles)
    gone = np.arange(1, beams, _KEPT_STEP[severity]).astype(np.int64)
    return scan.select(np.flatnonzero(~np.isin(rings, gone))[::2])
