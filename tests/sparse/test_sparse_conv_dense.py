"""Convolutions against dense conv3d on filled grids; gradcheck; precisions."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F

from pcseg.sparse import SparseConv3d, SparseInverseConv3d, SparseTensor, SubMConv3d

SIDES = (6, 8, 4)


def filled(device, channels, dtype=torch.float32, batch=2):
    torch.manual_seed(0)
    axes = [range(batch), *(range(n) for n in SIDES)]
    coords = torch.tensor(list(itertools.product(*axes)), dtype=torch.int32)
    feats = torch.randn(len(coords), channels, dtype=dtype)
    return SparseTensor(feats.to(device).requires_grad_(), coords.to(device))


def to_grid(feats, sides=SIDES):
    return feats.reshape(-1, *sides, feats.shape[1]).permute(0, 4, 1, 2, 3)


def dense_weight(layer):
    size = layer.kernel.size
    return layer.weight.reshape(*size, layer.in_channels, layer.out_channels).permute(4, 3, 0, 1, 2)


def padded(grid, size, dilation=1):
    """Zeros around the grid so that conv3d visits the offsets of our kernels."""
    before = [(k // 2 if k % 2 else 0) * dilation for k in size]
    after = [(k - 1 - (k // 2 if k % 2 else 0)) * dilation for k in size]
    widths = [w for pair in zip(reversed(before), reversed(after), strict=True) for w in pair]
    return F.pad(grid, widths)


def compare(out, expected, inputs):
    expected = expected.permute(0, 2, 3, 4, 1).reshape(out.shape)
    torch.testing.assert_close(out, expected, atol=1e-4, rtol=0)
    gradient = torch.randn_like(out)
    ours = torch.autograd.grad(out, inputs, gradient)
    theirs = torch.autograd.grad(expected, inputs, gradient)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=0)


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, (3, 1, 5)])
def test_submanifold(device, size, dilation):
    tensor = filled(device, 4)
    layer = SubMConv3d(4, 5, size, dilation, bias=True).to(device)
    grid = padded(to_grid(tensor.feats), layer.kernel.size, dilation)
    expected = F.conv3d(grid, dense_weight(layer), layer.bias, dilation=dilation)
    compare(layer(tensor).feats, expected, [tensor.feats, layer.weight, layer.bias])


@pytest.mark.parametrize("size, stride", [(2, 2), (3, 2), (5, 2), (1, 2), (2, (1, 2, 2))])
def test_strided(device, size, stride):
    tensor = filled(device, 4)
    layer = SparseConv3d(4, 5, size, stride, bias=True).to(device)
    grid = padded(to_grid(tensor.feats), layer.kernel.size)
    expected = F.conv3d(grid, dense_weight(layer), layer.bias, stride=stride)
    compare(layer(tensor).feats, expected, [tensor.feats, layer.weight, layer.bias])


def test_inverse(device):
    tensor = filled(device, 4)
    coarse = SparseConv3d(4, 6).to(device)(tensor)
    coarse = coarse.replace(torch.randn_like(coarse.feats).requires_grad_())
    layer = SparseInverseConv3d(6, 3, bias=True).to(device)
    weight = layer.weight.reshape(2, 2, 2, 6, 3).permute(3, 4, 0, 1, 2)
    grid = to_grid(coarse.feats, [n // 2 for n in SIDES])
    expected = F.conv_transpose3d(grid, weight, layer.bias, stride=2)
    compare(layer(coarse).feats, expected, [coarse.feats, layer.weight, layer.bias])


@pytest.mark.parametrize("kind", [SubMConv3d, SparseConv3d, SparseInverseConv3d])
def test_gradcheck(device, kind):
    if device.type == "cuda":
        pytest.skip("gradcheck wants float64, which the CUDA libraries need not have")
    tensor = filled(device, 2, torch.float64, batch=1)
    if kind is SparseInverseConv3d:
        tensor = SparseConv3d(2, 2).double()(tensor)
        tensor = tensor.replace(tensor.feats.detach().requires_grad_())
    layer = kind(2, 3, bias=True).double()

    def run(feats, weight, bias):
        parameters = {"weight": weight, "bias": bias}
        return torch.func.functional_call(layer, parameters, (tensor.replace(feats),)).feats

    assert torch.autograd.gradcheck(run, (tensor.feats, layer.weight, layer.bias), fast_mode=True)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_stays_near_float32(device, dtype):
    tensor = filled(device, 8)
    layer = SubMConv3d(8, 8).to(device)
    exact = layer(tensor).feats
    half = layer(tensor.replace(tensor.feats.to(dtype)))
    assert half.feats.dtype == dtype
    torch.testing.assert_close(half.feats.float(), exact, atol=0.03, rtol=0.03)
    half.feats.sum().backward()
    assert layer.weight.grad.dtype == torch.float32


def test_under_autocast(device):
    tensor = filled(device, 8)
    layers = torch.nn.Sequential(SubMConv3d(8, 8), SparseConv3d(8, 8)).to(device)
    exact = layers(tensor).feats
    with torch.autocast(device.type, torch.bfloat16):
        mixed = tensor.replace(torch.nn.Linear(8, 8).to(device)(tensor.feats))
        assert mixed.feats.dtype == torch.bfloat16
        layers(mixed).feats.float().sum().backward()
        lowered = layers(tensor).feats
    assert all(p.grad.isfinite().all() for p in layers.parameters())
    torch.testing.assert_close(lowered.float(), exact, atol=0.05, rtol=0.05)
