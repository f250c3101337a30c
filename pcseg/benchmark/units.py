"""Units of work: what a plan expands to; a unit's name is a hash of all that decides its result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pcseg._version import __version__

KINDS = ("simulate", "train", "predict", "score")
"""In order of their dependence."""


@dataclass(frozen=True)
class Unit:
    """A piece of work that is done once.

    Attributes:
        kind: one of `KINDS`.
        spec: plain data: all that decides the result, ids of the units it builds on included.
        needs: ids of those units.
        label: for people; two plans may call one unit differently.
    """

    kind: str
    spec: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    label: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """Kind and twelve hex digits that change with any setting or any unit it builds on."""
        return f"{self.kind}-{content_hash([__version__, self.kind, self.spec])}"


def content_hash(content: Any) -> str:
    """Twelve hex digits of plain data; the order of keys does not matter."""
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def in_order(units: Iterable[Unit]) -> list[Unit]:
    """Each unit once, after those it needs."""
    once = {unit.id: unit for unit in units}
    return sorted(once.values(), key=lambda unit: KINDS.index(unit.kind))
