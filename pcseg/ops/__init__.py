"""Operations that several parts of pcseg share; they know nothing of scans or networks."""

from pcseg.ops.segment import (
    segment_max,
    segment_mean,
    segment_min,
    segment_softmax,
    segment_sum,
)

__all__ = ["segment_max", "segment_mean", "segment_min", "segment_softmax", "segment_sum"]
