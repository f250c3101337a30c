"""Optional packages: imported where they are used, with an error that says what to type."""

from __future__ import annotations

import importlib
import importlib.util
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


def available(module: str) -> bool:
    """Tell whether a module is installed, without importing it."""
    return importlib.util.find_spec(module) is not None
