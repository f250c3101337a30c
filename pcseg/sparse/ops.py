"""The convolution as PyTorch operators of tensors only, which torch.compile takes as they are.

A kernel map travels as its tensors. What backends noted on it would be lost on the way, so living
maps are found again by where their facts lie in memory; a map that is gone is made anew from the
tensors, once for as long as those live. In eager mode the layers do without these operators: see
`pcseg.sparse.functional`.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from pcseg.sparse.backends import get_backend
from pcseg.sparse.backends.base import Epilogue, sum_dtype
from pcseg.sparse.kernel_map import KernelMap

_WHERE = "Tensor[] rows, SymInt num_in, SymInt num_out, str backend"
_ENDING = "Tensor? shift, Tensor? residual, bool relu"

_LIVING: WeakValueDictionary[int, KernelMap] = WeakValueDictionary()

_REBUILT: MutableMapping[Tensor, KernelMap] = WeakTensorKeyDictionary()
"""Maps made anew, by the facts that they were made from; they do not hold those themselves."""


def remember(kernel_map: KernelMap) -> None:
    """Let the operators find this very map again, with its notes, for as long as it lives.

    Levels do so with the maps that they build. Make sure of it for maps made in other ways: their
    facts are then computed before a compiler meets them, which cannot trace that on every Python.
    """
    _LIVING[kernel_map.tensors()[-1].data_ptr()] = kernel_map


@torch.library.custom_op(
    "pcseg::convolve",
    mutates_args=(),
    schema=f"(Tensor feats, Tensor weight, {_WHERE}) -> Tensor",
)
def convolve(
    feats: Tensor, weight: Tensor, rows: Sequence[Tensor], num_in: int, num_out: int, backend: str
) -> Tensor:
    """``y[o] = sum of x[i] @ weight[k]`` over the pairs of a map, (num_out, Cout) as `feats`.

    Args:
        feats: (num_in, Cin).
        weight: (K, Cin, Cout), of any floating dtype.
        rows: `KernelMap.tensors`.
        num_in: rows of the input.
        num_out: rows of the output.
        backend: the name of who computes it, and its gradients.
    """
    kernel_map = _found(rows, num_in, num_out)
    with as_given():
        out = get_backend(backend).forward(feats.contiguous(), like(weight, feats), kernel_map)
    return out.contiguous()


@torch.library.custom_op(
    "pcseg::convolve_fused",
    mutates_args=(),
    schema=f"(Tensor feats, Tensor weight, {_WHERE}, {_ENDING}) -> Tensor",
)
def convolve_fused(
    feats: Tensor,
    weight: Tensor,
    rows: Sequence[Tensor],
    num_in: int,
    num_out: int,
    backend: str,
    shift: Tensor | None,
    residual: Tensor | None,
    relu: bool,
) -> Tensor:
    """`convolve` with an `Epilogue`; not differentiable."""
    kernel_map = _found(rows, num_in, num_out)
    epilogue, weight = Epilogue(shift, residual, relu), like(weight, feats)
    with as_given():
        out = get_backend(backend).forward(feats.contiguous(), weight, kernel_map, epilogue)
    return out.contiguous()


@torch.library.custom_op(
    "pcseg::convolve_grad_input",
    mutates_args=(),
    schema=f"(Tensor grad, Tensor weight, {_WHERE}) -> Tensor",
)
def _grad_input(
    grad: Tensor, weight: Tensor, rows: Sequence[Tensor], num_in: int, num_out: int, backend: str
) -> Tensor:
    kernel_map = _found(rows, num_in, num_out)
    with as_given():
        found = get_backend(backend).grad_input(grad.contiguous(), like(weight, grad), kernel_map)
    return found.contiguous()


@torch.library.custom_op(
    "pcseg::convolve_grad_weight",
    mutates_args=(),
    schema=f"(Tensor feats, Tensor grad, {_WHERE}, SymInt volume) -> Tensor",
)
def _grad_weight(
    feats: Tensor,
    grad: Tensor,
    rows: Sequence[Tensor],
    num_in: int,
    num_out: int,
    backend: str,
    volume: int,
) -> Tensor:
    kernel_map = _found(rows, num_in, num_out)
    with as_given():
        found = get_backend(backend).grad_weight(feats.contiguous(), grad.contiguous(), kernel_map)
    return found.to(sum_dtype(feats.dtype)).contiguous()


def _fake_convolve(
    feats: Tensor, weight: Tensor, rows: Sequence[Tensor], num_in: int, num_out: int, *_: Any
) -> Tensor:
    return feats.new_empty((num_out, weight.shape[2]))


def _fake_grad_input(
    grad: Tensor, weight: Tensor, rows: Sequence[Tensor], num_in: int, *_: Any
) -> Tensor:
    return grad.new_empty((num_in, weight.shape[1]))


def _fake_grad_weight(
    feats: Tensor,
    grad: Tensor,
    rows: Sequence[Tensor],
    num_in: int,
    num_out: int,
    backend: str,
    volume: int,
) -> Tensor:
    shape = (volume, feats.shape[1], grad.shape[1])
    return feats.new_empty(shape, dtype=sum_dtype(feats.dtype))


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    feats, weight, rows, *ctx.others = inputs
    ctx.save_for_backward(feats, weight, *rows)


def _backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    feats, weight, *rows = ctx.saved_tensors
    grad = grad.to(feats.dtype)
    grad_feats = grad_weight = None
    if ctx.needs_input_grad[0]:
        grad_feats = _grad_input(grad, weight, rows, *ctx.others)
    if ctx.needs_input_grad[1]:
        grad_weight = _grad_weight(feats, grad, rows, *ctx.others, weight.shape[0])
        grad_weight = grad_weight.to(weight.dtype)
    return grad_feats, grad_weight, [None] * len(rows), None, None, None


convolve.register_fake(_fake_convolve)
convolve.register_autograd(_backward, setup_context=_keep)
convolve_fused.register_fake(_fake_convolve)
_grad_input.register_fake(_fake_grad_input)
_grad_weight.register_fake(_fake_grad_weight)


def _found(rows: Sequence[Tensor], num_in: int, num_out: int) -> KernelMap:
    known = _LIVING.get(rows[-1].data_ptr())
    # A living map holds its tensors, so nothing else can lie where they do.
    if known is not None and _places(known.tensors()) == _places(rows):
        return known
    # Both gradients of a layer come here with the same tensors: they share one map and its notes.
    rebuilt = _REBUILT.get(rows[-1])
    if rebuilt is None or _places(rebuilt.tensors()[:-1]) != _places(rows[:-1]):
        rebuilt = _REBUILT[rows[-1]] = KernelMap.from_tensors(rows, num_in, num_out)
    return rebuilt


def _places(rows: Sequence[Tensor]) -> list[int]:
    return [tensor.data_ptr() for tensor in rows]


def as_given() -> torch.autocast:
    """No autocast on a CPU: it would round the products of some backends and not of others."""
    return torch.autocast("cpu", enabled=False)


def like(tensor: Tensor, feats: Tensor) -> Tensor:
    """A tensor as backends want it: contiguous, in the dtype of the features."""
    return tensor.to(feats.dtype).contiguous()
