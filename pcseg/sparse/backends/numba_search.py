"""Kernel maps on the CPU: neighbours are found by walking two sorted lists of keys together.

No hash table and no binary search per row: the keys of all output rows, shifted by one kernel
offset, ascend like the keys of the input, so one pointer moves forward through each list.
"""

# mypy: disallow-untyped-defs=False
# (numba infers the types; the docstrings of the public functions name them)
from __future__ import annotations

import numpy as np
from numba import njit

from pcseg.sparse.backends.tickets import take_tickets

INLINED = "a5beb490013f48bb"
"""Digest of numba_tiles.py and tickets.py, whose code is compiled into these kernels: numba looks
only at this file to see whether its machine code on disk is up to date. A test tells what to write.
"""

BLOCK = 1024
"""Rows that one task walks, for all offsets; a task starts each offset with one binary search."""


@njit(nogil=True, cache=True, error_model="numpy")
def walk(keys, targets, deltas, found, counts, places, tickets, taken):
    """Find the pairs of every offset, shared by all threads that call it.

    Blocks of targets lay their pairs down one behind the other, in the order in which they end.

    Args:
        keys: (V,) ascending int64, not empty.
        targets: (V',) ascending int64.
        deltas: (K,) int64: offset k pairs a target with the key ``target + deltas[k]``.
        found: (2, K * V') int32, written as far as there are pairs (a system gives memory when it
            is written): rows of `keys` and of `targets`; a block's pairs by offset, then target.
        counts: (K, blocks) int64, written: how many pairs there are.
        places: (blocks,) int64, written: where the pairs of each block begin.
        tickets: (1,) int64 zero: the queue of blocks.
        taken: (1,) int64 zero: how much of `found` is taken.
    """
    last = len(keys) - 1
    in_table = np.empty((len(deltas), BLOCK), np.int32)
    out_table = np.empty((len(deltas), BLOCK), np.int32)
    block = take_tickets(tickets, 1)
    while block < counts.shape[1]:
        begin = block * BLOCK
        end = min(begin + BLOCK, len(targets))
        k = 0
        while k < len(deltas):
            # Offsets that differ by one key (neighbours along z) are found by the same walk.
            run = 1
            while run < 3 and k + run < len(deltas) and deltas[k + run] == deltas[k] + run:
                run += 1
            second, third = min(k + 1, len(deltas) - 1), min(k + 2, len(deltas) - 1)
            place = _first_not_below(keys, targets[begin] + deltas[k])
            one = two = three = 0
            for row in range(begin, end):
                wanted = targets[row] + deltas[k]
                while place <= last and keys[place] < wanted:
                    place += 1
                if place > last:
                    break
                # Written whether it matches or not (the next overwrites it): no branch to miss.
                in_table[k, one] = place
                out_table[k, one] = row
                hit = keys[place] == wanted
                one += hit
                if run > 1:
                    here = min(place + hit, last)
                    in_table[second, two] = here
                    out_table[second, two] = row
                    hit = keys[here] == wanted + 1
                    two += hit
                    if run > 2:
                        here = min(here + hit, last)
                        in_table[third, three] = here
                        out_table[third, three] = row
                        three += keys[here] == wanted + 2
            counts[k, block] = one
            if run > 1:
                counts[second, block] = two
            if run > 2:
                counts[third, block] = three
            k += run
        number = 0
        for k in range(len(deltas)):
            number += counts[k, block]
        at = take_tickets(taken, number)
        places[block] = at
        for k in range(len(deltas)):
            for i in range(counts[k, block]):
                found[0, at] = in_table[k, i]
                found[1, at] = out_table[k, i]
                at += 1
        block = take_tickets(tickets, 1)


