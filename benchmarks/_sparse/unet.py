"""A residual U-Net for any engine: plain layers, norms and ReLUs one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from _sparse.networks import IN_CHANNELS, Shape

if TYPE_CHECKING:
    from _sparse.engines.base import Engine


class UNet(nn.Module):
    """A residual U-Net from the layers of an engine, with norms that nobody fuses.

    Modules are registered in the order of ``pcseg.models.minkunet``, so that the weights of one can
    be given to the other one by one.
    """

    def __init__(self, engine: Engine, shape: Shape) -> None:
        super().__init__()
        self.engine = engine
        convs: list[nn.Module] = []
        for cin, cout in zip((IN_CHANNELS, *shape.stem), shape.stem, strict=False):
            convs += [engine.subm(cin, cout, 0), norm(engine, cout), relu(engine)]
        if shape.first_block:
            convs.append(Block(engine, cout, cout, 0))
        self.stem = nn.Sequential(*convs)
        widths = (shape.stem[-1], *shape.encoder)
        depth = len(shape.encoder)
        self.encoder = nn.ModuleList(
            nn.Sequential(
                engine.down(widths[i], widths[i], i),
                norm(engine, widths[i]),
                relu(engine),
                *_blocks(engine, widths[i], widths[i + 1], i + 1, shape.encoder_blocks[i]),
            )
            for i in range(depth)
        )
        ups = (widths[-1], *shape.decoder)
        self.decoder = nn.ModuleList(
            Up(engine, ups[i], widths[depth - 1 - i], ups[i + 1], depth - 1 - i, shape)
            for i in range(depth)
        )
        self.classifier = nn.Linear(ups[-1], shape.classes) if shape.classes else None

    def forward(self, x: Any) -> Any:
        """From a tensor of the engine to another on the same voxels."""
        x = self.stem(x)
        skips = []
        for stage in self.encoder:
            skips.append(x)
            x = stage(x)
        for stage in self.decoder:
            x = stage(x, skips.pop())
        if self.classifier is None:
            return x
        return self.engine.replace(x, self.classifier(self.engine.feats(x)))


class Up(nn.Module):
    """Double the resolution, join the encoder's features, then residual blocks."""

    def __init__(
        self, engine: Engine, cin: int, skip: int, cout: int, level: int, shape: Shape
    ) -> None:
        super().__init__()
        self.engine = engine
        self.up = nn.Sequential(engine.up(cin, cout, level), norm(engine, cout), relu(engine))
        blocks = _blocks(engine, cout + skip, cout, level, shape.decoder_blocks)
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Any, skip: Any) -> Any:
        """Bring `x` to the voxels of `skip`."""
        feats = self.engine.feats
        x = self.up(x)
        return self.blocks(self.engine.replace(x, torch.cat([feats(x), feats(skip)], 1)))


class Block(nn.Module):
    """``relu(conv(conv(x)) + x)``, with a linear shortcut if the channels change."""

    def __init__(self, engine: Engine, cin: int, cout: int, level: int) -> None:
        super().__init__()
        self.engine = engine
        self.body = nn.Sequential(
            engine.subm(cin, cout, level),
            norm(engine, cout),
            relu(engine),
            engine.subm(cout, cout, level),
            norm(engine, cout),
        )
        self.shortcut: nn.Module | None = None
        if cin != cout:
            self.shortcut = nn.Sequential(nn.Linear(cin, cout, bias=False), nn.BatchNorm1d(cout))

    def forward(self, x: Any) -> Any:
        """(V, Cin) to (V, Cout) on the same voxels."""
        feats = self.engine.feats
        y = self.body(x)
        short = feats(x) if self.shortcut is None else self.shortcut(feats(x))
        return self.engine.replace(y, torch.relu_(feats(y) + short))


class OnFeats(nn.Module):
    """A module for rows on the features of an engine's tensor."""

    def __init__(self, engine: Engine, module: nn.Module) -> None:
        super().__init__()
        self.engine = engine
        self.module = module

    def forward(self, x: Any) -> Any:
        """(V, C) to (V, C) on the same voxels."""
        feats: Tensor = self.module(self.engine.feats(x))
        return self.engine.replace(x, feats)


def norm(engine: Engine, channels: int) -> OnFeats:
    """Batch norm as PyTorch has it."""
    return OnFeats(engine, nn.BatchNorm1d(channels))


def relu(engine: Engine) -> OnFeats:
    """ReLU as PyTorch has it."""
    return OnFeats(engine, nn.ReLU(inplace=True))


def _blocks(engine: Engine, cin: int, cout: int, level: int, number: int) -> Iterator[Block]:
    for i in range(number):
        yield Block(engine, cout if i else cin, cout, level)
