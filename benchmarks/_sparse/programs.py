"""Program: an operation made ready on one engine, to be run, and its results in one order of rows.

Features, weights and gradients are the same random numbers for every engine. Gradients differ from
row to row: constant ones would hide rows that were mixed up.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from _sparse.engines.base import Engine
from _sparse.networks import IN_CHANNELS
from _sparse.ops import Op
from _sparse.weights import draw, fill, gradients, parameters

DTYPES = {
    "float32": torch.float32,
    "tf32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
"""Number formats by name; tf32 is float32 with the tensor cores allowed to round."""


@dataclass(frozen=True)
class Program:
    """What is timed, and what is compared.

    Attributes:
        run: does the work once; its result is thrown away.
        result: does it once and returns tensors that do not depend on the engine's order of rows.
    """

    run: Callable[[], Any]
    result: Callable[[], list[Tensor]]


def make_program(engine: Engine, op: Op, coords: Tensor, dtype: str) -> Program:
    """Prepare an operation: what is not to be timed happens here.

    Args:
        engine: to run it.
        op: what to do.
        coords: (V, 4) int32 voxels on the engine's device, in key order.
        dtype: a key of `DTYPES`.
    """
    if op.kind == "map":
        return _map_program(engine, op, coords)
    if op.kind == "net":
        return _network_program(engine, op, coords, dtype)
    return _layer_program(engine, op, coords, dtype)


def order_of(voxels: Tensor) -> Tensor:
    """(V,) the order that sorts (V, 4) voxels by batch, x, y, z."""
    return key_of(voxels).argsort()


def key_of(numbers: Tensor) -> Tensor:
    """(N,) int64, one number for (N, 4) that are not negative and below 2^15."""
    key = torch.zeros(len(numbers), dtype=torch.int64)
    for column in numbers.long().unbind(1):
        key = key * (1 << 15) + column
    return key


def _map_program(engine: Engine, op: Op, coords: Tensor) -> Program:
    def result() -> list[Tensor]:
        found = []
        for offsets, fine, coarse in engine.pairs(engine.build_maps(coords, op.strided)):
            first, order = key_of(torch.cat([offsets[:, None], fine[:, 1:]], 1)).sort()
            found.append(torch.stack([first, key_of(coarse)[order]], 1))
        return found

    return Program(lambda: engine.build_maps(coords, op.strided), result)


def _layer_program(engine: Engine, op: Op, coords: Tensor, dtype: str) -> Program:
    number, width = DTYPES[dtype], op.width
    feats = draw("features", len(coords), width).to(engine.device, number)
    make = {"subm": engine.subm, "down": engine.down, "up": engine.up}[op.kind]
    conv = make(width, width, 0).to(engine.device)
    fill(engine, conv)
    conv.to(number)
    x = engine.tensor(coords, feats)
    if op.kind == "up":
        down = engine.down(width, width, 0).to(engine.device, number)
        with torch.no_grad():
            x = down(x)
        order = order_of(engine.rows(x)).to(engine.device)
        coarse = torch.empty_like(engine.feats(x))
        coarse[order] = draw("coarse", len(order), width).to(coarse)
        x = engine.replace(x, coarse)
    with torch.no_grad():
        x = engine.with_maps_of(x, conv(x))
    return _stepper(engine, conv, lambda: x, op.backward, contextlib.nullcontext)


def _network_program(engine: Engine, op: Op, coords: Tensor, dtype: str) -> Program:
    number = DTYPES[dtype]
    position = coords.float()
    position[:, 1:] += torch.rand(len(coords), 3, generator=torch.Generator().manual_seed(0)).to(
        position
    )
    feats = draw("features", len(coords), IN_CHANNELS).to(engine.device, number)
    net = engine.network(op.network, position).to(engine.device)
    fill(engine, net)
    net.train(op.backward)
    half = number != torch.float32
    if half and engine.device.type == "cpu":
        net.to(number)
    mixed = half and engine.device.type == "cuda"

    def autocast() -> Any:
        return torch.autocast("cuda", number) if mixed else contextlib.nullcontext()

    def start() -> Any:
        return engine.tensor(coords, feats)

    if op.cached:
        with torch.no_grad(), autocast():
            x = start()
            x = engine.with_maps_of(x, net(x))
        start = lambda: x  # noqa: E731 - the same name, now without new maps
    return _stepper(engine, net, start, op.backward, autocast)


def _stepper(
    engine: Engine,
    module: nn.Module,
    start: Callable[[], Any],
    backward: bool,
    precision: Callable[[], Any],
) -> Program:
    inputs = parameters(engine, module)
    known: list[Tensor] = []

    def forward() -> Any:
        with torch.no_grad(), precision():
            return module(start())

    def gradient(out: Any) -> Tensor:
        """Random numbers that go by voxel, in the engine's order of rows."""
        feats, order = engine.feats(out), order_of(engine.rows(out)).to(engine.device)
        grad = torch.empty_like(feats)
        grad[order] = draw("gradient", *feats.shape).to(grad)
        return grad

    def step(known: list[Tensor]) -> tuple[Any, Any, tuple[Tensor, ...]]:
        x = start()
        leaf = engine.feats(x).detach().requires_grad_()
        with precision():
            out = module(engine.replace(x, leaf))
        if not known:
            known.append(gradient(out))
        return x, out, torch.autograd.grad(engine.feats(out), [leaf, *inputs], known[0])

    def result() -> list[Tensor]:
        if not backward:
            return [_by_voxel(engine, out := forward(), engine.feats(out))]
        x, out, (first, *rest) = step([])
        return [
            _by_voxel(engine, out, engine.feats(out)),
            _by_voxel(engine, x, first),
            *(grad.float().cpu() for grad in gradients(engine, module, rest)),
        ]

    return Program(lambda: step(known) if backward else forward(), result)


def _by_voxel(engine: Engine, x: Any, values: Tensor) -> Tensor:
    return values.detach().float().cpu()[order_of(engine.rows(x))]
