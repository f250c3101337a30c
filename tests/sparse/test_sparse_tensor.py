"""SparseTensor and levels: what is refused, what is kept, what is freed."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch

from pcseg.errors import DataError
from pcseg.sparse import (
    GlobalPool,
    SparseConv3d,
    SparseInverseConv3d,
    SparseTensor,
    SubMConv3d,
)


def tensor(rows=((0, 1, 2, 3), (0, -1, 2, 3)), channels=2, **more):
    coords = torch.tensor(rows, dtype=torch.int32)
    return SparseTensor(torch.ones(len(coords), channels), coords, **more)


def test_repeated_coordinates_are_found_by_the_first_layer():
    with pytest.raises(DataError, match=r"1 rows repeat .* \[0, 1, 2, 3\].*voxelize"):
        SubMConv3d(2, 2)(tensor([(0, 1, 2, 3), (0, 5, 5, 5), (0, 1, 2, 3)]))


def test_wrong_shapes_and_types_are_refused():
    feats, coords = torch.zeros(2, 3), torch.zeros(2, 4, dtype=torch.int32)
    with pytest.raises(DataError, match="floating point"):
        SparseTensor(feats.long(), coords)
    with pytest.raises(DataError, match=r"\(2, 4\) int32"):
        SparseTensor(feats, coords[:1])
    with pytest.raises(DataError, match="int32"):
        SparseTensor(feats, coords.float())
    with pytest.raises(DataError, match="3 rows of features for 2 voxels"):
        tensor().replace(torch.zeros(3, 1))
    with pytest.raises(DataError, match="given a tensor of 2 channels"):
        SubMConv3d(5, 2)(tensor())


def test_a_batch_size_that_is_too_small_is_refused():
    with pytest.raises(DataError, match="batch_size is 2, but there are voxels of sample 3"):
        SubMConv3d(2, 2)(tensor([(3, 0, 0, 0)], batch_size=2))


def test_an_inverse_without_a_strided_layer_is_refused():
    with pytest.raises(DataError, match="no finer voxels to return to"):
        SparseInverseConv3d(2, 2)(tensor())


def test_properties():
    x = tensor(stride=2, batch_size=3)
    assert (len(x), x.num_channels, x.stride, x.batch_size) == (2, 2, (2, 2, 2), 3)
    assert SparseConv3d(2, 2, 3, 2)(x).stride == (4, 4, 4)
    assert tensor([(4, 0, 0, 0)]).batch_size == 5
    assert x.to("cpu") is x
    assert x.to("meta").device.type == "meta"
    assert "2 voxels, 2 channels" in repr(x)
    assert GlobalPool("sum")(x).shape == (3, 2)


def test_maps_are_shared_with_a_tensor_on_the_same_coordinates():
    x = tensor()
    again = SparseTensor(x.feats + 1, x.coords, maps=x.maps)
    assert again.level is x.level
    down = SparseConv3d(2, 2)(x)
    assert SparseTensor(down.feats, down.coords, 2, maps=x.maps).level is down.level
    assert SparseTensor(x.feats, x.coords.clone(), maps=x.maps).level is not x.level


def test_find_gives_rows_and_minus_one():
    x = tensor([(0, 5, 0, 0), (1, -2, 0, 7), (0, 0, 0, 0)])
    wanted = torch.tensor(
        [(1, -2, 0, 7), (0, 0, 0, 0), (0, 0, 0, 1), (9, 0, 0, 0), (0, 10**9, 0, 0)]
    )
    assert x.level.find(wanted).tolist() == [1, 2, -1, -1, -1]


def test_maps_are_freed_with_the_last_tensor_without_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        x = tensor()
        down = SparseConv3d(2, 2)
        with torch.no_grad():
            y = SparseInverseConv3d(2, 2)(down(SubMConv3d(2, 2)(x)))
        held = [weakref.ref(x.maps), weakref.ref(x.level), *map(weakref.ref, x.maps._maps.values())]
        del x, y
        assert all(ref() is None for ref in held)
    finally:
        gc.enable()