@njit(inline="always")
def _first_not_below(keys, wanted):
    """The first place of an ascending list whose entry is not below `wanted`."""
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@njit(nogil=True, cache=True, error_model="numpy")
def gather_pairs(found, counts, places, mirrored, in_rows, out_rows):
    """Copy the pairs of all blocks into lists by offset, their mirror images behind them.

    Args:
        found: from `walk`, as `counts`.
        counts: see there.
        places: from `walk`; used up.
        mirrored: whether offset K - 1 - k holds the pairs of offset k with their sides swapped.
        in_rows: (P,) int32, written but for the middle offset of a mirrored map.
        out_rows: (P,) int32, likewise.
    """
    image = len(in_rows)
    here = 0
    for k in range(counts.shape[0]):
        if mirrored:
            # Lists from both ends have the same lengths, so the image's place is known already.
            for block in range(counts.shape[1]):
                image -= counts[k, block]
        there = image
        for block in range(counts.shape[1]):
            at = places[block]
            for i in range(at, at + counts[k, block]):
                in_rows[here], out_rows[here] = found[0, i], found[1, i]
                here += 1
                if mirrored:
                    in_rows[there], out_rows[there] = found[1, i], found[0, i]
                    there += 1
            places[block] += counts[k, block]


@njit(nogil=True, cache=True, error_model="numpy")
def coarse_keys(coords, divisors, lows, extents, class_starts):
    """Keys of ``floor(c / divisor)``, sorted within classes of equal (x mod, y mod).

    Rows in key order that agree in x and y modulo the stride have coarse keys in key order too, so
    every class is a sorted list. Repeats within a class are dropped (they are neighbours).

    Args:
        coords: (V, 4) int32 in key order.
        divisors: (3,) int64 strides.
        lows: (3,) int64 smallest coarse coordinate.
        extents: (3,) int64 number of coarse coordinates along each axis.
        class_starts: (classes + 1,) int64 work space; on return the borders of the lists.

    Returns:
        The lists, one after the other, in one (V,) array of which ``class_starts[-1]`` are used.
    """
    num_rows = len(coords)
    num_classes = len(class_starts) - 1
    keys = np.empty(num_rows, np.int64)
    classes = np.empty(num_rows, np.int32)
    last, counts = np.empty(num_classes, np.int64), np.empty(num_classes, np.int64)
    for name in range(num_classes):
        last[name], counts[name] = -1, 0
    for row in range(num_rows):
        x = coords[row, 1] // divisors[0]
        y = coords[row, 2] // divisors[1]
        z = coords[row, 3] // divisors[2]
        key = np.int64(coords[row, 0]) * extents[0] + (x - lows[0])
        key = (key * extents[1] + (y - lows[1])) * extents[2] + (z - lows[2])
        in_x = coords[row, 1] - x * divisors[0]
        name = in_x * divisors[1] + (coords[row, 2] - y * divisors[1])
        keys[row] = key
        classes[row] = name if last[name] != key else -1
        counts[name] += last[name] != key
        last[name] = key
    class_starts[0] = 0
    for name in range(num_classes):
        class_starts[name + 1] = class_starts[name] + counts[name]
        counts[name] = class_starts[name]
    lists = np.empty(num_rows, np.int64)
    for row in range(num_rows):
        name = classes[row]
        if name >= 0:
            lists[counts[name]] = keys[row]
            counts[name] += 1
    return lists


@njit(nogil=True, cache=True, error_model="numpy")
def merge_distinct(lists, starts):
    """Merge sorted lists that lie one after the other, pair by pair, dropping repeats."""
    spare = np.empty(len(lists), np.int64)
    number = len(starts) - 1
    borders = np.empty(number + 1, np.int64)
    for i in range(number + 1):
        borders[i] = starts[i]
    while number > 1:
        end = 0
        kept = 0
        for pair in range(0, number, 2):
            begin = end
            i, i_end = borders[pair], borders[pair + 1]
            j = i_end
            j_end = borders[pair + 2] if pair + 2 <= number else i_end
            while i < i_end and j < j_end:
                a, b = lists[i], lists[j]
                spare[end] = min(a, b)
                i += a <= b
                j += b <= a
                end += 1
            while i < i_end:
                spare[end] = lists[i]
                i += 1
                end += 1
            while j < j_end:
                spare[end] = lists[j]
                j += 1
                end += 1
            borders[kept] = begin
            kept += 1
        borders[kept] = end
        number = kept
        lists, spare = spare, lists
    return lists[: borders[number]]
