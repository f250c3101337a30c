"""The arithmetic of the numba backend: blocks of output rows that stay in the cache.

A task owns a block of output rows and visits the kernel offsets in order, so no two tasks write
the same row and each row's sum is made in one order. Which tasks there are depends on the shapes
alone; threads only take them from a queue. Results are therefore the same bits for any number of
threads.
"""

# mypy: disallow-untyped-defs=False
# (numba infers the types; the docstrings of the public functions name them)
from __future__ import annotations

import numpy as np
from numba import njit

from pcseg.sparse.backends.numba_tiles import (
    SHAPE,
    make_row_tile,
    make_spread_row,
    make_weight_tile,
)
from pcseg.sparse.backends.tickets import take_tickets

INLINED = "a5beb490013f48bb"
"""Digest of numba_tiles.py and tickets.py, whose code is compiled into these kernels: numba looks
only at this file to see whether its machine code on disk is up to date. A test tells what to write.
"""

_ROWS, _FEW_ROWS, _VECTORS = SHAPE.rows, SHAPE.few_rows, SHAPE.vectors

_row_tile = make_row_tile(SHAPE.vectors, partial=False)
_narrow_row_tile = make_row_tile(1, partial=False)
_partial_row_tile = make_row_tile(1, partial=True)
_weight_tile = make_weight_tile(SHAPE.rows, SHAPE.vectors)
_low_weight_tile = make_weight_tile(SHAPE.few_rows, SHAPE.vectors)
_narrow_weight_tile = make_weight_tile(SHAPE.rows, 1)
_low_narrow_weight_tile = make_weight_tile(SHAPE.few_rows, 1)
_spread_rows = make_spread_row(numbers=SHAPE.rows)
_spread_few = make_spread_row(numbers=SHAPE.few_rows)
_spread_wide = make_spread_row(vectors=SHAPE.vectors)
_spread_narrow = make_spread_row(vectors=1)


