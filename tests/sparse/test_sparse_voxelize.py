"""Voxelisation and pooling into voxels: NumPy and torch agree with loops."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from pcseg.errors import ConfigError, DataError
from pcseg.sparse import pool_features, pool_labels, voxelize

KINDS = {"numpy": np.asarray, "torch": torch.as_tensor}


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


def sample(rng, n=500):
    xyz = rng.normal(0, 0.3, (n, 3)).astype(np.float32)
    feats = rng.normal(size=(n, 4)).astype(np.float32)
    labels = rng.integers(-1, 5, n)
    return xyz, feats, labels


def test_negative_coordinates_floor(kind):
    coords, inverse = voxelize(kind(np.array([[-0.01, 0.0, 0.01], [-0.1, 0.09, -0.2]])), 0.1)
    assert coords.tolist() == [[0, -1, 0, -2], [0, -1, 0, 0]]
    assert inverse.tolist() == [1, 0]


def test_samples_of_a_batch_stay_apart(kind):
    xyz = kind(np.zeros((4, 3), np.float32))
    coords, inverse = voxelize(xyz, (0.1, 0.2, 0.3), kind(np.array([2, 0, 2, 1])))
    assert coords.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [2, 0, 0, 0]]
    assert inverse.tolist() == [2, 0, 2, 1]


def test_no_points(kind):
    coords, inverse = voxelize(kind(np.zeros((0, 3), np.float32)), 0.1)
    assert tuple(coords.shape) == (0, 4) and tuple(inverse.shape) == (0,)
    assert len(pool_features(kind(np.zeros((0, 4), np.float32)), inverse, 0)) == 0
    assert len(pool_labels(kind(np.zeros(0, np.int64)), inverse, 0, 3)) == 0


@pytest.mark.parametrize("mode", ["mean", "max", "first"])
def test_pool_features(kind, rng, mode):
    xyz, feats, _ = sample(rng)
    coords, inverse = voxelize(xyz, 0.2)
    pooled = pool_features(kind(feats), kind(inverse), len(coords) + 1, mode)
    assert pooled.dtype == kind(feats).dtype
    pooled = np.asarray(pooled)
    reduce = {"mean": lambda r: r.mean(0), "max": lambda r: r.max(0), "first": lambda r: r[0]}[mode]
    for voxel in range(len(coords)):
        expected = reduce(feats[inverse == voxel])
        np.testing.assert_allclose(pooled[voxel], expected, atol=1e-6)
    assert (pooled[-1] == 0).all()  # nobody lives there


def test_pool_labels_by_mode_ignores_the_unscored(kind, rng):
    xyz, _, labels = sample(rng)
    coords, inverse = voxelize(xyz, 0.2)
    pooled = pool_labels(kind(labels), kind(inverse), len(coords) + 1, 5)
    for voxel in range(len(coords)):
        counts = Counter(labels[(inverse == voxel) & (labels >= 0)].tolist())
        best = min((l for l, c in counts.items() if c == max(counts.values())), default=-1)  # noqa: E741
        assert int(pooled[voxel]) == best
    assert int(pooled[-1]) == -1


def test_pool_labels_by_first(kind):
    labels, inverse = kind(np.array([-1, 3, 2, 2])), kind(np.array([0, 0, 1, 0]))
    assert pool_labels(labels, inverse, 3, 4, "first").tolist() == [-1, 2, -1]
    assert pool_labels(labels, inverse, 3, 4, "mode").tolist() == [2, 2, -1]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e12])
def test_impossible_points_are_refused(kind, value):
    xyz = np.zeros((3, 3))
    xyz[1, 2] = value
    with pytest.raises(DataError, match="not finite"):
        voxelize(kind(xyz), 0.05)


def test_wrong_arguments_are_refused(kind):
    xyz = kind(np.zeros((3, 3)))
    for size in (0, -1, float("nan")):
        with pytest.raises(ConfigError, match="voxel_size"):
            voxelize(xyz, size)
    with pytest.raises(DataError, match=r"\(N, 3\)"):
        voxelize(kind(np.zeros((3, 4))), 1.0)
    with pytest.raises(DataError, match="2 batch indices for 3 points"):
        voxelize(xyz, 1.0, kind(np.zeros(2, np.int64)))
    inverse = kind(np.zeros(3, np.int64))
    with pytest.raises(ConfigError, match="'median'"):
        pool_features(xyz, inverse, 1, "median")
    with pytest.raises(ConfigError, match="'mean'"):
        pool_labels(inverse, inverse, 1, 1, "mean")
    with pytest.raises(DataError, match="2 classes"):
        pool_labels(inverse + 2, inverse, 1, 2)
