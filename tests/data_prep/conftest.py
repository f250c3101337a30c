"""One simulated dataset for all; tests that damage it work on a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pcseg.sim import simulate


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two streets of six frames in SemanticKITTI's layout, with small pictures."""
    root = tmp_path_factory.mktemp("dataset")
    simulate(
        root,
        sequences=("00", "08"),
        sensor="vlp16",
        columns_step=4,
        frames=6,
        frame_step=3.0,
        cameras=["image_2"],
        image_scale=0.15,
    )
    return root


@pytest.fixture
def damaged(dataset: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(dataset, tmp_path / "damaged"))