@njit(nogil=True, cache=True, error_model="numpy")
def convolve(
    x, packed, in_rows, out_rows, borders, identity, block, chunk, lanes, finish, y, tickets
):
    """``y[o] = sum of x[i] @ w[k]``, shared by all threads that call it with the same arguments.

    Args:
        x: (num_in, Cin).
        packed: the weight, from `numba_pack.pack_weight`.
        in_rows: (P,) int32.
        out_rows: (P,) int32.
        borders: (K, blocks + 1) int64: where in the list of each offset each block begins.
        identity: the offset that joins each row with itself, or -1.
        block: rows of a block.
        chunk: pairs that pass all panels of an offset before the next ones do.
        lanes: numbers in a vector.
        finish: (shift (Cout,) or empty, residual (num_out, Cout) or empty, whether to rectify).
        y: (num_out, Cout), written.
        tickets: (1,) int64 zero: the queue of blocks.
    """
    cin, cout = x.shape[1], y.shape[1]
    padded = -(-cout // lanes) * lanes
    wide = lanes * _VECTORS
    b = take_tickets(tickets, 1)
    while b < borders.shape[1] - 1:
        begin = b * block
        end = min(begin + block, len(y))
        if identity < 0:
            for row in range(begin, end):
                for c in range(cout):
                    y[row, c] = 0
        for turn in range(len(borders) + 1):
            # The offset that joins each row with itself comes first and sets the rows.
            k = identity if turn == 0 else turn - 1
            if k < 0 or (turn > 0 and k == identity):
                continue
            fresh = turn == 0
            stop = borders[k, b + 1]
            for first in range(borders[k, b], stop, chunk):
                last = min(first + chunk, stop)
                at = k * padded * cin
                n = 0
                while n <= cout - wide:
                    _row_tile(x, packed, at, y, in_rows, out_rows, first, last, n, fresh)
                    n += wide
                    at += wide * cin
                while n <= cout - lanes:
                    _narrow_row_tile(x, packed, at, y, in_rows, out_rows, first, last, n, fresh)
                    n += lanes
                    at += lanes * cin
                if n < cout:
                    _partial_row_tile(x, packed, at, y, in_rows, out_rows, first, last, n, fresh)
        _finish_rows(finish, begin, end, y)
        b = take_tickets(tickets, 1)


@njit(inline="always")
def _finish_rows(finish, begin, end, y):
    """``relu(y + shift + residual)`` of some rows; what is not wanted is empty."""
    shift, residual, relu = finish
    if len(shift) or len(residual) or relu:
        for row in range(begin, end):
            for c in range(len(shift)):
                y[row, c] += shift[c]
            if len(residual):
                for c in range(y.shape[1]):
                    y[row, c] += residual[row, c]
            if relu:
                for c in range(y.shape[1]):
                    # Written so that NaN stays NaN.
                    y[row, c] = 0 if y[row, c] < 0 else y[row, c]


@njit(inline="always")
def _low_rows(rows):
    """How many channels low tiles take, so that usual ones fill the rest."""
    lows = 0
    while (rows - lows) % _ROWS != 0:
        lows += _FEW_ROWS
    return lows


@njit(inline="always")
def _pack_inputs(x, in_rows, first, last, rows, lows, lanes, xs):
    """Lay the input rows of some pairs out tile by tile, low tiles first.

    Channels beyond the last get any numbers: what is computed from them is dropped.
    """
    count = last - first
    low_stride, stride = _FEW_ROWS * count + lanes, _ROWS * count + lanes
    low_tiles, tiles = lows // _FEW_ROWS, (rows - lows) // _ROWS
    begin = low_tiles * low_stride
    # From the rows after this one, whole vectors would be read beyond the end of the array.
    safe = len(x) - -(-(rows + lanes) // x.shape[1])
    for i in range(count):
        row = in_rows[first + i]
        if row <= safe:
            p = first + i
            _spread_few(x, in_rows, p, 0, low_tiles, xs, i * _FEW_ROWS, low_stride)
            _spread_rows(x, in_rows, p, lows, tiles, xs, begin + i * _ROWS, stride)
            continue
        for a in range(x.shape[1]):
            if a < lows:
                xs[a // _FEW_ROWS * low_stride + i * _FEW_ROWS + a % _FEW_ROWS] = x[row, a]
            else:
                tile, m = (a - lows) // _ROWS, (a - lows) % _ROWS
                xs[begin + tile * stride + i * _ROWS + m] = x[row, a]


@njit(inline="always")
def _pack_gradients(g, out_rows, first, last, columns, lanes, gs):
    """Lay the gradient rows of some pairs out panel by panel, as `_pack_inputs` does."""
    count = last - first
    wide = lanes * _VECTORS
    panels = columns // wide
    begin, rest = panels * wide, columns // lanes - panels * _VECTORS
    safe = len(g) - -(-columns // g.shape[1])
    for i in range(count):
        row = out_rows[first + i]
        if row <= safe:
            p = first + i
            _spread_wide(g, out_rows, p, 0, panels, gs, i * wide, wide * count)
            at = begin * count + i * lanes
            _spread_narrow(g, out_rows, p, begin, rest, gs, at, lanes * count)
            continue
        for n in range(g.shape[1]):
            width = wide if n < begin else lanes
            gs[n // width * width * count + i * width + n % width] = g[row, n]


@njit(inline="always")
def _add_outer_products(xs, gs, lows, count, lanes, total, fresh):
    """``total += sum of x^T g`` over packed rows, tile by tile."""
    rows, columns = total.shape
    wide = lanes * _VECTORS
    n = 0
    while n < columns:
        is_wide = columns - n >= wide
        g_at = n * count
        a = x_at = 0
        while a < rows:
            if a < lows and is_wide:
                _low_weight_tile(xs, x_at, gs, g_at, count, total, a, n, fresh)
            elif a < lows:
                _low_narrow_weight_tile(xs, x_at, gs, g_at, count, total, a, n, fresh)
            elif is_wide:
                _weight_tile(xs, x_at, gs, g_at, count, total, a, n, fresh)
            else:
                _narrow_weight_tile(xs, x_at, gs, g_at, count, total, a, n, fresh)
            height = _FEW_ROWS if a < lows else _ROWS
            x_at += height * count + lanes
            a += height
        n += wide if is_wide else lanes


@njit(nogil=True, cache=True, error_model="numpy")
def weight_gradient(x, g, in_rows, out_rows, tasks, chunk, lanes, sums, tickets):
    """Sums of ``x[i]^T g[o]`` over pairs, shared by all threads that call it.

    Args:
        x: (num_in, Cin).
        g: (num_out, Cout) gradient of the output.
        in_rows: (P,) int32.
        out_rows: (P,) int32.
        tasks: (T, 4) int64: kernel offset k, first pair, end of pairs, and where in `sums` to
            write: at k for the first task of an offset, behind all offsets for the others.
        chunk: pairs that pass all tiles before the next ones do.
        lanes: numbers in a vector.
        sums: (>= K, padded Cin, padded Cout), written; not for offsets without pairs.
        tickets: (1,) int64 zero: the queue of tasks.
    """
    rows, columns = sums.shape[1:]
    lows = _low_rows(rows)
    xs = np.empty((chunk + lanes) * rows, x.dtype)
    gs = np.empty(chunk * columns, x.dtype)
    t = take_tickets(tickets, 1)
    while t < len(tasks):
        start, stop = tasks[t, 1], tasks[t, 2]
        total = sums[tasks[t, 3]]
        for first in range(start, stop, chunk):
            last = min(first + chunk, stop)
            _pack_inputs(x, in_rows, first, last, rows, lows, lanes, xs)
            _pack_gradients(g, out_rows, first, last, columns, lanes, gs)
            _add_outer_products(xs, gs, lows, last - first, lanes, total, first == start)
        t = take_tickets(tickets, 1)
