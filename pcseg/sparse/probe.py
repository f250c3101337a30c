"""Probing: is a backend sound on this machine? Tried in a child process, judged by dense conv3d.

A backend that crashes the interpreter, hangs or computes wrong numbers does so in the child.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pcseg.errors import BackendError
from pcseg.sparse.backends import (
    BACKENDS,
    available_backends,
    pick_backend,
    unavailable_reason,
    use_backend,
)
from pcseg.sparse.conv import SparseConv3d, SparseInverseConv3d, SubMConv3d
from pcseg.sparse.tensor import SparseTensor

_Run = Callable[[Tensor], Tensor]

TOLERANCE = 1e-4
_REPEATS = 3
_SIDE = 12


@dataclass(frozen=True)
class BackendReport:
    """What a probe found.

    Attributes:
        name: of the backend.
        state: ``"sound"``, ``"unavailable"`` (it cannot work here) or ``"unsound"`` (it crashed,
            hung, or gave wrong numbers).
        detail: the reason, or the largest error found.
        used_for: the devices that use it now, such as ``("cpu",)``.
    """

    name: str
    state: str
    detail: str
    used_for: tuple[str, ...]


def probe_backends(timeout_s: float = 180.0) -> list[BackendReport]:
    """Try every backend on every device it can work on.

    Args:
        timeout_s: how long one backend may take on one device, compilation included.
    """
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    used = {device: _used_on(device) for device in devices}
    reports = []
    for name in BACKENDS:
        usable = [device for device in devices if name in available_backends(device)]
        used_for = tuple(device for device in devices if used[device] == name)
        if not usable:
            reasons = {unavailable_reason(name, torch.device(device)) for device in devices}
            detail = "; ".join(sorted(reason for reason in reasons if reason))
            reports.append(BackendReport(name, "unavailable", detail, used_for))
            continue
        outcomes = [_try_in_child(name, device, timeout_s) for device in usable]
        state = "sound" if all(sound for sound, _ in outcomes) else "unsound"
        details = [f"{d}: {text}" for d, (_, text) in zip(usable, outcomes, strict=True)]
        reports.append(BackendReport(name, state, "; ".join(details), used_for))
    return reports


def largest_error(device: torch.device) -> float:
    """Compare the current backend with dense conv3d on a filled grid, several times over.

    All three kinds of layers, their outputs and gradients, with random place-dependent features
    and gradients: constant ones cannot show that rows were exchanged.

    Returns:
        The largest absolute difference found.
    """
    worst = 0.0
    for repeat in range(_REPEATS):
        torch.manual_seed(repeat)
        feats = torch.randn(_SIDE**3, 8, device=device)
        layers: list[nn.Module] = [
            SubMConv3d(8, 16, 3),
            SparseConv3d(16, 8, 2),
            SparseInverseConv3d(8, 8, 2),
        ]
        weights = [layer.to(device).get_parameter("weight") for layer in layers]
        ours = _gradients(_sparse(layers, device), feats, weights)
        theirs = _gradients(_dense(weights), feats, weights)
        for a, b in zip(ours, theirs, strict=True):
            worst = max(worst, float((a - b).abs().max()) if a.isfinite().all() else float("inf"))
    return worst


def _used_on(device: str) -> str | None:
    try:
        return pick_backend(torch.device(device)).name
    except BackendError:
        return None


def _try_in_child(name: str, device: str, timeout_s: float) -> tuple[bool, str]:
    command = [sys.executable, "-m", "pcseg.sparse.probe", name, device]
    try:
        child = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return False, f"gave no answer within {timeout_s:g} s"
    if child.returncode < 0:
        return False, f"crashed the interpreter (signal {-child.returncode})"
    if child.returncode:
        lines = child.stderr.strip().splitlines()
        return False, lines[-1] if lines else f"ended with status {child.returncode}"
    error = float(json.loads(child.stdout.strip().splitlines()[-1]))
    verdict = f"largest difference from dense conv3d {error:.1e}"
    return error <= TOLERANCE, verdict


def _sparse(layers: Sequence[nn.Module], device: torch.device) -> _Run:
    axis = torch.arange(_SIDE, dtype=torch.int32, device=device)
    grid = torch.cartesian_prod(axis, axis, axis)
    coords = F.pad(grid, (1, 0))

    def run(feats: Tensor) -> Tensor:
        tensor = SparseTensor(feats, coords)
        for layer in layers:
            tensor = layer(tensor)
        return tensor.feats

    return run


def _dense(weights: Sequence[Tensor]) -> _Run:
    def run(feats: Tensor) -> Tensor:
        grid = feats.t().reshape(1, -1, _SIDE, _SIDE, _SIDE)
        first, second, third = (
            w.reshape(*[round(len(w) ** (1 / 3))] * 3, *w.shape[1:]) for w in weights
        )
        grid = F.conv3d(grid, first.permute(4, 3, 0, 1, 2), padding=1)
        grid = F.conv3d(grid, second.permute(4, 3, 0, 1, 2), stride=2)
        grid = F.conv_transpose3d(grid, third.permute(3, 4, 0, 1, 2), stride=2)
        return grid.flatten(2)[0].t()

    return run


def _gradients(run: _Run, feats: Tensor, weights: Sequence[Tensor]) -> list[Tensor]:
    """The output, and the gradients of features and weights under one random output gradient."""
    feats = feats.clone().requires_grad_()
    out = run(feats)
    generator = torch.Generator().manual_seed(1)
    seed = torch.randn(out.shape, generator=generator).to(out.device)
    return [out.detach(), *torch.autograd.grad(out, [feats, *weights], seed)]


if __name__ == "__main__":
    # TF32, torch's default for dense convolutions on CUDA, would blur the yardstick.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    with use_backend(sys.argv[1]):
        sys.stdout.write(json.dumps(largest_error(torch.device(sys.argv[2]))) + "\n")
