"""Every shipped configuration takes a step, as it is but for the size of the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pcseg.config.load import shipped_configs
from tests.conftest import pcseg_here
from tests.scenes import write_kitti

POSS = {40: 22, 10: 7, 50: 15, 80: 13, 70: 9}
"""Raw ids of SemanticPOSS for those of the tiny streets."""


def semantic_poss(root: Path) -> Path:
    write_kitti(root, {"00": 2, "03": 1})
    for path in root.rglob("*.label"):
        labels = np.fromfile(path, "<u4")
        np.array([POSS[int(raw)] for raw in labels & 0xFFFF], "<u4").tofile(path)
    return root


@pytest.mark.parametrize("name", [n for n in shipped_configs() if not n.startswith("generic")])
def test_shipped_configuration_takes_a_step(name: str, kitti: Path, tmp_path: Path) -> None:
    root = semantic_poss(tmp_path / "poss") if name.startswith("semanticposs") else kitti
    done = pcseg_here(
        "train", name, f"data.root={root}", f"out={tmp_path / 'run'}", "model.width=0.125",
        "train.max_steps=1", "data.workers=0", "train.tensorboard=false",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "best.pt").is_file()
