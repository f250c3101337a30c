"""Choosing backends, refusing them with a reason, probing them in a child process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from pcseg.errors import BackendError
from pcseg.sparse import (
    ResidualBlock,
    SparseConv3d,
    SparseInverseConv3d,
    SparseTensor,
    SubMConv3d,
    available_backends,
    get_backend,
    pick_backend,
    set_backend,
    use_backend,
)
from pcseg.sparse import probe as probing
from pcseg.sparse.backends import BACKENDS

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _no_choice(monkeypatch):
    monkeypatch.delenv("PCSEG_BACKEND", raising=False)
    yield
    set_backend(None)


def test_block_before_setting_before_environment_before_default(monkeypatch):
    assert pick_backend(CPU).name == "numba"
    monkeypatch.setenv("PCSEG_BACKEND", "torch")
    assert pick_backend(CPU).name == "torch"
    set_backend("numba")
    assert pick_backend(CPU).name == "numba"
    with use_backend("torch") as backend:
        assert pick_backend(CPU) is backend
    set_backend(None)
    assert pick_backend(CPU).name == "torch"


def test_the_backward_uses_the_backend_of_the_forward(monkeypatch):
    calls = []
    reference = get_backend("torch")
    monkeypatch.setattr(
        reference, "grad_weight", lambda f, g, m: calls.append("torch") or torch.zeros(27, 1, 1)
    )
    layer = SubMConv3d(1, 1)
    with use_backend("torch"):
        out = layer(SparseTensor(torch.ones(1, 1), torch.zeros(1, 4).int()))
    out.feats.sum().backward()
    assert calls == ["torch"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA: the layers are tested on CPU")
def test_every_usable_backend_is_sound_on_cuda():
    reports = probing.probe_backends()
    assert [r.name for r in reports if r.state == "unsound"] == []
    assert any("cuda" in report.used_for for report in reports)


def test_unknown_and_refused_backends_say_why(monkeypatch):
    with pytest.raises(BackendError, match=r"no sparse backend 'cudnn'\. There are: numba, torch"):
        set_backend("cudnn")
    monkeypatch.setenv("PCSEG_BACKEND", "spconv")
    with pytest.raises(BackendError, match=r"wrong rows on a CPU .* Usable here: numba, torch"):
        SubMConv3d(1, 1)(SparseTensor(torch.ones(1, 1), torch.zeros(1, 4).int()))
    assert get_backend("numba").refuses(torch.device("cuda")) is not None
    assert available_backends("cpu")[:2] == ["numba", "torch"]


def test_maps_of_one_backend_serve_another():
    coords = torch.unique(torch.randint(-9, 9, (500, 4)).abs() % 7, dim=0).int()
    tensor, layer = SparseTensor(torch.randn(len(coords), 3), coords), SubMConv3d(3, 3)
    with use_backend("torch"):
        expected = layer(tensor).feats
    with use_backend("numba"):
        torch.testing.assert_close(layer(tensor).feats, expected)
    assert len(tensor.maps) == 1


def test_a_whole_network_agrees_in_float64():
    torch.manual_seed(0)
    coords = torch.unique(torch.randint(-12, 12, (3000, 3)), dim=0)
    coords = torch.nn.functional.pad(coords, (1, 0)).int()
    feats, gradient = torch.randn(len(coords), 3).double(), torch.randn(len(coords), 8).double()
    layers = [ResidualBlock(3, 8), SparseConv3d(8, 12), ResidualBlock(12, 12, 3, 2)]
    layers += [SparseConv3d(12, 12, 3, 2), SparseInverseConv3d(12, 12, 3), ResidualBlock(12, 12)]
    net = torch.nn.Sequential(*layers, SparseInverseConv3d(12, 8)).double()
    found = []
    for name in ("torch", "numba"):
        with use_backend(name):
            out = net(SparseTensor(feats, coords)).feats
        found.append([out, *torch.autograd.grad(out, list(net.parameters()), gradient)])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("name", ["torch", "numba"])
def test_autocast_on_a_cpu_changes_nothing(name):
    torch.manual_seed(0)
    coords = torch.unique(torch.randint(0, 5, (200, 4)) % 5, dim=0).int()
    coords[:, 0] = 0
    coords = torch.unique(coords, dim=0)
    feats = torch.randn(len(coords), 16, requires_grad=True)
    layer, gradient = SubMConv3d(16, 8), torch.randn(len(coords), 8)
    found = []
    for enabled in (False, True):
        with use_backend(name), torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            out = layer(SparseTensor(feats, coords)).feats
            found.append([out, *torch.autograd.grad(out, [feats, layer.weight], gradient)])
    for plain, autocast in zip(*found, strict=True):
        torch.testing.assert_close(autocast, plain)


def test_without_numba_the_torch_backend_takes_over(monkeypatch):
    monkeypatch.setitem(BACKENDS, "numba", "pcseg.sparse.backends.no_such_module:Backend")
    get_backend.cache_clear()
    try:
        assert pick_backend(CPU).name == "torch"
        assert available_backends("cpu")[0] == "torch"
        with pytest.raises(BackendError, match="'numba' cannot be loaded"):
            set_backend("numba")
    finally:
        get_backend.cache_clear()


def test_importing_the_core_loads_no_backend_library():
    libraries = {"numba", "triton", "spconv", "scipy"}
    program = f"import sys, pcseg.sparse; print(sorted({libraries} & set(sys.modules)))"
    child = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    assert child.stdout.strip() == "[]"


def test_probe_finds_the_cpu_backends_sound_and_spconv_unavailable():
    reports = {report.name: report for report in probing.probe_backends()}
    assert list(reports) == list(BACKENDS)
    assert reports["numba"].state == reports["torch"].state == "sound"
    assert "cpu" in reports["numba"].used_for
    if not torch.cuda.is_available():
        assert reports["triton"].state == "unavailable" or "TRITON_INTERPRET" in os.environ
        assert reports["spconv"].state == "unavailable"
        assert "wrong rows" in reports["spconv"].detail


FAULTS = {
    "crash": ("import os; os.abort()", "signal 6"),
    "hang": ("import time; time.sleep(60)", "no answer within"),
    "error": ("raise RuntimeError('no such kernel')", "no such kernel"),
    "wrong": ("import sys; sys.stdout.write('0.5')", "difference from dense conv3d 5.0e-01"),
    "nan": ("import sys; sys.stdout.write('Infinity')", "inf"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_probe_survives_faults(monkeypatch, fault):
    program, message = FAULTS[fault]
    real_run = subprocess.run

    def faulty(command, **options):
        return real_run([sys.executable, "-c", program], **options)

    monkeypatch.setattr(probing.subprocess, "run", faulty)
    sound, detail = probing._try_in_child("torch", "cpu", 2.0 if fault == "hang" else 60.0)
    assert not sound
    assert message in detail


def test_the_probe_notices_exchanged_rows(monkeypatch):
    backend = get_backend("torch")
    right = type(backend).forward

    def exchanged(self, feats, weight, kernel_map):
        out = right(self, feats, weight, kernel_map)
        out[[0, 1]] = out[[1, 0]]
        return out

    monkeypatch.setattr(type(backend), "forward", exchanged)
    with use_backend("torch"):
        assert probing.largest_error(CPU) > 0.01
