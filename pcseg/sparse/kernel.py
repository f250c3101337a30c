"""Kernel: the shape of a convolution, its size, stride and dilation, and the offsets it visits."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pcseg.errors import ConfigError
from pcseg.sparse.keys import Triple

MAX_SIZE = 5


@dataclass(frozen=True)
class Kernel:
    """What a layer visits around each output voxel `o`: inputs ``o * stride + d * dilation``.

    `d` runs over ``-(k // 2)..k // 2`` on an axis of odd size and ``0..k - 1`` on an even one; z
    runs fastest, as in the memory of a dense conv3d weight.
    """

    size: Triple
    stride: Triple = (1, 1, 1)
    dilation: Triple = (1, 1, 1)

    @cached_property
    def offsets(self) -> tuple[Triple, ...]:
        """The K offsets in voxels of the input, dilation included."""
        axes = [
            [(i - (k // 2 if k % 2 else 0)) * dil for i in range(k)]
            for k, dil in zip(self.size, self.dilation, strict=True)
        ]
        return tuple((x, y, z) for x, y, z in itertools.product(*axes))

    @property
    def volume(self) -> int:
        """K, the number of offsets."""
        return math.prod(self.size)

    @property
    def is_symmetric(self) -> bool:
        """Whether offset ``K - 1 - i`` is the negative of offset ``i``, the middle one zero."""
        return all(k % 2 for k in self.size)

    @property
    def tiles(self) -> bool:
        """Whether the windows of all outputs together hold every input exactly once."""
        axes = zip(self.size, self.stride, self.dilation, strict=True)
        return all(
            size == stride and (size == 1 or (size % 2 == 0 and dilation == 1))
            for size, stride, dilation in axes
        )

    @cached_property
    def reach(self) -> Triple:
        """How far from its voxel an input can lie, per axis: the halo that the keys need."""
        x, y, z = (
            max(abs(offset[a]) for offset in self.offsets) + self.stride[a] - 1 for a in range(3)
        )
        return x, y, z


def make_kernel(
    size: int | Sequence[int], stride: int | Sequence[int] = 1, dilation: int | Sequence[int] = 1
) -> Kernel:
    """A kernel from numbers or (x, y, z) triples.

    Raises:
        ConfigError: for a size outside 1..5, a stride or dilation below 1, or a wrong length.
    """
    kernel = Kernel(
        triple(size, "kernel_size"), triple(stride, "stride"), triple(dilation, "dilation")
    )
    if max(kernel.size) > MAX_SIZE:
        raise ConfigError(f"kernel_size is {size}, but kernels have 1 to {MAX_SIZE} on each axis.")
    return kernel


def triple(value: int | Sequence[int], name: str) -> Triple:
    """Three positive integers from one or three; `name` is for the error message.

    Raises:
        ConfigError: if it is neither.
    """
    values = tuple(value) if isinstance(value, Sequence) else (value,) * 3
    if len(values) != 3 or any(not isinstance(v, int) or v < 1 for v in values):
        raise ConfigError(
            f"{name} is {value!r}, but must be a whole number of at least 1, or three of them."
        )
    return values[0], values[1], values[2]
