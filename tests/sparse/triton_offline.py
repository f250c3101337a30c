"""Compile every Triton kernel for an H100 without one, with all configs we ship; a program.

Writes a JSON list: for each kernel its name, arguments, registers of a thread, bytes of local
memory of a thread (spilled registers), bytes of shared memory, whether tensor cores are used, and
which numbers that are no constants would have it compiled anew for other values.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from pcseg.sparse.backends.triton import map_kernels, product_kernels, weight_kernels
from pcseg.sparse.backends.triton.configs import Shape, a_priori, candidates

H100 = GPUTarget("cuda", 90, 32)
SHARED_OF_AN_H100 = 227 * 1024
CUOBJDUMP = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
POINTERS = {"keys": "*i64", "targets": "*i64", "deltas": "*i64", "bits": "*i64", "total": "*fp32"}
POINTERS |= dict.fromkeys(("partials", "out", "shift"), "*fp32")
NUMBERS = {
    "num_rows",
    "num_keys",
    "num_targets",
    "num_blocks",
    "num_tiles",
    "num_out",
    "num_shares",
}
BOX = {"ox", "oy", "oz", "ex", "ey", "ez"}
NUMBERS |= {"steps", "sx", "sy", "sz"} | BOX
ELEMENTS = {"float16": "*fp16", "bfloat16": "*bf16", "float32": "*fp32", "tf32": "*fp32"}


def compiled(kernel, constants, element="*fp32", box="i32", **options) -> dict:
    """One kernel; arguments that are no constants have the type that their name says."""
    signature = {}
    for name in kernel.arg_names:
        if name in constants:
            signature[name] = "constexpr"
        elif name in BOX:
            signature[name] = box
        elif name in NUMBERS:
            signature[name] = "i32"
        elif name in ("x", "w", "y", "g", "residual"):
            signature[name] = element
        else:
            signature[name] = POINTERS.get(name, "*i32")
    places = {name: (i,) for i, name in enumerate(kernel.arg_names)}
    # Tensors start at multiples of 16 bytes, which is what the just-in-time compiler finds too.
    aligned = {p: [["tt.divisibility", 16]] for n, p in places.items() if signature[n][0] == "*"}
    source = ASTSource(kernel, signature, {places[n]: v for n, v in constants.items()}, aligned)
    made = triton.compile(source, target=H100, options=options)
    registers, local = usage(made.asm["cubin"])
    return {
        "kernel": kernel.__name__,
        "constants": {n: v for n, v in constants.items() if v is not None},
        "registers": registers,
        "local_bytes": local,
        "shared_bytes": made.metadata.shared,
        "tensor_cores": "wgmma" in made.asm["ptx"] or "mma.sync" in made.asm["ptx"],
        "asynchronous": "cp.async" in made.asm["ptx"],
        "specialised": [
            p.name for p in kernel.params if p.name in NUMBERS and not p.do_not_specialize
        ],
    }


def usage(cubin: bytes) -> tuple[int, int]:
    """Registers and local memory of a thread, as the tool that comes with Triton reads them."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        command = [CUOBJDUMP, "--dump-resource-usage", file.name]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    registers, stack, local = (
        int(re.search(rf"{name}:(\d+)", text)[1]) for name in ("REG", "STACK", "LOCAL")
    )
    return registers, stack + local


def maps():
    for kernel in (map_kernels.coarse_keys, map_kernels.keep_distinct):
        # A cloud may begin, or be, further than 2^31 voxels away.
        for box in ("i32", "i64"):
            yield compiled(kernel, {"BLOCK": 256}, box=box)
    for run in (1, 2, 3, 5):
        yield compiled(map_kernels.find_neighbours, {"RUN": run, "BLOCK": 256})
    for volume in (8, 27, 125):
        yield compiled(map_kernels.order_keys, {"VOLUME": volume, "BLOCK": 256})
        yield compiled(map_kernels.arrange_table, {"VOLUME": volume, "BLOCK": 32}, num_warps=1)
        sizes = {"VOLUME": volume, "WORDS": -(-volume // 32), "RATIO": 4, "TILES": 64}
        yield compiled(map_kernels.list_offsets, sizes)
    for kernel in (map_kernels.count_pairs, map_kernels.pack_pairs):
        yield compiled(kernel, {"BLOCK": 1024})


def products(shape: Shape, config, fused: bool):
    precision = "tf32" if shape.dtype == "tf32" else "ieee"
    rows, columns, depth = config.tile
    constants = {"CIN": shape.cin, "COUT": shape.cout, "PRECISION": precision}
    options = {"num_warps": config.warps, "num_stages": config.stages}
    planned = {"planned_bytes": config.shared_bytes(shape.itemsize)}
    element = ELEMENTS[shape.dtype]
    if shape.op == "weight":
        constants |= {"VOLUME": 27, "PADDED": 32, "MIRRORED": fused}
        constants |= {"INNER": rows, "COLUMNS": columns, "PAIRS": depth}
        yield compiled(weight_kernels.partial_sums, constants, element, **options) | planned
        return
    constants |= {
        "RELU": fused,
        "TURNED": not fused,
        "ROWS": rows,
        "COLUMNS": columns,
        "DEPTH": depth,
    }
    if not fused:
        constants |= {"shift": None, "residual": None}
    if shape.op == "masked":
        masked = {"VOLUME": 27, "REVERSED": not fused}
        yield (
            compiled(product_kernels.masked_product, constants | masked, element, **options)
            | planned
        )
    else:
        grouped = {"VOLUME": 8, "PADDED": 8}
        yield (
            compiled(product_kernels.grouped_product, constants | grouped, element, **options)
            | planned
        )


def everything(every_candidate: bool):
    yield from maps()
    yield compiled(weight_kernels.add_parts, {"SIZE": 4096, "VOLUME": 27, "BLOCK": 512})
    for dtype in ELEMENTS:
        for cin, cout in ((4, 32), (64, 64), (96, 128), (256, 256)):
            for op, volume in (("masked", 27), ("grouped", 8), ("weight", 27)):
                shape = Shape(op, volume, cin, cout, dtype, 17)
                first = a_priori(shape, SHARED_OF_AN_H100)
                every = candidates(shape, SHARED_OF_AN_H100) if every_candidate else [first]
                for config in every:
                    yield from products(shape, config, fused=cin == 64)


if __name__ == "__main__":
    json.dump(list(everything("--every" in sys.argv)), sys.stdout)
