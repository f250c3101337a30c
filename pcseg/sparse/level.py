"""Levels: the occupied voxels of one resolution, and the maps between levels, each built once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from pcseg.errors import DataError
from pcseg.sparse.kernel import Kernel
from pcseg.sparse.kernel_map import KernelMap
from pcseg.sparse.keys import HALO, KeySpace, Triple, number_voxels
from pcseg.sparse.ops import remember

if TYPE_CHECKING:
    from pcseg.sparse.backends.base import Backend


class Level:
    """The voxels of one resolution: their coordinates, and their keys in order.

    Two tensors are on the same level if they hold the same `Level` object.

    Attributes:
        coords: (V, 4) int32 [batch, x, y, z], in units of this level's own lattice.
        stride: size of a voxel of this level in voxels of the finest one, along x, y, z.
        parent: the finer level this one was made from, if any.
        number: its place among the levels of the cache that made it; -1 if none did.
    """

    def __init__(
        self,
        coords: Tensor,
        stride: Triple = (1, 1, 1),
        batch_size: int | None = None,
        parent: Level | None = None,
    ) -> None:
        self.coords = coords
        self.stride = stride
        self.parent = parent
        self.number = -1
        self._batch_size = batch_size
        self._space: KeySpace | None = None
        self._wide: tuple[KeySpace, Tensor] | None = None

    def __len__(self) -> int:
        return len(self.coords)

    @property
    def batch_size(self) -> int:
        """Number of samples, empty ones at the end included if the caller said so."""
        if self._batch_size is None:
            self._batch_size = self._numbered[0].num_batches if len(self) else 0
        return self._batch_size

    @property
    def order(self) -> Tensor | None:
        """(V,) int64 rows in the order of their keys; None if they are in order already."""
        return self._numbered[2]

    @property
    def sorted_coords(self) -> Tensor:
        """`coords` in the order of their keys."""
        return self.coords if self.order is None else self.coords[self.order]

    def keys(self, reach: Triple = (0, 0, 0)) -> tuple[KeySpace, Tensor]:
        """The key space and (V,) ascending int64 keys, with a halo of at least `reach`.

        Raises:
            DataError: if two rows have the same coordinates, or the extent is too large for keys.
        """
        space, keys, order = self._numbered
        if max(reach) <= HALO:
            return space, keys
        if self._wide is None or any(r > h for r, h in zip(reach, self._wide[0].halo, strict=True)):
            space = space.with_halo([max(r, HALO) for r in reach])
            keys = space.keys(self.coords)
            # A wider box gives other keys in the same order.
            self._wide = space, keys if order is None else keys[order]
        return self._wide

    def find(self, coords: Tensor) -> Tensor:
        """(N,) int64: the row of each of (N, 4) coordinates of this level; -1 where none is."""
        if len(self) == 0 or len(coords) == 0:
            return coords.new_full((len(coords),), -1, dtype=torch.int64)
        space, keys = self.keys()
        wanted = space.keys(coords)
        place = torch.searchsorted(keys, wanted).clamp_(max=len(keys) - 1)
        found = (keys[place] == wanted) & space.contains(coords)
        rows = place if self.order is None else self.order[place]
        return torch.where(found, rows, -1)

    def coarser(self, stride: Triple, coords: Tensor) -> Level:
        """The level of the voxels ``floor(c / stride)``.

        Args:
            stride: voxels of this level in one of that, along x, y, z.
            coords: (V', 4) int32 of those voxels, in key order; not checked.
        """
        x, y, z = (a * b for a, b in zip(self.stride, stride, strict=True))
        made = Level(coords, (x, y, z), self.batch_size, parent=self)
        # Its box and its order follow from this level's, so nobody has to look at its voxels.
        made._space = self.keys()[0].coarser(stride)
        return made

    @cached_property
    def _numbered(self) -> tuple[KeySpace, Tensor, Tensor | None]:
        """The key space with the default halo, the keys in order, and the order."""
        if self._space is not None:
            return self._space, self._space.keys(self.coords), None
        space, keys, ascending = number_voxels(self.coords)
        if self._batch_size is not None and len(self) and space.num_batches > self._batch_size:
            raise DataError(
                f"batch_size is {self._batch_size}, but there are voxels of sample "
                f"{space.num_batches - 1} (samples count from 0)."
            )
        if ascending:
            return space, keys, None
        keys, order = torch.sort(keys)
        repeated = (keys.diff() == 0).nonzero()
        if len(repeated):
            example = self.coords[order[repeated[0, 0]]].tolist()
            raise DataError(
                f"{len(repeated)} rows repeat the coordinates of another row, for example "
                f"[batch, x, y, z] = {example}. A sparse tensor has one row per voxel: make the "
                "coordinates with pcseg.sparse.voxelize and pool the features of each voxel."
            )
        return space, keys, order


class MapCache:
    """All levels and kernel maps of one forward pass, shared by every tensor of it.

    Holding a tensor keeps its cache; levels do not refer back to the cache, so memory is freed as
    soon as the last tensor goes, without waiting for the garbage collector.

    Attributes:
        routes: what `plan_routes` found, for a compiler: numbers are the same for every scan.
    """

    def __init__(self) -> None:
        self.routes: dict[tuple[Any, ...], tuple[Level, KernelMap]] = {}
        self._levels: list[Level] = []
        self._children: dict[tuple[Level, Triple], Level] = {}
        self._maps: dict[tuple[Level, Level, Kernel], KernelMap] = {}

    def level(self, coords: Tensor, stride: Triple, batch_size: int | None) -> Level:
        """The level of this very tensor of coordinates: the one known already, or a new one."""
        for level in self._levels:
            if level.coords is coords and level.stride == stride:
                return level
        return self._add(Level(coords, stride, batch_size))

    def coarser(self, level: Level, stride: Triple, backend: Backend) -> Level:
        """The level whose voxels are ``floor(c / stride)`` of the voxels of `level`."""
        if stride == (1, 1, 1):
            return level
        if (level, stride) not in self._children:
            child = level.coarser(stride, backend.coarsen(level, stride))
            self._children[level, stride] = self._add(child)
        return self._children[level, stride]

    def kernel_map(
        self, source: Level, target: Level, kernel: Kernel, backend: Backend
    ) -> KernelMap:
        """The map from `source` to `target`: `source` itself or coarser by the kernel's stride."""
        entry = (source, target, kernel)
        if entry not in self._maps:
            self._maps[entry] = _build(source, target, kernel, backend)
        return self._maps[entry]

    def __len__(self) -> int:
        """Number of kernel maps built so far."""
        return len(self._maps)

    def _add(self, level: Level) -> Level:
        level.number = len(self._levels)
        self._levels.append(level)
        return level


def _build(source: Level, target: Level, kernel: Kernel, backend: Backend) -> KernelMap:
    space, keys = source.keys(kernel.reach)
    targets = keys if source is target else space.keys(target.sorted_coords, kernel.stride)
    deltas = [space.delta(offset) for offset in kernel.offsets]
    mirrored = source is target and kernel.is_symmetric
    found = backend.search(keys, targets, deltas, mirrored)
    found.mirrored, found.partition = mirrored, kernel.tiles and source is not target
    made = found.renamed(source.order, target.order)
    if not torch.compiler.is_compiling():
        remember(made)
        if source is not target:
            remember(made.transposed)  # the map of the way back
    return made
