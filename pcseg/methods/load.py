"""A trained run, opened again for evaluation and prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from pcseg.config import Config
from pcseg.config.load import build_config
from pcseg.data import LabelSet
from pcseg.errors import CheckpointError, ConfigError
from pcseg.methods.build import build_method
from pcseg.train.checkpoint import BEST, LAST, Checkpoint, load_checkpoint
from pcseg.train.protocols import Method


@dataclass(frozen=True)
class LoadedRun:
    """A method with its trained weights.

    Attributes:
        method: in evaluation mode, on its device.
        config: the run's configuration with the overrides applied.
        label_set: the class table it was trained on.
        checkpoint: path of the file it came from.
        update: updates behind the weights.
    """

    method: Method
    config: Config
    label_set: LabelSet
    checkpoint: Path
    update: int


def load_run(run: Path, overrides: Sequence[str] = (), device: str | None = None) -> LoadedRun:
    """Open a run by its folder (``best.pt``, else ``last.pt``) or by a checkpoint file.

    Args:
        run: folder or ``.pt`` file.
        overrides: settings to change, such as ``data.root=…``; those that shape the network
            (model, input.features, input.voxel_size) are refused.
        device: torch device name; by default train.device of the configuration.

    Raises:
        CheckpointError: if there is no checkpoint or it cannot be used.
        ConfigError: for a wrong override.
    """
    path = checkpoint_path(run)
    checkpoint = load_checkpoint(path)
    trained = build_config(checkpoint.config)
    config = build_config(checkpoint.config, overrides)
    _refuse_reshaping(trained, config)
    label_set = LabelSet.from_dict(checkpoint.label_set)
    method = build_method(config, label_set)
    _fill(method, checkpoint, path)
    method.to(pick_device(device or config.train.device))
    method.eval()
    return LoadedRun(method, config, label_set, path, checkpoint.update)


def checkpoint_path(run: Path) -> Path:
    """The checkpoint that a folder or file stands for.

    Raises:
        CheckpointError: if there is none, saying what was looked for.
    """
    if run.is_file():
        return run
    for name in (BEST, LAST):
        if (run / name).is_file():
            return run / name
    looked = f"it has neither {BEST} nor {LAST}" if run.is_dir() else "there is no such folder"
    raise CheckpointError(f"{run}: not a trained run, {looked}. `pcseg train` makes one.")


def pick_device(name: str) -> torch.device:
    """``auto`` is the first CUDA device if there is one, else the CPU.

    Raises:
        ConfigError: for a device that torch does not know or that is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"'{name}' is not a device; give auto, cpu, cuda or cuda:1.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"'{name}': no CUDA device is visible. Use cpu.")
    return device


def _refuse_reshaping(trained: Config, config: Config) -> None:
    # Methods that put other steps around the same network may take each other's weights.
    same = {trained.method, config.method} <= {"supervised", "labelprop"}
    for key, before, after in (
        ("method", trained.method, trained.method if same else config.method),
        ("model", trained.model, config.model),
        ("dglss.channels", trained.dglss.channels, config.dglss.channels),
        ("lidog.channels", trained.lidog.channels, config.lidog.channels),
        ("input.features", trained.input.features, config.input.features),
        ("input.voxel_size", trained.input.voxel_size, config.input.voxel_size),
    ):
        if before != after:
            raise ConfigError(
                f"{key} is part of the trained network ({before}) and cannot be changed "
                "afterwards. Train another run with it."
            )


def _fill(method: Method, checkpoint: Checkpoint, path: Path) -> None:
    weights = {k: v for k, v in checkpoint.weights().items() if not k.startswith("criterion.")}
    own = {k: v for k, v in method.state_dict().items() if not k.startswith("criterion.")}
    wrong = [k for k in own if k not in weights or weights[k].shape != own[k].shape]
    wrong += [k for k in weights if k not in own]
    if wrong:
        raise CheckpointError(
            f"{path}: the weights do not fit the network of its configuration "
            f"({len(wrong)} tensors, first '{wrong[0]}'; written by pcseg {checkpoint.version})."
        )
    method.load_state_dict({**method.state_dict(), **weights})
