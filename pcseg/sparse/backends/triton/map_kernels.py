"""Triton kernels that build maps: coarse voxels, tables of neighbours, orders, lists of pairs."""

# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
# (Triton infers the types; the docstrings name them)
from __future__ import annotations

import triton
import triton.language as tl

# A kernel is compiled anew for each number that is 1 or a multiple of 16; of the sizes that change
# with every scan these would be many versions, so all kernels do without.
_STRIDE = ("sx", "sy", "sz")
_BOX = ("ox", "oy", "oz", "ex", "ey", "ez")


@triton.jit(do_not_specialize=["num_rows", *_STRIDE, *_BOX])
def coarse_keys(coords, keys, num_rows, sx, sy, sz, ox, oy, oz, ex, ey, ez, BLOCK: tl.constexpr):
    """The key of ``floor(c / s)`` of each row.

    Args:
        coords: (V, 4) int32.
        keys: (V,) int64, written.
        num_rows: V.
        sx: the stride along x.
        sy: along y.
        sz: along z.
        ox: the origin of the coarse key space along x.
        oy: along y.
        oz: along z.
        ex: its extent along x.
        ey: along y.
        ez: along z.
        BLOCK: rows of a program.
    """
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    here = row < num_rows
    key = tl.load(coords + row * 4, mask=here, other=0).to(tl.int64)
    x = _floor_div(tl.load(coords + row * 4 + 1, mask=here, other=0), sx)
    key = key * ex + (x.to(tl.int64) - ox)
    y = _floor_div(tl.load(coords + row * 4 + 2, mask=here, other=0), sy)
    key = key * ey + (y.to(tl.int64) - oy)
    z = _floor_div(tl.load(coords + row * 4 + 3, mask=here, other=0), sz)
    key = key * ez + (z.to(tl.int64) - oz)
    tl.store(keys + row, key, mask=here)


@triton.jit
def _floor_div(a, b):
    # The division of a GPU rounds towards zero.
    quotient = a // b
    return quotient - ((a - quotient * b) < 0).to(tl.int32)


