"""A convolution folded with its norm, chains and blocks: the results of the modules one by one."""

from __future__ import annotations

import copy
import gc
import weakref

import pytest
import sparse_oracle as oracle
import torch
import torch.nn.functional as F
from torch import nn

from pcseg.errors import DataError
from pcseg.models import MinkUNet
from pcseg.sparse import (
    BatchNorm,
    OnFeatures,
    ReLU,
    ResidualBlock,
    Sequential,
    SparseConv3d,
    SparseInverseConv3d,
    SparseTensor,
    SubMConv3d,
    fused,
)
from pcseg.sparse import norm as norm_module
from pcseg.sparse.backends.base import Epilogue
from pcseg.sparse.functional import infer


@pytest.fixture(autouse=True)
def _fuse_the_smallest(monkeypatch):
    monkeypatch.setattr(norm_module, "FUSED_FROM", 0)


def cloud(device, channels=4, voxels=60, dtype=torch.float32):
    torch.manual_seed(2)
    coords = oracle.random_batch(voxels=voxels)
    feats = torch.randn(len(coords), channels, dtype=dtype)
    return SparseTensor(feats.to(device), coords.to(device), batch_size=5)


def lived_in(module, device):
    """Norms as after a training: no mean is 0, no variance is 1."""
    torch.manual_seed(1)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm1d):
            for value in (norm.weight.data, norm.bias.data, norm.running_mean):
                value.normal_()
            norm.running_var.uniform_(0.5, 2)
    return module.to(device)


def one_by_one(module, tensor):
    """What the modules do when nothing is fused."""
    if isinstance(module, ResidualBlock):
        out = one_by_one(module.body, tensor) + one_by_one(module.shortcut, tensor)
        return one_by_one(ReLU(), out)
    if isinstance(module, Sequential):
        for part in module:
            tensor = one_by_one(part, tensor)
        return tensor
    if isinstance(module, BatchNorm):
        return tensor.replace(module.bn(tensor.feats))
    if isinstance(module, ReLU):
        return tensor.replace(F.relu(tensor.feats))
    return module(tensor)


CHAINS = {
    "same voxels": lambda: [SubMConv3d(4, 6, bias=True), BatchNorm(6), ReLU()],
    "there and back": lambda: [
        SparseConv3d(4, 8), BatchNorm(8), ReLU(), SparseInverseConv3d(8, 3), BatchNorm(3)
    ],
    "blocks": lambda: [ResidualBlock(4, 6), ResidualBlock(6, 6)],
    "points": lambda: [OnFeatures(nn.Linear(4, 5)), BatchNorm(5), ReLU(), ReLU(), BatchNorm(5)],
}  # fmt: skip


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("voxels", [20, 2000])  # fewer rows than a weight has, and more
@pytest.mark.parametrize("mode", ["inference", "frozen", "training"])
def test_chains_do_what_their_modules_do(device, chain, voxels, mode):
    start = lived_in(Sequential(*CHAINS[chain]()), device).double().train(mode == "training")
    tensor, found = cloud(device, voxels=voxels, dtype=torch.float64), []
    for run in (lambda net, tensor: net(tensor), one_by_one):
        net = copy.deepcopy(start)
        feats = tensor.feats.clone().requires_grad_()
        with torch.set_grad_enabled(mode != "inference"):
            out = run(net, tensor.replace(feats)).feats
        found.append([out, *net.buffers()])
        if mode != "inference":
            torch.manual_seed(3)
            gradient = torch.randn_like(out)
            found[-1] += torch.autograd.grad(out, [feats, *net.parameters()], gradient)
    torch.testing.assert_close(*found, atol=1e-10, rtol=1e-10)


def test_folding_in_float32_loses_next_to_nothing(device):
    net = lived_in(Sequential(*CHAINS["blocks"]()), device).eval()
    tensor = cloud(device, voxels=2000)
    with torch.no_grad():
        expected = one_by_one(net, tensor).feats
        error = (net(tensor).feats - expected).abs().max() / expected.abs().max()
    assert error < 1e-5


