"""Tables of integer keys: cells as numbers, and where to find them in a hash table.

Open addressing with linear probing. An entry that is taken out is filled from behind, so there are
no tombstones to be swept up, and a map that lives for hours stays as fast as a young one.
"""

# mypy: disallow-untyped-defs=False
# (numba infers the types; the docstrings of the public functions name them)
from __future__ import annotations

import math

import numpy as np
from numba import njit

EMPTY = -1
"""A free entry of a table of keys; keys are not negative."""
HALF_AXIS = 1 << 20
"""Cells on each side of the origin that a key of 3 x 21 bits can tell apart."""


@njit(nogil=True, cache=True, error_model="numpy")
def cell_keys_of(xyz, size):
    """(N,) int64 key of the cell of `size` (3,) metres that holds each point of `xyz` (N, 3)."""
    keys = np.empty(len(xyz), np.int64)
    for i in range(len(xyz)):
        keys[i] = key_of(xyz[i, 0], xyz[i, 1], xyz[i, 2], size[0], size[1], size[2])
    return keys


@njit(nogil=True, cache=True, error_model="numpy")
def group(keys, table, numbers):
    """Bring equal keys together.

    Args:
        keys: (N,) int64.
        table: of at least 2 N entries, all `EMPTY`.
        numbers: int32 of the same length: work space.

    Returns:
        order: (N,) int32 rows, group by group in order of first appearance.
        starts: (G + 1,) int32 borders of the groups in `order`.
        group_of: (N,) int32 group of each row.
    """
    group_of = np.empty(len(keys), np.int32)
    sizes = np.zeros(len(keys) + 1, np.int32)
    count = 0
    for i in range(len(keys)):
        entry = find(table, keys[i])
        if table[entry] != keys[i]:
            table[entry] = keys[i]
            numbers[entry] = count
            count += 1
        group_of[i] = numbers[entry]
        sizes[group_of[i] + 1] += 1
    starts = np.zeros(count + 1, np.int32)
    for number in range(count):
        starts[number + 1] = starts[number] + sizes[number + 1]
    places = starts.copy()
    order = np.empty(len(keys), np.int32)
    for i in range(len(keys)):
        order[places[group_of[i]]] = i
        places[group_of[i]] += 1
    return order, starts, group_of


@njit(nogil=True, cache=True, error_model="numpy")
def move_table(old, old_heads, new, new_heads):
    """Enter all keys of one table, and what goes with them, into a larger one."""
    for entry in range(len(old)):
        if old[entry] != EMPTY:
            place = find(new, old[entry])
            new[place] = old[entry]
            if len(new_heads):
                new_heads[place] = old_heads[entry]


@njit(nogil=True, cache=True, error_model="numpy")
def key_of(x, y, z, size_x, size_y, size_z):
    """The key of the cell of such edges that holds a point; `x`, `y`, `z` and edges in metres."""
    ix = np.int64(math.floor(np.float64(x) / size_x))
    iy = np.int64(math.floor(np.float64(y) / size_y))
    iz = np.int64(math.floor(np.float64(z) / size_z))
    return pack(ix, iy, iz)


@njit(nogil=True, cache=True, error_model="numpy")
def pack(ix, iy, iz):
    """Three cell numbers of 21 bits in one whole number; neighbours differ by fixed steps."""
    return ((ix + HALF_AXIS) << 42) | ((iy + HALF_AXIS) << 21) | (iz + HALF_AXIS)


@njit(nogil=True, cache=True, error_model="numpy")
def find(table, key):
    """The entry of a key, or the empty one where it belongs."""
    mask = np.int64(len(table) - 1)
    entry = _home(key, mask)
    while table[entry] != EMPTY and table[entry] != key:
        entry = (entry + 1) & mask
    return entry


@njit(nogil=True, cache=True, error_model="numpy")
def drop(table, heads, entry):
    """Empty an entry, and move up those behind it that would no longer be found."""
    mask = np.int64(len(table) - 1)
    hole = entry
    entry = (entry + 1) & mask
    while table[entry] != EMPTY:
        if ((entry - _home(table[entry], mask)) & mask) >= ((entry - hole) & mask):
            table[hole] = table[entry]
            if len(heads):
                heads[hole] = heads[entry]
            hole = entry
        entry = (entry + 1) & mask
    table[hole] = EMPTY


@njit(nogil=True, cache=True, error_model="numpy")
def _home(key, mask):
    """Where the search for a key begins: cells above each other share a line of the cache."""
    mixed = np.uint64(key >> 3) * np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing
    return (np.int64(mixed >> np.uint64(32)) << 3 | (key & 7)) & mask
