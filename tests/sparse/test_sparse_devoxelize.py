"""Points and voxels: nearest, trilinear on any stride, and averages back."""

from __future__ import annotations

import itertools

import pytest
import torch

from pcseg.errors import ConfigError, DataError
from pcseg.sparse import (
    SparseConv3d,
    SparseTensor,
    average_points,
    devoxelize,
    interpolation,
    point_rows,
    pool_features,
    voxelize,
)

VOXEL = 0.1


def scene(seed=0, n=300):
    generator = torch.Generator().manual_seed(seed)
    xyz = torch.randn(n, 3, generator=generator, dtype=torch.float64) * 0.4
    batch = torch.randint(0, 2, (n,), generator=generator)
    coords, inverse = voxelize(xyz, VOXEL, batch)
    points = torch.cat([batch[:, None].double(), xyz / VOXEL], 1)
    feats = torch.randn(len(coords), 3, generator=generator, dtype=torch.float64)
    return SparseTensor(feats.requires_grad_(), coords), points, inverse


def test_nearest_is_a_gather_and_point_rows_finds_the_same():
    tensor, points, inverse = scene()
    assert torch.equal(devoxelize(tensor, inverse), tensor.feats[inverse])
    assert torch.equal(point_rows(tensor, points), inverse)
    far = torch.tensor([[0, 1e6, 0.0, 0], [7, 0.0, 0, 0]], dtype=torch.float64)
    assert point_rows(tensor, far).tolist() == [-1, -1]


def test_nearest_gives_zeros_where_there_is_no_voxel():
    tensor, _, inverse = scene(n=20)
    rows = inverse.clone()
    rows[::3] = -1
    result = devoxelize(tensor, rows)
    assert (result[::3] == 0).all()
    assert torch.equal(result[rows >= 0], tensor.feats[rows[rows >= 0]])
    assert torch.autograd.gradcheck(lambda f: devoxelize(tensor.replace(f), rows), tensor.feats)
    empty = SparseTensor(torch.zeros(0, 3, dtype=torch.float64), torch.zeros(0, 4).int())
    assert devoxelize(empty, torch.full((4,), -1)).tolist() == [[0, 0, 0]] * 4


@pytest.mark.parametrize("stride", [1, 2, (4, 1, 2)])
def test_trilinear_equals_a_loop_over_the_eight_neighbours(stride):
    fine, points, _ = scene()
    tensor = SparseConv3d(3, 2, 3, stride).double()(fine)
    result = devoxelize(tensor, points, "trilinear")
    row_of = {tuple(c): row for row, c in enumerate(tensor.coords.tolist())}
    for n, (b, *position) in enumerate(points.tolist()):
        centred = [p / s - 0.5 for p, s in zip(position, tensor.stride, strict=True)]
        total, weight_sum = torch.zeros(2, dtype=torch.float64), 0.0
        for corner in itertools.product((0, 1), repeat=3):
            voxel = [int(c // 1) + d for c, d in zip(centred, corner, strict=True)]
            weight = 1.0
            for c, v in zip(centred, voxel, strict=True):
                weight *= 1 - abs(c - v)
            row = row_of.get((int(b), *voxel))
            if row is not None:
                total = total + weight * tensor.feats[row]
                weight_sum += weight
        assert weight_sum >= 0.125 - 1e-9  # the point's own voxel is always among them
        torch.testing.assert_close(result[n], total / weight_sum)


def test_trilinear_reproduces_a_linear_function_on_a_filled_grid():
    axis = torch.arange(6)
    coords = torch.cartesian_prod(torch.zeros(1, dtype=torch.int64), axis, axis, axis).int()
    centres = coords[:, 1:].double() + 0.5
    plane = torch.tensor([[1.0, -2, 3]], dtype=torch.float64)
    tensor = SparseTensor(centres @ plane.T, coords)
    points = torch.cat([torch.zeros(50, 1), 0.5 + 5 * torch.rand(50, 3)], 1).double()
    torch.testing.assert_close(devoxelize(tensor, points, "trilinear"), points[:, 1:] @ plane.T)


def test_gradient_and_reuse_of_the_interpolation():
    tensor, points, _ = scene(n=30)
    weights = interpolation(tensor, points)
    assert torch.autograd.gradcheck(
        lambda f: devoxelize(tensor.replace(f), weights, "trilinear"), tensor.feats
    )


def test_average_points_is_the_pooling_of_voxelize():
    tensor, points, inverse = scene()
    values = torch.randn(len(points), 4, dtype=torch.float64)
    averaged = average_points(tensor, values, point_rows(tensor, points))
    torch.testing.assert_close(averaged.feats, pool_features(values, inverse, len(tensor)))
    assert averaged.level is tensor.level
    coarse = SparseConv3d(3, 1).double()(tensor)
    rows = point_rows(coarse, points)
    rows[::2] = -1  # left out
    averaged = average_points(coarse, values, rows)
    row = int(rows[1])
    torch.testing.assert_close(averaged.feats[row], values[rows == row].mean(0))


def test_nobody_around_and_nothing_there():
    tensor, points, _ = scene()
    lost = points + torch.tensor([0, 1000.0, 0, 0])
    assert (devoxelize(tensor, lost, "trilinear") == 0).all()
    empty = SparseTensor(torch.zeros(0, 3, dtype=torch.float64), torch.zeros(0, 4).int())
    assert (devoxelize(empty, points, "trilinear") == 0).all()
    assert devoxelize(tensor, points[:0], "trilinear").shape == (0, 3)
    assert point_rows(empty, points).unique().tolist() == [-1]


def test_wrong_arguments_are_refused():
    tensor, points, inverse = scene()
    with pytest.raises(ConfigError, match="'cubic'"):
        devoxelize(tensor, points, "cubic")
    with pytest.raises(DataError, match="integer rows"):
        devoxelize(tensor, points)
    with pytest.raises(DataError, match=r"\(N, 4\) floating point"):
        devoxelize(tensor, inverse, "trilinear")