def test_inference_folds_where_the_weight_is_the_smaller_one(monkeypatch):
    calls, real = [], fused.infer
    monkeypatch.setattr(fused, "infer", lambda *a: calls.append(len(a[0])) or real(*a))
    net = lived_in(Sequential(SubMConv3d(4, 6), BatchNorm(6), ReLU()), "cpu").eval()
    few, many = cloud("cpu", voxels=20), cloud("cpu", voxels=2000)
    for grad in (False, True):
        with torch.set_grad_enabled(grad):
            net(few)
            net(many)
    assert calls == [len(many)]
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    net(many)
    net.train()
    net(many)
    assert calls == [len(many)] * 2


def test_a_changed_weight_is_not_missed(device):
    net = lived_in(Sequential(SubMConv3d(4, 6), BatchNorm(6), ReLU()), device).eval()
    tensor = cloud(device, voxels=2000)
    with torch.no_grad():
        net(tensor)
        net[0].weight.data.mul_(2)  # past every counter of changes
        net[1].bn.running_var.data.mul_(2)
        torch.testing.assert_close(net(tensor).feats, one_by_one(net, tensor).feats)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_folding_in_other_precisions(device, dtype):
    net = lived_in(ResidualBlock(4, 4), device).eval()
    tensor = cloud(device, voxels=2000)
    with torch.no_grad():
        expected = net.double()(tensor.replace(tensor.feats.double())).feats
        out = net.to(dtype)(tensor.replace(tensor.feats.to(dtype))).feats
    assert out.dtype == dtype
    tolerance = 1e-10 if dtype == torch.float64 else 0.1 * float(expected.abs().max())
    torch.testing.assert_close(out.double(), expected, atol=tolerance, rtol=0.05)


@pytest.mark.parametrize("watched", ["body", "body.1", "body.1.bn", "body.3", "relu", "shortcut.1"])
@pytest.mark.parametrize("training", [False, True])
def test_hooks_are_called_with_what_they_expect(watched, training):
    net = lived_in(ResidualBlock(4, 6), "cpu").train(training)
    tensor, seen = cloud("cpu", voxels=2000), []
    with torch.no_grad():
        expected = net(tensor).feats
        parts, where = dict(net.named_modules()), watched.removesuffix(".bn")
        parts[watched].register_forward_hook(
            lambda module, inputs, out: seen.append(getattr(out, "feats", out).clone())
        )
        torch.testing.assert_close(net(tensor).feats, expected)
    assert len(seen) == 1
    if where == "body.1":
        assert bool((seen[0] < 0).any())  # before the ReLU


class Doubled(ReLU):
    def forward(self, tensor):
        return tensor.replace(2 * tensor.feats)


class Negative(SubMConv3d):
    def forward(self, tensor):
        out = super().forward(tensor)
        return out.replace(-out.feats)


class Shifted(BatchNorm):
    def forward(self, tensor):
        return tensor.replace(self.bn(tensor.feats) + 1)


OVERRIDDEN = {
    "activation": lambda: [SubMConv3d(4, 6), BatchNorm(6), Doubled()],
    "convolution": lambda: [Negative(4, 6), BatchNorm(6), ReLU()],
    "norm": lambda: [SubMConv3d(4, 6), Shifted(6), ReLU()],
}


@pytest.mark.parametrize("part", OVERRIDDEN)
@pytest.mark.parametrize("training", [False, True])
def test_a_forward_of_a_subclass_is_called(part, training):
    net = lived_in(Sequential(*OVERRIDDEN[part]()), "cpu").train(training)
    tensor = cloud("cpu", voxels=2000)
    with torch.no_grad():
        expected = tensor
        for module in net:
            expected = module(expected)
        torch.testing.assert_close(net(tensor).feats, expected.feats)


@pytest.mark.parametrize("part", ["body", "body.0", "body.1", "body.1.bn", "body.2", "relu"])
@pytest.mark.parametrize("training", [False, True])
def test_a_forward_set_on_a_module_is_called(part, training):
    net = lived_in(ResidualBlock(4, 6), "cpu").train(training)
    tensor, seen = cloud("cpu", voxels=2000), []
    with torch.no_grad():
        expected = net(tensor).feats
        module = net.get_submodule(part)
        real = module.forward
        module.forward = lambda *given: seen.append(given) or real(*given)
        torch.testing.assert_close(net(tensor).feats, expected)
    assert len(seen) == 1


