"""The same random weights for every engine, and its gradients back in one layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from _sparse.engines.base import Engine


def draw(seed: str, *shape: int) -> Tensor:
    """Normal random numbers that depend on the seed and the shape alone."""
    number = int.from_bytes(seed.encode()[-7:].rjust(7), "big") + len(seed)
    return torch.randn(shape, generator=torch.Generator().manual_seed(number))


def fill(engine: Engine, module: nn.Module) -> None:
    """Give every layer weights by its place in the network, and every norm statistics."""
    with torch.no_grad():
        for place, (kind, layer) in enumerate(_layers(engine, module)):
            if kind == "norm":
                _fill_norm(layer, str(place))
            elif kind == "linear":
                layer.weight.copy_(_scaled(str(place), 1, *layer.weight.T.shape)[0].T)
                if layer.bias is not None:
                    layer.bias.copy_(draw(f"bias {place}", len(layer.bias)))
            else:
                weight = getattr(layer, engine.weight_name)
                shape = engine.from_layout(layer, weight).shape
                weight.copy_(engine.to_layout(layer, _scaled(str(place), *shape)))


def parameters(engine: Engine, module: nn.Module) -> list[nn.Parameter]:
    """All weights, layer by layer, in the order of `fill`."""
    found = []
    for kind, layer in _layers(engine, module):
        found.append(getattr(layer, engine.weight_name if kind == "conv" else "weight"))
        if kind == "norm" or (kind == "linear" and layer.bias is not None):
            found.append(layer.bias)
    return found


def gradients(engine: Engine, module: nn.Module, grads: Sequence[Tensor]) -> list[Tensor]:
    """Gradients of `parameters`, convolutions and linear layers as (K, Cin, Cout)."""
    found, rest = [], list(grads)
    for kind, layer in _layers(engine, module):
        grad = rest.pop(0)
        if kind == "conv":
            grad = engine.from_layout(layer, grad)
        found.append(grad.T[None] if kind == "linear" else grad)
        if kind == "norm" or (kind == "linear" and layer.bias is not None):
            found.append(rest.pop(0))
    return found


def _layers(engine: Engine, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for layer in module.modules():
        if isinstance(layer, engine.conv_types):
            # A 1 x 1 x 1 convolution is what other engines' users write as a linear layer.
            yield "conv", layer
        elif isinstance(layer, nn.Linear):
            yield "linear", layer
        elif isinstance(layer, nn.BatchNorm1d):
            yield "norm", layer


def _scaled(seed: str, volume: int, cin: int, cout: int) -> Tensor:
    # A voxel of a LiDAR scan has about five neighbours, whatever the volume of the kernel is.
    return draw(seed, volume, cin, cout) / (cin * min(volume, 5)) ** 0.5


def _fill_norm(layer: nn.Module, seed: str) -> None:
    channels = layer.num_features
    layer.weight.copy_(1 + 0.2 * draw(f"scale {seed}", channels))
    layer.bias.copy_(0.2 * draw(f"shift {seed}", channels))
    layer.running_mean.copy_(0.2 * draw(f"mean {seed}", channels))
    layer.running_var.copy_((1 + 0.2 * draw(f"var {seed}", channels)).abs() + 0.1)