@triton.jit(do_not_specialize=["num_rows", *_BOX])
def keep_distinct(keys, places, coords, num_rows, ox, oy, oz, ex, ey, ez, BLOCK: tl.constexpr):
    """Write the coordinates of every key that differs from the one before.

    Args:
        keys: (V,) ascending int64.
        places: (V,) int32: number of distinct keys up to and including each.
        coords: (V', 4) int32 [batch, x, y, z], written.
        num_rows: V.
        ox: the origin of the key space along x.
        oy: along y.
        oz: along z.
        ex: its extent along x.
        ey: along y.
        ez: along z.
        BLOCK: rows of a program.
    """
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    here = row < num_rows
    key = tl.load(keys + row, mask=here, other=0)
    place = tl.load(places + row, mask=here, other=0)
    before = tl.load(places + row - 1, mask=here & (row > 0), other=0)
    new = here & (place != before)
    to = coords + (place.to(tl.int64) - 1) * 4
    tl.store(to + 3, (key % ez + oz).to(tl.int32), mask=new)
    key = key // ez
    tl.store(to + 2, (key % ey + oy).to(tl.int32), mask=new)
    key = key // ey
    tl.store(to + 1, (key % ex + ox).to(tl.int32), mask=new)
    tl.store(to, (key // ex).to(tl.int32), mask=new)


@triton.jit(do_not_specialize=["num_keys", "num_targets", "steps"])
def find_neighbours(
    keys,
    targets,
    deltas,
    table,
    num_keys,
    num_targets,
    steps,
    RUN: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Fill the table for one run of offsets that follow each other along z.

    One binary search finds the lowest of the run; the others can only be the keys behind it.

    Args:
        keys: (V,) ascending int64.
        targets: (V',) int64.
        deltas: (K,) int64; those of a run are consecutive numbers.
        table: (K, V') int32, written: the place of ``targets[o] + deltas[k]`` in keys, or -1.
        num_keys: V, at least 1.
        num_targets: V'.
        steps: halvings that bring V rows down to one.
        RUN: offsets of a run.
        BLOCK: targets of a program.
    """
    row = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    first = tl.program_id(1) * RUN
    here = row < num_targets
    wanted = tl.load(targets + row, mask=here, other=0) + tl.load(deltas + first)
    low = tl.zeros((BLOCK,), tl.int32)
    high = tl.zeros((BLOCK,), tl.int32) + num_keys
    for _ in range(steps):
        middle = low + (high - low) // 2
        smaller = tl.load(keys + middle, mask=here & (middle < high), other=0) < wanted
        unfinished = low < high
        low = tl.where(unfinished & smaller, middle + 1, low)
        high = tl.where(unfinished & ~smaller, middle, high)
    for j in tl.static_range(RUN):
        key = tl.load(keys + low, mask=here & (low < num_keys), other=-1)
        hit = (low < num_keys) & (key == wanted + j)
        line = table + (first + j).to(tl.int64) * num_targets
        tl.store(line + row, tl.where(hit, low, -1), mask=here)
        low += hit.to(tl.int32)


@triton.jit(do_not_specialize=["num_rows"])
def order_keys(table, bits, keys, num_rows, VOLUME: tl.constexpr, BLOCK: tl.constexpr):
    """A number for each row, such that rows with like neighbours have like numbers.

    Args:
        table: (K, V) int32.
        bits: (K,) int64 the bit of each offset; a negative one is left out.
        keys: (V,) int32 or int64, written: the place of the row's bits in the Gray code, in which
            only one bit changes from each number to the next.
        num_rows: V.
        VOLUME: K.
        BLOCK: rows of a program.
    """
    row = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = row < num_rows
    key = tl.zeros((BLOCK,), tl.int64)
    for k in range(VOLUME):
        bit = tl.load(bits + k)
        source = tl.load(table + tl.cast(k, tl.int64) * num_rows + row, mask=here, other=-1)
        has = (source >= 0) & (bit >= 0)
        key = key | (has.to(tl.int64) << tl.maximum(bit, 0))
    for step in tl.static_range(6):
        key = key ^ (key >> (1 << step))
    tl.store(keys + row, key.to(keys.dtype.element_ty), mask=here)


@triton.jit(do_not_specialize=["num_rows"])
def arrange_table(
    table,
    order,
    arranged,
    words,
    num_rows,
    VOLUME: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """The table in another order of rows, and the offsets that each block of it has.

    Args:
        table: (K, V) int32.
        order: (V,) int32 the row of the table at each place.
        arranged: (K, V) int32, written: ``table[:, order]``.
        words: (blocks, words of K bits) int32, written: bit ``k % 32`` of word ``k // 32`` is
            set if a row of the block has a neighbour at offset k.
        num_rows: V.
        VOLUME: K.
        BLOCK: rows of a block.
    """
    block, word = tl.program_id(0), tl.program_id(1)
    place = block * BLOCK + tl.arange(0, BLOCK)
    here = place < num_rows
    row = tl.load(order + place, mask=here, other=0)
    bits = tl.zeros((BLOCK,), tl.int32)
    for k in range(word * 32, tl.minimum(word * 32 + 32, VOLUME)):
        line = tl.cast(k, tl.int64) * num_rows
        source = tl.load(table + line + row, mask=here, other=-1)
        tl.store(arranged + line + place, source, mask=here)
        bits = bits | ((source >= 0).to(tl.int32) << (k - word * 32))
    joined = tl.reduce(bits, 0, _either)
    tl.store(words + block * tl.num_programs(1) + word, joined)


@triton.jit
def _either(a, b):
    return a | b


@triton.jit(do_not_specialize=["num_blocks", "num_tiles"])
def list_offsets(
    words,
    lists,
    counts,
    num_blocks,
    num_tiles,
    VOLUME: tl.constexpr,
    WORDS: tl.constexpr,
    RATIO: tl.constexpr,
    TILES: tl.constexpr,
):
    """The offsets that each tile of several blocks has to visit, in ascending order.

    Args:
        words: (blocks, WORDS) int32, from `arrange_table`.
        lists: (tiles, K) int32, written as far as `counts` says.
        counts: (tiles,) int32, written.
        num_blocks: rows of `words`.
        num_tiles: rows of `lists`.
        VOLUME: K.
        WORDS: numbers for the bits of K offsets.
        RATIO: blocks of a tile.
        TILES: tiles of a program.
    """
    tile = tl.program_id(0) * TILES + tl.arange(0, TILES)
    here = tile < num_tiles
    count = tl.zeros((TILES,), tl.int32)
    for k in range(VOLUME):
        bits = tl.zeros((TILES,), tl.int32)
        for j in tl.static_range(RATIO):
            block = tile * RATIO + j
            inside = here & (block < num_blocks)
            bits = bits | tl.load(words + block * WORDS + k // 32, mask=inside, other=0)
        has = ((bits >> (k % 32)) & 1) != 0
        tl.store(lists + tile * VOLUME + count, k, mask=here & has)
        count += has.to(tl.int32)
    tl.store(counts + tile, count, mask=here)


@triton.jit(do_not_specialize=["num_rows"])
def count_pairs(table, counts, num_rows, BLOCK: tl.constexpr):
    """How many neighbours the rows of one block have at one offset.

    Args:
        table: (K, V) int32.
        counts: (offsets, blocks) int32, written.
        num_rows: V.
        BLOCK: rows of a block.
    """
    k, block = tl.program_id(1), tl.program_id(0)
    row = block * BLOCK + tl.arange(0, BLOCK)
    line = table + k.to(tl.int64) * num_rows
    hits = tl.load(line + row, mask=row < num_rows, other=-1) >= 0
    tl.store(counts + k * tl.num_programs(0) + block, tl.sum(hits.to(tl.int32), 0))


@triton.jit(do_not_specialize=["num_rows"])
def pack_pairs(table, ends, in_rows, out_rows, num_rows, BLOCK: tl.constexpr):
    """The pairs of one block of rows at one offset, behind those of the blocks before it.

    Args:
        table: (K, V) int32.
        ends: (offsets, blocks) int32: `count_pairs`, summed up.
        in_rows: (P,) int32, written.
        out_rows: (P,) int32, written.
        num_rows: V.
        BLOCK: rows of a block.
    """
    k, block = tl.program_id(1), tl.program_id(0)
    row = block * BLOCK + tl.arange(0, BLOCK)
    line = table + k.to(tl.int64) * num_rows
    source = tl.load(line + row, mask=row < num_rows, other=-1)
    hit = source >= 0
    number = hit.to(tl.int32)
    end = tl.load(ends + k * tl.num_programs(0) + block)
    place = end - tl.sum(number, 0) + tl.cumsum(number, 0) - 1
    tl.store(in_rows + place, source, mask=hit)
    tl.store(out_rows + place, row, mask=hit)
