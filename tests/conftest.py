"""Fixtures shared by all tests: genuine data if it is there, a seeded generator."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest


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
