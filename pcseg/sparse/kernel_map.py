"""KernelMap: which input row meets which output row, for each kernel offset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

Pairs = tuple[Tensor, Tensor, tuple[int, ...]]


class KernelMap:
    """P pairs of rows, sorted by kernel offset, then by output row.

    For one offset a row occurs at most once on either side; that is what lets a backend add to
    the rows of one offset without races.

    A map has two faces: lists of pairs, and a table of neighbours. It is made from one of them, and
    the other is computed when somebody asks for it. On a CUDA device a table never makes the host
    wait; the lists do, because their length has to be known.

    Args:
        in_rows: (P,) int32 rows of the input.
        out_rows: (P,) int32 rows of the output.
        starts: K + 1 numbers; the pairs of offset k are ``starts[k]:starts[k + 1]``.
        num_in: rows of the input.
        num_out: rows of the output.
        identity: the offset whose pairs are (0, 0), (1, 1), …, if there is one.
        in_sorted: whether the input rows of each offset ascend too (so in levels in key order).

    Attributes:
        mirrored: whether offset ``K - 1 - k`` has the pairs of offset k with their sides swapped.
        partition: whether every input row occurs in exactly one pair, as the children of the
            parents of a kernel that is as large as its stride.
        is_transposed: whether this is the `transposed` of the map that was built.
    """

    def __init__(
        self,
        in_rows: Tensor,
        out_rows: Tensor,
        starts: tuple[int, ...],
        num_in: int,
        num_out: int,
        identity: int | None = None,
        in_sorted: bool = True,
    ) -> None:
        here = _Side((in_rows, out_rows, starts))
        self._set(here, _Side(), len(starts) - 1, num_in, num_out, identity, in_sorted)

    @classmethod
    def from_table(
        cls, table: Tensor, num_in: int, identity: int | None = None, in_sorted: bool = True
    ) -> KernelMap:
        """A map from its other face.

        Args:
            table: (K, num_out) int32: the input row of each offset and output row, -1 for none.
            num_in: rows of the input.
            identity: as above.
            in_sorted: as above.
        """
        volume, num_out = table.shape
        made = cls.__new__(cls)
        made._set(_Side(table=table), _Side(), volume, num_in, num_out, identity, in_sorted)
        return made

    @classmethod
    def from_tensors(cls, tensors: Sequence[Tensor], num_in: int, num_out: int) -> KernelMap:
        """The map of which `tensors` are the `tensors()`; without its notes."""
        *face, facts = tensors
        identity, in_sorted, mirrored, partition, swapped, *starts = facts.tolist()
        side = _Side(table=face[0]) if len(face) == 1 else _Side((face[0], face[1], tuple(starts)))
        volume = len(face[0]) if len(face) == 1 else len(starts) - 1
        here, there = (_Side(), side) if swapped else (side, _Side())
        made = cls.__new__(cls)
        made._set(
            here,
            there,
            volume,
            num_in,
            num_out,
            None if identity < 0 else identity,
            bool(in_sorted),
        )
        made.mirrored, made.partition = bool(mirrored), bool(partition)
        made.is_transposed = bool(swapped)
        return made

    def _set(
        self,
        here: _Side,
        there: _Side,
        volume: int,
        num_in: int,
        num_out: int,
        identity: int | None,
        in_sorted: bool,
    ) -> None:
        self._here, self._there = here, there
        self.volume, self.num_in, self.num_out = volume, num_in, num_out
        self.identity, self.in_sorted = identity, in_sorted
        self.mirrored = self.partition = self.is_transposed = False

    @property
    def notes(self) -> dict[Any, Any]:
        """What backends remember about this map in this direction."""
        return self._here.notes

    @property
    def in_rows(self) -> Tensor:
        """(P,) int32 rows of the input."""
        return self._pairs[0]

    @property
    def out_rows(self) -> Tensor:
        """(P,) int32 rows of the output."""
        return self._pairs[1]

    @property
    def starts(self) -> tuple[int, ...]:
        """K + 1 numbers; the pairs of offset k are ``starts[k]:starts[k + 1]``."""
        return self._pairs[2]

    @property
    def table(self) -> Tensor:
        """(K, num_out) int32: the input row of each offset and output row, -1 where none is."""
        if self._here.table is None:
            if self._here.pairs is None and self._there.table is not None and self.mirrored:
                self._here.table = self._there.table.flip(0)
            elif self._here.pairs is None and self._there.table is not None:
                self._here.table = _swapped_table(self._there.table, self.num_out)
            else:
                self._here.table = _table(self._pairs, self.offset_ids(), self.num_out)
        return self._here.table

    @property
    def has_pairs(self) -> bool:
        """Whether the lists are there, or one swap away."""
        return self._here.pairs is not None or self._there.pairs is not None

    def __len__(self) -> int:
        return len(self.in_rows)

    def __repr__(self) -> str:
        # How many pairs a table has, it would have to count.
        pairs = f", {self.starts[-1]} pairs" if self.has_pairs else ""
        return f"KernelMap({self.num_in} rows to {self.num_out}, {self.volume} offsets{pairs})"

    def offset_ids(self) -> Tensor:
        """(P,) int64: the kernel offset of each pair."""
        lengths = torch.tensor(self.starts).diff()
        ids = torch.repeat_interleave(torch.arange(self.volume), lengths)
        return ids.to(self.in_rows.device)

    @cached_property
    def transposed(self) -> KernelMap:
        """The same pairs with input and output swapped: the map of the inverse and the gradient.

        It shares faces and notes with this map; its own `transposed` is equal to this one.
        """
        made = KernelMap.__new__(KernelMap)
        made._set(
            self._there,
            self._here,
            self.volume,
            self.num_out,
            self.num_in,
            self.identity,
            self.in_sorted,
        )
        made.mirrored, made.partition = self.mirrored, self.partition
        made.is_transposed = not self.is_transposed
        return made

    def renamed(self, in_order: Tensor | None, out_order: Tensor | None) -> KernelMap:
        """The map of the same voxels in other rows.

        Args:
            in_order: (num_in,) int64 new row of each input row, or None to leave them.
            out_order: (num_out,) int64 new row of each output row, or None to leave them.
        """
        if in_order is None and out_order is None:
            return self
        same = in_order is out_order
        identity = self.identity if same else None
        if self._here.table is not None:
            table = _renamed_table(self._here.table, in_order, out_order)
            made = KernelMap.from_table(table, self.num_in, identity, in_sorted=False)
        else:
            in_rows = self.in_rows if in_order is None else in_order[self.in_rows.long()]
            out_rows = self.out_rows if out_order is None else out_order[self.out_rows.long()]
            order = torch.argsort(self.offset_ids() * self.num_out + out_rows)
            rows = in_rows[order].to(torch.int32), out_rows[order].to(torch.int32)
            made = KernelMap(*rows, self.starts, self.num_in, self.num_out, identity, False)
        made.mirrored, made.partition = self.mirrored and same, self.partition
        return made

    def tensors(self) -> list[Tensor]:
        """All there is to this map but its notes, for an operator that takes tensors only.

        Returns:
            ``[in_rows, out_rows, facts]`` or ``[table, facts]``, whichever face is there; facts is
            int64 on the CPU. The same tensors at every call; the facts are this map's alone, the
            rows may be shared with its `transposed`.
        """
        return [*self._face()[0], self._facts]

    @cached_property
    def _facts(self) -> Tensor:
        _, starts, swapped = self._face()
        identity = -1 if self.identity is None else self.identity
        flags = [self.in_sorted, self.mirrored, self.partition, swapped]
        return torch.tensor([identity, *map(int, flags), *starts])

    def _face(self) -> tuple[list[Tensor], tuple[int, ...], bool]:
        """A face that is there: its tensors, the starts of lists, whether its sides are swapped."""
        for side, swapped in ((self._here, False), (self._there, True)):
            if side.first == "pairs" and side.pairs is not None:
                return [*side.pairs[:2]], side.pairs[2], swapped
            if side.first == "table" and side.table is not None:
                return [side.table], (), swapped
        raise AssertionError("a kernel map is made from one of its faces")

    @property
    def _pairs(self) -> Pairs:
        if self._here.pairs is None:
            if self._here.table is not None:
                self._here.pairs = _pairs(self._here.table)
            else:
                if self._there.pairs is None:
                    assert self._there.table is not None
                    self._there.pairs = _pairs(self._there.table)
                self._here.pairs = _swapped(self._there.pairs, self.in_sorted, self.num_out)
        return self._here.pairs


@dataclass
class _Side:
    """What is known of a map in one direction."""

    pairs: Pairs | None = None
    table: Tensor | None = None
    notes: dict[Any, Any] = field(default_factory=dict)
    first: str = ""

    def __post_init__(self) -> None:
        if self.pairs is not None or self.table is not None:
            self.first = "table" if self.pairs is None else "pairs"


def _swapped(pairs: Pairs, in_sorted: bool, num_out: int) -> Pairs:
    out_rows, in_rows, starts = pairs
    if in_sorted:
        return in_rows, out_rows, starts
    lengths = torch.tensor(starts).diff()
    ids = torch.repeat_interleave(torch.arange(len(lengths)), lengths).to(in_rows.device)
    order = torch.argsort(ids * num_out + out_rows)
    return in_rows[order], out_rows[order], starts


def _pairs(table: Tensor) -> Pairs:
    offsets, out_rows = (table >= 0).nonzero(as_tuple=True)
    borders = torch.arange(len(table) + 1, device=table.device)
    starts = torch.searchsorted(offsets, borders).tolist()
    return table[offsets, out_rows], out_rows.to(torch.int32), tuple(starts)


def _table(pairs: Pairs, offset_ids: Tensor, num_out: int) -> Tensor:
    in_rows, out_rows, starts = pairs
    table = in_rows.new_full((len(starts) - 1, num_out), -1)
    table[offset_ids, out_rows.long()] = in_rows
    return table


def _swapped_table(table: Tensor, num_in: int) -> Tensor:
    """The table by input row: scattered, with a spare column for neighbours that are not there."""
    volume, num_out = table.shape
    swapped = table.new_full((volume, num_in + 1), -1)
    rows = torch.arange(num_out, dtype=torch.int32, device=table.device).expand(volume, -1)
    swapped.scatter_(1, torch.where(table < 0, num_in, table).long(), rows)
    return swapped[:, :num_in].contiguous()


def _renamed_table(table: Tensor, in_order: Tensor | None, out_order: Tensor | None) -> Tensor:
    if in_order is not None and len(in_order):
        renamed = in_order[table.clamp(min=0).long()].to(torch.int32)
        table = torch.where(table < 0, -1, renamed)
    if out_order is None:
        return table
    return torch.empty_like(table).index_copy_(1, out_order, table)
