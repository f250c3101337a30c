"""A convolution and the norm behind it as one step: in inference, one pass over the output."""

from __future__ import annotations

import torch
from torch import Tensor

from pcseg.errors import DataError
from pcseg.sparse.backends.base import Epilogue
from pcseg.sparse.conv import Convolution, route
from pcseg.sparse.functional import infer
from pcseg.sparse.level import Level
from pcseg.sparse.norm import BatchNorm, is_plain, is_watched, keeps_statistics, scale_and_shift
from pcseg.sparse.tensor import SparseTensor


def convolve_norm(
    conv: Convolution,
    norm: BatchNorm,
    tensor: SparseTensor,
    residual: SparseTensor | None = None,
    relu: bool = False,
) -> SparseTensor:
    """``relu(norm(conv(x)) + residual)`` in as few passes over memory as there can be.

    Where no gradient is asked for and the norm uses its running statistics, its scale goes into
    the weight, and the rest into the end of the convolution.

    Args:
        conv: any convolution.
        norm: of its output.
        tensor: (V, Cin).
        residual: (V', Cout) on the voxels of the output, or None.
        relu: whether negative values become zero.

    Raises:
        DataError: if channels do not fit, or the residual is on other voxels.
    """
    if not _can_fold(conv, norm, tensor, residual):
        return norm(conv(tensor), residual, relu)
    level, kernel_map = route(conv, tensor)
    if not _folding_pays(conv, tensor, kernel_map.num_out):
        return norm(conv(tensor), residual, relu)
    scale, shift = scale_and_shift(norm.bn)
    if conv.bias is not None:
        shift = shift + conv.bias * scale
    added = None
    if residual is not None:
        _check_residual(conv, level, residual)
        added = residual.feats
    epilogue = Epilogue(shift, added, relu)
    feats = infer(tensor.feats, conv.weight * scale, kernel_map, epilogue)
    return SparseTensor.on(level, feats, tensor.maps)


def _can_fold(
    conv: Convolution, norm: BatchNorm, tensor: SparseTensor, residual: SparseTensor | None
) -> bool:
    if not is_plain(conv, Convolution) or not is_plain(norm, BatchNorm):
        return False
    inner = norm.bn
    if inner.training or not keeps_statistics(inner) or is_watched(inner):
        return False
    if not torch.is_grad_enabled():
        return True
    involved: list[Tensor | None] = [tensor.feats, conv.weight, conv.bias, inner.weight, inner.bias]
    involved.append(None if residual is None else residual.feats)
    return not any(t is not None and t.requires_grad for t in involved)


def _folding_pays(conv: Convolution, tensor: SparseTensor, num_out: int) -> bool:
    # Folded anew in every call: kept, it would be stale after a change of the weight that nothing
    # tells of. On a CPU that costs a pass over the weight, and saves one over the output. On other
    # devices, and for a compiler, fewer steps are better whatever the sizes.
    if tensor.feats.device.type != "cpu" or torch.compiler.is_compiling():
        return True
    return conv.kernel.volume * conv.in_channels <= num_out


def _check_residual(conv: Convolution, level: Level, residual: SparseTensor) -> None:
    there = residual.level
    if there is level or (there.stride == level.stride and torch.equal(there.coords, level.coords)):
        return
    raise DataError(
        f"the residual, {residual}, is on different voxels than the output of "
        f"{type(conv).__name__}({conv.extra_repr()}), which has {len(level)} of stride "
        f"{level.stride}. Both must come from the same coordinates."
    )
