"""Checkpoint: everything a run needs to go on as if it had never stopped."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch

from pcseg._version import __version__
from pcseg.errors import CheckpointError
from pcseg.files import write_bytes

LAST, BEST = "last.pt", "best.pt"
"""Names of the newest and of the best checkpoint in the folder of a run."""

FORMAT = "pcseg-checkpoint/1"
"""Written into each file; a file without it is not ours."""


@dataclass
class Checkpoint:
    """The state of a run after a whole number of updates. Plain data and tensors only.

    Attributes:
        config: the experiment, as plain data.
        label_set: the class table, as plain data (`LabelSet.to_dict`).
        model: weights and statistics.
        averaged: exponential moving average of the model, or None.
        optimizer: the optimiser's state; None in a checkpoint made for inference.
        scaler: the fp16 gradient scaler's state, or empty.
        random: torch generator states, one dict per process. Augmentation needs none: its draws
            depend on (seed, epoch, scan) only.
        update: number of weight updates done.
        epoch: epoch the next batch belongs to.
        batch: batches of that epoch already used (the sampler's position).
        best: best validation mIoU so far, or None.
        best_update: the update it was reached at.
        finished: whether the run has come to its end.
        version: of pcseg that wrote the file.
    """

    config: dict[str, Any]
    label_set: dict[str, Any]
    model: dict[str, torch.Tensor]
    averaged: dict[str, torch.Tensor] | None = None
    optimizer: dict[str, Any] | None = None
    scaler: dict[str, Any] = field(default_factory=dict)
    random: list[dict[str, Any]] = field(default_factory=list)
    update: int = 0
    epoch: int = 0
    batch: int = 0
    best: float | None = None
    best_update: int = 0
    finished: bool = False
    version: str = __version__

    def weights(self) -> dict[str, torch.Tensor]:
        """The weights to predict with: averaged if there are any."""
        return self.model if self.averaged is None else self.averaged

    def save(self, path: Path) -> None:
        """Write the checkpoint; an older file of that name stays until the new one is whole."""
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        # Through memory: on a full disk torch's own writer hides the reason behind its own error.
        buffer = io.BytesIO()
        torch.save({"format": FORMAT, **data}, buffer)
        write_bytes(path, buffer.getvalue())


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint without executing anything in it.

    Raises:
        CheckpointError: if it is missing, damaged, not a pcseg checkpoint, or holds objects other
            than tensors and plain data.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such checkpoint. Train one with `pcseg train`.")
    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged pickles raise whatever the bytes happen to say
        raise CheckpointError(_why(path, error)) from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise CheckpointError(
            f"{path}: not a pcseg checkpoint ({FORMAT}). "
            "Weights of other programs cannot be read; give a best.pt or last.pt of `pcseg train`."
        )
    known = {f.name for f in fields(Checkpoint)}
    missing = known - data.keys()
    if missing:
        raise CheckpointError(f"{path}: the checkpoint lacks {', '.join(sorted(missing))}.")
    return Checkpoint(**{key: data[key] for key in known})


def _why(path: Path, error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError) and "GLOBAL" in str(error).upper():
        return (
            f"{path}: refused. The file holds Python objects other than tensors and plain data, "
            "and opening it could run a stranger's code. pcseg's own checkpoints never need that."
        )
    return (
        f"{path}: the checkpoint is damaged, or no checkpoint at all ({_first_line(error)}). "
        "Use another one of the run, last.pt or best.pt, or train again."
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
