"""One short simulated street for the twins of several data sets, built once a session."""

from __future__ import annotations

from functools import lru_cache

from pcseg.sim import World, build_street


@lru_cache(maxsize=1)
def small_street() -> World:
    """160 metres, the shortest there are."""
    return build_street([5, 4, 0], 160.0)
