"""Packing: inputs and weights as the register tiles of the numba backend read them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from pcseg.sparse.backends.base import HALF
from pcseg.sparse.backends.numba_tiles import SHAPE

Array = np.ndarray[Any, Any]


def plain(tensor: Tensor) -> Array:
    """The numbers of a tensor as a C-contiguous array, half precision as float32."""
    if tensor.dtype in HALF:
        tensor = tensor.float()
    return tensor.detach().contiguous().numpy()


def join_channels(feats: Tensor) -> Tensor:
    """(V, C / 2) int32 from (V, C) bfloat16: two channels in one number, the first one low."""
    flat = feats.detach().reshape(-1)
    if flat.storage_offset() % 2:
        flat = flat.clone()
    return flat.view(torch.int32).reshape(len(feats), feats.shape[1] // 2)


def join_input_channels(weight: Tensor) -> Tensor:
    """(K, Cin / 2, Cout) int32 from a weight (K, Cin, Cout), rounded to bfloat16."""
    volume, cin, cout = weight.shape
    neighbours = weight.to(torch.bfloat16).reshape(volume, cin // 2, 2, cout).transpose(2, 3)
    return join_channels(neighbours.reshape(-1, 2)).reshape(volume, cin // 2, cout)


def pack_weight(weight: Tensor) -> Array:
    """A weight (K, Cin, Cout), in any memory order, as the tiles read it, in one dimension.

    Offset by offset; of each, panels of as many columns as a tile has, then panels of one vector,
    the last filled up with zeros; of each panel, row by row.
    """
    cout = weight.shape[2]
    lanes = SHAPE.lanes(weight.element_size())
    wide = lanes * SHAPE.vectors
    begin = cout // wide * wide
    panels = _panels(weight[:, :, :begin], wide)
    if begin < cout:
        rest = torch.nn.functional.pad(weight[:, :, begin:], (0, -cout % lanes))
        panels = torch.cat([panels, _panels(rest, lanes)], 1)
    return panels.detach().reshape(-1).numpy()


def padded_columns(channels: int, itemsize: int) -> int:
    """The next number of channels that whole vectors fill."""
    lanes = SHAPE.lanes(itemsize)
    return -(-channels // lanes) * lanes


def padded_rows(channels: int) -> int:
    """The next number of channels that tiles of both heights fill."""
    unit = SHAPE.row_unit
    return max(-(-channels // unit) * unit, SHAPE.few_rows)


def _panels(weight: Tensor, width: int) -> Tensor:
    volume, cin, cout = weight.shape
    return weight.reshape(volume, cin, cout // width, width).transpose(1, 2).reshape(volume, -1)
