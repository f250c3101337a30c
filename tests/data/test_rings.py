"""Beam numbers: found again from the order of points, on made sensors and on a genuine one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pcseg.data import Scan
from pcseg.data.readers.kitti.semantickitti import SemanticKITTI
from pcseg.data.rings import ring_numbers, rings_by_elevation, rings_by_order


def sensor(start: float, turn: int, upward: bool, rng: np.random.Generator) -> tuple:
    """A 16-beam scan listed ring after ring, from azimuth `start` on, with gaps and noise."""
    elevation = np.deg2rad(np.linspace(10, -20, 16))
    if upward:
        elevation = elevation[::-1]
    azimuth = start + turn * np.linspace(0.001, 2 * np.pi - 0.001, 720)
    el, az = (a.ravel() for a in np.meshgrid(elevation, azimuth, indexing="ij"))
    az = az + rng.normal(0, 0.001, az.shape)
    distance = rng.uniform(3, 50, az.shape)
    xyz = np.stack([np.cos(el) * np.cos(az), np.cos(el) * np.sin(az), np.sin(el)], 1)
    ring = np.repeat(np.arange(16), 720)
    kept = rng.random(len(ring)) > 0.3
    kept &= ~((ring == 3) & (np.arange(len(ring)) % 720 < 250))  # sky: a third of a ring is open
    if upward:
        ring = 15 - ring
    return (xyz * distance[:, None])[kept].astype(np.float32), ring[kept]


@pytest.mark.parametrize("start", [0.0, np.pi])
@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("upward", [False, True])
def test_order_tells_the_beam(
    start: float, turn: int, upward: bool, rng: np.random.Generator
) -> None:
    xyz, ring = sensor(start, turn, upward, rng)
    found = rings_by_order(xyz)
    assert found is not None
    # Noise may carry a point at the seam, one in a ring, over to the ring before.
    assert (found != ring).sum() <= 16


def test_without_order_the_elevation_decides(rng: np.random.Generator) -> None:
    xyz, ring = sensor(0.0, 1, False, rng)
    shuffled = rng.permutation(len(xyz))
    assert rings_by_order(xyz[shuffled]) is None
    found = ring_numbers(Scan(xyz[shuffled]), beams=16)
    assert found.min() == 0 and found.max() == 15
    assert np.corrcoef(found, ring[shuffled])[0, 1] > 0.99


def test_the_file_knows_best() -> None:
    scan = Scan(np.zeros((3, 3), np.float32), attrs={"ring": np.array([5, 5, 9], np.uint8)})
    assert ring_numbers(scan).tolist() == [5, 5, 9]


def test_few_points() -> None:
    assert rings_by_elevation(np.zeros((0, 3), np.float32)).shape == (0,)
    assert ring_numbers(Scan(np.zeros((1, 3), np.float32))).shape == (1,)


@pytest.mark.realdata
def test_genuine_scans_have_64_beams(realdata: Path) -> None:
    for scan in SemanticKITTI(realdata / "semantickitti_seq00_genuine", "all"):
        rings = rings_by_order(scan.xyz)
        assert rings is not None and rings.max() + 1 == 64
        assert np.bincount(rings).min() > 500
