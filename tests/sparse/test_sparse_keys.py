"""Keys: unique, ordered, reversible, and right at every border, for clouds of any size."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sparse_oracle as oracle
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pcseg.errors import DataError
from pcseg.sparse import SparseTensor, SubMConv3d, use_backend, voxelize
from pcseg.sparse.keys import HALO, _number_on_device, fit_keys, number_voxels

KILOMETRES = 500_000
"""5 km in voxels of 1 cm."""


corner = st.integers(-KILOMETRES // 2, KILOMETRES // 2)
cell = st.tuples(st.integers(0, 7), corner, corner, corner)
clouds = st.lists(cell, min_size=1, max_size=30, unique=True)


@settings(deadline=None, max_examples=60)  # deadlines fail on busy machines
@given(clouds)
def test_keys_are_distinct_ordered_and_reversible(cells):
    coords = torch.tensor(sorted(cells), dtype=torch.int32)
    space = fit_keys(coords)
    keys = space.keys(coords)
    assert (keys.diff() > 0).all()
    assert (keys >= 0).all()
    assert torch.equal(space.coords(keys), coords)
    as_numpy = space.keys(coords.numpy())
    assert np.array_equal(as_numpy, keys.numpy())
    assert np.array_equal(space.coords(as_numpy), coords.numpy())


@settings(deadline=None, max_examples=60)  # deadlines fail on busy machines
@given(clouds, st.booleans())
def test_a_device_numbers_voxels_as_a_cpu_does(cells, ordered):
    coords = torch.tensor(sorted(cells) if ordered else cells, dtype=torch.int32)
    space, keys, ascending = _number_on_device(coords)
    expected_space, expected_keys, expected_ascending = number_voxels(coords)
    assert space == expected_space == fit_keys(coords)
    assert keys.dtype == torch.int64 and torch.equal(keys, expected_keys)
    assert ascending is expected_ascending is (cells == sorted(cells) or ordered)


@settings(deadline=None, max_examples=60)  # deadlines fail on busy machines
@given(clouds, st.tuples(*[st.integers(-HALO, HALO)] * 3))
def test_steps_within_the_halo_meet_exactly_the_right_voxels(cells, offset):
    coords = torch.tensor(cells, dtype=torch.int32)
    space = fit_keys(coords)
    keys = space.keys(coords)
    shifted = (keys + space.delta(offset)).tolist()
    row_of_key = {key: row for row, key in enumerate(keys.tolist())}
    row_of_cell = {c: row for row, c in enumerate(cells)}
    for (b, x, y, z), key in zip(cells, shifted, strict=True):
        neighbour = row_of_cell.get((b, x + offset[0], y + offset[1], z + offset[2]))
        assert row_of_key.get(key) == neighbour


@settings(deadline=None, max_examples=60)  # deadlines fail on busy machines
@given(clouds, cell)
def test_contains_tells_which_coordinates_have_keys(cells, other):
    space = fit_keys(torch.tensor(cells, dtype=torch.int32))
    one = torch.tensor([other], dtype=torch.int32)
    # The sample is the highest digit of a key: keys of further samples read back, but are nobody's.
    known = other[0] < space.num_batches
    assert bool(space.contains(one)) == (known and torch.equal(space.coords(space.keys(one)), one))


def test_five_kilometres_at_one_centimetre_in_64_samples_fit():
    ends = torch.tensor(list(itertools.product((0, 63), *[(0, KILOMETRES)] * 3)))
    assert torch.equal(fit_keys(ends).coords(fit_keys(ends).keys(ends)), ends.int())


def test_an_extent_beyond_64_bits_is_refused_with_a_remedy():
    coords = torch.tensor([[0, -(2**31), -(2**31), 0], [0, 2**31 - 1, 2**31 - 1, 0]])
    for number in (fit_keys, number_voxels, _number_on_device):
        with pytest.raises(DataError, match="larger voxels"):
            number(coords)


def test_a_negative_batch_index_is_refused():
    for number in (fit_keys, number_voxels, _number_on_device):
        with pytest.raises(DataError, match="batch index"):
            number(torch.tensor([[-1, 0, 0, 0]]))


@pytest.mark.parametrize("name", ["torch", "numba"])
@pytest.mark.parametrize("dilation", [1, 40])
def test_kernels_at_the_borders_of_a_huge_cloud(name, dilation):
    # Clusters in the corners of 5 km and at steps of a wide kernel: aliasing would join them.
    near = torch.tensor(list(itertools.product((0, 1, 2 * dilation), repeat=3)))[:6]
    corners = torch.tensor(list(itertools.product((-KILOMETRES // 2, KILOMETRES // 2), repeat=3)))
    xyz = torch.unique((corners[:, None] + near).reshape(-1, 3), dim=0)
    coords = torch.cat([torch.cat([torch.full((len(xyz), 1), b), xyz], 1) for b in (0, 2)]).int()
    layer = SubMConv3d(2, 2, (3, 5, 3), dilation)
    tensor = SparseTensor(torch.randn(len(coords), 2), coords)
    outputs = [tuple(c) for c in coords.tolist()]
    triples = oracle.pairs(coords, outputs, (3, 5, 3), 1, dilation)
    expected = oracle.apply_pairs(tensor.feats, layer.weight, triples, len(tensor))
    with use_backend(name):
        torch.testing.assert_close(layer(tensor).feats.double(), expected, atol=1e-4, rtol=0)


@settings(deadline=None, max_examples=60)  # deadlines fail on busy machines
@given(st.lists(st.tuples(*[st.floats(-2500, 2500, width=32)] * 3), max_size=40))
def test_voxels_of_a_large_cloud_are_the_floors_of_its_points(points):
    xyz = np.array(points, np.float32).reshape(-1, 3)
    coords, inverse = voxelize(xyz, 0.01)
    assert coords.dtype == np.int32 and inverse.dtype == np.int64
    assert np.array_equal(coords[inverse, 1:], np.floor(xyz.astype(np.float64) / 0.01))
    assert all(a < b for a, b in itertools.pairwise(coords.tolist()))
    torch_coords, torch_inverse = voxelize(torch.from_numpy(xyz), 0.01)
    assert np.array_equal(torch_coords.numpy(), coords)
    assert np.array_equal(torch_inverse.numpy(), inverse)
