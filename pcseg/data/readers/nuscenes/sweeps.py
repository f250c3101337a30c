"""nuScenes' LiDAR axes, and earlier sweeps brought into the frame of a key frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pcseg.data.invalid import settle_invalid
from pcseg.data.readers.nuscenes.index import inverse
from pcseg.data.scan import IGNORE, Scan, concatenate

LIDAR_FROM_SENSOR = np.array(
    [[0.0, -1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
)
"""From x forward, y left to the axes of the files (x right, y forward): a quarter turn."""


def turned(cloud: np.ndarray) -> np.ndarray:
    """(N, 3) float32 points of a file (N, 3 or more columns) in pcseg's axes, not rounded."""
    return np.stack([cloud[:, 1], -cloud[:, 0], cloud[:, 2]], axis=1)


def join_sweeps(scan: Scan, earlier: Sequence[Scan], invalid: str) -> Scan:
    """A key frame with the points of earlier sweeps after its own.

    What moved in between stands where it was; the world is compensated by the poses of the car.

    Args:
        scan: the key frame, labelled or not.
        earlier: sweeps before it, the latest first, each with its pose and ``meta["time"]``.
        invalid: policy of `settle_invalid` for their points.

    Returns:
        The points of all, with ``attrs["time"]`` and ``attrs["sweep"]``; those of the sweeps have
        label `IGNORE`, raw label -1 and instance 0 if the key frame is labelled.
    """
    assert scan.pose is not None
    into = inverse(scan.pose)
    parts = [_timed(scan, 0.0, 0)]
    for number, sweep in enumerate(earlier, 1):
        assert sweep.pose is not None
        sweep = settle_invalid(sweep, invalid)
        move = into @ sweep.pose
        xyz = sweep.xyz.astype(np.float64) @ move[:3, :3].T + move[:3, 3]
        xyz = xyz.astype(np.float32)
        if "valid" in sweep.attrs:
            xyz[~sweep.attrs["valid"]] = 0
        unknown = np.full(len(sweep), IGNORE, np.int64)
        sweep = sweep.replace(
            xyz=xyz,
            labels=None if scan.labels is None else unknown,
            raw_labels=None if scan.raw_labels is None else unknown,
            instances=None if scan.instances is None else np.zeros(len(sweep), np.int64),
        )
        parts.append(_timed(sweep, sweep.meta["time"] - scan.meta["time"], number))
    if any("valid" in part.attrs for part in parts):
        parts = [_marked(part) for part in parts]
    joined = concatenate(parts)
    return joined.replace(meta={**scan.meta, "key_points": len(scan), "sweeps": len(earlier)})


def _timed(scan: Scan, seconds: float, number: int) -> Scan:
    time = np.full(len(scan), seconds, np.float32)
    return scan.replace(
        attrs={**scan.attrs, "time": time, "sweep": np.full(len(scan), number, np.int16)}
    )


def _marked(scan: Scan) -> Scan:
    """With ``attrs["valid"]``, which only scans with invalid points have by themselves."""
    return scan.replace(attrs={"valid": np.ones(len(scan), bool), **scan.attrs})
