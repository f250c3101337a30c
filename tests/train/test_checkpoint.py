"""Checkpoints: whole or refused, and never executed."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from pcseg.errors import CheckpointError, PcsegError
from pcseg.train.checkpoint import Checkpoint, load_checkpoint


def small() -> Checkpoint:
    return Checkpoint(
        config={"train": {"seed": 1}}, label_set={}, model={"w": torch.arange(6.0)}, update=7
    )


def test_round_trip(tmp_path: Path) -> None:
    small().save(tmp_path / "last.pt")
    read = load_checkpoint(tmp_path / "last.pt")
    assert read.update == 7
    assert read.config == {"train": {"seed": 1}}
    assert torch.equal(read.model["w"], torch.arange(6.0))
    assert os.listdir(tmp_path) == ["last.pt"]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "none.pt")


@pytest.mark.parametrize("kept", [0, 10, 0.3, 0.9])
def test_truncated_file_is_called_damaged(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "last.pt"
    small().save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept if kept >= 1 else kept * len(data))])
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path)


def test_garbage_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    path.write_bytes(b"<html>certainly not a checkpoint</html> " * 50)
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path)
    for seed in range(100):
        path.write_bytes(np.random.default_rng(seed).bytes(300))
        with pytest.raises(CheckpointError, match="damaged"):
            load_checkpoint(path)


def test_foreign_checkpoint_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"state_dict": {"w": torch.zeros(3)}}, path)
    with pytest.raises(CheckpointError, match="not a pcseg checkpoint"):
        load_checkpoint(path)


class Bomb:
    """Runs a command when unpickled the careless way."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


def test_malicious_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    marker, path = tmp_path / "pwned", tmp_path / "evil.pt"
    torch.save({"format": "pcseg-checkpoint/1", "model": Bomb(marker)}, path)
    with pytest.raises(CheckpointError, match="refused"):
        load_checkpoint(path)
    assert not marker.exists()
    path.write_bytes(pickle.dumps(Bomb(marker)))
    with pytest.raises(CheckpointError):
        load_checkpoint(path)
    assert not marker.exists()


def test_zip_that_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "archive.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../escape.txt", "no")
    with pytest.raises(CheckpointError):
        load_checkpoint(path)
    assert not (tmp_path.parent / "escape.txt").exists()


def test_failed_save_keeps_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.pt"
    small().save(path)
    before = path.read_bytes()

    def broken(target: Path, data: bytes) -> None:
        with target.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", broken)
    with pytest.raises(PcsegError, match="disk is full"):
        small().save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["last.pt"]
