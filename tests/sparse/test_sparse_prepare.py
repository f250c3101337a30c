"""All maps of a network at once: the layers find them, and build none."""

from __future__ import annotations

import pytest
import sparse_oracle as oracle
import torch
from torch import nn

from pcseg.errors import ConfigError
from pcseg.sparse import SparseConv3d, SparseInverseConv3d, SparseTensor, SubMConv3d, build_maps


def test_the_layers_of_a_network_find_its_maps(device):
    coords = oracle.random_batch().to(device)
    tensor = SparseTensor(torch.randn(len(coords), 2, device=device), coords, batch_size=5)
    levels = build_maps(tensor, strides=(2, (2, 1, 2)), kernel_sizes=(3, 1))
    assert [level.stride for level in levels] == [(1, 1, 1), (2, 2, 2), (4, 2, 4)]
    assert len(tensor.maps) == 3 * 2 + 2
    built = {id(m) for m in tensor.maps._maps.values()}
    layers = [SubMConv3d(2, 2), SparseConv3d(2, 2), SubMConv3d(2, 2, 1), SubMConv3d(2, 2)]
    layers += [SparseConv3d(2, 2, 2, (2, 1, 2)), SubMConv3d(2, 2)]
    layers += [SparseInverseConv3d(2, 2), SparseInverseConv3d(2, 2)]
    assert nn.Sequential(*layers).to(device)(tensor).level is tensor.level
    assert {id(m) for m in tensor.maps._maps.values()} == built


def test_a_stride_of_nothing_is_refused():
    tensor = SparseTensor(torch.ones(1, 1), torch.zeros(1, 4).int())
    with pytest.raises(ConfigError, match="stride"):
        build_maps(tensor, strides=(2, 0))
