"""The sparse core: tensors on occupied voxels and the layers between them, on any device.

>>> coords, inverse = voxelize(xyz, 0.05)
>>> x = SparseTensor(pool_features(feats, inverse, len(coords)), coords)
>>> y = SubMConv3d(4, 32)(x)
>>> devoxelize(y, inverse)
"""

from pcseg.sparse.backends import (
    available_backends,
    get_backend,
    pick_backend,
    set_backend,
    use_backend,
)
from pcseg.sparse.backends.triton.tuning import tune
from pcseg.sparse.blocks import OnFeatures, ReLU, ResidualBlock, Sequential
from pcseg.sparse.conv import SparseConv3d, SparseInverseConv3d, SubMConv3d, plan_routes
from pcseg.sparse.devoxelize import (
    Interpolation,
    average_points,
    devoxelize,
    interpolation,
    point_rows,
)
from pcseg.sparse.level import MapCache
from pcseg.sparse.norm import BatchNorm
from pcseg.sparse.pool import AvgPool3d, GlobalPool, MaxPool3d
from pcseg.sparse.prepare import build_maps
from pcseg.sparse.tensor import SparseTensor, cat
from pcseg.sparse.voxelize import pool_features, pool_labels, voxelize

__all__ = [
    "AvgPool3d",
    "BatchNorm",
    "GlobalPool",
    "Interpolation",
    "MapCache",
    "MaxPool3d",
    "OnFeatures",
    "ReLU",
    "ResidualBlock",
    "Sequential",
    "SparseConv3d",
    "SparseInverseConv3d",
    "SparseTensor",
    "SubMConv3d",
    "available_backends",
    "average_points",
    "build_maps",
    "cat",
    "devoxelize",
    "get_backend",
    "interpolation",
    "pick_backend",
    "plan_routes",
    "point_rows",
    "pool_features",
    "pool_labels",
    "set_backend",
    "tune",
    "use_backend",
    "voxelize",
]
