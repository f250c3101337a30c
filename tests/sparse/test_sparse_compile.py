"""torch.compile: the operators, a function without an interruption, whole networks of any size."""

from __future__ import annotations

import copy
import gc
import shutil
import weakref

import pytest
import torch
from torch._dynamo.utils import counters

from pcseg.models import SPVCNN, MinkUNet, Points
from pcseg.sparse import (
    BatchNorm,
    ReLU,
    ResidualBlock,
    Sequential,
    SparseConv3d,
    SparseInverseConv3d,
    SparseTensor,
    SubMConv3d,
    get_backend,
    ops,
    use_backend,
    voxelize,
)
from pcseg.sparse.conv import plan_routes
from pcseg.sparse.functional import convolve
from pcseg.sparse.kernel_map import KernelMap

needs_compiler = pytest.mark.skipif(
    not any(shutil.which(name) for name in ("c++", "g++", "clang++")),
    reason="torch.compile needs a C++ compiler, and none is here",
)


@pytest.fixture(autouse=True)
def _fresh():
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


def scan(points, seed, dtype=torch.float64):
    """The voxels, 4 channels, and points of a random cloud."""
    generator = torch.Generator().manual_seed(seed)
    xyz = 10 * torch.rand((points, 3), generator=generator)
    coords, rows = voxelize(xyz, 1.0)
    voxels = SparseTensor(torch.randn(len(coords), 4, generator=generator).to(dtype), coords)
    position = torch.nn.functional.pad(xyz, (1, 0)).to(dtype)
    return voxels, Points(torch.randn(points, 4, generator=generator).to(dtype), position, rows)


def operator_arguments(layer, tensor, backend, requires_grad):
    _, kernel_map = layer.route(tensor)
    ops.remember(kernel_map)
    feats = tensor.feats.clone().requires_grad_(requires_grad)
    weight = layer.weight.detach().to(feats.dtype).requires_grad_(requires_grad)
    where = kernel_map.tensors(), kernel_map.num_in, kernel_map.num_out, backend
    return kernel_map, (feats, weight, *where)


@pytest.mark.parametrize("backend", ["numba", "torch"])
@pytest.mark.parametrize("layer", [SubMConv3d(4, 3), SparseConv3d(4, 5, 3, 2)])
def test_operators_keep_their_promises(backend, layer):
    tensor, _ = scan(100, 0, torch.float32)
    kernel_map, arguments = operator_arguments(layer, tensor, backend, True)
    check_operators(kernel_map, *arguments)


@pytest.mark.parametrize("backend", ["numba", "torch"])
@pytest.mark.parametrize("face", ["pairs", "table"])
@pytest.mark.parametrize("rows", [0, 40])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_keep_their_promises_for_both_faces_and_no_rows(backend, face, rows, dtype):
    tensor, _ = scan(rows, 0, dtype)
    layer = SparseConv3d(4, 5, 2, 2)
    _, kernel_map = layer.route(tensor)
    if face == "table":
        kernel_map = KernelMap.from_table(kernel_map.table, kernel_map.num_in)
    feats, weight = tensor.feats, layer.weight.detach().to(dtype)
    grad = torch.randn(kernel_map.num_out, 5).to(dtype)
    where = kernel_map.tensors(), kernel_map.num_in, kernel_map.num_out, backend
    assert len(where[0]) == (2 if face == "table" else 3)
    operators, kinds = torch.ops.pcseg, ("test_schema", "test_faketensor")
    for operator, arguments in (
        (operators.convolve_grad_input, (grad, weight, *where)),
        (operators.convolve_grad_weight, (feats, grad, *where, 8)),
        (operators.convolve, (feats, weight, *where)),
    ):
        torch.library.opcheck(operator.default, arguments, test_utils=kinds)
    found = operators.convolve_grad_weight(feats, grad, *where, 8)
    expected = get_backend("torch").grad_weight(feats, grad, kernel_map)
    torch.testing.assert_close(found, expected)


