"""Optional packages: imported where they are used, with an error that says what to type."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import sys
from types import ModuleType

from pcseg.errors import MissingExtra


def need(module: str, extra: str, purpose: str) -> ModuleType:
    """Import an optional module.

    Args:
        module: importable name, for example ``"open3d"``.
        extra: the extra of pcseg that installs it, for example ``"viz"``.
        purpose: what it is needed for, completing "… needs <module>".

    Raises:
        MissingExtra: if it is not installed, naming the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f"{purpose} needs {module}, which cannot be imported ({error}). "
            f'Install it with: pip install "pcseg[{extra}]"'
        ) from error


def need_open3d(purpose: str) -> ModuleType:
    """Import Open3D, with the libusb of the package `libusb-package` where the system has none.

    Raises:
        MissingExtra: if Open3D is not installed or a system library is missing, naming the command
            that installs it.
    """
    if "open3d" not in sys.modules:
        _preload_libusb()
    return need("open3d", extra="viz", purpose=purpose)


def available(module: str) -> bool:
    """Tell whether a module is installed, without importing it."""
    return importlib.util.find_spec(module) is not None


def _preload_libusb() -> None:
    """Load libusb so that Open3D's own search for it, by name, finds it already there."""
    try:
        ctypes.CDLL("libusb-1.0.so.0", mode=ctypes.RTLD_GLOBAL)
    except OSError:
        if available("libusb_package"):
            path = importlib.import_module("libusb_package").get_library_path()
            if path is not None:
                ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
