"""What torch.compile calls but does not trace; imported only while it is tracing.

Importing this loads the compiler, which takes seconds and which most programs never need.
"""

from __future__ import annotations

import torch
from torch import nn

from pcseg.sparse.backends import pick_backend
from pcseg.sparse.conv import Convolution
from pcseg.sparse.kernel_map import KernelMap
from pcseg.sparse.level import Level
from pcseg.sparse.ops import remember
from pcseg.sparse.tensor import SparseTensor


@torch.compiler.disable
def untraced_route(layer: Convolution, tensor: SparseTensor) -> tuple[Level, KernelMap]:
    """``layer.route(tensor)``: building maps is work for the backends, not for a compiler."""
    level, kernel_map = layer.route(tensor)
    remember(kernel_map)
    return level, kernel_map


@torch.compiler.disable
def untraced_plan(network: nn.Module, tensor: SparseTensor) -> None:
    """See `pcseg.sparse.conv.plan_routes`."""
    level, maps = tensor.level, tensor.maps
    for layer in network.modules():
        if isinstance(layer, Convolution) and level.number >= 0:
            key = layer.route_key(level)
            if key not in maps.routes:
                no_rows = tensor.feats.new_empty((0, layer.in_channels))
                maps.routes[key] = untraced_route(layer, SparseTensor.on(level, no_rows, maps))
            level = maps.routes[key][0]


@torch.compiler.assume_constant_result
def backend_name(device_type: str) -> str:
    """The backend's name, which is a constant of what is compiled."""
    return pick_backend(torch.device(device_type)).name
