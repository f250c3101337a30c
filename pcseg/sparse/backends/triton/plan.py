"""Plans: in which order the rows of a map are computed, and which offsets each tile visits.

Both depend on the map alone, so they are made once for all layers and directions that use it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from pcseg.sparse.backends.triton import map_kernels as kernels
from pcseg.sparse.backends.triton.configs import SMALLEST_TILE
from pcseg.sparse.backends.triton.launch import blocks, device_of
from pcseg.sparse.kernel_map import KernelMap

_BLOCK = 256
_PAIR_BLOCK = 1024
_TILES = 64


@dataclass(eq=False)
class Plan:
    """Rows with the same neighbours stand together, so that tiles can skip the other offsets.

    Attributes:
        order: (V,) int32 the row at each place.
        table: (K, V) int32 the neighbours of that row.
        words: (blocks, words) int32 which offsets a block of `SMALLEST_TILE` places has.
        lists: for each size of tiles in use, (tiles, K) int32 offsets and (tiles,) int32 counts.
    """

    order: Tensor
    table: Tensor
    words: Tensor
    lists: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def tiles(self, rows: int) -> tuple[Tensor, Tensor]:
        """The offsets of each tile of `rows` places, and how many they are.

        Raises:
            ValueError: if `rows` is no multiple of `SMALLEST_TILE`.
        """
        if rows < SMALLEST_TILE or rows % SMALLEST_TILE:
            raise ValueError(f"a tile has a multiple of {SMALLEST_TILE} rows, not {rows}.")
        if rows not in self.lists:
            volume, num_rows = self.table.shape
            num_tiles = blocks(num_rows, rows)
            lists = self.table.new_empty((num_tiles, volume))
            counts = self.table.new_empty(num_tiles)
            with device_of(self.table):
                kernels.list_offsets[(blocks(num_tiles, _TILES),)](
                    self.words,
                    lists,
                    counts,
                    len(self.words),
                    num_tiles,
                    VOLUME=volume,
                    WORDS=self.words.shape[1],
                    RATIO=rows // SMALLEST_TILE,
                    TILES=_TILES,
                )
            self.lists[rows] = lists, counts
        return self.lists[rows]


@dataclass(eq=False)
class DevicePairs:
    """The pairs of a map, of which the host does not know how many there are.

    Attributes:
        in_rows: int32 rows of the input, sorted by offset; what lies behind the last is undefined.
        out_rows: int32 rows of the output.
        starts: (K + 1,) int32 borders of the offsets.
        mirrored: whether the rows are those of the offsets before the middle one only, and the
            borders those of all.
    """

    in_rows: Tensor
    out_rows: Tensor
    starts: Tensor
    mirrored: bool


def plan_of(kernel_map: KernelMap) -> tuple[Plan, bool]:
    """The plan of a map, and whether its offsets are to be read in reverse.

    A submanifold map and its transposed have the same table but for the order of the offsets, so
    the gradient uses the plan of the forward.
    """
    is_reversed = kernel_map.mirrored and kernel_map.is_transposed
    planned = kernel_map.transposed if is_reversed else kernel_map
    if "plan" not in planned.notes:
        planned.notes["plan"] = _plan(planned.table)
    plan: Plan = planned.notes["plan"]
    return plan, is_reversed


def pairs_of(kernel_map: KernelMap) -> DevicePairs:
    """The pairs of a map, without waiting for the device."""
    if kernel_map.is_transposed:
        pairs = pairs_of(kernel_map.transposed)
        return DevicePairs(pairs.out_rows, pairs.in_rows, pairs.starts, pairs.mirrored)
    if "device pairs" not in kernel_map.notes:
        kernel_map.notes["device pairs"] = _pairs(kernel_map)
    found: DevicePairs = kernel_map.notes["device pairs"]
    return found


def _plan(table: Tensor) -> Plan:
    volume, num_rows = table.shape
    dtype = torch.int32 if volume <= 31 else torch.int64
    keys = torch.empty(num_rows, dtype=dtype, device=table.device)
    num_blocks, num_words = blocks(num_rows, SMALLEST_TILE), blocks(volume, 32)
    arranged, words = torch.empty_like(table), table.new_empty((num_blocks, num_words))
    with device_of(table):
        kernels.order_keys[(blocks(num_rows, _BLOCK),)](
            table, _bits(table), keys, num_rows, VOLUME=volume, BLOCK=_BLOCK
        )
        order = torch.sort(keys, stable=True).indices.to(torch.int32)
        kernels.arrange_table[num_blocks, num_words](
            table, order, arranged, words, num_rows, VOLUME=volume, BLOCK=SMALLEST_TILE, num_warps=1
        )
    return Plan(order, arranged, words)


def _bits(table: Tensor) -> Tensor:
    """(K,) int64: the significance of each offset in the order of the rows.

    The rarer, the higher: the rows that have it stand together, and most tiles skip it. In a LiDAR
    scan that leaves 1.74 times the multiply-adds of the pairs, where 2.10 are left by the order of
    the offsets and 4.27 by that of the voxels (tiles of 128 rows). Of more than 62 offsets every
    second, or third, has no bit.
    """
    rarest_first = torch.argsort((table >= 0).sum(1), stable=True)
    chosen = rarest_first[:: blocks(len(table), 62)]
    bits = torch.full_like(rarest_first, -1)
    bits[chosen] = torch.arange(len(chosen) - 1, -1, -1, device=table.device)
    return bits


def _pairs(kernel_map: KernelMap) -> DevicePairs:
    table, mirrored = kernel_map.table, kernel_map.mirrored
    volume, num_rows = table.shape
    listed = volume // 2 if mirrored else volume
    # As many as there can be: the host would have to wait to learn how many there are.
    size = kernel_map.num_in if kernel_map.partition else listed * num_rows
    # Not halves of one tensor: kernels are compiled once more for an address that is not aligned.
    in_rows, out_rows = table.new_empty(size), table.new_empty(size)
    num_blocks = blocks(num_rows, _PAIR_BLOCK)
    counts = table.new_empty((listed, num_blocks))
    if counts.numel():
        with device_of(table):
            grid = num_blocks, listed
            kernels.count_pairs[grid](table, counts, num_rows, BLOCK=_PAIR_BLOCK)
            ends = torch.cumsum(counts.flatten(), 0, dtype=torch.int32)
            kernels.pack_pairs[grid](table, ends, in_rows, out_rows, num_rows, BLOCK=_PAIR_BLOCK)
    lengths = counts.sum(1, dtype=torch.int32)
    if mirrored:
        lengths = torch.cat([lengths, lengths.new_full((1,), num_rows), lengths.flip(0)])
    starts = torch.nn.functional.pad(torch.cumsum(lengths, 0, dtype=torch.int32), (1, 0))
    return DevicePairs(in_rows, out_rows, starts, mirrored)
