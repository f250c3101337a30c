"""Batch norm with residual and ReLU in one step: against PyTorch's own modules, bit by bit."""

from __future__ import annotations

import copy
import itertools
import json
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pcseg.errors import DataError
from pcseg.sparse import BatchNorm, SparseTensor, use_backend
from pcseg.sparse import norm as norm_module
from pcseg.sparse.norm import batch_norm

VARIANTS = list(itertools.product([False, True], repeat=3))


@pytest.fixture(autouse=True)
def _fuse_the_smallest(monkeypatch):
    monkeypatch.setattr(norm_module, "FUSED_FROM", 0)


def rows(count, channels, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, channels, dtype=dtype, generator=generator)


def made_norm(channels, **options):
    torch.manual_seed(1)
    norm = nn.BatchNorm1d(channels, **options)
    for value in (norm.weight.data, norm.bias.data, norm.running_mean):
        value.normal_()
    norm.running_var.uniform_(0.5, 2)
    return norm


def plain(feats, norm, residual, relu):
    out = norm(feats)
    out = out if residual is None else out + residual
    return F.relu(out) if relu else out


def compare(feats, norm, residual, relu, **tolerance):
    """The fused step, and PyTorch's in float64: outputs, all gradients, running statistics."""
    found = []
    for function, dtype in ((batch_norm, feats.dtype), (plain, torch.float64)):
        mine = copy.deepcopy(norm).to(dtype)
        x = feats.to(dtype, copy=True).requires_grad_()
        r = None if residual is None else residual.to(dtype, copy=True).requires_grad_()
        wanted = [x, mine.weight, mine.bias] + ([] if r is None else [r])
        with use_backend("numba"):
            out = function(x, mine, r, relu)
            gradient = rows(*feats.shape, seed=3).to(dtype)
            gradients = torch.autograd.grad(out, wanted, gradient)
        found.append([out, *gradients, *mine.buffers()])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours.to(theirs.dtype), theirs, **tolerance)
    return found[0][0]


@pytest.mark.parametrize("training, with_residual, relu", VARIANTS)
def test_agrees_with_the_modules_of_pytorch(training, with_residual, relu):
    # Not whole tiles nor blocks, several of both.
    feats = 3 * rows(4001, 20) + 5
    residual = rows(4001, 20, seed=2) if with_residual else None
    # The gradients of weight and bias are sums of thousands of numbers.
    tolerance = {"atol": 5e-5, "rtol": 1e-5}
    out = compare(feats, made_norm(20).train(training), residual, relu, **tolerance)
    assert (out.grad_fn.name() == "_FusedNormBackward") and bool((out < 0).any()) != relu
    exact = {"atol": 1e-12, "rtol": 1e-12}
    doubled = None if residual is None else residual.double()
    compare(feats.double(), made_norm(20).double().train(training), doubled, relu, **exact)


@pytest.mark.parametrize("training, with_residual, relu", VARIANTS)
def test_gradients_are_those_of_the_function(training, with_residual, relu):
    norm = made_norm(3).double().train(training)
    inputs = [rows(7, 3, torch.float64).requires_grad_()]
    inputs += [rows(7, 3, torch.float64, seed=2).requires_grad_()] if with_residual else []

    def function(feats, residual=None):
        return batch_norm(feats, norm, residual, relu)

    with use_backend("numba"):
        assert torch.autograd.gradcheck(function, inputs)


@pytest.mark.parametrize("asked", [[0], [1], [2], [3], [0, 3], [1, 2]])
def test_gradients_of_some_inputs_only(asked):
    found = []
    for function in (batch_norm, plain):
        norm = made_norm(5).double()
        inputs = [rows(40, 5, torch.float64), norm.weight, norm.bias]
        inputs += [rows(40, 5, torch.float64, seed=2)]
        for place, tensor in enumerate(inputs):
            tensor.requires_grad_(place in asked)
        with use_backend("numba"):
            out = function(inputs[0], norm, inputs[3], True)
        gradient = rows(40, 5, torch.float64, seed=3)
        found.append(torch.autograd.grad(out, [inputs[i] for i in asked], gradient))
    torch.testing.assert_close(*found)


def test_a_large_mean_costs_no_digits():
    feats = rows(5000, 4) + torch.tensor([0.0, 1e3, -1e4, 1e5])
    feats[0] = 1e6  # an outlier just where one might look first
    norm = nn.BatchNorm1d(4)
    with use_backend("numba"):
        out = batch_norm(feats, norm)
    expected = F.batch_norm(feats.double(), None, None, training=True)
    torch.testing.assert_close(out.double(), expected, atol=2e-4, rtol=2e-4)
    var = feats.double().var(0)
    torch.testing.assert_close(norm.running_var.double(), 0.9 + 0.1 * var, atol=0, rtol=1e-6)


