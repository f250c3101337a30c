"""Clouds with every attribute, and the equality that round trips must keep."""

from __future__ import annotations

import numpy as np

from pcseg.io import PointFile


def full_cloud(count: int = 57, dtype: type = np.float32, seed: int = 0) -> PointFile:
    """Every known attribute, a scalar, a small integer and a wide one of unknown names, faces."""
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(count, 3)).astype(np.float32)
    attrs = {
        "intensity": (rng.integers(0, 256, count) / np.float32(255)).astype(np.float32),
        "rgb": (rng.integers(0, 256, (count, 3)) / 255).astype(np.float32),
        "normal": normal / np.linalg.norm(normal, axis=1, keepdims=True),
        "ring": rng.integers(0, 64, count).astype(np.uint16),
        "time": rng.random(count),
        "confidence": rng.random(count).astype(np.float32),
        "instance": rng.integers(0, 9, count).astype(np.int32),
        "curvature": rng.normal(size=count).astype(np.float32),
        "embedding": rng.normal(size=(count, 4)).astype(np.float32),
    }
    return PointFile(
        rng.normal(size=(count, 3)).astype(dtype) * 40,
        attrs,
        labels=rng.integers(0, 260, count),
        faces=rng.integers(0, count, (20, 3)),
    )


def only(points: PointFile, *names: str) -> PointFile:
    """The points with some of their attributes, labels and faces alone."""
    return PointFile(
        points.xyz,
        {name: points.attrs[name] for name in names if name in points.attrs},
        points.labels if "labels" in names else None,
        points.faces if "faces" in names else None,
    )


def assert_same(got: PointFile, want: PointFile, types: bool = True, extra: bool = False) -> None:
    """Bit for bit the same points; `extra` allows more attributes, `types` demands equal types."""
    assert extra or got.attrs.keys() == want.attrs.keys()
    pairs = {name: (got.attrs[name], want.attrs[name]) for name in want.attrs}
    for name, (a, b) in {"xyz": (got.xyz, want.xyz), **pairs}.items():
        np.testing.assert_array_equal(a if types else a.astype(b.dtype), b, err_msg=name)
        assert not types or a.dtype == b.dtype, name
    for name in ("labels", "faces"):
        a, b = getattr(got, name), getattr(want, name)
        assert (a is None) == (b is None), name
        if b is not None:
            assert a.dtype == np.int64
            np.testing.assert_array_equal(a, b, err_msg=name)
