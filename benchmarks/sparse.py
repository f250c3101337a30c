"""Sparse core: kernel maps, layers and whole networks, the numba backend against the torch one.

    python benchmarks/sparse.py [--quick] [--rounds 5] [--json FILE]

Rounds are interleaved, medians are printed, features and gradients are random, and the largest
difference between the backends stands beside every time. Memory is what a call adds to the peak
of a process of its own. On a machine that does other work, read the ratios. (The difference of
whole-network gradients is that of float32 sums that lead a ReLU to the other side of zero; in
float64 the backends agree to 1e-12, which the tests check.)
"""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Callable
from typing import Any

# Two threads that spin for each other on a busy machine make every figure random.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from _run import interleaved, options, peak_mb, record
from scenes import lidar_scan
from torch import Tensor, nn

from pcseg.files import write_json
from pcseg.models.minkunet import MinkUNet
from pcseg.models.points import Points
from pcseg.sparse import (
    SparseConv3d,
    SparseInverseConv3d,
    SparseTensor,
    SubMConv3d,
    pick_backend,
    use_backend,
    voxelize,
)
from pcseg.sparse.kernel import Kernel, make_kernel

ENGINES = ("numba", "torch")
VOXEL_M = 0.05
Program = Callable[[], Any]


def main() -> None:
    """Measure, print a table, write JSON."""
    arguments = parse()
    coords = scene(arguments.quick)
    print(f"lidar: {len(coords)} voxels at {VOXEL_M} m, {torch.get_num_threads()} threads")
    print(f"{'op':>16} {'numba ms':>10} {'torch ms':>10} {'ratio':>7} {'max diff':>10}", flush=True)
    rows = []
    for op, make in operations(coords, arguments.quick).items():
        rows += compare(op, make, arguments)
    if not arguments.no_memory:
        add_memory(rows, arguments.quick)
    if arguments.json:
        write_json(arguments.json, record(rows))


def compare(op: str, make: Callable[[], Program], arguments: argparse.Namespace) -> list[Any]:
    """Time one operation on all engines and print a line."""
    programs, results = {}, []
    for engine in ENGINES:
        program = on_engine(engine, make())
        results.append(program())
        programs[engine] = program
    taken = interleaved(programs, arguments.rounds, arguments.budget)
    worst = max(relative_difference(a, b) for a, b in zip(*results, strict=True))
    ratio = taken["torch"] / taken["numba"]
    print(f"{op:>16} {taken['numba']:10.1f} {taken['torch']:10.1f} {ratio:6.2f}x {worst:10.1e}")
    return [
        {
            "scene": "lidar",
            "op": op,
            "engine": e,
            "ms": taken[e],
            "peak_mb": None,
            "difference": worst,
        }
        for e in ENGINES
    ]


def relative_difference(a: Tensor, b: Tensor) -> float:
    """Largest difference, relative to the largest entry; infinite for other shapes."""
    if a.shape != b.shape:
        return float("inf")
    return float((a.double() - b.double()).abs().max() / b.double().abs().max().clamp(min=1e-30))


def add_memory(rows: list[dict[str, Any]], quick: bool) -> None:
    """Measure the peak memory of a whole training step on each engine; note it beside its time."""
    for row in rows:
        if row["op"] == "minkunet_fb":
            row["peak_mb"] = peak_mb(training_step, row["engine"], quick)
            print(f"{row['op']:>16} {row['engine']}: {row['peak_mb']:.0f} MB added at the peak")


def training_step(engine: str, quick: bool, warm: bool) -> None:
    """One forward and backward of the network; on few voxels if `warm`."""
    with use_backend(engine):
        coords = scene(quick)[:200] if warm else scene(quick)
        network(coords, quick, backward=True)()