def test_momentum_none_averages_all_batches():
    ours, theirs = BatchNorm(4, momentum=None).bn, nn.BatchNorm1d(4, momentum=None)
    for seed in range(3):
        with use_backend("numba"):
            batch_norm(rows(50, 4, seed=seed), ours)
        theirs(rows(50, 4, seed=seed))
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict())


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_rows_take_the_running_statistics(count):
    norm, feats = made_norm(4), rows(count, 4).requires_grad_()
    before = copy.deepcopy(norm.state_dict())
    with use_backend("numba"):
        out = batch_norm(feats, norm, relu=True)
    torch.testing.assert_close(out, plain(feats, copy.deepcopy(norm).eval(), None, True))
    torch.testing.assert_close(norm.state_dict(), before)
    out.sum().backward()
    assert feats.grad.isfinite().all() and norm.weight.grad.isfinite().all()


def test_what_is_not_a_number_stays_so():
    feats = rows(10, 3)
    feats[4, 1] = float("nan")
    with use_backend("numba"), torch.no_grad():
        out = batch_norm(feats, made_norm(3).eval(), relu=True)
    assert out.isnan().nonzero().tolist() == [[4, 1]]


def test_other_norms_and_types_go_the_plain_way():
    feats, residual = rows(30, 4), rows(30, 4, seed=2)
    kinds = [
        nn.Identity(),
        nn.LayerNorm(4),
        nn.BatchNorm1d(4, affine=False),
        nn.BatchNorm1d(4, track_running_stats=False),
        nn.SyncBatchNorm.convert_sync_batchnorm(made_norm(4)).eval(),
    ]
    for norm in kinds:
        before = feats.clone()
        out = batch_norm(feats, norm, residual, True)
        torch.testing.assert_close(out, plain(feats, copy.deepcopy(norm), residual, True))
        batch_norm(feats, norm, None, True)
        assert torch.equal(feats, before), norm
    half = batch_norm(feats.bfloat16(), made_norm(4).eval(), relu=True)
    assert half.dtype == torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16):
        assert batch_norm(feats, made_norm(4)).dtype == torch.float32


def test_few_numbers_go_the_plain_way(monkeypatch):
    monkeypatch.setattr(norm_module, "FUSED_FROM", 101)
    names = []
    for count in (10, 11):
        with use_backend("numba"):
            names.append(batch_norm(rows(count, 10), made_norm(10)).grad_fn.name())
    assert names == ["NativeBatchNormBackward0", "_FusedNormBackward"]


def test_hooks_on_the_norm_see_its_output():
    norm, seen = made_norm(4), []
    norm.register_forward_hook(lambda module, inputs, out: seen.append(out.clone()))
    feats = rows(30, 4)
    out = batch_norm(feats, norm, relu=True)
    assert torch.equal(out, seen[0].relu()) and bool((seen[0] < 0).any())


def test_the_graph_keeps_what_was_normalised_and_nothing_more_of_that_size():
    feats, kept = rows(500, 8).requires_grad_(), []

    def keep(tensor):
        kept.append(tensor.shape)
        return tensor

    with use_backend("numba"), torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        batch_norm(feats, made_norm(8), relu=True)
    assert kept.count(feats.shape) == 1


def test_the_residual_has_to_be_on_the_same_voxels(device):
    coords = torch.nn.functional.pad(torch.arange(12).reshape(4, 3), (1, 0)).int().to(device)
    tensor = SparseTensor(torch.ones(4, 2, device=device), coords)
    other = SparseTensor(torch.ones(4, 2, device=device), coords + 1)
    with pytest.raises(DataError, match="different voxels"):
        BatchNorm(2).to(device)(tensor, residual=other)


PROGRAM = """
import hashlib, json, threading, torch
from torch import nn
from pcseg.sparse import use_backend
from pcseg.sparse.backends import numba_norm
from pcseg.sparse import norm as norm_module
from pcseg.sparse.norm import batch_norm

norm_module.FUSED_FROM = 0
torch.manual_seed(0)
feats, residual, gradient = (torch.randn(30011, 24) for _ in range(3))
ran, kernel = set(), numba_norm._gradient

def gradient_kernel(*arguments):
    if threading.get_ident() not in ran:
        ran.add(threading.get_ident())
        everyone.wait(100)  # none goes on, and so runs out of work, before all have come
    kernel(*arguments)

numba_norm._gradient = gradient_kernel

def digest():
    torch.manual_seed(1)
    norm = nn.BatchNorm1d(24)
    x, r = feats.clone().requires_grad_(), residual.clone().requires_grad_()
    out = batch_norm(x, norm, r, True)
    out.backward(gradient)
    found = [out, x.grad, r.grad, norm.weight.grad, norm.bias.grad, norm.running_var]
    return hashlib.sha256(b"".join(t.detach().numpy().tobytes() for t in found)).hexdigest()

digests, numbers = [], []
with use_backend("numba"):
    for count in (1, 2, 4):
        torch.set_num_threads(count)
        ran.clear()
        everyone = threading.Barrier(count)
        digests += [digest() for _ in range(20)]
        numbers.append(len(ran))
print(json.dumps([numbers, digests]))
"""


def test_the_same_bits_for_1_2_and_4_threads():
    child = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300, check=True
    )
    numbers, digests = json.loads(child.stdout.strip().splitlines()[-1])
    assert numbers == [1, 2, 4]
    assert len(set(digests)) == 1
