"""Errors meant for the person at the keyboard: each names the file, the value and the remedy."""

from __future__ import annotations


class PcsegError(Exception):
    """Base of all errors that the command line prints without a traceback."""


class ConfigError(PcsegError):
    """A setting that does not exist or cannot have the given value."""


class DataError(PcsegError):
    """A file of a dataset that cannot be what it claims to be."""


class LabelError(DataError):
    """A label outside its label map, or labels that do not fit their points."""


class CheckpointError(PcsegError):
    """A checkpoint that is damaged, foreign, or made for other classes."""


class BackendError(PcsegError):
    """A computation backend that cannot be used here, with the reason."""


class Interrupted(PcsegError):
    """Work was asked to stop; its state is saved and it can go on."""


class WorkerLost(PcsegError):
    """A process that worked on a task died; what it had finished is kept."""


class MissingExtra(PcsegError, ImportError):
    """An optional package that is not installed."""