def operations(coords: Tensor, quick: bool) -> dict[str, Callable[[], Program]]:
    """All operations by name; each is made anew for every engine, with the same random numbers."""
    widths = (32, 64) if quick else (32, 64, 128)
    made: dict[str, Callable[[], Program]] = {
        "map3": lambda: functools.partial(build_maps, coords, [make_kernel(3)]),
        "map3+down": lambda: functools.partial(
            build_maps, coords, [make_kernel(3), make_kernel(2, 2)]
        ),
    }
    for width in widths:
        for suffix, backward in (("f", False), ("fb", True)):
            made[f"subm{width}_{suffix}"] = functools.partial(
                layer, coords, [SubMConv3d], width, backward
            )
    for suffix, backward in (("f", False), ("fb", True)):
        made[f"down64_{suffix}"] = functools.partial(layer, coords, [SparseConv3d], 64, backward)
        made[f"down_up64_{suffix}"] = functools.partial(
            layer, coords, [SparseConv3d, SparseInverseConv3d], 64, backward
        )
        made[f"minkunet_{suffix}"] = functools.partial(network, coords, quick, backward)
    return made


def build_maps(coords: Tensor, kernels: list[Kernel]) -> list[Tensor]:
    """Kernel maps from coordinates alone: of one level, and onto coarser ones."""
    tensor = SparseTensor(torch.empty(len(coords), 0), coords)
    level, maps, backend = tensor.level, tensor.maps, pick_backend(tensor.device)
    rows = []
    for kernel in kernels:
        coarse = maps.coarser(level, kernel.stride, backend)
        found = maps.kernel_map(level, coarse, kernel, backend)
        rows += [found.in_rows, found.out_rows]
    return rows


def layer(coords: Tensor, kinds: list[type[nn.Module]], width: int, backward: bool) -> Program:
    """Forward, or forward and both gradients, of layers whose maps exist already."""
    torch.manual_seed(0)
    layers = nn.Sequential(*(kind(width, width) for kind in kinds))
    start = SparseTensor(torch.randn(len(coords), width), coords)
    shape = layers(start).feats.shape
    return stepper(layers, lambda: start, torch.randn(shape), backward)


def network(coords: Tensor, quick: bool, backward: bool) -> Program:
    """MinkUNet with maps built anew in every call, as for a new scan."""
    torch.manual_seed(0)
    net = MinkUNet(4, 19, width=0.5 if quick else 1.0)
    feats = torch.randn(len(coords), 4)
    nobody = Points(feats[:0], torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))

    class Rows(nn.Module):
        def forward(self, voxels: SparseTensor) -> SparseTensor:
            return voxels.replace(net(voxels, nobody))

    step = Rows()
    step.net = net
    step.train(backward)
    return stepper(
        step, lambda: SparseTensor(feats, coords), torch.randn(len(coords), 19), backward
    )


def stepper(
    module: nn.Module, start: Callable[[], SparseTensor], gradient: Tensor, backward: bool
) -> Program:
    """A program that returns the output, and all gradients if `backward`."""

    def forward() -> list[Tensor]:
        with torch.no_grad():
            return [module(start()).feats]

    def forward_backward() -> list[Tensor]:
        tensor = start()
        feats = tensor.feats.detach().requires_grad_()
        out = module(tensor.replace(feats)).feats
        inputs = [feats, *module.parameters()]
        return [out.detach(), *torch.autograd.grad(out, inputs, gradient)]

    return forward_backward if backward else forward


def on_engine(engine: str, program: Program) -> Program:
    """The program, run with a backend."""

    def run() -> Any:
        with use_backend(engine):
            return program()

    return run


def scene(quick: bool) -> Tensor:
    """(V, 4) voxels of the scan."""
    points = lidar_scan(columns=500 if quick else 2000)
    coords, _ = voxelize(points, VOXEL_M)
    return torch.from_numpy(coords)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = options(__doc__, quick="a quarter of the scan, half the width")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--budget", type=float, default=30.0, help="seconds for each line")
    parser.add_argument("--no-memory", action="store_true", help="do not measure memory")
    return parser.parse_args()


if __name__ == "__main__":
    main()
