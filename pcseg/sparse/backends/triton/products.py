"""Products: launches of the kernels that apply a map and make the gradient of its weight."""

from __future__ import annotations

import torch
from torch import Tensor

from pcseg.sparse.backends.base import PLAIN, Epilogue
from pcseg.sparse.backends.triton import product_kernels, weight_kernels
from pcseg.sparse.backends.triton.configs import Config, Shape
from pcseg.sparse.backends.triton.launch import blocks, device_of
from pcseg.sparse.backends.triton.plan import pairs_of, plan_of
from pcseg.sparse.backends.triton.tuning import choose
from pcseg.sparse.kernel_map import KernelMap

_PROGRAMS = 1024
"""Programs that a weight gradient is divided into, if there are pairs for so many: several for each
of a large GPU's processors. Their partial sums take 16 MiB at 64 x 64 channels a program, and those
of the borders between offsets as much again as the gradient."""

_LEAST_STEPS = 16
"""Steps of pairs that a share has at least, were all neighbours there."""

_ADD_BLOCK = 512


def convolve(
    feats: Tensor, weight: Tensor, kernel_map: KernelMap, epilogue: Epilogue = PLAIN
) -> Tensor:
    """``y[o] = sum of x[i] @ weight[k]`` over the pairs of a map, then the epilogue.

    Args:
        feats: (num_in, Cin) contiguous float16, bfloat16 or float32.
        weight: (K, Cin, Cout) of the same dtype, in any strides.
        kernel_map: the pairs.
        epilogue: what to do to the output at once.

    Returns:
        (num_out, Cout) in the dtype of `feats`; sums are float32.
    """
    volume, cin, cout = weight.shape
    y = feats.new_empty((kernel_map.num_out, cout))
    if y.numel() == 0:
        return y
    residual = epilogue.residual
    finish = epilogue.shift, None if residual is None else residual.contiguous()
    turned = not weight.is_contiguous() and weight.mT.is_contiguous()
    weight = weight.mT if turned else weight.contiguous()
    fixed = {
        "VOLUME": volume,
        "CIN": cin,
        "COUT": cout,
        "TURNED": turned,
        "RELU": epilogue.relu,
        "PRECISION": precision(feats),
    }

    def masked(config: Config) -> None:
        plan, is_reversed = plan_of(kernel_map)
        rows, columns, depth = config.tile
        lists, counts = plan.tiles(rows)
        product_kernels.masked_product[(len(counts) * blocks(cout, columns),)](
            *(feats, weight, y, plan.table, plan.order, lists, counts, *finish),
            kernel_map.num_out,
            **(fixed | {"REVERSED": is_reversed, "ROWS": rows, "COLUMNS": columns, "DEPTH": depth}),
            num_warps=config.warps,
            num_stages=config.stages,
        )

    def grouped(config: Config) -> None:
        pairs = pairs_of(kernel_map)
        rows, columns, depth = config.tile
        # Each offset may have one tile that is not full.
        tiles = blocks(kernel_map.num_out, rows) + volume
        product_kernels.grouped_product[(tiles * blocks(cout, columns),)](
            *(feats, weight, y, pairs.in_rows, pairs.out_rows, pairs.starts, *finish),
            PADDED=_padded(volume),
            **(fixed | {"ROWS": rows, "COLUMNS": columns, "DEPTH": depth}),
            num_warps=config.warps,
            num_stages=config.stages,
        )

    # The children of a partition have one parent each.
    is_grouped = kernel_map.partition and kernel_map.is_transposed
    run = grouped if is_grouped else masked
    shape = shape_of("grouped" if is_grouped else "masked", feats, cin, cout, kernel_map)
    with device_of(feats):
        run(choose(shape, feats.device, run))
    return y


def weight_gradient(feats: Tensor, grad: Tensor, kernel_map: KernelMap) -> Tensor:
    """``sum of x[i]^T g[o]`` over the pairs of each offset, the same bits at every call.

    Args:
        feats: (num_in, Cin) contiguous float16, bfloat16 or float32.
        grad: (num_out, Cout) contiguous, of the same dtype.
        kernel_map: the pairs.

    Returns:
        (K, Cin, Cout) float32.
    """
    volume, cin, cout = kernel_map.volume, feats.shape[1], grad.shape[1]
    out = torch.empty((volume, cin, cout), dtype=torch.float32, device=feats.device)
    if out.numel() == 0:
        return out
    pairs = pairs_of(kernel_map)
    # By numbers that the host knows, so that the same call is divided the same way.
    at_most = volume * kernel_map.num_out if pairs.mirrored else len(pairs.in_rows)

    def run(config: Config) -> None:
        inner, columns, depth = config.tile
        tiles = blocks(cin, inner) * blocks(cout, columns)
        shares = max(1, min(_PROGRAMS // tiles, int(at_most // (_LEAST_STEPS * depth))))
        partials = out.new_empty((shares + volume - 1, cin, cout))
        weight_kernels.partial_sums[shares, tiles](
            *(feats, grad, pairs.in_rows, pairs.out_rows, pairs.starts, partials),
            VOLUME=volume,
            PADDED=_padded(volume),
            CIN=cin,
            COUT=cout,
            MIRRORED=pairs.mirrored,
            PRECISION=precision(feats),
            INNER=inner,
            COLUMNS=columns,
            PAIRS=depth,
            num_warps=config.warps,
            num_stages=config.stages,
        )
        weight_kernels.add_parts[blocks(cin * cout, _ADD_BLOCK), volume](
            *(partials, pairs.starts, out, shares),
            SIZE=cin * cout,
            VOLUME=volume,
            BLOCK=_ADD_BLOCK,
        )

    shape = shape_of("weight", feats, cin, cout, kernel_map)
    with device_of(feats):
        run(choose(shape, feats.device, run))
    return out


def shape_of(op: str, feats: Tensor, cin: int, cout: int, kernel_map: KernelMap) -> Shape:
    """What the choice of a config depends on."""
    name = "tf32" if precision(feats) == "tf32" else str(feats.dtype).removeprefix("torch.")
    log2_rows = max(kernel_map.num_out, 1).bit_length() - 1
    return Shape(op, kernel_map.volume, cin, cout, name, log2_rows)


def precision(feats: Tensor) -> str:
    """How float32 is multiplied: as torch multiplies matrices on CUDA."""
    if feats.dtype != torch.float32:
        return "ieee"
    matmul = torch.backends.cuda.matmul
    # The newer switch follows the older one; reading the older after setting the newer is an error.
    if hasattr(matmul, "fp32_precision"):
        return "tf32" if matmul.fp32_precision == "tf32" else "ieee"
    return "tf32" if matmul.allow_tf32 else "ieee"


def _padded(volume: int) -> int:
    """The power of two of at least `volume` that a vector of offsets needs."""
    return 1 << (volume - 1).bit_length()
