"""The arithmetic of the numba backend: gather, multiply, add, in blocks that stay in the cache.

A task owns a block of output rows and visits the kernel offsets in order, so no two tasks write
the same row and each row's sum is made in one order. Which tasks there are depends on the shapes
alone; threads only take them from a queue. Results are therefore the same bits for any number of
threads. The products are single-threaded BLAS calls.
"""

# mypy: disallow-untyped-defs=False
# (numba infers the types; the docstrings of the public functions name them)
from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, prange, types
from numba.extending import intrinsic


def _define_take_ticket(typing_context: Any, counter: Any) -> Any:
    """Read ``counter[0]`` and add one to it, atomically."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        one = ir.Constant(ir.IntType(64), 1)
        return builder.atomic_rmw("add", array.data, one, "monotonic")

    return types.int64(counter), generate


_take_ticket: Any = intrinsic(_define_take_ticket)


@njit(nogil=True, cache=True)
def block_borders(rows, starts, block, num_blocks):
    """(K, num_blocks + 1) int64: where in the list of each offset each block of rows begins."""
    borders = np.empty((len(starts) - 1, num_blocks + 1), np.int64)
    for k in range(len(starts) - 1):
        here = starts[k]
        for b in range(num_blocks):
            borders[k, b] = here
            here += np.searchsorted(rows[here : starts[k + 1]], (b + 1) * block)
        borders[k, num_blocks] = starts[k + 1]
    return borders


@njit(nogil=True, cache=True)
def _convolve_block(x, w, in_rows, out_rows, borders, identity, block, b, y, gathered, product):
    begin = b * block
    end = min(begin + block, len(y))
    if identity >= 0:
        np.dot(x[begin:end], w[identity], y[begin:end])
    else:
        y[begin:end] = 0
    for k in range(len(w)):
        first, last = borders[k, b], borders[k, b + 1]
        count = last - first
        if k == identity or count == 0:
            continue
        for i in range(count):
            source = in_rows[first + i]
            for c in range(x.shape[1]):
                gathered[i, c] = x[source, c]
        np.dot(gathered[:count], w[k], product[:count])
        for i in range(count):
            target = out_rows[first + i]
            for c in range(y.shape[1]):
                y[target, c] += product[i, c]


@njit(nogil=True, cache=True)
def _convolve_worker(x, w, in_rows, out_rows, borders, identity, block, y, tickets, buffers):
    gathered = buffers[: block * x.shape[1]].reshape(block, x.shape[1])
    product = buffers[block * x.shape[1] :].reshape(block, y.shape[1])
    b = _take_ticket(tickets)
    while b < borders.shape[1] - 1:
        _convolve_block(x, w, in_rows, out_rows, borders, identity, block, b, y, gathered, product)
        b = _take_ticket(tickets)


@njit(nogil=True, cache=True)
def convolve(x, w, in_rows, out_rows, borders, identity, block, y, tickets, buffers):
    """``y[o] = sum of x[i] @ w[k]``, all blocks on this thread.

    Args:
        x: (num_in, Cin).
        w: (K, Cin, Cout).
        in_rows: (P,) int32.
        out_rows: (P,) int32.
        borders: from `block_borders`.
        identity: the offset that joins each row with itself, or -1.
        block: rows of a block.
        y: (num_out, Cout), written.
        tickets: (1,) int64 zero: the queue of blocks.
        buffers: (threads, block * (Cin + Cout)) work space.
    """
    _convolve_worker(x, w, in_rows, out_rows, borders, identity, block, y, tickets, buffers[0])


@njit(nogil=True, cache=True, parallel=True)
def convolve_parallel(x, w, in_rows, out_rows, borders, identity, block, y, tickets, buffers):
    """`convolve` on as many threads as there are work spaces."""
    for t in prange(len(buffers)):
        _convolve_worker(x, w, in_rows, out_rows, borders, identity, block, y, tickets, buffers[t])


@njit(nogil=True, cache=True)
def _weight_worker(x, g, in_rows, out_rows, tasks, identity, block, sums, tickets, buffers):
    cin, cout = x.shape[1], g.shape[1]
    xs = buffers[: block * cin].reshape(block, cin)
    gs = buffers[block * cin : block * (cin + cout)].reshape(block, cout)
    product = buffers[block * (cin + cout) :].reshape(cin, cout)
    t = _take_ticket(tickets)
    while t < len(tasks):
        k, start, stop = tasks[t, 0], tasks[t, 1], tasks[t, 2]
        total = sums[tasks[t, 3]]
        for first in range(start, stop, block):
            count = min(block, stop - first)
            into = total if first == start else product
            if k == identity:
                # The pairs of this offset are (0, 0), (1, 1), …: nothing to gather.
                row = in_rows[first]
                np.dot(x[row : row + count].T, g[row : row + count], into)
            else:
                for i in range(count):
                    source, target = in_rows[first + i], out_rows[first + i]
                    for c in range(cin):
                        xs[i, c] = x[source, c]
                    for c in range(cout):
                        gs[i, c] = g[target, c]
                np.dot(xs[:count].T, gs[:count], into)
            if first > start:
                for a in range(cin):
                    for c in range(cout):
                        total[a, c] += product[a, c]
        t = _take_ticket(tickets)


@njit(nogil=True, cache=True)
def _add_parts(tasks, volume, sums):
    """Add the sums of an offset's further tasks to that of its first, in order."""
    for t in range(len(tasks)):
        if tasks[t, 3] >= volume:
            total, part = sums[tasks[t, 0]], sums[tasks[t, 3]]
            for a in range(total.shape[0]):
                for c in range(total.shape[1]):
                    total[a, c] += part[a, c]


@njit(nogil=True, cache=True)
def weight_gradient(
    x, g, in_rows, out_rows, tasks, identity, block, volume, sums, tickets, buffers
):
    """``sums[k] = sum of x[i]^T g[o]`` over the pairs of each offset, all on this thread.

    Args:
        x: (num_in, Cin).
        g: (num_out, Cout) gradient of the output.
        in_rows: (P,) int32.
        out_rows: (P,) int32.
        tasks: (T, 4) int64: kernel offset k, first pair, end of pairs, and where in `sums` to
            write: at k for the first task of an offset, behind all offsets for the others.
        identity: the offset that joins each row with itself, or -1.
        block: pairs gathered at a time.
        volume: K.
        sums: (>= K, Cin, Cout), written; offsets without pairs must be zero before.
        tickets: (1,) int64 zero: the queue of tasks.
        buffers: (threads, block * (Cin + Cout) + Cin * Cout) work space.
    """
    _weight_worker(x, g, in_rows, out_rows, tasks, identity, block, sums, tickets, buffers[0])
    _add_parts(tasks, volume, sums)


@njit(nogil=True, cache=True, parallel=True)
def weight_gradient_parallel(
    x, g, in_rows, out_rows, tasks, identity, block, volume, sums, tickets, buffers
):
    """`weight_gradient` on as many threads as there are work spaces."""
    for t in prange(len(buffers)):
        _weight_worker(x, g, in_rows, out_rows, tasks, identity, block, sums, tickets, buffers[t])
    _add_parts(tasks, volume, sums)