def check_operators(kernel_map, feats, weight, *where):
    operators, channels = torch.ops.pcseg, weight.shape[2]
    torch.library.opcheck(operators.convolve.default, (feats, weight, *where))
    feats, weight = feats.detach(), weight.detach()
    grad = torch.randn(kernel_map.num_out, channels)
    ending = torch.randn(channels), grad, True
    torch.library.opcheck(operators.convolve_fused.default, (feats, weight, *where, *ending))
    arguments = (grad, weight, *where)
    torch.library.opcheck(operators.convolve_grad_input.default, arguments)
    arguments = (feats, grad, *where, len(weight))
    torch.library.opcheck(operators.convolve_grad_weight.default, arguments)


def test_a_living_map_is_found_again_and_a_dead_one_rebuilt(monkeypatch):
    tensor, _ = scan(300, 0, torch.float32)
    layer, rebuilt = SubMConv3d(4, 3), []
    real = KernelMap.from_tensors.__func__
    monkeypatch.setattr(
        KernelMap,
        "from_tensors",
        classmethod(lambda cls, *given: rebuilt.append(1) or real(cls, *given)),
    )
    kernel_map, arguments = operator_arguments(layer, tensor, "numba", True)
    expected = torch.ops.pcseg.convolve(*arguments)
    assert kernel_map.notes and not rebuilt
    moved = (*arguments[:2], [rows.clone() for rows in arguments[2]], *arguments[3:])
    torch.testing.assert_close(torch.ops.pcseg.convolve(*moved), expected)
    assert len(rebuilt) == 1
    del tensor, kernel_map
    again = torch.ops.pcseg.convolve(*arguments)
    torch.testing.assert_close(again, expected)
    again.sum().backward()
    # The map was free to go: the operators' own tensors are enough, and share what is made of them.
    assert len(rebuilt) == 2
    assert arguments[0].grad.isfinite().all() and arguments[1].grad.isfinite().all()


@pytest.mark.parametrize("compiler", [None, "aot_eager"])
def test_both_gradients_share_the_map_that_is_made_anew_for_them(monkeypatch, compiler):
    tensor, _ = scan(300, 0)
    kernel_map, (feats, weight, *where) = operator_arguments(
        SparseConv3d(4, 5, 3, 2), tensor, "numba", True
    )
    function = torch.ops.pcseg.convolve
    if compiler:
        function = torch.compile(lambda *a: torch.ops.pcseg.convolve(*a), backend=compiler)
    out = function(feats, weight, *where)
    gradient = torch.randn_like(out)
    expected = torch.autograd.grad(out, [feats, weight], gradient, retain_graph=True)
    alive, rebuilt, real = weakref.ref(kernel_map), [], KernelMap.from_tensors.__func__

    def from_tensors(cls, *given):
        made = real(cls, *given)
        rebuilt.append(weakref.ref(made))
        return made

    monkeypatch.setattr(KernelMap, "from_tensors", classmethod(from_tensors))
    del tensor, kernel_map, where
    gc.collect()
    assert alive() is None
    torch.testing.assert_close(torch.autograd.grad(out, [feats, weight], gradient), expected)
    assert len(rebuilt) == 1
    del out
    gc.collect()
    assert rebuilt[0]() is None  # it goes with the tensors


def test_maps_of_levels_are_one_graph_for_scans_of_every_size():
    def function(feats, weight, kernel_map):
        return convolve(feats, weight, kernel_map).relu()

    compiled = torch.compile(function, fullgraph=True, dynamic=True, backend="aot_eager")
    for way in ("down", "up"):
        graphs = []
        for seed, size in enumerate((700, 300, 500)):
            tensor, _ = scan(size, seed)
            _, kernel_map = SparseConv3d(4, 5, 3, 2).route(tensor)
            kernel_map = kernel_map.transposed if way == "up" else kernel_map
            feats = torch.randn(kernel_map.num_in, 4, dtype=torch.float64)
            weight = torch.randn(27, 4, 5, dtype=torch.float64)
            expected = function(feats, weight, kernel_map)
            torch.testing.assert_close(compiled(feats, weight, kernel_map), expected)
            graphs.append(counters["stats"]["unique_graphs"])
        assert graphs == [graphs[0]] * 3


