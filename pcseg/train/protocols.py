"""What training, evaluation and prediction need of a method and of a dataset, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from pcseg.data import LabelSet, Prediction, Scan


class Batch(Protocol):
    """What a method's collate makes of scans."""

    num_scans: int

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""


class Method(Protocol):
    """A `torch.nn.Module` whose forward computes the loss and that can label scans."""

    label_set: LabelSet

    def collate(self) -> Callable[[Sequence[Scan]], Batch]:
        """A picklable function that makes a batch of scans in a loader process."""

    def __call__(self, batch: Any) -> dict[str, Tensor]:
        """The loss (key ``"loss"``) and its parts as scalars."""

    def predict(self, scans: Sequence[Scan]) -> list[Prediction]:
        """A label and a confidence for each point of each scan."""

    # Optional: `training_set(dataset, progress) -> ScanDataset`, what is trained on in place of the
    # scans; and `sequential = True` with `reset()`, for methods that remember the scans before.

    def parameters(self) -> Iterable[torch.nn.Parameter]:
        """The trainable weights."""

    def state_dict(self) -> dict[str, Tensor]:
        """All weights and statistics."""

    def load_state_dict(self, state: dict[str, Tensor]) -> Any:
        """Take weights and statistics."""

    def train(self, mode: bool = True) -> Any:
        """Switch to training, or to evaluation with ``mode=False``."""

    def eval(self) -> Any:
        """Switch to evaluation."""

    def to(self, device: torch.device) -> Any:
        """Move to a device."""
