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


@njit(nogil=True, cache=True)
def block_borders(rows, starts, block, num_blocks):
    """(K, num_blocks + 1) int64: where in the list of each offset each block of rows begins."""
    borders = np.empty((len(starts) - 1, num_blocks + 1), np.int64)
    for k in range(len(starts) - 1):
        low = starts[k]
        for b in range(num_blocks):
            borders[k, b] = low
            high = starts[k + 1]
            while low < high:
                middle = (low + high) // 2
                if rows[middle] < (b + 1) * block:
                    low = middle + 1
                else:
                    high = middle
        borders[k, num_blocks] = starts[k + 1]
    return borders


@njit(nogil=True, cache=True)
def pack_weight(w, swapped, lanes, packed):
    """Lay the weight out in panels, in the order in which the tiles read it.

    Args:
        w: (K, Cin, Cout), or (K, Cout, Cin) if `swapped`.
        swapped: whether to read the transposed matrices.
        lanes: columns are filled up with zeros to a multiple of this.
        packed: (K * Cin * padded Cout,), written: offset by offset, panel by panel (of as many
            vectors as a tile has, then of one), row by row.
    """
    cin, cout = (w.shape[2], w.shape[1]) if swapped else (w.shape[1], w.shape[2])
    at = 0
    for k in range(len(w)):
        column = 0
        while column < cout:
            left = cout - column
            width = lanes * _VECTORS if left >= lanes * _VECTORS else lanes
            filled = min(width, left)
            for a in range(cin):
                for c in range(filled):
                    packed[at + c] = w[k, column + c, a] if swapped else w[k, a, column + c]
                for c in range(filled, width):
                    packed[at + c] = 0
                at += width
            column += width


@njit(nogil=True, cache=True)
def convolve(
    x, packed, in_rows, out_rows, borders, identity, block, chunk, lanes, finish, y, tickets
):
    """``y[o] = sum of x[i] @ w[k]``, shared by all threads that call it with the same arguments.

    Args:
        x: (num_in, Cin).
        packed: the weight, from `pack_weight`.
        in_rows: (P,) int32.
        out_rows: (P,) int32.
        borders: from `block_borders`.
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
    for i in range(count):
        row = in_rows[first + i]
        if row < len(x) - 1:
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
    for i in range(count):
        row = out_rows[first + i]
        if row < len(g) - 1:
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


@njit(nogil=True, cache=True)
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


@njit(nogil=True, cache=True)
def add_parts(tasks, volume, sums):
    """Add the sums of an offset's further tasks to that of its first, in order."""
    for t in range(len(tasks)):
        if tasks[t, 3] >= volume:
            total, part = sums[tasks[t, 0]], sums[tasks[t, 3]]
            for a in range(total.shape[0]):
                for c in range(total.shape[1]):
                    total[a, c] += part[a, c]
