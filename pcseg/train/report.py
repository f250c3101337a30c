"""Reports of a running training: JSON lines, TensorBoard, and a line on the screen."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from pcseg.errors import PcsegError
from pcseg.files import write_text
from pcseg.optional import available


class Report:
    """What the loop tells the world. Off the main process every call does nothing.

    Args:
        folder: of the run; ``log.jsonl`` is appended to, ``tensorboard/`` filled if installed.
        total: updates of the whole run.
        console: where the progress bar goes; None for none.
        active: whether this is the main process.
        tensorboard: whether TensorBoard files are wanted.
    """

    def __init__(
        self,
        folder: Path,
        total: int,
        console: Console | None = None,
        active: bool = True,
        tensorboard: bool = True,
    ) -> None:
        self.path = folder / "log.jsonl"
        self.active = active
        self.board: Any = None
        self.progress: Progress | None = None
        if active and tensorboard and available("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self.board = SummaryWriter(str(folder / "tensorboard"))
        if active and console is not None:
            self.progress = Progress(
                TextColumn("[bold]{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn("{task.fields[status]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=console,
            )
            self.task = self.progress.add_task("train", total=total, status="")
            self.progress.start()
        self.status = {"loss": "", "mIoU": "", "scans/s": ""}

    def step(self, update: int, epoch: int, loss: float, scans_per_second: float) -> None:
        """Move the bar; called at every update."""
        if self.progress is None:
            return
        self.status |= {"loss": f"{loss:.3f}", "scans/s": f"{scans_per_second:.1f}"}
        self._show(update, f"epoch {epoch + 1}")

    def scalars(self, update: int, values: Mapping[str, float | None]) -> None:
        """Append a line to the log and points to the plots."""
        if not self.active:
            return
        line = json.dumps({"update": update, **values, "time": round(time.time(), 3)})
        try:
            with self.path.open("a") as file:
                file.write(line + "\n")
        except OSError as error:
            raise PcsegError(
                f"{self.path}: cannot write ({error.strerror}; is the disk full?). Mend that and "
                "run the same command again: it goes on from the last checkpoint."
            ) from error
        if self.board is not None:
            for name, value in values.items():
                if value is not None:
                    self.board.add_scalar(name, value, update)

    def validation(self, update: int, miou: float | None) -> None:
        """Show the newest validation score."""
        if self.progress is not None and miou is not None:
            self.status["mIoU"] = f"{100 * miou:.1f}"
            self._show(update, None)

    def message(self, text: str) -> None:
        """Say something above the bar."""
        if self.progress is not None:
            self.progress.console.print(text)

    def close(self) -> None:
        """Finish the bar and the files."""
        if self.progress is not None:
            self.progress.stop()
        if self.board is not None:
            self.board.close()

    def _show(self, update: int, description: str | None) -> None:
        assert self.progress is not None
        status = "  ".join(f"{key} {value}" for key, value in self.status.items() if value)
        self.progress.update(self.task, completed=update, description=description, status=status)


@contextlib.contextmanager
def progress_bar(console: Console | None, description: str) -> Iterator[Callable[..., None]]:
    """A bar for work before the training; gives a function of (done, total)."""
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=console is None) as bar:
        task = bar.add_task(description, total=None)

        def update(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield update


def trim_log(path: Path, update: int) -> None:
    """Drop log lines after `update`: they describe work that a resumed run does again."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text().splitlines():
        try:
            if json.loads(line)["update"] <= update:
                kept.append(line)
        except (ValueError, KeyError):  # a line cut off by the kill
            continue
    write_text(path, "".join(line + "\n" for line in kept))
