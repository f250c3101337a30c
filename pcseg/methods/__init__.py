"""Methods: a folder per paper; training and evaluation see each through the same functions."""

from pcseg.methods.build import METHODS, build_method
from pcseg.methods.load import LoadedRun, load_run

__all__ = ["METHODS", "LoadedRun", "build_method", "load_run"]
