"""Every shipped configuration takes a step, as it is but for the size of the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pcseg.config.load import shipped_configs
from pcseg.optional import available
from pcseg.sim import simulate, simulate_rooms
from pcseg.sim.rooms.layouts import ROOM_LAYOUTS
from tests.conftest import pcseg_here
from tests.scenes import write_kitti

NEEDS = {"waymo": "pyarrow", "pandaset": "pandas"}
"""Packages that write the files of a layout."""

POSS = {40: 22, 10: 7, 50: 15, 80: 13, 70: 9}
"""Raw ids of SemanticPOSS for those of the tiny streets."""


def semantic_poss(root: Path) -> Path:
    write_kitti(root, {"00": 2, "03": 1})
    for path in root.rglob("*.label"):
        labels = np.fromfile(path, "<u4")
        np.array([POSS[int(raw)] for raw in labels & 0xFFFF], "<u4").tofile(path)
    return root


TWINS = ("nuscenes", "pandaset", "waymo", "scannet", "s3dis")
"""Datasets whose configurations are tried on simulated files."""

OTHERS = [n for n in shipped_configs() if n.split("/")[0] not in ("generic", *TWINS)]


def twin(layout: str, root: Path) -> Path:
    if layout in ROOM_LAYOUTS:
        simulate_rooms(root, layout=layout, rooms=1, frames=2, image_scale=0.05)
    else:
        simulate(root, layout=layout, frames=1, cameras=[], columns_step=16)
    return root


@pytest.mark.parametrize("layout", TWINS)
def test_configurations_of_other_datasets_take_a_step(layout: str, tmp_path: Path) -> None:
    if layout in NEEDS and not available(NEEDS[layout]):
        pytest.skip(f"needs {NEEDS[layout]}")
    done = pcseg_here(
        "train", f"{layout}/minkunet", f"data.root={twin(layout, tmp_path / 'twin')}",
        f"out={tmp_path / 'run'}", "data.split=all", "data.val_split=null", "model.width=0.125",
        "train.max_steps=1", "data.workers=0", "train.tensorboard=false",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "last.pt").is_file()


@pytest.mark.parametrize("name", OTHERS)
def test_shipped_configuration_takes_a_step(name: str, kitti: Path, tmp_path: Path) -> None:
    root = semantic_poss(tmp_path / "poss") if name.startswith("semanticposs") else kitti
    done = pcseg_here(
        "train", name, f"data.root={root}", f"out={tmp_path / 'run'}", "model.width=0.125",
        "train.max_steps=1", "data.workers=0", "train.tensorboard=false",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "best.pt").is_file()
