"""The one operation of the sparse core: apply weights along a kernel map, with gradients or not."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pcseg.errors import DataError
from pcseg.sparse.backends import pick_backend
from pcseg.sparse.backends.base import PLAIN, Backend, Epilogue, sum_dtype
from pcseg.sparse.kernel_map import KernelMap
from pcseg.sparse.ops import as_given, like


def convolve(
    feats: Tensor, weight: Tensor, kernel_map: KernelMap, bias: Tensor | None = None
) -> Tensor:
    """``y[o] = bias + sum of x[i] @ weight[k]`` over the pairs (k, i, o) of a kernel map.

    Differentiable once in features, weight and bias. The backend is the one chosen for the device
    of `feats` at the time of the call (of the compilation, under torch.compile); its gradients run
    on the same backend.

    Args:
        feats: (num_in, Cin).
        weight: (K, Cin, Cout).
        kernel_map: which rows meet under which kernel offset.
        bias: (Cout,) or None.

    Returns:
        (num_out, Cout) in the dtype of `feats`, or in the autocast dtype on CUDA. On a CPU
        autocast changes nothing, and the arithmetic of half-precision features is float32.

    Raises:
        DataError: if channels or rows do not fit.
        BackendError: if the chosen backend cannot be used on this device.
    """
    _check(feats, weight, kernel_map)
    feats = _autocast(feats)
    if torch.compiler.is_compiling():
        out: Tensor = torch.ops.pcseg.convolve(feats, weight, *_for_operator(feats, kernel_map))
    else:
        # Not through the operator: in eager mode its way in and out of PyTorch's dispatcher was
        # measured to cost 0.2 ms forward and 0.3 ms backward more than that of a function.
        out = _Convolve.apply(feats, weight, kernel_map, pick_backend(feats.device))
    return out if bias is None else out + bias.to(out.dtype)


def infer(
    feats: Tensor, weight: Tensor, kernel_map: KernelMap, epilogue: Epilogue = PLAIN
) -> Tensor:
    """`convolve`, and what follows it, in one step; never differentiated.

    Args:
        feats: (num_in, Cin).
        weight: (K, Cin, Cout).
        kernel_map: which rows meet under which kernel offset.
        epilogue: what is done to the output.

    Returns:
        (num_out, Cout) as `convolve`.

    Raises:
        DataError: if channels or rows do not fit.
        BackendError: if the chosen backend cannot be used on this device.
    """
    _check(feats, weight, kernel_map)
    _check_epilogue(epilogue, (kernel_map.num_out, weight.shape[2]))
    feats = _autocast(feats)
    shift, residual = epilogue.shift, epilogue.residual
    if shift is not None:
        shift = shift.to(sum_dtype(feats.dtype))
    if residual is not None:
        residual = like(residual, feats)
    if torch.compiler.is_compiling():
        places = _for_operator(feats, kernel_map)
        out: Tensor = torch.ops.pcseg.convolve_fused(
            feats, weight, *places, shift, residual, epilogue.relu
        )
        return out
    epilogue = Epilogue(shift, residual, epilogue.relu)
    with torch.no_grad(), as_given():
        return pick_backend(feats.device).forward(
            feats.contiguous(), like(weight, feats), kernel_map, epilogue
        )


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, feats: Tensor, weight: Tensor, kernel_map: KernelMap, backend: Backend
    ) -> Tensor:
        ctx.save_for_backward(feats, weight)
        ctx.kernel_map, ctx.backend = kernel_map, backend
        with as_given():
            return backend.forward(feats.contiguous(), like(weight, feats), kernel_map)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        feats, weight = ctx.saved_tensors
        grad = like(grad, feats)
        grad_feats = grad_weight = None
        with as_given():
            if ctx.needs_input_grad[0]:
                grad_feats = ctx.backend.grad_input(grad, like(weight, feats), ctx.kernel_map)
            if ctx.needs_input_grad[1]:
                grad_weight = ctx.backend.grad_weight(feats.contiguous(), grad, ctx.kernel_map)
                grad_weight = grad_weight.to(weight.dtype)
        return grad_feats, grad_weight, None, None


def _autocast(feats: Tensor) -> Tensor:
    if feats.is_cuda and torch.is_autocast_enabled("cuda"):
        return feats.to(torch.get_autocast_dtype("cuda"))
    return feats


def _for_operator(feats: Tensor, kernel_map: KernelMap) -> tuple[list[Tensor], int, int, str]:
    """A map and the backend's name, as the operators take them."""
    # Imported while tracing only, for it loads the compiler.
    from pcseg.sparse.tracing import backend_name

    name: str = backend_name(feats.device.type)
    return kernel_map.tensors(), kernel_map.num_in, kernel_map.num_out, name


def _check(feats: Tensor, weight: Tensor, kernel_map: KernelMap) -> None:
    if weight.dim() != 3 or feats.shape[1] != weight.shape[1]:
        raise DataError(
            f"features with {feats.shape[1]} channels do not fit a weight of shape "
            f"{tuple(weight.shape)} (kernel volume, channels in, channels out)."
        )
    if len(feats) != kernel_map.num_in or len(weight) != kernel_map.volume:
        raise DataError(
            f"{len(feats)} rows and {len(weight)} kernel offsets do not fit a kernel map of "
            f"{kernel_map.num_in} rows and {kernel_map.volume} offsets."
        )


def _check_epilogue(epilogue: Epilogue, shape: tuple[int, int]) -> None:
    for value, wanted in ((epilogue.shift, shape[1:]), (epilogue.residual, shape)):
        if value is not None and value.shape != wanted:
            raise DataError(f"{tuple(value.shape)} cannot be added to an output of {shape}.")
