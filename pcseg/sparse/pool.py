"""Pooling: maxima and means over the occupied voxels of a window, or of a whole sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from pcseg.errors import ConfigError
from pcseg.ops import segment_max, segment_mean, segment_sum
from pcseg.sparse.backends import pick_backend
from pcseg.sparse.kernel import make_kernel
from pcseg.sparse.tensor import SparseTensor

_Reduce = Callable[[Tensor, Tensor, int], Tensor]


class _Pool(nn.Module):
    reduce: _Reduce

    def __init__(
        self,
        kernel_size: int | Sequence[int] = 2,
        stride: int | Sequence[int] | None = None,
        dilation: int | Sequence[int] = 1,
    ) -> None:
        super().__init__()
        self.kernel = make_kernel(kernel_size, kernel_size if stride is None else stride, dilation)

    def forward(self, tensor: SparseTensor) -> SparseTensor:
        """(V, C) to (V', C) on the voxels ``floor(c / stride)``."""
        backend, maps = pick_backend(tensor.device), tensor.maps
        coarse = maps.coarser(tensor.level, self.kernel.stride, backend)
        kernel_map = maps.kernel_map(tensor.level, coarse, self.kernel, backend)
        gathered = tensor.feats[kernel_map.in_rows.long()]
        pooled = self.reduce(gathered, kernel_map.out_rows.long(), kernel_map.num_out)
        return SparseTensor.on(coarse, pooled, maps)

    def extra_repr(self) -> str:
        """The arguments, for printing the module."""
        return f"kernel_size={self.kernel.size}, stride={self.kernel.stride}"


class MaxPool3d(_Pool):
    """Largest feature among the occupied voxels of each window; 0 for a window without any.

    Windows are placed as the offsets of `SparseConv3d`. Such a window can be empty only if the
    stride is larger than the kernel.

    Args:
        kernel_size: 1 to 5, a number or (x, y, z).
        stride: a number or (x, y, z); by default the kernel size.
        dilation: a number or (x, y, z).

    Raises:
        ConfigError: for sizes that are not possible.
    """

    reduce = staticmethod(segment_max)


class AvgPool3d(_Pool):
    """Mean over the occupied voxels of each window (empty voxels do not count as zeros).

    Arguments, windows and errors as in `MaxPool3d`.
    """

    reduce = staticmethod(segment_mean)


class GlobalPool(nn.Module):
    """One row per sample: the max, mean or sum of all its voxels; 0 for an empty sample.

    Args:
        mode: ``"max"``, ``"mean"`` or ``"sum"``.

    Raises:
        ConfigError: for another mode.
    """

    def __init__(self, mode: str = "mean") -> None:
        super().__init__()
        if mode not in _GLOBAL:
            raise ConfigError(f"global pooling '{mode}' does not exist: {', '.join(_GLOBAL)}.")
        self.mode = mode

    def forward(self, tensor: SparseTensor) -> Tensor:
        """(V, C) to a dense (batch_size, C)."""
        return _GLOBAL[self.mode](tensor.feats, tensor.batch_index, tensor.batch_size)

    def extra_repr(self) -> str:
        """The mode, for printing the module."""
        return self.mode


_GLOBAL: dict[str, _Reduce] = {"max": segment_max, "mean": segment_mean, "sum": segment_sum}
