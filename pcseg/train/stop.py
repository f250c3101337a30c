"""Stopping on request: Ctrl-C and SIGTERM end a run between two updates, with its state saved."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any


class Stop:
    """Raised flag: a signal asked for the end."""

    def __init__(self) -> None:
        self.signals = 0

    def is_set(self) -> bool:
        """Whether a signal came."""
        return self.signals > 0

    def ask(self) -> None:
        """Raise the flag, as a signal does."""
        self.signals += 1

    def __call__(self, number: int, frame: Any) -> None:
        """Raise the flag; called by the system."""
        self.signals += 1
        if self.signals > 1:  # whoever presses Ctrl-C twice means it
            raise KeyboardInterrupt


@contextlib.contextmanager
def stop_signals() -> Iterator[Stop]:
    """Turn Ctrl-C and SIGTERM into a flag that is looked at between updates."""
    stop = Stop()
    kinds = (signal.SIGINT, signal.SIGTERM)
    try:
        before = [signal.signal(kind, stop) for kind in kinds]
    except ValueError:  # not in the main thread: signals are somebody else's
        yield stop
        return
    try:
        yield stop
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)
