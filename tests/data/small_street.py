"""One short simulated street for the twins of several data sets, built once a session."""

from __future__ import annotations

from pcseg.sim import World
from tests.streets import street


def small_street() -> World:
    """160 metres, the shortest there are."""
    return street([5, 4, 0])
