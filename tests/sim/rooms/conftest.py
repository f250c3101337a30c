"""Small simulated ScanNet and S3DIS, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pcseg.sim import Simulation, simulate_rooms

SCANNET = {"layout": "scannet", "image_scale": 0.08, "frames": 12, "seed": 4}
S3DIS = {"layout": "s3dis", "image_scale": 0.05, "frames": 2, "seed": 4}


@pytest.fixture(scope="session")
def scannet(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    return simulate_rooms(tmp_path_factory.mktemp("scannet"), rooms=2, **SCANNET)


@pytest.fixture(scope="session")
def scene(scannet: Simulation) -> Path:
    """Path of the first scene's files, without their suffixes."""
    return scannet.root / "scans/scene0000_00/scene0000_00"


@pytest.fixture(scope="session")
def s3dis(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    return simulate_rooms(tmp_path_factory.mktemp("s3dis"), rooms=6, **S3DIS)
