"""Seals: a checkpoint is fixed before anything may read the labels of a target.

The trainer writes the seal when its selection, on scans of the source alone, is over. Whoever wants
the truth of a target must show a seal that still fits its checkpoint, and predictions made by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from pcseg.benchmark.specs import Spec, open_labelled
from pcseg.benchmark.store import file_hash
from pcseg.data.dataset import ScanDataset
from pcseg.errors import CheckpointError
from pcseg.files import read_json, write_json

SEAL = "seal.json"


@dataclass(frozen=True)
class Seal:
    """Word of a trainer that it has chosen.

    Attributes:
        train: id of the unit.
        checkpoint: name of the file in its folder.
        sha256: of that file, as it lies there: the same weights may be stored in other bytes.
        weights: hash of the weights themselves, equal whenever the training is done again.
        selected_on: the source's scans that decided, or ``"nothing"`` for the last weights.
        miou: of the chosen weights on them, None without.
        update: number of updates behind the chosen weights.
    """

    train: str
    checkpoint: str
    sha256: str
    weights: str
    selected_on: str
    miou: float | None
    update: int


def weights_hash(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 of named weights, in hex digits; order and storage do not matter."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        values = weights[name].detach().cpu().contiguous().numpy()
        digest.update(f"{name} {values.dtype} {values.shape}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def write_seal(folder: Path, seal: Seal) -> None:
    """Seal the checkpoint of a training."""
    write_json(folder / SEAL, asdict(seal))


def read_seal(folder: Path) -> Seal:
    """The seal of a training, if it fits.

    Raises:
        CheckpointError: if there is none, or the checkpoint has changed since.
    """
    path = folder / SEAL
    if not path.is_file():
        raise CheckpointError(
            f"{folder}: its checkpoint is not sealed: the training is not over. Labels of targets "
            "stay closed until it is."
        )
    try:
        seal = Seal(**read_json(path))
    except TypeError as error:
        raise CheckpointError(f"{path}: not a seal ({error}). Remove {folder}.") from error
    checkpoint = folder / seal.checkpoint
    if not checkpoint.is_file() or file_hash(checkpoint) != seal.sha256:
        raise CheckpointError(
            f"{checkpoint}: is not the file that was sealed. Whatever changed it may have seen the "
            f"target; remove {folder} and run again."
        )
    return seal


def open_truth(
    scans: Spec, out: Path, train_folder: Path, predictions: dict[str, Any]
) -> ScanDataset:
    """The scans of a target with their labels. The only way to them in a benchmark.

    Args:
        scans: specification of the target.
        out: folder of the benchmark.
        train_folder: of the training whose predictions are to be scored.
        predictions: their manifest, which names the checkpoint they were made with.

    Raises:
        CheckpointError: if the checkpoint is not sealed, or made other predictions than these.
        DataError: if files are missing or damaged.
    """
    seal = read_seal(train_folder)
    if predictions.get("checkpoint_sha256") != seal.sha256:
        raise CheckpointError(
            f"{train_folder}: the predictions were made with another checkpoint than the sealed "
            "one. Remove their folder and run again."
        )
    return open_labelled(scans, out)
