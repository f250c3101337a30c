"""Batch norm, residual and ReLU on a CPU: two passes over memory forward, two backward.

Sums are made in blocks of rows whose borders depend on the shape alone, and added in the order of
the blocks: the bits of a result do not depend on the number of threads.
"""

# mypy: disallow-untyped-defs=False
# (numba infers the types; the docstrings of the public functions name them)
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

from pcseg.sparse.backends.threads import share

_TILE = 512
"""Numbers, of whole rows, that a kernel takes at a time through steps that stay in the nearest
cache. Values of channels are repeated for the rows of a tile, so that its loops are long ones over
few arrays: the compiler makes vector instructions of those, and not of loops over rows."""

_BLOCK = 32
"""Tiles that are summed number by number, in the dtype of the features: so few that no digit is
lost. All else is summed in float64."""

_PIECES = 16
"""Pieces of work: a thread that is held up leaves the rest to the others."""

_LEAST_PIECE = 1 << 15
"""Numbers of a piece that are worth a call."""

_WORK_PER_NUMBER = 2
"""What a number costs in multiply-adds: these passes wait for memory, not for arithmetic."""

_SAMPLE = 256
"""Rows from which a mean is guessed before it is computed."""


def moments(feats: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance of each channel, (C,) float64, of (V, C) features with V > 0."""
    # Sums of differences from about the mean: no digits are lost where that is large.
    about = feats.numpy()[:: max(len(feats) // _SAMPLE, 1)].mean(0)
    channels = _channels(feats, torch.from_numpy(about))
    sums = _summed(_sum_moments, feats, _flat(feats, feats), channels) / len(feats)
    return torch.from_numpy(about + sums[0]), torch.from_numpy(sums[1] - np.square(sums[0]))


def normalise(
    feats: Tensor, mean: Tensor, scale: Tensor, shift: Tensor, residual: Tensor | None, relu: bool
) -> Tensor:
    """``relu((x - mean) * scale + shift + residual)``, (V, C).

    Args:
        feats: (V, C) contiguous, float32 or float64.
        mean: (C,) floating point, as `scale` and `shift`.
        scale: (C,).
        shift: (C,).
        residual: (V, C) contiguous in the dtype of `feats`, or None.
        relu: whether negative values become zero.
    """
    out = torch.empty_like(feats)
    arrays = [_flat(tensor, feats) for tensor in (feats, residual, out)]
    channels = _channels(feats, mean, scale, shift)
    flags = residual is not None, relu
    _share_rows(_normalise, feats, _tile_rows(feats), *arrays, channels, *flags)
    return out


def gradient_sums(
    grad: Tensor,
    feats: Tensor,
    made: Tensor | None,
    channels: tuple[Tensor, Tensor, Tensor],
    relu: bool,
    keep: bool,
) -> tuple[Tensor, Tensor | None]:
    """(2, C) float64 sums over the rows of ``g`` and of ``g * (x - mean)``, and ``g`` itself.

    ``g`` is `grad`, or 0 where a ReLU made the output 0: the gradient of the residual.

    Args:
        grad: (V, C) contiguous gradient of the output.
        feats: (V, C) contiguous, what was normalised; the others have its dtype.
        made: (V, C) the output, needed if there was a ReLU and a residual.
        channels: mean, scale and shift as given to `normalise`.
        relu: whether there was a ReLU.
        keep: whether ``g`` is wanted; if not, None is returned in its place.
    """
    passed = torch.empty_like(grad) if keep and relu else grad
    arrays = [_flat(tensor, feats) for tensor in (feats, made, grad, passed)]
    flags = relu, made is not None, passed is not grad
    sums = _summed(_sum_gradients, feats, *arrays, _channels(feats, *channels), *flags)
    return torch.from_numpy(sums), passed if keep else None


def gradient(
    grad: Tensor,
    feats: Tensor,
    made: Tensor | None,
    channels: tuple[Tensor, Tensor, Tensor, Tensor, Tensor],
    relu: bool,
) -> Tensor:
    """``scale * (g - offset - slope * (x - mean))``, (V, C): the gradient of `feats`.

    Args:
        grad: as in `gradient_sums`, or, if `relu` is False, the ``g`` that it returned.
        feats: as there.
        made: as there.
        channels: mean, scale, shift, offset and slope, (C,) each.
        relu: whether ``g`` has still to be made.
    """
    out = torch.empty_like(feats)
    arrays = [_flat(tensor, feats) for tensor in (feats, made, grad, out)]
    flags = relu, made is not None
    wide = _channels(feats, *channels)
    _share_rows(_gradient, feats, _tile_rows(feats), *arrays, wide, *flags)
    return out


def _share_rows(kernel: Callable[..., None], feats: Tensor, block: int, *arguments: Any) -> None:
    """Call ``kernel(begin, end, *arguments)`` for pieces of all numbers, whole blocks of rows."""
    size, block = feats.numel(), block * max(feats.shape[1], 1)
    step = max(-(-size // _PIECES), _LEAST_PIECE) // block * block + block
    begins = iter(range(0, size, step))  # a queue: threads take from it one after the other

    def work() -> None:
        for begin in begins:
            kernel(begin, min(begin + step, size), *arguments)

    share(work, work=_WORK_PER_NUMBER * size)


def _channels(feats: Tensor, *values: Tensor) -> np.ndarray[Any, Any]:
    """(number of values, rows of a tile * C): they are repeated for each row of a tile."""
    # NumPy's overhead is a fraction of PyTorch's on so few numbers.
    wide = np.empty((len(values), _tile_rows(feats), feats.shape[1]), feats.detach().numpy().dtype)
    for place, value in enumerate(values):
        wide[place] = value.detach().numpy()
    return wide.reshape(len(values), -1)


def _tile_rows(feats: Tensor) -> int:
    return max(_TILE // max(feats.shape[1], 1), 1)


def _flat(tensor: Tensor | None, otherwise: Tensor) -> np.ndarray[Any, Any]:
    # A kernel is compiled for one list of types: what it does not use is another array.
    return (otherwise if tensor is None else tensor).detach().reshape(-1).numpy()


def _summed(kernel: Callable[..., None], feats: Tensor, *arguments: Any) -> np.ndarray[Any, Any]:
    block = _tile_rows(feats) * _BLOCK
    sums = np.empty((-(-len(feats) // block), 2, feats.shape[1]))
    _share_rows(kernel, feats, block, *arguments, sums)
    return sums.sum(0)


# Tiles are slices and not ``x[t + k]``: of such a place the compiler does not know that it is not
# negative, and an array's end counts from -1.


@njit(nogil=True, cache=True, error_model="numpy")
def _sum_moments(begin, end, x, channels, sums):
    about = channels[0]
    tile, block = len(about), len(about) * _BLOCK
    total, squares = np.empty(tile, x.dtype), np.empty(tile, x.dtype)
    for start in range(begin, end, block):
        total[:] = 0
        squares[:] = 0
        stop = min(start + block, end)
        for t in range(start, stop, tile):
            xs = x[t : min(t + tile, stop)]
            for k in range(len(xs)):
                d = xs[k] - about[k]
                total[k] += d
                squares[k] += d * d
        _add_rows(total, sums[start // block, 0])
        _add_rows(squares, sums[start // block, 1])


@njit(nogil=True, cache=True, error_model="numpy")
def _normalise(begin, end, x, residual, out, channels, joined, relu):
    mean, scale, shift = channels[0], channels[1], channels[2]
    zero = x.dtype.type(0)
    for t in range(begin, end, len(mean)):
        last = min(t + len(mean), end)
        xs, rs, ys = x[t:last], residual[t:last], out[t:last]
        for k in range(len(ys)):
            value = (xs[k] - mean[k]) * scale[k] + shift[k]
            if joined:
                value += rs[k]
            # Not max(): a NaN has to go through.
            ys[k] = zero if relu and value < zero else value


@njit(nogil=True, cache=True, error_model="numpy")
def _sum_gradients(begin, end, x, made, g, kept, channels, relu, given, keep, sums):
    mean = channels[0]
    tile, block = len(mean), len(mean) * _BLOCK
    total, products = np.empty(tile, x.dtype), np.empty(tile, x.dtype)
    buffer = np.empty(tile, x.dtype)
    for start in range(begin, end, block):
        total[:] = 0
        products[:] = 0
        stop = min(start + block, end)
        for t in range(start, stop, tile):
            last = min(t + tile, stop)
            xs = x[t:last]
            passed = kept[t:last] if keep else buffer[: last - t]
            _pass_back(xs, made[t:last], g[t:last], channels, relu, given, passed)
            for k in range(len(xs)):
                total[k] += passed[k]
                products[k] += passed[k] * (xs[k] - mean[k])
        _add_rows(total, sums[start // block, 0])
        _add_rows(products, sums[start // block, 1])


@njit(nogil=True, cache=True, error_model="numpy")
def _gradient(begin, end, x, made, g, out, channels, relu, given):
    mean, scale, offset, slope = channels[0], channels[1], channels[3], channels[4]
    for t in range(begin, end, len(mean)):
        last = min(t + len(mean), end)
        xs, dx = x[t:last], out[t:last]
        _pass_back(xs, made[t:last], g[t:last], channels, relu, given, dx)
        for k in range(len(dx)):
            dx[k] = scale[k] * (dx[k] - offset[k] - slope[k] * (xs[k] - mean[k]))


@njit(nogil=True, cache=True, error_model="numpy")
def _pass_back(x, made, g, channels, relu, given, passed):
    """What the ReLU lets through of the gradient of one tile."""
    mean, scale, shift = channels[0], channels[1], channels[2]
    zero = x.dtype.type(0)
    if not relu:
        for k in range(len(x)):
            passed[k] = g[k]
    elif given:
        for k in range(len(x)):
            value = g[k]  # read in any case: a load under a condition costs more
            passed[k] = zero if made[k] <= zero else value
    else:
        # Without a residual the output's sign is cheaper to compute than to read.
        for k in range(len(x)):
            value = g[k]
            passed[k] = zero if (x[k] - mean[k]) * scale[k] + shift[k] <= zero else value


@njit(nogil=True, cache=True, error_model="numpy")
def _add_rows(tile, sums):
    """Add up the rows of a tile of sums."""
    sums[:] = 0
    for start in range(0, len(tile), len(sums)):
        row = tile[start : start + len(sums)]
        for c in range(len(sums)):
            sums[c] += row[c]
