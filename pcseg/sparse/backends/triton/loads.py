"""What the Triton kernels share: how rows of a matrix are gathered."""

# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def rows_of(x, row, here, channel, CHANNELS: tl.constexpr):
    """(rows, channels) of a contiguous matrix, zero where there are none.

    Args:
        x: (V, CHANNELS) contiguous.
        row: (rows,) int32.
        here: (rows,) whether there is such a row.
        channel: (channels,) int32, any number of them beyond the last.
        CHANNELS: of x.
    """
    # 64 bits: rows times channels pass 2^31 at 17 million rows of 128 channels.
    at = row.to(tl.int64)[:, None] * CHANNELS + channel[None, :]
    return tl.load(x + at, mask=here[:, None] & (channel < CHANNELS)[None, :], other=0.0)
