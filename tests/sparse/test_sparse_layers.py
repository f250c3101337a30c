"""Pooling, norms, blocks, joins: values against loops, empty tensors through everything."""

from __future__ import annotations

import pytest
import sparse_oracle as oracle
import torch
from torch import nn

from pcseg.errors import ConfigError, DataError
from pcseg.sparse import (
    AvgPool3d,
    BatchNorm,
    GlobalPool,
    MaxPool3d,
    OnFeatures,
    ReLU,
    ResidualBlock,
    SparseConv3d,
    SparseInverseConv3d,
    SparseTensor,
    SubMConv3d,
    cat,
)


def cloud(device, channels=4, batch_size=5):
    torch.manual_seed(2)
    coords = oracle.random_batch()
    feats = torch.randn(len(coords), channels).to(device).requires_grad_()
    return SparseTensor(feats, coords.to(device), batch_size=batch_size)


@pytest.mark.parametrize("size, stride", [(2, None), (3, 2), (2, (1, 2, 2)), (1, 2)])
@pytest.mark.parametrize("kind", [MaxPool3d, AvgPool3d])
def test_pooling(device, kind, size, stride):
    tensor = cloud(device)
    out = kind(size, stride)(tensor)
    stride = size if stride is None else stride
    outputs = oracle.coarse_coords(tensor.coords, stride)
    assert out.coords.tolist() == [list(c) for c in outputs]
    triples = oracle.pairs(tensor.coords, outputs, size, stride, 1)
    reduce = (lambda r: r.amax(0)) if kind is MaxPool3d else (lambda r: r.mean(0))
    expected = []
    for o in range(len(outputs)):
        rows = [i for _, i, oo in triples if oo == o]
        expected.append(reduce(tensor.feats[rows]) if rows else torch.zeros_like(tensor.feats[0]))
    expected = torch.stack(expected)
    torch.testing.assert_close(out.feats, expected)
    gradient = torch.randn_like(expected)
    ours = torch.autograd.grad(out.feats, tensor.feats, gradient)
    theirs = torch.autograd.grad(expected, tensor.feats, gradient)
    torch.testing.assert_close(ours, theirs)


def test_an_inverse_convolution_returns_from_pooling(device):
    tensor = cloud(device)
    up = SparseInverseConv3d(4, 2).to(device)(MaxPool3d(2)(tensor))
    assert up.level is tensor.level


@pytest.mark.parametrize("mode", ["max", "mean", "sum"])
def test_global_pooling_counts_empty_samples(device, mode):
    tensor = cloud(device)
    pooled = GlobalPool(mode)(tensor)
    assert pooled.shape == (5, 4)
    for sample in range(5):
        rows = tensor.feats[tensor.batch_index == sample]
        expected = torch.zeros(4, device=device)
        if len(rows):
            expected = {"max": rows.amax(0), "mean": rows.mean(0), "sum": rows.sum(0)}[mode]
        torch.testing.assert_close(pooled[sample], expected)


def test_batch_norm_equals_torch_and_bears_single_rows(device):
    norm, plain = BatchNorm(4).to(device), nn.BatchNorm1d(4).to(device)
    tensor = cloud(device)
    torch.testing.assert_close(norm(tensor).feats, plain(tensor.feats))
    torch.testing.assert_close(norm.bn.running_var, plain.running_var)
    before = norm.bn.running_mean.clone()
    one = SparseTensor(torch.randn(1, 4, device=device), tensor.coords[:1])
    out = norm(one)
    torch.testing.assert_close(out.feats, plain.eval()(one.feats))
    assert torch.equal(norm.bn.running_mean, before)
    assert norm.bn.num_batches_tracked == 1


def test_residual_block_with_zeroed_branch_is_its_shortcut(device):
    tensor = cloud(device)
    block = ResidualBlock(4, 4).to(device).eval()
    nn.init.zeros_(block.body[4].bn.weight)
    torch.testing.assert_close(block(tensor).feats, tensor.feats.relu())
    wider = ResidualBlock(4, 6, kernel_size=5, dilation=2).to(device)
    assert wider(tensor).num_channels == 6


def test_cat_and_sum_need_the_same_voxels(device):
    tensor = cloud(device)
    joined = cat([tensor, ReLU()(tensor)])
    assert joined.num_channels == 8 and joined.level is tensor.level
    equal = SparseTensor(tensor.feats, tensor.coords.clone())
    assert torch.equal((tensor + equal).feats, 2 * tensor.feats)
    coarse = SparseConv3d(4, 4).to(device)(tensor)
    with pytest.raises(DataError, match="different voxels"):
        cat([tensor, coarse])
    with pytest.raises(DataError, match="different voxels"):
        tensor + coarse


@pytest.mark.parametrize("rows", [0, 1])
def test_empty_and_single_voxels_flow_through_everything(device, rows):
    coords = torch.tensor([[1, -3, 5, 7]], dtype=torch.int32, device=device)[:rows]
    feats = torch.randn(rows, 3, device=device).requires_grad_()
    start = SparseTensor(feats, coords, batch_size=2)
    net = nn.Sequential(
        SubMConv3d(3, 4, 5, bias=True),
        BatchNorm(4),
        ReLU(),
        MaxPool3d(2),
        ResidualBlock(4, 6),
        SparseConv3d(6, 6, 3, 2),
        AvgPool3d(2),
        OnFeatures(nn.Linear(6, 5)),
        SparseConv3d(5, 5, 2, 2, bias=True),
        SparseInverseConv3d(5, 5),
        GlobalPool("max"),
    ).to(device)
    out = net(start)
    assert out.shape == (2, 5)
    out.square().sum().backward()
    assert feats.grad.shape == feats.shape
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    assert cat([start, start]).num_channels == 6


def test_impossible_settings_are_refused():
    with pytest.raises(ConfigError, match="kernel_size is 6"):
        SubMConv3d(1, 1, 6)
    with pytest.raises(ConfigError, match="kernel_size is 0"):
        SparseConv3d(1, 1, 0)
    with pytest.raises(ConfigError, match=r"stride is \(2, 2\)"):
        SparseConv3d(1, 1, 2, (2, 2))
    with pytest.raises(ConfigError, match=r"dilation is 1\.5"):
        SubMConv3d(1, 1, 3, 1.5)
    with pytest.raises(ConfigError, match="0 to 3 channels"):
        SubMConv3d(0, 3)
    with pytest.raises(ConfigError, match="'median'"):
        GlobalPool("median")
