"""Loader processes: serial, and deaf to Ctrl-C, which is for the main process to answer."""

from __future__ import annotations

import signal

import torch


def quiet_worker(_: int) -> None:
    """Prepare a process of a torch DataLoader (its ``worker_init_fn``)."""
    torch.set_num_threads(1)  # the cores belong to the network
    signal.signal(signal.SIGINT, signal.SIG_IGN)
