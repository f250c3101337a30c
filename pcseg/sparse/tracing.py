"""What torch.compile calls but does not trace; imported only while it is tracing.

Importing this loads the compiler, which takes seconds and which most programs never need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from pcseg.sparse.conv import Convolution
    from pcseg.sparse.kernel_map import KernelMap
    from pcseg.sparse.level import Level
    from pcseg.sparse.tensor import SparseTensor


@torch.compiler.disable
def untraced_route(layer: Convolution, tensor: SparseTensor) -> tuple[Level, KernelMap]:
    """``layer.route(tensor)``: building maps is work for the backends, not for a compiler."""
    return layer.route(tensor)
