"""Import Open3D, which misses one system library on many machines."""

from __future__ import annotations

import ctypes
import importlib
import sys
from types import ModuleType

from pcseg.errors import MissingExtra
from pcseg.optional import available, need


def open3d() -> ModuleType:
    """Open3D, with the libusb of the package `libusb-package` where the system has none.

    Raises:
        MissingExtra: if Open3D is not installed or a system library is missing, naming the command
            that installs it and the ways to look at a scan without it.
    """
    if "open3d" not in sys.modules:
        _preload_libusb()
    try:
        return need("open3d", extra="viz", purpose="a window")
    except MissingExtra as error:
        raise MissingExtra(f"{error}\n{WITHOUT_WINDOW}") from error


WITHOUT_WINDOW = (
    "Without a window: pcseg view PATH --png scan.png, or --html scan.html (opens in any browser)."
)


def _preload_libusb() -> None:
    """Load libusb so that Open3D's own search for it, by name, finds it already there."""
    try:
        ctypes.CDLL("libusb-1.0.so.0", mode=ctypes.RTLD_GLOBAL)
    except OSError:
        if available("libusb_package"):
            path = importlib.import_module("libusb_package").get_library_path()
            if path is not None:
                ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
