"""The two faces of a kernel map, lists of pairs and table of neighbours, say the same."""

from __future__ import annotations

import pytest
import sparse_oracle as oracle
import torch

from pcseg.sparse import MapCache, get_backend
from pcseg.sparse.kernel import make_kernel
from pcseg.sparse.kernel_map import KernelMap

CASES = [(3, 1), (2, 1), (2, 2), (3, 2), ((3, 1, 2), (2, 1, 3))]


def make(size, stride, in_order=True):
    coords = oracle.random_batch()
    coords = torch.unique(coords, dim=0) if in_order else coords
    maps, builder = MapCache(), get_backend("torch")
    kernel = make_kernel(size, stride)
    fine = maps.level(coords, (1, 1, 1), None)
    coarse = maps.coarser(fine, kernel.stride, builder)
    return maps.kernel_map(fine, coarse, kernel, builder)


def from_table(kernel_map):
    """The map with its other face only."""
    made = KernelMap.from_table(
        kernel_map.table, kernel_map.num_in, kernel_map.identity, kernel_map.in_sorted
    )
    made.mirrored, made.partition = kernel_map.mirrored, kernel_map.partition
    return made


def pairs(kernel_map):
    """What the lists of a map say, checked to be in the order that is promised."""
    ids = kernel_map.offset_ids()
    order = ids * kernel_map.num_out + kernel_map.out_rows
    assert (order.diff() > 0).all()
    assert kernel_map.in_rows.dtype == kernel_map.out_rows.dtype == torch.int32
    assert len(kernel_map.starts) == kernel_map.volume + 1
    return torch.stack([ids, kernel_map.in_rows, kernel_map.out_rows], 1).tolist()


@pytest.mark.parametrize("in_order", [True, False], ids=["sorted", "shuffled"])
@pytest.mark.parametrize("size, stride", CASES)
def test_each_face_makes_the_other(size, stride, in_order):
    built = make(size, stride, in_order)
    table = built.table
    assert table.shape == (built.volume, built.num_out) and table.dtype == torch.int32
    for k, i, o in pairs(built):
        assert table[k, o] == i
    assert (table >= 0).sum() == len(built)

    other = from_table(built)
    assert not other.has_pairs
    assert pairs(other) == pairs(built)
    assert pairs(from_table(built).transposed) == pairs(built.transposed)
    assert torch.equal(from_table(built).transposed.table, built.transposed.table)


@pytest.mark.parametrize("size, stride", CASES)
@pytest.mark.parametrize("face", ["pairs", "table"])
def test_transposed_twice_is_the_map_and_shares_its_notes(size, stride, face):
    built = make(size, stride)
    built = from_table(built) if face == "table" else built
    back = built.transposed.transposed
    assert pairs(back) == pairs(built)
    assert (back.num_in, back.num_out) == (built.num_in, built.num_out)
    assert back.notes is built.notes and built.transposed.notes is not built.notes
    assert built.transposed.is_transposed and not back.is_transposed


@pytest.mark.parametrize("face", ["pairs", "table"])
@pytest.mark.parametrize("swap", [False, True], ids=["as built", "transposed"])
def test_tensors_and_back(face, swap):
    built = make(3, 2)
    built = from_table(built) if face == "table" else built
    built = built.transposed if swap else built
    tensors = built.tensors()
    assert len(tensors) == (3 if face == "pairs" else 2)
    again = built.tensors()
    assert [t.data_ptr() for t in again] == [t.data_ptr() for t in tensors]
    copy = KernelMap.from_tensors(tensors, built.num_in, built.num_out)
    assert pairs(copy) == pairs(built)
    for name in ("volume", "identity", "in_sorted", "mirrored", "partition", "is_transposed"):
        assert getattr(copy, name) == getattr(built, name), name
    assert pairs(copy.transposed) == pairs(built.transposed)


@pytest.mark.parametrize("face", ["pairs", "table"])
def test_new_names_keep_the_identity_if_both_sides_get_them(face):
    built = make(3, 1)
    built = from_table(built) if face == "table" else built
    order = torch.randperm(built.num_out)
    found = built.renamed(order, order)
    assert found.identity == built.identity == 13
    centre = found.starts[13], found.starts[14]
    everyone = torch.arange(built.num_out, dtype=torch.int32)
    assert torch.equal(found.in_rows[slice(*centre)], everyone)
    assert torch.equal(found.out_rows[slice(*centre)], everyone)
    expected = [[k, int(order[i]), int(order[o])] for k, i, o in pairs(built)]
    assert sorted(pairs(found)) == sorted(expected)
    assert built.renamed(order, None).identity is None
