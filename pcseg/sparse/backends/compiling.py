"""Compiling: say so, once, when numba has to compile kernels and nothing seems to happen."""

from __future__ import annotations

import logging
from typing import Any

from numba.core import event

log = logging.getLogger(__name__)


class _Announcer(event.Listener):  # type: ignore[misc]
    """Told of every compilation of this process; kernels found in numba's disk cache are none."""

    def __init__(self) -> None:
        self._told = False

    def on_start(self, event: Any) -> None:
        function = event.data["dispatcher"].py_func
        if not self._told and function.__module__.startswith("pcseg."):
            self._told = True
            log.warning(
                "Compiling the CPU kernels of pcseg for this processor, once: about ten seconds."
            )

    def on_end(self, event: Any) -> None:
        pass


_announcers: list[_Announcer] = []


def announce_compilation() -> None:
    """Log a line when the first kernel of pcseg is compiled in this process."""
    if not _announcers:
        _announcers.append(_Announcer())
        event.register("numba:compile", _announcers[0])
