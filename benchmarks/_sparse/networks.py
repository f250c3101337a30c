"""The shapes of the networks of the benchmark, and the convolutions that they consist of."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

IN_CHANNELS = 4


@dataclass(frozen=True)
class Shape:
    """A residual U-Net.

    Attributes:
        stem: channels of the 3 x 3 x 3 convolutions at the start.
        first_block: whether a residual block follows at the finest level.
        encoder: channels after each stride-2 convolution.
        encoder_blocks: residual blocks of each stage.
        decoder: channels after each inverse convolution.
        decoder_blocks: residual blocks of each stage.
        classes: of a linear layer at the end, 0 for none.
        points: whether the point branch of SPVCNN runs beside.
    """

    stem: tuple[int, ...]
    first_block: bool
    encoder: tuple[int, ...]
    encoder_blocks: tuple[int, ...]
    decoder: tuple[int, ...]
    decoder_blocks: int
    classes: int = 0
    points: bool = False


NETWORKS = {
    "unet": Shape((32,), True, (64, 128, 256), (1, 1, 1), (128, 96, 96), 1),
    "minkunet34": Shape(
        (32, 32), False, (32, 64, 128, 256), (2, 3, 4, 6), (256, 128, 96, 96), 2, classes=19
    ),
    "spvcnn": Shape(
        (32, 32),
        False,
        (32, 64, 128, 256),
        (2, 2, 2, 2),
        (256, 128, 96, 96),
        2,
        classes=19,
        points=True,
    ),
}
"""The four-level U-Net of the sparse benchmarks, MinkUNet-34, and SPVCNN (depth 18)."""


def convolutions(shape: Shape) -> list[tuple[str, int, int, int]]:
    """Every convolution as (kind, level of its finer voxels, Cin, Cout); linear layers are 1x1."""
    found = []
    for cin, cout in zip((IN_CHANNELS, *shape.stem), shape.stem, strict=False):
        found.append(("subm", 0, cin, cout))
    if shape.first_block:
        found += _block_convolutions(0, cout, cout, 1)
    widths = (shape.stem[-1], *shape.encoder)
    depth = len(shape.encoder)
    for i in range(depth):
        found.append(("down", i, widths[i], widths[i]))
        found += _block_convolutions(i + 1, widths[i], widths[i + 1], shape.encoder_blocks[i])
    ups = (widths[-1], *shape.decoder)
    for i in range(depth):
        level = depth - 1 - i
        found.append(("up", level, ups[i], ups[i + 1]))
        joined = ups[i + 1] + widths[level]
        found += _block_convolutions(level, joined, ups[i + 1], shape.decoder_blocks)
    if shape.points:  # its points are as many as the finest voxels
        ends = point_widths(shape)
        found += [("1x1", 0, a, b) for a, b in itertools.pairwise(ends)]
    if shape.classes:
        found.append(("1x1", 0, ups[-1], shape.classes))
    return found


def point_widths(shape: Shape) -> tuple[int, ...]:
    """Channels of the point branch where it meets the voxels."""
    return shape.stem[-1], shape.encoder[-1], shape.decoder[1], shape.decoder[3]


def _block_convolutions(
    level: int, cin: int, cout: int, number: int
) -> Iterator[tuple[str, int, int, int]]:
    for i in range(number):
        a = cout if i else cin
        yield from (("subm", level, a, cout), ("subm", level, cout, cout))
        if a != cout:
            yield ("1x1", level, a, cout)
