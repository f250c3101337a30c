"""Triton kernels of the weight gradient: sums over all pairs, in parts, added in a fixed order."""

# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
# (Triton infers the types; the docstrings name them)
from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def partial_sums(
    x,
    g,
    in_rows,
    out_rows,
    starts,
    partials,
    VOLUME: tl.constexpr,
    PADDED: tl.constexpr,
    CIN: tl.constexpr,
    COUT: tl.constexpr,
    MIRRORED: tl.constexpr,
    PRECISION: tl.constexpr,
    INNER: tl.constexpr,
    COLUMNS: tl.constexpr,
    PAIRS: tl.constexpr,
):
    """The products of one share of the pairs, for a tile of channels.

    Every program of axis 0 takes as many pairs as the others, whatever offset they belong to: the
    centre of a submanifold map has several times the pairs of a corner. Share s leaves its sum for
    offset k in slot ``s + k``, which no other share and offset has, as both only grow.

    Args:
        x: (num_in, CIN) contiguous.
        g: (num_out, COUT) contiguous, the gradient of the output.
        in_rows: int32 rows of x, sorted by offset.
        out_rows: int32 rows of g.
        starts: (K + 1,) int32 borders of the offsets.
        partials: (shares + K - 1, CIN, COUT) float32, written where there are pairs.
        VOLUME: K.
        PADDED: a power of two of at least K.
        CIN: channels of x.
        COUT: channels of g.
        MIRRORED: whether the rows hold only the offsets before the middle one; the middle one
            joins each row with itself, and those behind are mirror images.
        PRECISION: of float32 products, "ieee" or "tf32".
        INNER: channels of x of a tile.
        COLUMNS: channels of g of a tile.
        PAIRS: pairs that are multiplied at a time.
    """
    across: tl.constexpr = (COUT + COLUMNS - 1) // COLUMNS
    share = tl.program_id(0)
    channel = (tl.program_id(1) // across) * INNER + tl.arange(0, INNER)
    column = (tl.program_id(1) % across) * COLUMNS + tl.arange(0, COLUMNS)
    length = share_length(starts, tl.num_programs(0), VOLUME)
    begin = share * length
    # The offsets that the share touches: those behind the ones that end before it.
    every = tl.arange(0, PADDED)
    ends = tl.load(starts + 1 + every, mask=every < VOLUME, other=2147483647)
    first = tl.sum((ends <= begin).to(tl.int32), 0)
    begins = tl.load(starts + every, mask=every < VOLUME, other=2147483647)
    last = tl.sum((begins < begin + length).to(tl.int32), 0)
    for k in range(first, last):
        start = tl.load(starts + k)
        low = tl.maximum(start, begin)
        high = tl.minimum(tl.load(starts + k + 1), begin + length)
        if low < high:
            # Where the pairs of this offset, or those that it is the mirror image of, are kept.
            listed = k
            if MIRRORED:
                listed = tl.minimum(k, VOLUME - 1 - k)
            kept = tl.load(starts + listed) - start
            limit = high
            if MIRRORED:
                limit = tl.where(k == VOLUME // 2, low, high)  # of the middle one, none are kept
            total = tl.zeros((INNER, COLUMNS), tl.float32)
            number = low + tl.arange(0, PAIRS)
            source, target = _sides(
                in_rows, out_rows, number, limit, kept, start, k, VOLUME, MIRRORED
            )
            for _ in range(low, high, PAIRS):
                here = (number < high)[:, None]
                # 64 bits: rows times channels pass 2^31 at 17 million rows of 128 channels.
                at_x = source.to(tl.int64)[:, None] * CIN + channel[None, :]
                at_g = target.to(tl.int64)[:, None] * COUT + column[None, :]
                a = tl.load(x + at_x, mask=here & (channel < CIN)[None, :], other=0.0)
                b = tl.load(g + at_g, mask=here & (column < COUT)[None, :], other=0.0)
                total = tl.dot(tl.trans(a), b, total, input_precision=PRECISION)
                # Looked up a step ahead, so that the rows can be loaded several steps ahead.
                number += PAIRS
                source, target = _sides(
                    in_rows, out_rows, number, limit, kept, start, k, VOLUME, MIRRORED
                )
            slot = tl.cast(share + k, tl.int64) * CIN * COUT
            at = partials + slot + channel[:, None] * COUT + column[None, :]
            tl.store(at, total, mask=(channel < CIN)[:, None] & (column < COUT)[None, :])


@triton.jit
def _sides(
    in_rows,
    out_rows,
    number,
    limit,
    kept,
    start,
    k,
    VOLUME: tl.constexpr,
    MIRRORED: tl.constexpr,
):
    """The rows of x and of g of some pairs of offset k, by their numbers among all pairs."""
    source = tl.load(in_rows + kept + number, mask=number < limit, other=0)
    target = tl.load(out_rows + kept + number, mask=number < limit, other=0)
    if MIRRORED:
        # The middle offset joins each row with itself; those behind it have their sides swapped.
        first = tl.where(k > VOLUME // 2, target, source)
        second = tl.where(k > VOLUME // 2, source, target)
        source = tl.where(k == VOLUME // 2, number - start, first)
        target = tl.where(k == VOLUME // 2, number - start, second)
    return source, target


@triton.jit(do_not_specialize=["num_shares"])
def add_parts(
    partials, starts, out, num_shares, SIZE: tl.constexpr, VOLUME: tl.constexpr, BLOCK: tl.constexpr
):
    """Add what the shares left for one offset, in the order of the shares.

    Args:
        partials: (shares + K - 1, SIZE) float32.
        starts: (K + 1,) int32 borders of the offsets.
        out: (K, SIZE) float32, written.
        num_shares: of `partial_sums`.
        SIZE: CIN * COUT.
        VOLUME: K.
        BLOCK: elements of a program.
    """
    k = tl.program_id(1)
    element = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = element < SIZE
    length = share_length(starts, num_shares, VOLUME)
    start, end = tl.load(starts + k), tl.load(starts + k + 1)
    total = tl.zeros((BLOCK,), tl.float32)
    if start < end:
        for share in range(start // length, (end - 1) // length + 1):
            slot = tl.cast(share + k, tl.int64) * SIZE
            total += tl.load(partials + slot + element, mask=inside, other=0.0)
    tl.store(out + k.to(tl.int64) * SIZE + element, total, mask=inside)


@triton.jit
def share_length(starts, num_shares, VOLUME: tl.constexpr):
    """Pairs of a share: all of them divided, rounded up, and at least one."""
    total = tl.load(starts + VOLUME)
    return tl.maximum((total + num_shares - 1) // num_shares, 1)
