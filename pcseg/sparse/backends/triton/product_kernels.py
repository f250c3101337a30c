"""Triton kernels that apply a map: each program owns a tile of the output and writes it once."""

# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
# (Triton infers the types; the docstrings name them)
from __future__ import annotations

import triton
import triton.language as tl


@triton.jit(do_not_specialize=["num_out"])
def masked_product(
    x,
    w,
    y,
    table,
    order,
    lists,
    counts,
    shift,
    residual,
    num_out,
    VOLUME: tl.constexpr,
    CIN: tl.constexpr,
    COUT: tl.constexpr,
    REVERSED: tl.constexpr,
    TURNED: tl.constexpr,
    RELU: tl.constexpr,
    PRECISION: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    DEPTH: tl.constexpr,
):
    """``y[o] = sum of x[table[k, o]] @ w[k]`` over the offsets that a tile of rows has.

    Args:
        x: (num_in, CIN) contiguous.
        w: (K, CIN, COUT), or (K, COUT, CIN) if TURNED, contiguous, of the same dtype.
        y: (num_out, COUT) contiguous, written.
        table: (K, num_out) int32 in the order of the tiles.
        order: (num_out,) int32 the row of y at each place of the tiles.
        lists: (tiles, K) int32 the offsets of each tile.
        counts: (tiles,) int32 how many those are.
        shift: (COUT,) or None.
        residual: (num_out, COUT) contiguous or None.
        num_out: rows of y.
        VOLUME: K.
        CIN: channels of x.
        COUT: channels of y.
        REVERSED: whether offset k of the table goes with ``w[K - 1 - k]``.
        TURNED: whether the last two axes of w are swapped.
        RELU: whether negative values become zero.
        PRECISION: of float32 products, "ieee" or "tf32".
        ROWS: rows of a tile.
        COLUMNS: channels of y of a tile.
        DEPTH: channels of x that are multiplied at a time.
    """
    across: tl.constexpr = (COUT + COLUMNS - 1) // COLUMNS
    steps: tl.constexpr = (CIN + DEPTH - 1) // DEPTH
    # Programs that read the same rows of x follow each other and find them in the L2 cache.
    tile = tl.program_id(0) // across
    place = tile * ROWS + tl.arange(0, ROWS)
    here = place < num_out
    column = (tl.program_id(0) % across) * COLUMNS + tl.arange(0, COLUMNS)
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    # One loop over offsets and channels, without branches; which rows the next step needs is looked
    # up a step ahead, so that the rows themselves can be loaded several steps ahead.
    count = tl.load(counts + tile) * steps
    k = tl.load(lists + tile * VOLUME, mask=count > 0, other=0)
    line = table + k.to(tl.int64) * num_out
    source = tl.load(line + place, mask=here, other=-1)
    for step in range(count):
        channel = (step % steps) * DEPTH + tl.arange(0, DEPTH)
        a = _rows(x, source, source >= 0, channel, CIN)
        b = _weight(w, VOLUME - 1 - k if REVERSED else k, channel, column, CIN, COUT, TURNED)
        total = tl.dot(a, b, total, input_precision=PRECISION)
        # Behind the last step this is offset 0, looked up for nothing.
        k = tl.load(lists + tile * VOLUME + (step + 1) // steps, mask=step + 1 < count, other=0)
        line = table + k.to(tl.int64) * num_out
        source = tl.load(line + place, mask=here, other=-1)
    row = tl.load(order + place, mask=here, other=0)
    _finish(y, total, row, here, column, shift, residual, COUT, RELU)


@triton.jit
def grouped_product(
    x,
    w,
    y,
    in_rows,
    out_rows,
    starts,
    shift,
    residual,
    VOLUME: tl.constexpr,
    PADDED: tl.constexpr,
    CIN: tl.constexpr,
    COUT: tl.constexpr,
    TURNED: tl.constexpr,
    RELU: tl.constexpr,
    PRECISION: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    DEPTH: tl.constexpr,
):
    """``y[o] = x[i] @ w[k]`` where every row of y has exactly one pair (k, i, o).

    A tile lies within the pairs of one offset: an ordinary product of matrices.

    Args:
        x: (num_in, CIN) contiguous.
        w: (K, CIN, COUT), or (K, COUT, CIN) if TURNED, contiguous, of the same dtype.
        y: (num_out, COUT) contiguous, written.
        in_rows: (num_out,) int32 rows of x, sorted by offset.
        out_rows: (num_out,) int32 rows of y.
        starts: (K + 1,) int32 borders of the offsets.
        shift: (COUT,) or None.
        residual: (num_out, COUT) contiguous or None.
        VOLUME: K.
        PADDED: a power of two of at least K.
        CIN: channels of x.
        COUT: channels of y.
        TURNED: whether the last two axes of w are swapped.
        RELU: whether negative values become zero.
        PRECISION: of float32 products, "ieee" or "tf32".
        ROWS: pairs of a tile.
        COLUMNS: channels of y of a tile.
        DEPTH: channels of x that are multiplied at a time.
    """
    across: tl.constexpr = (COUT + COLUMNS - 1) // COLUMNS
    tile = tl.program_id(0) // across
    # The host does not know how many tiles an offset has: each program finds its own.
    every = tl.arange(0, PADDED)
    start = tl.load(starts + every, mask=every < VOLUME, other=0)
    end = tl.load(starts + 1 + every, mask=every < VOLUME, other=0)
    tiles = (end - start + ROWS - 1) // ROWS
    before = tl.cumsum(tiles, 0) - tiles
    mine = (tile >= before) & (tile < before + tiles)
    group = tl.sum(tl.where(mine, every, 0), 0)
    first = tl.sum(tl.where(mine, start + (tile - before) * ROWS, 0), 0)
    last = tl.sum(tl.where(mine, end, 0), 0)
    pair = first + tl.arange(0, ROWS)
    here = pair < last
    column = (tl.program_id(0) % across) * COLUMNS + tl.arange(0, COLUMNS)
    source = tl.load(in_rows + pair, mask=here, other=0)
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for depth in range(0, CIN, DEPTH):
        channel = depth + tl.arange(0, DEPTH)
        a = _rows(x, source, here, channel, CIN)
        b = _weight(w, group, channel, column, CIN, COUT, TURNED)
        total = tl.dot(a, b, total, input_precision=PRECISION)
    row = tl.load(out_rows + pair, mask=here, other=0)
    _finish(y, total, row, here, column, shift, residual, COUT, RELU)


@triton.jit
def _rows(x, row, here, channel, CIN: tl.constexpr):
    """(rows, channels) of x, zero where there are none."""
    # 64 bits: rows times channels pass 2^31 at 17 million rows of 128 channels.
    at = x + row.to(tl.int64)[:, None] * CIN + channel[None, :]
    return tl.load(at, mask=here[:, None] & (channel < CIN)[None, :], other=0.0)


@triton.jit
def _weight(w, k, channel, column, CIN: tl.constexpr, COUT: tl.constexpr, TURNED: tl.constexpr):
    """(channels, columns) of one offset's weight, zero where there are none."""
    at = w + tl.cast(k, tl.int64) * (CIN * COUT)
    if TURNED:
        at += column[None, :] * CIN + channel[:, None]
    else:
        at += channel[:, None] * COUT + column[None, :]
    return tl.load(at, mask=(channel < CIN)[:, None] & (column < COUT)[None, :], other=0.0)


@triton.jit
def _finish(y, total, row, here, column, shift, residual, COUT: tl.constexpr, RELU: tl.constexpr):
    """Write a tile, after ``relu(total + shift + residual)``, in the dtype of y."""
    inside = column < COUT
    if shift is not None:
        total += tl.load(shift + column, mask=inside, other=0.0).to(tl.float32)[None, :]
    at = row.to(tl.int64)[:, None] * COUT + column[None, :]
    mask = here[:, None] & inside[None, :]
    if residual is not None:
        total += tl.load(residual + at, mask=mask, other=0.0).to(tl.float32)
    if RELU:
        # Not a maximum: it would turn NaN into zero and hide it.
        total = tl.where(total < 0, 0.0, total)
    tl.store(y + at, total.to(y.dtype.element_ty), mask=mask)
