"""Convolutions against an independent brute force on random clouds, outputs and all gradients."""

from __future__ import annotations

import pytest
import sparse_oracle as oracle
import torch

from pcseg.sparse import SparseConv3d, SparseInverseConv3d, SparseTensor, SubMConv3d

SUBM = [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), ((3, 1, 2), 1), (3, 2), (3, (1, 2, 3)), (2, 3)]
STRIDED = [
    (2, 2, 1),
    (3, 2, 1),
    (3, 3, 1),
    (1, 2, 1),
    (4, 2, 1),
    (5, 4, 1),
    (2, (1, 2, 4), 1),
    ((3, 2, 1), (2, 3, 2), 1),
    (3, 2, 2),
    (3, 1, 1),
]


def check(layer, tensor, expected, seed=0):
    """Compare output and gradients (features, weight, bias) under one random output gradient."""
    out = layer(tensor)
    torch.testing.assert_close(out.feats.double(), expected, atol=1e-4, rtol=0)
    gradient = torch.randn(expected.shape, generator=torch.Generator().manual_seed(seed))
    gradient = gradient.to(tensor.device)
    inputs = [tensor.feats, layer.weight, layer.bias]
    ours = torch.autograd.grad(out.feats, inputs, gradient, retain_graph=True)
    theirs = torch.autograd.grad(expected, inputs, gradient.double(), retain_graph=True)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=0)
    return out


def make(device, in_order: bool, channels: int = 3):
    torch.manual_seed(1)
    coords = oracle.random_batch()
    if in_order:
        coords = torch.unique(coords, dim=0)
    feats = torch.randn(len(coords), channels).to(device).requires_grad_()
    return SparseTensor(feats, coords.to(device), batch_size=5)


@pytest.mark.parametrize("in_order", [True, False], ids=["sorted", "shuffled"])
@pytest.mark.parametrize("size, dilation", SUBM)
def test_submanifold(device, size, dilation, in_order):
    tensor = make(device, in_order)
    layer = SubMConv3d(3, 4, size, dilation, bias=True).to(device)
    outputs = [tuple(c) for c in tensor.coords.tolist()]
    triples = oracle.pairs(tensor.coords, outputs, size, 1, dilation)
    expected = oracle.apply_pairs(tensor.feats, layer.weight, triples, len(tensor), layer.bias)
    out = check(layer, tensor, expected)
    assert out.level is tensor.level


@pytest.mark.parametrize("in_order", [True, False], ids=["sorted", "shuffled"])
@pytest.mark.parametrize("size, stride, dilation", STRIDED)
def test_strided_and_its_inverse(device, size, stride, dilation, in_order):
    tensor = make(device, in_order)
    outputs = oracle.coarse_coords(tensor.coords, stride)
    if stride == 1:  # the voxels stay as they are, and so does their order
        outputs = [tuple(c) for c in tensor.coords.tolist()]
    triples = oracle.pairs(tensor.coords, outputs, size, stride, dilation)

    down = SparseConv3d(3, 4, size, stride, dilation, bias=True).to(device)
    expected = oracle.apply_pairs(tensor.feats, down.weight, triples, len(outputs), down.bias)
    coarse = check(down, tensor, expected)
    assert coarse.coords.tolist() == [list(c) for c in outputs]
    assert coarse.stride == oracle.as_triple(stride)
    assert coarse.batch_size == 5
    if stride == 1:
        return

    up = SparseInverseConv3d(4, 2, size, dilation, bias=True).to(device)
    start = coarse.replace(torch.randn_like(coarse.feats).requires_grad_())
    backwards = [(k, o, i) for k, i, o in triples]
    expected = oracle.apply_pairs(start.feats, up.weight, backwards, len(tensor), up.bias)
    fine = check(up, start, expected)
    assert fine.level is tensor.level
    assert fine.stride == (1, 1, 1)


def test_layers_share_maps(device):
    tensor = make(device, True)
    layers = [SubMConv3d(3, 3), SubMConv3d(3, 3), SparseConv3d(3, 3), SparseInverseConv3d(3, 3)]
    for layer in layers:
        tensor = layer.to(device)(tensor)
    assert len(tensor.maps) == 2  # one for both submanifold layers, one for down and up


def test_two_levels_down_and_up_return_to_the_start(device):
    tensor = make(device, False)
    down = [SparseConv3d(3, 3, 2, 2).to(device), SparseConv3d(3, 3, 3, (2, 1, 3)).to(device)]
    up = [SparseInverseConv3d(3, 3, 3).to(device), SparseInverseConv3d(3, 3, 2).to(device)]
    coarse = down[1](down[0](tensor))
    assert coarse.stride == (4, 2, 6)
    assert up[1](up[0](coarse)).level is tensor.level
