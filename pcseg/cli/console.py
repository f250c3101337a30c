"""The two consoles and the progress bar that all verbs share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pcseg.errors import ConfigError

console = Console(highlight=False)
"""For results."""

errors = Console(stderr=True, highlight=False)
"""For errors and progress, so that results can be piped."""


@contextlib.contextmanager
def progress(description: str, shown: bool = True) -> Iterator[Callable[..., None]]:
    """A progress bar on the error console; gives a function of (done, total, optional message)."""
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[message]}"),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, disable=not shown) as bar:
        task = bar.add_task(description, total=None, message="")

        def update(done: int, total: int, message: str = "") -> None:
            bar.update(task, completed=done, total=total, message=message)

        yield update


def split_settings(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate plain arguments from ``key=value`` settings.

    Raises:
        ConfigError: for a word that starts with ``=``.
    """
    plain: list[str] = []
    settings: list[str] = []
    for word in words:
        key = word.partition("=")[0]
        if "=" in word and not key:
            raise ConfigError(f"'{word}' sets nothing: write key=value.")
        is_setting = "=" in word and "/" not in key
        (settings if is_setting else plain).append(word)
    return plain, settings
