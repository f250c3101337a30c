"""O-CNN 2.3: convolution on the non-empty nodes of an octree."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from _sparse.engines.base import Engine
from _sparse.ops import Op


@dataclass(frozen=True)
class Nodes:
    """Features of the non-empty nodes of one depth of an octree."""

    octree: Any
    depth: int
    feats: Tensor


class OnNodes(nn.Module):
    """A layer of O-CNN on `Nodes`; `step` is what it adds to the depth."""

    def __init__(self, layer: nn.Module, step: int) -> None:
        super().__init__()
        self.layer = layer
        self.step = step

    def forward(self, x: Nodes) -> Nodes:
        """(V, Cin) to (V', Cout)."""
        feats = self.layer(x.feats, x.octree, x.depth)
        return Nodes(x.octree, x.depth + self.step, feats)


class OCNN(Engine):
    """Octree convolutions on non-empty nodes, as its networks use them for sparse data."""

    weight_name = "weights"

    def __init__(self, name: str, device: torch.device) -> None:
        super().__init__(name, device)
        _import_without_models()
        self.octrees = importlib.import_module("ocnn.octree")
        self.nn = importlib.import_module("ocnn.nn")
        self.conv_types = (self.nn.OctreeConv, self.nn.OctreeDeconv)

    def refuses(self, op: Op) -> str | None:
        """No point branch that would be the same."""
        return "it has no trilinear devoxelisation" if op.network == "spvcnn" else None

    def versions(self) -> dict[str, str]:
        """See `Engine.versions`."""
        return {self.name: version("ocnn")}

    def build_maps(self, coords: Tensor, strided: bool) -> Any:
        """See `Engine.build_maps`: the octree, whose neighbours come from those of the parents."""
        octree, _ = self._octree(coords)
        tables = [octree.get_neigh(octree.depth, "333", 1, True)]
        if strided:
            tables.append(octree.get_neigh(octree.depth, "222", 2, True))
        return octree, tables

    def pairs(self, maps: Any) -> list[tuple[Tensor, Tensor, Tensor]]:
        """See `Engine.pairs`."""
        octree, tables = maps
        found = []
        fine = self.rows(Nodes(octree, octree.depth, torch.empty(0)))
        for up, table in enumerate(tables):
            outputs = self.rows(Nodes(octree, octree.depth - up, torch.empty(0)))
            rows_out, offsets = (table >= 0).cpu().nonzero().unbind(1)
            rows_in = table.cpu()[rows_out, offsets].long()
            found.append((offsets, fine[rows_in], outputs[rows_out]))
        return found

    def tensor(self, coords: Tensor, feats: Tensor) -> Nodes:
        """See `Engine.tensor`."""
        octree, row = self._octree(coords)
        mixed = torch.empty_like(feats)
        mixed[row] = feats
        return Nodes(octree, octree.depth, mixed)

    def feats(self, x: Nodes) -> Tensor:
        """See `Engine.feats`."""
        return x.feats

    def replace(self, x: Nodes, feats: Tensor) -> Nodes:
        """See `Engine.replace`."""
        return replace(x, feats=feats)

    def rows(self, x: Nodes) -> Tensor:
        """See `Engine.rows`."""
        *xyz, batch = x.octree.xyzb(x.depth, nempty=True)
        return torch.stack([batch, *xyz], 1).to(torch.int32).cpu()

    def subm(self, cin: int, cout: int, level: int) -> nn.Module:
        """See `Engine.subm`."""
        return OnNodes(self.nn.OctreeConv(cin, cout, [3], nempty=True), 0)

    def down(self, cin: int, cout: int, level: int) -> nn.Module:
        """See `Engine.down`."""
        return OnNodes(self.nn.OctreeConv(cin, cout, [2], stride=2, nempty=True), -1)

    def up(self, cin: int, cout: int, level: int) -> nn.Module:
        """See `Engine.up`."""
        return OnNodes(self.nn.OctreeDeconv(cin, cout, [2], stride=2, nempty=True), 1)

    def to_layout(self, conv: nn.Module, weight: Tensor) -> Tensor:
        """(K, Cin, Cout); the inverse layer holds the weight of the layer that it inverts."""
        return weight.transpose(1, 2) if isinstance(conv, self.nn.OctreeDeconv) else weight

    def from_layout(self, conv: nn.Module, weight: Tensor) -> Tensor:
        """See `Engine.from_layout`."""
        return self.to_layout(conv, weight)

    def _octree(self, coords: Tensor) -> tuple[Any, Tensor]:
        """The octree with all neighbours, and the row of each voxel."""
        if getattr(self, "_known", (None,))[0] is not coords:
            self._known = coords, int(coords[:, 1:].max()).bit_length()
        depth = max(self._known[1], 5)
        octree = self.octrees.Octree(depth, 2, 1, coords.device)
        points = self.octrees.Points(coords[:, 1:].float() + 0.5)
        row = octree.build_octree(points, 0.0, float(2**depth))
        octree.construct_all_neigh()
        return octree, row


def _import_without_models() -> None:
    """Import `ocnn` without its models, which need torchvision."""
    if "ocnn" in sys.modules or importlib.util.find_spec("torchvision"):
        return
    spec = importlib.util.find_spec("ocnn")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("No module named 'ocnn'")
    package = ModuleType("ocnn")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["ocnn"] = package
    for name in ("utils", "octree", "nn"):
        setattr(package, name, importlib.import_module(f"ocnn.{name}"))
