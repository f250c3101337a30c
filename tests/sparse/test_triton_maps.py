"""Maps built by the Triton kernels: the pairs of the reference, and few waits for the device."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from triton_device import DEVICE

from pcseg.sparse import (
    MapCache,
    SparseConv3d,
    SparseInverseConv3d,
    SparseTensor,
    SubMConv3d,
    build_maps,
    get_backend,
    use_backend,
)
from pcseg.sparse import level as level_module
from pcseg.sparse.backends.triton import plan as planning
from pcseg.sparse.kernel import make_kernel
from pcseg.sparse.keys import _number_on_device

KERNELS = [(3, 1), (2, 1), (4, 1), ((1, 3, 5), 1), (2, 2), (3, 2), (2, (1, 2, 4)), ((3, 2, 1), 3)]


def cloud(number=700, seed=0):
    """(V, 4) int32 in key order: two samples and an empty one, dense and sparse parts."""
    generator = torch.Generator().manual_seed(seed)
    dense = torch.randint(-4, 4, (number, 3), generator=generator)
    sparse = torch.randint(-40, 40, (number, 3), generator=generator)
    samples = [
        torch.nn.functional.pad(part, (1, 0), value=b) for b, part in ((0, dense), (2, sparse))
    ]
    return torch.unique(torch.cat(samples), dim=0).to(DEVICE, torch.int32)


def built_by(name, size, stride, coords):
    maps, builder, kernel = MapCache(), get_backend(name), make_kernel(size, stride)
    fine = maps.level(coords, (1, 1, 1), None)
    coarse = maps.coarser(fine, kernel.stride, builder)
    return coarse, maps.kernel_map(fine, coarse, kernel, builder)


def pairs(kernel_map):
    rows = kernel_map.in_rows, kernel_map.out_rows
    return torch.stack([kernel_map.offset_ids().to(rows[0]), *rows], 1).tolist()


@pytest.mark.parametrize("size, stride", KERNELS)
def test_levels_and_maps_are_those_of_the_reference(size, stride):
    coords = cloud()
    level, found = built_by("triton", size, stride, coords)
    expected_level, expected = built_by("torch", size, stride, coords)
    assert torch.equal(level.coords, expected_level.coords)
    assert not found.has_pairs
    assert torch.equal(found.table, expected.table)
    assert pairs(found) == pairs(expected)
    assert found.identity == expected.identity


@pytest.mark.parametrize("size, stride", [(3, 1), (2, 1), (2, 2), (3, 2)])
@pytest.mark.parametrize("swap", [False, True], ids=["as built", "transposed"])
def test_pairs_on_the_device_are_the_pairs(size, stride, swap):
    _, found = built_by("triton", size, stride, cloud())
    _, expected = built_by("torch", size, stride, cloud())
    found, expected = (m.transposed if swap else m for m in (found, expected))
    listed = planning.pairs_of(found)
    assert listed.starts.tolist() == list(expected.starts)
    assert listed.mirrored == expected.mirrored
    last = expected.starts[expected.volume // 2 if listed.mirrored else -1]
    ids = expected.offset_ids()[:last].tolist()
    triples = zip(ids, listed.in_rows[:last].tolist(), listed.out_rows[:last].tolist(), strict=True)
    assert sorted(triples) == sorted(map(tuple, pairs(expected)[:last]))
    assert not found.has_pairs


@pytest.mark.parametrize("size, rows", [(3, 32), (3, 128), (5, 64)])
def test_a_plan_visits_what_its_rows_have_and_little_else(size, rows):
    coords = cloud()
    _, found = built_by("triton", size, 1, coords)
    plan, is_reversed = planning.plan_of(found)
    assert not is_reversed
    assert planning.plan_of(found.transposed) == (plan, True)
    assert sorted(plan.order.tolist()) == list(range(len(coords)))
    assert torch.equal(plan.table, found.table[:, plan.order.long()])

    lists, counts = plan.tiles(rows)
    visited = 0
    for tile, table in enumerate(plan.table.split(rows, 1)):
        needed = (table >= 0).any(1).nonzero().squeeze(1).tolist()
        assert lists[tile, : counts[tile]].tolist() == needed
        visited += len(needed)
    if size == 3:
        unsorted = sum(int((part >= 0).any(1).sum()) for part in found.table.split(rows, 1))
        assert visited < unsorted


@pytest.mark.parametrize("rows", [0, 16, 48])
def test_a_plan_refuses_tiles_that_its_blocks_do_not_fill(rows):
    _, found = built_by("triton", 3, 1, cloud(50))
    with pytest.raises(ValueError, match=f"not {rows}"):
        planning.plan_of(found)[0].tiles(rows)


class Waits(TorchDispatchMode):
    """Counts what makes the host wait for a CUDA device."""

    ops = ("_local_scalar_dense", "nonzero", "unique", "masked_select", "is_nonzero", "equal")

    def __init__(self, monkeypatch):
        super().__init__()
        self.number = 0
        tolist = torch.Tensor.tolist

        def counted(tensor):
            self.number += 1
            return tolist(tensor)

        # On a CPU this reads memory without an operator.
        monkeypatch.setattr(torch.Tensor, "tolist", counted)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        masked = name in ("index", "index_put_") and any(
            t is not None and t.dtype == torch.bool for t in args[1]
        )
        self.number += masked or any(name.startswith(op) for op in self.ops)
        return func(*args, **(kwargs or {}))


def u_net():
    layers = [SubMConv3d(2, 2), SparseConv3d(2, 3), SubMConv3d(3, 3), SparseConv3d(3, 4, 3)]
    layers += [SubMConv3d(4, 4, 2), SparseInverseConv3d(4, 3, 3), SparseInverseConv3d(3, 2)]
    return nn.Sequential(*layers, SubMConv3d(2, 2, 1)).to(DEVICE)


@pytest.mark.parametrize("ahead", [False, True], ids=["as needed", "built ahead"])
def test_one_wait_a_level_for_maps_and_all_gradients(monkeypatch, ahead):
    coords = cloud(200)
    feats = torch.randn(len(coords), 2, device=DEVICE).requires_grad_()
    net = u_net()
    # A CPU numbers voxels in another way, which has nothing to wait for.
    monkeypatch.setattr(level_module, "number_voxels", _number_on_device)
    with Waits(monkeypatch) as waits, use_backend("triton"):
        tensor = SparseTensor(feats, coords)
        if ahead:
            build_maps(tensor, (2, 2))
            assert waits.number == 3
        net(tensor).feats.square().sum().backward()
    assert waits.number == 3  # levels


def test_the_counter_sees_the_waits_of_the_reference(monkeypatch):
    monkeypatch.setattr(level_module, "number_voxels", _number_on_device)
    with Waits(monkeypatch) as waits, use_backend("torch"):
        tensor = SparseTensor(torch.ones(len(cloud(50)), 2, device=DEVICE), cloud(50))
        before = waits.number
        SubMConv3d(2, 2).to(DEVICE)(tensor)
    assert waits.number - before >= 13


@pytest.mark.gpu
@pytest.mark.skipif(DEVICE.type != "cuda", reason="CUDA alone can tell")
def test_cuda_counts_the_same_waits():
    coords, net = cloud(200), u_net()
    feats = torch.randn(len(coords), 2, device=DEVICE).requires_grad_()
    with use_backend("triton"):
        net(SparseTensor(feats, coords)).feats.sum().backward()  # compiles, which may wait
        torch.cuda.set_sync_debug_mode("warn")
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                net(SparseTensor(feats, coords)).feats.square().sum().backward()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    assert len([w for w in caught if "synchronizing" in str(w.message)]) == 3
