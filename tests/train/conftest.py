"""Tiny trainings as processes, the way a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from tests.conftest import TINY


def command(root: Path, out: Path, *settings: str) -> list[str]:
    return [
        sys.executable, "-m", "pcseg", "train", "semantickitti/realdata_quick",
        f"data.root={root}", f"out={out}", "data.split=00", "data.val_split=08", *TINY, *settings,
    ]  # fmt: skip


def environment(threads: int = 1) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": str(threads)}


def run(words: list[str], threads: int = 1) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, env=environment(threads))


def losses(out: Path) -> list[float]:
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [line["train/loss"] for line in lines if "train/loss" in line]


def weights(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)["model"]
