"""KernelMap: which input row meets which output row, for each kernel offset."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor


@dataclass(eq=False)
class KernelMap:
    """P pairs of rows, sorted by kernel offset, then by output row.

    For one offset a row occurs at most once on either side; that is what lets a backend add to
    the rows of one offset without races.

    Attributes:
        in_rows: (P,) int32 rows of the input.
        out_rows: (P,) int32 rows of the output.
        starts: K + 1 numbers; the pairs of offset k are ``starts[k]:starts[k + 1]``.
        num_in: rows of the input.
        num_out: rows of the output.
        identity: the offset whose pairs are (0, 0), (1, 1), …, if there is one.
        in_sorted: whether the input rows of each offset ascend too (so in levels in key order).
        notes: what a backend wants to remember about this map, such as its blocks.
    """

    in_rows: Tensor
    out_rows: Tensor
    starts: tuple[int, ...]
    num_in: int
    num_out: int
    identity: int | None = None
    in_sorted: bool = True
    notes: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def volume(self) -> int:
        """K, the number of kernel offsets."""
        return len(self.starts) - 1

    def __len__(self) -> int:
        return len(self.in_rows)

    def offset_ids(self) -> Tensor:
        """(P,) int64: the kernel offset of each pair."""
        lengths = torch.tensor(self.starts).diff()
        ids = torch.repeat_interleave(torch.arange(self.volume), lengths)
        return ids.to(self.in_rows.device)

    @cached_property
    def transposed(self) -> KernelMap:
        """The same pairs with input and output swapped: the map of the inverse and the gradient."""
        if self.in_sorted:
            in_rows, out_rows = self.out_rows, self.in_rows
        else:
            order = torch.argsort(self.offset_ids() * self.num_in + self.in_rows)
            in_rows, out_rows = self.out_rows[order], self.in_rows[order]
        return KernelMap(
            in_rows, out_rows, self.starts, self.num_out, self.num_in, self.identity, self.in_sorted
        )

    def renamed(self, in_order: Tensor | None, out_order: Tensor | None) -> KernelMap:
        """The map of the same voxels in other rows.

        Args:
            in_order: (num_in,) int64 new row of each input row, or None to leave them.
            out_order: (num_out,) int64 new row of each output row, or None to leave them.
        """
        if in_order is None and out_order is None:
            return self
        in_rows = self.in_rows if in_order is None else in_order[self.in_rows.long()]
        out_rows = self.out_rows if out_order is None else out_order[self.out_rows.long()]
        order = torch.argsort(self.offset_ids() * self.num_out + out_rows)
        return KernelMap(
            in_rows[order].to(torch.int32),
            out_rows[order].to(torch.int32),
            self.starts,
            self.num_in,
            self.num_out,
            self.identity,
            in_sorted=False,
        )
