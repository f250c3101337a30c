"""Loader processes: serial, deaf to Ctrl-C, and able to hand an error to the main process whole."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import Dataset

from pcseg.errors import PcsegError


def quiet_worker(_: int) -> None:
    """Prepare a process of a torch DataLoader (its ``worker_init_fn``)."""
    torch.set_num_threads(1)  # the cores belong to the network
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which the main process answers


@dataclass(frozen=True)
class Failure:
    """An error on its way to the main process; torch would bury its message in a traceback."""

    error: PcsegError


class Guarded(Dataset[Any]):
    """A dataset whose errors for people come out as `Failure` items."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: Any) -> Any:
        """The item, or why there is none."""
        try:
            return self.dataset[key]
        except PcsegError as error:
            return Failure(error)


class GuardedCollate:
    """A collate function for guarded items."""

    def __init__(self, collate: Callable[[Sequence[Any]], Any]) -> None:
        self.collate = collate

    def __call__(self, items: Sequence[Any]) -> Any:
        """The batch, or the first failure of its items or of collating them."""
        failure = next((item for item in items if isinstance(item, Failure)), None)
        if failure is not None:
            return failure
        try:
            return self.collate(items)
        except PcsegError as error:
            return Failure(error)


def unguarded(batches: Iterable[Any]) -> Iterator[Any]:
    """The batches of a guarded loader; raises the first failure among them."""
    for batch in batches:
        if isinstance(batch, Failure):
            raise batch.error
        yield batch