@pytest.mark.parametrize(
    "register", ["register_module_forward_hook", "register_module_forward_pre_hook"]
)
def test_a_hook_for_all_modules_sees_all_modules(register):
    net = lived_in(ResidualBlock(4, 6), "cpu").eval()
    tensor, seen = cloud("cpu", voxels=2000), []
    with torch.no_grad():
        expected = net(tensor).feats
        handle = getattr(nn.modules.module, register)(lambda m, *_: seen.append(m))
        try:
            torch.testing.assert_close(net(tensor).feats, expected)
        finally:
            handle.remove()
    assert set(seen) == set(net.modules())


class Tanh(nn.Module):
    def forward(self, tensor):
        return tensor.replace(tensor.feats.tanh())


REPLACED = {
    "body.2": Tanh,
    "relu": Tanh,
    "body.1": lambda: OnFeatures(nn.LayerNorm(6)),
    "body.4": lambda: OnFeatures(nn.LayerNorm(6)),
    "body.3": lambda: OnFeatures(nn.Linear(6, 6)),
    "body": lambda: nn.Sequential(SubMConv3d(4, 6), Tanh()),
    "shortcut": lambda: OnFeatures(nn.Linear(4, 6)),
}


@pytest.mark.parametrize("part", REPLACED)
@pytest.mark.parametrize("training", [False, True])
def test_parts_of_a_block_can_be_replaced(part, training):
    torch.manual_seed(0)
    net = lived_in(ResidualBlock(4, 6), "cpu").train(training)
    where, _, name = part.rpartition(".")
    setattr(net.get_submodule(where), name, REPLACED[part]())
    tensor = cloud("cpu", voxels=2000)
    with torch.no_grad():
        body = tensor
        for module in net.body:
            body = module(body)
        expected = net.relu(body + net.shortcut(tensor))
        torch.testing.assert_close(net(tensor).feats, expected.feats, atol=1e-5, rtol=1e-5)


def test_a_residual_elsewhere_is_refused_before_anything_is_read():
    conv, norm = SubMConv3d(4, 4), BatchNorm(4).eval()
    tensor, other = cloud("cpu", voxels=2000), cloud("cpu", voxels=1000)
    wrong = rf"residual, SparseTensor\({len(other)} voxels.*SubMConv3d\(4, 4.*has {len(tensor)} "
    with torch.no_grad(), pytest.raises(DataError, match=wrong):
        fused.convolve_norm(conv, norm, tensor, other, relu=True)
    _, kernel_map = conv.route(tensor)
    for epilogue in (Epilogue(residual=other.feats), Epilogue(shift=torch.zeros(3))):
        with pytest.raises(DataError, match="cannot be added"):
            infer(tensor.feats, conv.weight, kernel_map, epilogue)


def test_maps_are_freed_with_the_last_tensor(device):
    net = lived_in(ResidualBlock(4, 4), device)
    gc.collect()
    gc.disable()
    try:
        tensor = cloud(device)
        out = net(tensor)
        out.feats.sum().backward()
        living = weakref.ref(net.body[0].route(tensor)[1])
        assert living() is not None
        del tensor, out
        assert living() is None
    finally:
        gc.enable()


def test_weights_of_earlier_networks_fit():
    names = set(MinkUNet(4, 3, width=0.125).state_dict())
    assert {
        "stem.0.weight", "stem.1.bn.running_mean", "stem.3.weight", "stem.4.bn.weight",
        "encoder.0.0.weight", "encoder.0.1.bn.bias", "encoder.0.3.body.0.weight",
        "encoder.1.3.shortcut.0.weight", "encoder.1.3.shortcut.1.bn.weight",
        "decoder.0.up.0.weight", "decoder.0.up.1.bn.num_batches_tracked",
        "decoder.3.blocks.0.body.4.bn.running_var", "classifier.weight",
    } <= names  # fmt: skip
    assert len(names) == 296
