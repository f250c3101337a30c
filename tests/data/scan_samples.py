"""Samples that tests share: frames as arrays, and scans whose points can be told apart."""

from __future__ import annotations

import numpy as np

from pcseg.data import Scan

TR = "4.276802385584e-04 -9.999672484946e-01 -8.084491683471e-03 -1.198459927713e-02 " + (
    "-7.210626507497e-03 8.081198471645e-03 -9.999413164504e-01 -5.403984729748e-02 "
    "9.999738645903e-01 4.859485810390e-04 -7.206933692422e-03 -2.921968648686e-01"
)
"""A sensor-to-camera transform as KITTI prints it."""


def make_frame(frame: int, size: int, raw: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(N, 4) cloud and (N,) packed labels, instance = 3 for every second point."""
    rng = np.random.default_rng(frame)
    cloud = np.hstack([rng.uniform(-20, 20, (size, 3)), rng.uniform(0, 1, (size, 1))])
    semantic = np.resize(np.array(raw, np.uint32), size)
    instance = np.where(np.arange(size) % 2, np.uint32(3), np.uint32(0))
    return cloud, (instance.astype("<u4") << 16) | semantic


def tagged_scan(xyz: np.ndarray, first: int = 0, name: str = "a") -> Scan:
    """A labelled scan whose fields all follow from ``attrs["tag"]``, counting up from `first`."""
    tag = np.arange(first, first + len(xyz))
    return Scan(
        xyz=np.asarray(xyz, np.float32),
        attrs={
            "tag": tag,
            "intensity": (tag % 10 / 10).astype(np.float32),
            "rgb": np.stack([tag, tag, tag], 1).astype(np.float32),
        },
        labels=tag % 7 - 1,
        raw_labels=tag % 7 + 100,
        instances=tag % 4,
        pose=np.eye(4),
        meta={"path": name, "things": (0, 1)},
    )


def assert_together(scan: Scan) -> None:
    """Every field of every point still is what its tag says."""
    tag = scan.attrs["tag"]
    assert np.array_equal(scan.labels, tag % 7 - 1)
    assert np.array_equal(scan.raw_labels, tag % 7 + 100)
    assert np.allclose(scan.attrs["intensity"], tag % 10 / 10)
    assert np.array_equal(scan.attrs["rgb"], np.stack([tag] * 3, 1))
