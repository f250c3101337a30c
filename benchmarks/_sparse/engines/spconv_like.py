"""spconv and spconv-triton, which have one interface."""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from torch import Tensor, nn

from _sparse.engines.base import Engine
from _sparse.ops import Op


class Spconv(Engine):
    """A spconv of the 2.x interface, as its users write it.

    On a CPU it has no backward, and its results are wrong when it runs on more than one thread.
    """

    def __init__(self, name: str, device: torch.device, package: str) -> None:
        super().__init__(name, device)
        self.package = package
        self.lib = importlib.import_module(f"{package}.pytorch")
        lib = self.lib
        self.conv_types = (lib.SubMConv3d, lib.SparseConv3d, lib.SparseInverseConv3d)
        # On CUDA each layer chooses for itself.
        self.options: dict[str, Any] = {"bias": False}
        if device.type == "cpu":
            self.options["algo"] = importlib.import_module(f"{package}.core").ConvAlgo.Native
        else:
            self._follow_tf32()

    def refuses(self, op: Op) -> str | None:
        """No point branch, and no gradients on a CPU."""
        if op.network == "spvcnn":
            return "it has no devoxelisation"
        if op.backward and self.device.type == "cpu":
            return "it has no backward on a CPU"
        return None

    def versions(self) -> dict[str, str]:
        """See `Engine.versions`."""
        names = {"spconv": ("spconv", *(f"spconv-cu{n}" for n in (120, 121, 124, 126)))}
        for name in names.get(self.package, ("spconv-triton",)):
            try:
                return {self.name: version(name)}
            except PackageNotFoundError:
                continue
        return {}

    def build_maps(self, coords: Tensor, strided: bool) -> Any:
        """See `Engine.build_maps`: the functions that its layers call for their maps."""
        x = self.tensor(coords, coords.new_empty((len(coords), 0), dtype=torch.float32))
        kinds = [(3, 1, 1, True), (2, 2, 0, False)][: 1 + strided]
        return [(x, kind, self._pairs(x, *kind)) for kind in kinds]

    def pairs(self, maps: Any) -> list[tuple[Tensor, Tensor, Tensor]]:
        """See `Engine.pairs`."""
        found = []
        for x, kind, (outputs, table) in maps:
            if self.device.type == "cpu":
                pairs, counts = table
                places = torch.arange(pairs.shape[2])[None] < counts[:, None]
                offsets = places.nonzero()[:, 0]
                rows_in, rows_out = pairs[0][places].long(), pairs[1][places].long()
                if kind[3]:  # the second half of the offsets mirrors the first; the middle is plain
                    every = torch.arange(len(outputs))
                    half = offsets < 13
                    offsets, rows_in, rows_out = offsets[half], rows_in[half], rows_out[half]
                    offsets = torch.cat([offsets, torch.full_like(every, 13), 26 - offsets])
                    rows_in, rows_out = (
                        torch.cat([rows_in, every, rows_out]),
                        torch.cat([rows_out, every, rows_in]),
                    )
            else:  # the table says for each offset and output which input there is, or -1
                offsets, rows_out = (table >= 0).cpu().nonzero().unbind(1)
                rows_in = table.cpu()[offsets, rows_out].long()
            found.append((offsets, x.indices.cpu()[rows_in], outputs.cpu()[rows_out]))
        return found

    def tensor(self, coords: Tensor, feats: Tensor) -> Any:
        """See `Engine.tensor`; coordinates are not negative, as it wants them."""
        return self.lib.SparseConvTensor(feats, coords, self._extent(coords), 1)

    def feats(self, x: Any) -> Tensor:
        """See `Engine.feats`."""
        found: Tensor = x.features
        return found

    def replace(self, x: Any, feats: Tensor) -> Any:
        """See `Engine.replace`."""
        return x.replace_feature(feats)

    def rows(self, x: Any) -> Tensor:
        """See `Engine.rows`."""
        return x.indices.cpu()

    def with_maps_of(self, x: Any, out: Any) -> Any:
        """See `Engine.with_maps_of`; its strided layers do not accept a map that exists."""
        # An inverse layer needs the strided map, which then is there already.
        kept = {k: v for k, v in out.indice_dict.items() if v.is_subm or k in x.indice_dict}
        x.indice_dict = kept
        return x

    def subm(self, cin: int, cout: int, level: int) -> nn.Module:
        """See `Engine.subm`."""
        key = f"subm{level}"
        return self.lib.SubMConv3d(cin, cout, 3, indice_key=key, **self.options)

    def down(self, cin: int, cout: int, level: int) -> nn.Module:
        """See `Engine.down`."""
        key = f"down{level}"
        return self.lib.SparseConv3d(cin, cout, 2, stride=2, indice_key=key, **self.options)

    def up(self, cin: int, cout: int, level: int) -> nn.Module:
        """See `Engine.up`."""
        key = f"down{level}"
        return self.lib.SparseInverseConv3d(cin, cout, 2, indice_key=key, **self.options)

    def to_layout(self, conv: nn.Module, weight: Tensor) -> Tensor:
        """(K, Cin, Cout) as (Cout, x, y, z, Cin)."""
        return weight.permute(2, 0, 1).reshape(conv.weight.shape)

    def from_layout(self, conv: nn.Module, weight: Tensor) -> Tensor:
        """See `Engine.from_layout`."""
        return weight.flatten(1, 3).permute(1, 2, 0)

    def _pairs(self, x: Any, size: int, stride: int, padding: int, subm: bool) -> Any:
        ops = importlib.import_module(f"{self.package}.pytorch.ops")
        shape = [[n] * 3 for n in (size, stride, padding, 1, 0)]
        if self.device.type == "cpu":
            arguments = (x.indices, 1, x.spatial_shape, self.options["algo"], *shape, subm, False)
            outputs, pairs, counts = ops.get_indice_pairs(*arguments)
            return outputs, (pairs, counts)
        algo = importlib.import_module(f"{self.package}.core").ConvAlgo.MaskImplicitGemm
        arguments = (x.indices, 1, x.spatial_shape, algo, *shape, subm, False, not subm)
        outputs, _, forward, *_ = ops.get_indice_pairs_implicit_gemm(*arguments)
        return outputs, forward

    def _extent(self, coords: Tensor) -> list[int]:
        # Kept between calls: on a GPU the largest coordinate costs a synchronisation.
        if getattr(self, "_known", (None,))[0] is not coords:
            largest = coords[:, 1:].amax(0).tolist()
            self._known = coords, [(n + 16) // 16 * 16 for n in largest]
        return self._known[1]

    def _follow_tf32(self) -> None:
        constants = importlib.import_module(f"{self.package}.constants")
        if hasattr(constants, "SPCONV_ALLOW_TF32"):
            constants.SPCONV_ALLOW_TF32 = torch.backends.cuda.matmul.allow_tf32
