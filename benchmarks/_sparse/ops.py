"""Op: what is timed, told by its name, and how many multiply-adds it needs."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import torch

from _sparse.networks import NETWORKS, convolutions
from pcseg.sparse import SparseTensor, pick_backend
from pcseg.sparse.kernel import make_kernel

LAYER_WIDTHS = (32, 64, 128, 256)

ALL = (
    "map3",
    "map3+down",
    *(f"subm{width}_{way}" for width in LAYER_WIDTHS for way in ("f", "fb")),
    *(f"{kind}64_{way}" for kind in ("down", "up") for way in ("f", "fb")),
    *(f"unet_{way}{maps}" for way in ("f", "fb") for maps in ("", "_cached")),
    *(f"{net}_{way}" for net in ("minkunet34", "spvcnn") for way in ("f", "fb")),
)
"""The operations of a full run."""

QUICK = (
    "map3",
    "map3+down",
    *(f"subm{width}_{way}" for width in (32, 64, 128) for way in ("f", "fb")),
    "unet_f",
    "unet_fb",
    *(f"{kind}64_{way}" for kind in ("down", "up") for way in ("f", "fb")),
)
"""Those of a quick one, the most wanted first."""

_NAME = re.compile(
    r"(?P<map>map3(?P<strided>\+down)?)"
    r"|(?P<kind>subm|down|up)(?P<width>\d+)_(?P<layer_way>f|fb)"
    rf"|(?P<net>{'|'.join(NETWORKS)})_(?P<way>f|fb)(?P<cached>_cached)?"
)


@dataclass(frozen=True)
class Op:
    """One operation.

    Attributes:
        name: as in tables and files.
        kind: ``map``, ``subm``, ``down``, ``up`` or ``net``.
        width: channels of a layer, in and out.
        network: name of a network.
        backward: whether both gradients are computed too.
        strided: of a map: whether that of a stride-2 layer is built too.
        cached: of a network: whether its maps exist before the call.
    """

    name: str
    kind: str
    width: int = 0
    network: str = ""
    backward: bool = False
    strided: bool = False
    cached: bool = False


def parse_op(name: str) -> Op:
    """The operation of a name such as ``map3``, ``subm64_fb`` or ``unet_f_cached``.

    Raises:
        ValueError: for a name that means nothing.
    """
    found = _NAME.fullmatch(name)
    if not found:
        raise ValueError(f"there is no operation '{name}'. There are: {', '.join(ALL)}")
    if found["map"]:
        return Op(name, "map", strided=bool(found["strided"]))
    if found["kind"]:
        way = found["layer_way"]
        return Op(name, found["kind"], width=int(found["width"]), backward=way == "fb")
    cached = bool(found["cached"])
    return Op(name, "net", network=found["net"], backward=found["way"] == "fb", cached=cached)


@dataclass(frozen=True)
class Counts:
    """How large a scene is at each of five levels, each twice as coarse as the last.

    Attributes:
        voxels: of each level.
        pairs: of the 3 x 3 x 3 map of each level.
    """

    voxels: list[int]
    pairs: list[int]

    @property
    def neighbours(self) -> float:
        """Mean number of voxels in the 3 x 3 x 3 box around a voxel, itself included."""
        return self.pairs[0] / self.voxels[0]


def count(coords: np.ndarray) -> Counts:
    """Count the voxels and pairs of (V, 4) int32 voxels."""
    tensor = SparseTensor(torch.empty(len(coords), 0), torch.from_numpy(coords))
    level, maps, backend = tensor.level, tensor.maps, pick_backend(tensor.device)
    voxels, pairs = [], []
    for _ in range(5):
        voxels.append(len(level))
        pairs.append(len(maps.kernel_map(level, level, make_kernel(3), backend)))
        level = maps.coarser(level, (2, 2, 2), backend)
    return Counts(voxels, pairs)


def products(op: Op, counts: Counts) -> list[tuple[int, int, int]]:
    """Matrix products (rows, Cin, Cout) that an operation consists of; none for maps."""
    if op.kind == "map":
        return []
    if op.kind == "net":
        layers = convolutions(NETWORKS[op.network])
    else:
        layers = [(op.kind, 0, op.width, op.width)]
    # Of a 2 x 2 x 2 layer of stride 2, each fine voxel is one pair; so are the rows of a 1 x 1 x 1.
    rows = {"subm": counts.pairs, "down": counts.voxels, "up": counts.voxels, "1x1": counts.voxels}
    # Backward are two products of the same size: for the input and for the weight.
    times = 3 if op.backward else 1
    return [(rows[kind][level], cin, cout) for kind, level, cin, cout in layers] * times


def gflop(op: Op, counts: Counts) -> float:
    """10^9 operations, two for each multiply-add."""
    return sum(2 * rows * cin * cout for rows, cin, cout in products(op, counts)) / 1e9
