"""Backend: the interface between the sparse layers and whoever does their arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from pcseg.sparse.kernel_map import KernelMap

if TYPE_CHECKING:
    from pcseg.sparse.keys import Triple
    from pcseg.sparse.level import Level


HALF = (torch.float16, torch.bfloat16)
"""Dtypes that are only stored: sums are made in float32."""


def sum_dtype(dtype: torch.dtype) -> torch.dtype:
    """In which sums over features of `dtype` are made: no less than float32."""
    return torch.float32 if dtype in HALF else dtype


@dataclass(frozen=True)
class Epilogue:
    """What becomes of a convolution's output ``y`` at once: ``relu(y + shift + residual)``.

    For inference: a batch norm that uses running statistics is a scale, which goes into the weight,
    and a shift. A backend can do this while the rows are in the cache.

    Attributes:
        shift: (Cout,) or None.
        residual: (num_out, Cout) or None.
        relu: whether negative values become zero.
    """

    shift: Tensor | None = None
    residual: Tensor | None = None
    relu: bool = False

    def apply(self, out: Tensor) -> Tensor:
        """Change `out` (num_out, Cout) in place, the plain way; returns it."""
        if self.shift is not None:
            out += self.shift
        if self.residual is not None:
            out += self.residual
        return out.relu_() if self.relu else out


PLAIN = Epilogue()
"""The output as it is."""


class Backend(Protocol):
    """What a backend provides. It keeps no state between calls except in ``KernelMap.notes``.

    Maps are interchangeable: any backend can apply a map that another one built.
    """

    name: str

    def refuses(self, device: torch.device) -> str | None:
        """Why it cannot work on `device`, completing "because …"; None if it can."""

    def coarsen(self, level: Level, stride: Triple) -> Tensor:
        """(V', 4) int32 distinct coordinates ``floor(c / stride)`` of a level, in key order."""

    def search(
        self, keys: Tensor, targets: Tensor, deltas: Sequence[int], mirrored: bool
    ) -> KernelMap:
        """All pairs (i, o) of each offset k with ``keys[i] == targets[o] + deltas[k]``.

        Args:
            keys: (V,) ascending int64.
            targets: (V',) ascending int64.
            deltas: K numbers.
            mirrored: whether `targets` is `keys` and ``deltas[K - 1 - k] == -deltas[k]``.
        """

    def forward(
        self,
        feats: Tensor,
        weight: Tensor,
        kernel_map: KernelMap,
        epilogue: Epilogue = PLAIN,
    ) -> Tensor:
        """(num_out, Cout): ``y[o] = sum of x[i] @ weight[k]`` over the pairs (k, i, o).

        Args:
            feats: (num_in, Cin) contiguous.
            weight: (K, Cin, Cout) contiguous, of the same dtype.
            kernel_map: the pairs.
            epilogue: what to do to the output at once; not differentiated.
        """

    def grad_input(self, grad: Tensor, weight: Tensor, kernel_map: KernelMap) -> Tensor:
        """(num_in, Cin): the gradient of `feats` from that of the output (num_out, Cout)."""

    def grad_weight(self, feats: Tensor, grad: Tensor, kernel_map: KernelMap) -> Tensor:
        """(K, Cin, Cout): the gradient of the weight, in float32 for half-precision input."""
