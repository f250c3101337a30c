"""Fixtures shared by all tests: genuine data if it is there, tiny worlds, a tiny trained run."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from tests.scenes import write_kitti

# The same examples on every run: a failure is of the change at hand. Search wider with
# `pytest --hypothesis-profile default`.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

# One line per message, however long, and no colours: tests look for words.
os.environ |= {"COLUMNS": "400", "NO_COLOR": "1"}

TINY = (
    "model.width=0.125", "input.voxel_size=0.5", "data.batch_size=1", "data.workers=0",
    "train.epochs=3", "train.log_every=1", "train.tensorboard=false", "optim.lr=0.005",
)  # fmt: skip
"""Settings of a training that takes seconds."""


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of genuine samples; tests that ask for it skip where it is missing."""
    named = os.environ.get("PCSEG_REALDATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "realdata"
    if not folder.is_dir():
        pytest.skip("no genuine data: set PCSEG_REALDATA to the folder that holds it")
    return folder


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tests keep their class counts to themselves."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["PCSEG_CACHE"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def kitti(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset in SemanticKITTI's layout: 8 scans of sequence 00, 2 of 08, 2 of 11."""
    return write_kitti(tmp_path_factory.mktemp("kitti"), {"00": 8, "08": 2, "11": 2})


def pcseg(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process, as a user does."""
    command = [sys.executable, "-m", "pcseg", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd)


def pcseg_here(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the command line in this process: the same, without the seconds of a start."""
    from pcseg.cli.main import run

    out, err = io.StringIO(), io.StringIO()
    arguments, sys.argv = sys.argv, ["pcseg", *map(str, words)]
    code: object = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            run()
    except SystemExit as leaving:
        code = leaving.code or 0
    finally:
        sys.argv = arguments
    return subprocess.CompletedProcess(sys.argv, code, out.getvalue(), err.getvalue())  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def trained(kitti: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny trained run."""
    out = tmp_path_factory.mktemp("runs") / "tiny"
    done = pcseg(
        "train", "semantickitti/realdata_quick", f"data.root={kitti}", f"out={out}",
        "data.split=00", "data.val_split=08", *TINY,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out
