"""Import Open3D for a window, and say how to look at a scan where it cannot be."""

from __future__ import annotations

from types import ModuleType

from pcseg.errors import MissingExtra
from pcseg.optional import need_open3d


def open3d() -> ModuleType:
    """Open3D.

    Raises:
        MissingExtra: if Open3D is not installed or a system library is missing, naming the command
            that installs it and the ways to look at a scan without it.
    """
    try:
        return need_open3d("a window")
    except MissingExtra as error:
        raise MissingExtra(f"{error}\n{WITHOUT_WINDOW}") from error


WITHOUT_WINDOW = (
    "Without a window: pcseg view PATH --png scan.png, or --html scan.html (opens in any browser)."
)
