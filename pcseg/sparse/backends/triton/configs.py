"""Configs: the tile sizes that a kernel is compiled with, and the table of them we ship."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

_SHIPPED = Path(__file__).with_name("configs.json")

_SCRATCH = 2 * 1024

SMALLEST_TILE = 32
"""Rows of a block of a plan; the tiles of a product are this many times a power of two."""

LEAST_SHARED = 64 * 1024
"""Bytes of shared memory that a program has on every GPU with tensor or matrix cores."""


@dataclass(frozen=True)
class Shape:
    """What a choice depends on. Numbers of rows are bucketed, so that few are ever tuned.

    Attributes:
        op: ``"masked"`` or ``"grouped"`` (outputs and gradients of features, by the kernel that
            makes them) or ``"weight"`` (gradients of the weight).
        volume: offsets of the kernel.
        cin: channels of the input.
        cout: channels of the output.
        dtype: ``"float16"``, ``"bfloat16"``, ``"float32"`` or ``"tf32"``.
        log2_rows: rows of the output lie within ``2 ** log2_rows`` and twice as many.
    """

    op: str
    volume: int
    cin: int
    cout: int
    dtype: str
    log2_rows: int

    @property
    def name(self) -> str:
        """How a table calls it."""
        return f"{self.op}/{self.volume}/{self.cin}/{self.cout}/{self.dtype}/{self.log2_rows}"

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return 4 if self.dtype in ("float32", "tf32") else 2


@dataclass(frozen=True)
class Config:
    """How a kernel is compiled.

    Attributes:
        tile: rows, channels of y and channels of x of a product; channels of x, channels of y and
            pairs of a weight gradient. Powers of two of at least 16, the rows at least
            `SMALLEST_TILE`.
        warps: of a program.
        stages: of the pipeline of loads.
    """

    tile: tuple[int, int, int]
    warps: int
    stages: int

    def fitted(self, shape: Shape) -> Config:
        """The same, not wider than the channels there are."""
        first, columns, depth = self.tile
        columns = min(columns, _power_of_two(shape.cout))
        if shape.op == "weight":
            return Config((min(first, _power_of_two(shape.cin)), columns, depth), *self._pipeline)
        return Config((first, columns, min(depth, _power_of_two(shape.cin))), *self._pipeline)

    @property
    def _pipeline(self) -> tuple[int, int]:
        return self.warps, self.stages

    def shared_bytes(self, itemsize: int) -> int:
        """Shared memory for the operands of all stages, and what the compiler needs besides."""
        first, columns, depth = self.tile
        return (first + columns) * depth * itemsize * self.stages + _SCRATCH


_MODEST = Config((64, 64, 32), 4, 2)
"""For devices whose shared memory no rule fits: 32 KiB of it in float32, half in float16."""


@lru_cache(maxsize=4096)
def a_priori(shape: Shape, shared_limit: int) -> Config:
    """The first rule of the shipped table that fits: reasoned, not measured.

    Args:
        shape: what is computed.
        shared_limit: bytes of shared memory that a program can have on the device.
    """
    for rule in _shipped()["rules"]:
        fits = (
            shape.op in rule["ops"]
            and shape.dtype in rule.get("dtypes", [shape.dtype])
            and shape.cout <= rule.get("max_cout", shape.cout)
            and shape.log2_rows <= rule.get("max_log2_rows", shape.log2_rows)
        )
        if fits:
            config = parse(rule, shape.op).fitted(shape)
            if config.shared_bytes(shape.itemsize) <= shared_limit:
                return config
    return _MODEST.fitted(shape)


def shipped_for(device_name: str) -> dict[str, Config]:
    """What was measured on a device and comes with the package, by the name of the shape."""
    entries = _shipped()["devices"].get(device_name, {})
    return parse_table(entries)


def candidates(shape: Shape, shared_limit: int) -> list[Config]:
    """At most twelve configs worth timing, the a priori one first.

    Args:
        shape: what is computed.
        shared_limit: bytes of shared memory that a program can have on the device.
    """
    start = a_priori(shape, shared_limit)
    first, _, depth = start.tile
    wide = 256 if shape.itemsize == 2 else 128
    found = [start]
    for a in sorted({first, 64, 128}):
        for b in (64, 128, wide):
            for c in sorted({depth, 32}):
                warps = 8 if a * b >= 128 * 128 else 4
                for stages in (3, 4) if a * b < 128 * 128 else (3,):
                    config = Config((a, b, c), warps, stages).fitted(shape)
                    if config.shared_bytes(shape.itemsize) <= shared_limit:
                        found.append(config)
    return list(dict.fromkeys(found))[:12]


def parse_table(entries: dict[str, dict[str, Any]]) -> dict[str, Config]:
    """Configs from their JSON entries, by the names of their shapes.

    Raises:
        ValueError: if one of them is not one that a kernel can be compiled with.
        KeyError: if a number is missing.
    """
    return {name: parse(entry, name.partition("/")[0]) for name, entry in entries.items()}


def parse(entry: dict[str, Any], op: str) -> Config:
    """A config from its JSON entry.

    Args:
        entry: tile, warps and stages.
        op: of the shape that it is for.

    Raises:
        ValueError: if it is not one that a kernel can be compiled with.
        KeyError: if a number is missing.
    """
    first, columns, depth = (int(side) for side in entry["tile"])
    config = Config((first, columns, depth), int(entry["warps"]), int(entry["stages"]))
    powers = all(side >= 16 and side & (side - 1) == 0 for side in config.tile)
    if not powers or config.warps not in (1, 2, 4, 8, 16) or not 1 <= config.stages <= 8:
        raise ValueError(f"{entry} is not a config: tiles are powers of two of at least 16.")
    if op != "weight" and first < SMALLEST_TILE:
        raise ValueError(
            f"{entry} is not a config of a product: its tile has {first} rows, and "
            f"{SMALLEST_TILE} is the least."
        )
    return config


def _power_of_two(number: int) -> int:
    """The smallest power of two that holds `number`, but 16 at least: `tl.dot` takes no less."""
    return max(16, 1 << (number - 1).bit_length())


@lru_cache
def _shipped() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_SHIPPED.read_text())
    return table
