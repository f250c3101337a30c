"""Streets that tests share: built once a session, and made ready for rays once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

import pytest

from pcseg.sim import World, build_street
from pcseg.sim.stage import Stage

_MOST = 8
_STAGES: dict[int, Stage[World]] = {}


def street(seed: Sequence[int], length_m: float = 160.0, *, speed_mps: float = 8.0) -> World:
    """As `build_street`; nobody may change what it gives."""
    return _street(tuple(seed), length_m, speed_mps)


def stage(world: World) -> Stage[World]:
    """The stage of a world."""
    if id(world) not in _STAGES:
        if len(_STAGES) >= _MOST:
            _STAGES.clear()
        _STAGES[id(world)] = Stage(world)  # which keeps the world, so that its id stays its own
    return _STAGES[id(world)]


@contextmanager
def shared() -> Iterator[None]:
    """Let `simulate` and recorders in this process take shared streets and stages.

    Every call of `simulate` would build its streets again. That streets of one seed are equal is
    tested with the streets, and by comparing with what other processes write.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pcseg.sim.dataset.build_street", street)
        patch.setattr("pcseg.sim.record.Stage", stage)
        yield


@lru_cache(maxsize=_MOST)
def _street(seed: tuple[int, ...], length_m: float, speed_mps: float) -> World:
    return build_street(list(seed), length_m, speed_mps=speed_mps)
