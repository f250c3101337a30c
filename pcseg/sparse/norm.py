"""Batch norm of voxel features, and in the same passes the residual and the ReLU behind it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules import module as hooks

from pcseg.sparse.backends import pick_backend
from pcseg.sparse.tensor import SparseTensor, check_same_voxels

FUSED = {"numba": "pcseg.sparse.backends.numba_norm"}
"""Backends with kernels that normalise, add and rectify at once; imported when first used."""

FUSED_FROM = 1 << 20
"""Numbers in the features from which such kernels are faster: fewer stay in the cache between
PyTorch's own passes, whose overhead is smaller."""


class BatchNorm(nn.Module):
    """Batch normalisation over all voxels of all samples.

    A single row has no variance, and no row has no mean: in training both are normalised with the
    running statistics, which stay as they are.

    Args:
        num_channels: C.
        eps: added to the variance.
        momentum: of the running statistics; None for the plain mean of all batches.
    """

    def __init__(self, num_channels: int, eps: float = 1e-5, momentum: float | None = 0.1) -> None:
        super().__init__()
        # A child and not a base class, so that nn.SyncBatchNorm.convert_sync_batchnorm works.
        self.bn = nn.BatchNorm1d(num_channels, eps, momentum)

    def forward(
        self, tensor: SparseTensor, residual: SparseTensor | None = None, relu: bool = False
    ) -> SparseTensor:
        """(V, C) to (V, C) on the same voxels.

        Args:
            tensor: what is normalised.
            residual: on the same voxels, added to the normalised features.
            relu: whether negative values then become zero.

        Raises:
            DataError: if the residual is on other voxels.
        """
        if residual is not None:
            check_same_voxels([tensor, residual])
        added = None if residual is None else residual.feats
        return tensor.replace(batch_norm(tensor.feats, self.bn, added, relu))


def batch_norm(
    feats: Tensor, norm: nn.Module, residual: Tensor | None = None, relu: bool = False
) -> Tensor:
    """``relu(norm(feats) + residual)``; differentiable once.

    Args:
        feats: (V, C).
        norm: an nn.BatchNorm1d, which takes part in training as if it were called, or any module
            for rows in its place.
        residual: (V, C) or None.
        relu: whether negative values become zero.
    """
    known = keeps_statistics(norm)
    if known and _can_fuse(feats, norm, residual):
        kernels = FUSED.get(pick_backend(feats.device).name)
        if kernels is not None:
            return _fused(import_module(kernels), feats, norm, residual, relu)
    out = _normalise(feats, norm) if known else norm(feats)
    if residual is not None:
        out = out + residual
    # In place only what nobody else can hold.
    return F.relu(out, inplace=known and not is_watched(norm)) if relu else out


def keeps_statistics(norm: nn.Module) -> bool:
    """Whether this is one of PyTorch's own batch norms of rows, with running statistics."""
    return type(norm) in (nn.BatchNorm1d, nn.SyncBatchNorm) and norm.running_mean is not None


def is_watched(*modules: nn.Module) -> bool:
    """Whether somebody hooked into one of these modules, and so has to see what passes there.

    A hook for all modules counts, and so does a ``forward`` set on a module itself, as tools do
    that wrap it.
    """
    return bool(
        hooks._global_forward_hooks
        or hooks._global_forward_pre_hooks
        or hooks._global_backward_hooks
        or hooks._global_backward_pre_hooks
    ) or any(
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
        or "forward" in module.__dict__
        for module in modules
    )