@pytest.mark.parametrize("backend", ["numba", "torch"])
def test_a_function_of_features_is_one_graph_with_gradients(backend):
    tensor, _ = scan(300, 0)
    layer = SubMConv3d(4, 3, bias=True).double()
    _, kernel_map = layer.route(tensor)
    ops.remember(kernel_map)

    def function(feats, weight, bias):
        return convolve(feats.sin(), weight, kernel_map, bias).square()

    inputs = [tensor.feats.requires_grad_(), layer.weight, layer.bias]
    with use_backend(backend):
        compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
        compare(function(*inputs), compiled(*inputs), inputs, inputs)


def compare(expected, found, parameters, others):
    gradient = torch.randn_like(expected)
    ours = torch.autograd.grad(found, others, gradient)
    theirs = torch.autograd.grad(expected, parameters, gradient)
    torch.testing.assert_close(found, expected, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=1e-7)


class SmallUNet(torch.nn.Module):
    """Every kind of layer once."""

    def __init__(self):
        super().__init__()
        self.stem = Sequential(SubMConv3d(4, 6, bias=True), BatchNorm(6), ReLU())
        self.down = Sequential(SparseConv3d(6, 8), BatchNorm(8), ReLU(), ResidualBlock(8, 10))
        self.up = Sequential(SparseInverseConv3d(10, 6), BatchNorm(6))

    def forward(self, voxels, points=None):
        plan_routes(self, voxels)
        x = self.stem(voxels)
        return (self.up(self.down(x)) + x).feats


def run_scans(make, backend, training=True, sizes=(700, 300, 500)):
    """Compare the compiled network with itself on scans of different sizes; graphs after each.

    In training with all gradients; else without any, as in inference.
    """
    torch.manual_seed(0)
    network = make().double().train(training)
    other = copy.deepcopy(network)
    compiled, graphs = torch.compile(other, backend=backend, dynamic=True), []
    for seed, size in enumerate(sizes):
        with torch.set_grad_enabled(training):
            expected, found = network(*scan(size, seed)), compiled(*scan(size, seed))
        if training:
            compare(expected, found, list(network.parameters()), list(other.parameters()))
        else:
            torch.testing.assert_close(found, expected, atol=1e-9, rtol=1e-9)
        graphs.append(counters["stats"]["unique_graphs"])
    torch.testing.assert_close(list(other.buffers()), list(network.buffers()))
    return graphs


@pytest.mark.parametrize("training", [True, False])
def test_a_network_is_one_graph_for_scans_of_every_size(training):
    assert run_scans(SmallUNet, "aot_eager", training) == [1, 1, 1]


def test_without_a_plan_the_graph_is_cut_and_the_result_the_same(monkeypatch):
    monkeypatch.setitem(globals(), "plan_routes", lambda network, tensor: None)
    graphs = run_scans(SmallUNet, "aot_eager", training=False)
    assert graphs[0] > 1 and graphs[0] == graphs[1] == graphs[2]


@needs_compiler
def test_the_default_compiler_agrees_on_a_function():
    tensor, _ = scan(300, 0)
    layer = SubMConv3d(4, 3).double()
    _, kernel_map = layer.route(tensor)
    ops.remember(kernel_map)

    def function(feats, weight):
        return convolve(feats.sin(), weight, kernel_map).square()

    inputs = [tensor.feats.requires_grad_(), layer.weight]
    compiled = torch.compile(function, fullgraph=True)
    compare(function(*inputs), compiled(*inputs), inputs, inputs)


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("training", [True, False])
def test_the_default_compiler_agrees_on_a_network(training):
    assert run_scans(SmallUNet, "inductor", training, sizes=(700, 300)) == [1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("make", [MinkUNet, SPVCNN])
def test_the_networks_compile(make, training):
    options = {"dropout": 0.0} if make is SPVCNN else {}
    graphs = run_scans(lambda: make(4, 3, width=0.125, depth=14, **options), "aot_eager", training)
    assert graphs[0] == graphs[1] == graphs[2]
    assert make is SPVCNN or graphs[0] == 1