def is_plain(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Whether a call of `module` is ``kind.forward`` and nothing else, so that it can be fused.

    Not so for a subclass with a ``forward`` of its own, and for a module that `is_watched`.
    """
    known = isinstance(module, kind) and type(module).forward is kind.forward
    return known and not is_watched(module)


def scale_and_shift(norm: Any) -> tuple[Tensor, Tensor]:
    """What a norm does with its running statistics: ``scale * x + shift``, (C,) each."""
    scale = torch.rsqrt(norm.running_var + norm.eps)
    if norm.weight is not None:
        scale = scale * norm.weight
    shift = -norm.running_mean * scale
    return scale, shift if norm.bias is None else shift + norm.bias


def _normalise(feats: Tensor, norm: Any) -> Tensor:
    # A synchronised norm sees the rows of all processes and must not be skipped by one.
    if len(feats) > 1 or not norm.training or isinstance(norm, nn.SyncBatchNorm):
        out: Tensor = norm(feats)
        return out
    mean, var = norm.running_mean, norm.running_var
    return F.batch_norm(feats, mean, var, norm.weight, norm.bias, False, 0.0, norm.eps)


def _can_fuse(feats: Tensor, norm: Any, residual: Tensor | None) -> bool:
    if torch.compiler.is_compiling():
        return False  # the compiler fuses the plain operations itself
    tensors = [feats, norm.weight, norm.bias] + ([] if residual is None else [residual])
    return (
        feats.numel() >= FUSED_FROM
        and feats.dtype in (torch.float32, torch.float64)
        and all(tensor is not None and tensor.dtype == feats.dtype for tensor in tensors)
        and (residual is None or residual.shape == feats.shape)
        and not (norm.training and isinstance(norm, nn.SyncBatchNorm))
        and not is_watched(norm)
    )


def _fused(kernels: Any, feats: Tensor, norm: Any, residual: Tensor | None, relu: bool) -> Tensor:
    feats = feats.contiguous()
    residual = None if residual is None else residual.contiguous()
    in_batch = norm.training and len(feats) > 1
    if in_batch:
        mean, var = kernels.moments(feats.detach())
        _track(norm, mean, var * (len(feats) / (len(feats) - 1)))
    else:
        mean, var = (t.to(torch.float64, copy=True) for t in (norm.running_mean, norm.running_var))
    inverse = torch.rsqrt(var + norm.eps)
    out: Tensor = _FusedNorm.apply(
        feats, norm.weight, norm.bias, residual, mean, inverse, in_batch, relu, kernels
    )
    return out


@torch.no_grad()
def _track(norm: Any, mean: Tensor, unbiased_var: Tensor) -> None:
    norm.num_batches_tracked.add_(1)
    share = norm.momentum
    if share is None:
        share = 1.0 / float(norm.num_batches_tracked)
    norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), share)
    norm.running_var.lerp_(unbiased_var.to(norm.running_var.dtype), share)


class _FusedNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        feats: Tensor,
        weight: Tensor,
        bias: Tensor,
        residual: Tensor | None,
        mean: Tensor,
        inverse: Tensor,
        in_batch: bool,
        relu: bool,
        kernels: Any,
    ) -> Tensor:
        out: Tensor = kernels.normalise(feats, mean, weight * inverse, bias, residual, relu)
        # Where the ReLU was at work is seen from the output; without a residual that is computed
        # again, faster than it is read.
        made = out if relu and residual is not None else None
        ctx.save_for_backward(feats, weight, bias, mean, inverse, made)
        ctx.in_batch, ctx.relu, ctx.kernels = in_batch, relu, kernels
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        feats, weight, bias, mean, inverse, made = ctx.saved_tensors
        for_feats, for_weight, for_bias, for_residual = ctx.needs_input_grad[:4]
        grad, channels = grad.contiguous(), (mean, weight * inverse, bias)
        masked = for_residual and ctx.relu
        sums, passed = feats.new_zeros((2, feats.shape[1]), dtype=torch.float64), grad
        if for_weight or for_bias or masked or (for_feats and ctx.in_batch):
            sums, kept = ctx.kernels.gradient_sums(grad, feats, made, channels, ctx.relu, masked)
            passed = kept if masked else grad
        grad_feats = None
        if for_feats:
            # The statistics of a batch depend on each row; running ones do not.
            share = 1 / len(feats) if ctx.in_batch else 0.0
            offset, slope = sums[0] * share, sums[1] * inverse.square() * share
            still_to_mask = ctx.relu and not masked
            grad_feats = ctx.kernels.gradient(
                passed, feats, made, (*channels, offset, slope), still_to_mask
            )
        return (
            grad_feats,
            (sums[1] * inverse).to(weight.dtype) if for_weight else None,
            sums[0].to(bias.dtype) if for_bias else None,
            passed if for_residual else None,
            *(None,) * 5,
        )
