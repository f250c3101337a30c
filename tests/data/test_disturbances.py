"""Disturbances: noise along rays, jitter of a part of the view, another height, a slope."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scan_samples import tagged_scan

from pcseg.data import Scan
from pcseg.data.disturbances import HeightShift, RangeNoise, SelectiveJitter, Tilt
from pcseg.errors import ConfigError

clouds = st.integers(0, 40).flatmap(
    lambda n: arrays(np.float32, (n, 3), elements=st.floats(-60, 60, width=32))
)
seeds = st.integers(0, 2**32 - 1)


def around(rng: np.random.Generator, n: int = 4000) -> Scan:
    """Points all around, between -25 and +3 degrees, with intensities of 0.5."""
    azimuth, inclination = rng.uniform(-np.pi, np.pi, n), np.deg2rad(rng.uniform(-25, 3, n))
    flat = np.cos(inclination)
    xyz = np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(inclination)], 1)
    scan = tagged_scan(xyz * rng.uniform(3, 50, (n, 1)))
    return scan.replace(attrs={**scan.attrs, "intensity": np.full(n, 0.5, np.float32)})


@given(xyz=clouds, seed=seeds)
def test_range_noise_keeps_directions(xyz: np.ndarray, seed: int) -> None:
    scan = tagged_scan(xyz)
    made = RangeNoise(0.02, 0.06)(scan, np.random.default_rng(seed)).xyz.astype(np.float64)
    before = np.linalg.norm(xyz.astype(np.float64), axis=1)
    assert np.abs(np.linalg.norm(made, axis=1) - before).max(initial=0) < 0.0601
    assert np.linalg.norm(np.cross(made, xyz), axis=1).max(initial=0) < 1e-3


def test_range_noise_is_as_strong_as_said(rng: np.random.Generator) -> None:
    scan = around(rng)
    made = RangeNoise(0.02)(scan, rng)
    change = np.linalg.norm(made.xyz, axis=1) - np.linalg.norm(scan.xyz, axis=1)
    assert change.std() == pytest.approx(0.02, rel=0.1) and abs(change.mean()) < 0.002


def test_jitter_of_every_second_band(rng: np.random.Generator) -> None:
    scan = around(rng)
    jitter = SelectiveJitter(by="inclination", bands=[4], rest=0.0)
    first = set()
    for seed in range(8):
        made = jitter(scan, np.random.default_rng(seed))
        moved = (made.xyz != scan.xyz).any(1)
        xyz = scan.xyz
        degrees = np.rad2deg(np.arctan2(xyz[:, 2], np.hypot(xyz[:, 0], xyz[:, 1])))
        band = ((degrees + 25) // 7).astype(int)
        first.add(bool(moved[band == 0][0]))
        assert np.array_equal(moved, band % 2 == (0 if moved[band == 0][0] else 1))
        assert np.abs(made.xyz - scan.xyz).max() <= 0.0501
        assert np.array_equal(made.attrs["intensity"] != 0.5, moved)
        assert 0 <= made.attrs["intensity"].min() and made.attrs["intensity"].max() <= 1
    assert first == {True, False}


def test_jitter_of_half_a_turn(rng: np.random.Generator) -> None:
    scan = around(rng)
    made = SelectiveJitter(by="azimuth", rest=0.0)(scan, rng)
    moved = (made.xyz != scan.xyz).any(1)
    azimuth = np.sort(np.arctan2(*scan.xyz[moved][:, [1, 0]].T) % (2 * np.pi))
    gap = np.diff(np.concatenate([azimuth, azimuth[:1] + 2 * np.pi])).max()
    assert gap == pytest.approx(np.pi, abs=0.05) and moved.mean() == pytest.approx(0.5, abs=0.05)


def test_the_rest_moves_along_its_rays(rng: np.random.Generator) -> None:
    scan = around(rng)
    made = SelectiveJitter(rest=1.0)(scan, rng)
    assert (made.xyz != scan.xyz).any(1).mean() > 0.99
    along = np.linalg.norm(np.cross(made.xyz, scan.xyz), axis=1) < 1e-3
    assert 0.3 < along.mean() < 0.8
    shares = [
        (SelectiveJitter(by="azimuth")(scan, rng).xyz != scan.xyz).any(1).mean() for _ in range(30)
    ]
    assert 5 < (np.array(shares) > 0.9).sum() < 25


def test_jitter_without_intensity(rng: np.random.Generator) -> None:
    scan = Scan(rng.normal(size=(50, 3)).astype(np.float32))
    assert SelectiveJitter()(scan, rng).attrs == {}
    with pytest.raises(ConfigError, match="by='range' is not possible"):
        SelectiveJitter(by="range")


def test_height_shift(rng: np.random.Generator) -> None:
    scan = around(rng)
    shifts = [HeightShift(-0.2, 0.7)(scan, rng).xyz - scan.xyz for _ in range(60)]
    heights = np.array([shift[0, 2] for shift in shifts])
    assert -0.201 <= heights.min() < 0 and 0.4 < heights.max() <= 0.701
    assert all(np.allclose(shift, [0, 0, shift[0, 2]], atol=1e-5) for shift in shifts)


@given(seed=seeds)
def test_tilt_turns_a_little_and_not_about_the_vertical(seed: int) -> None:
    corners = np.array([[20, 0, 0], [0, 20, 0], [0, 0, 20], [3, -4, 5]], np.float32)
    made = Tilt(2.0)(tagged_scan(corners), np.random.default_rng(seed))
    assert np.allclose(np.linalg.norm(made.xyz, axis=1), np.linalg.norm(corners, axis=1), atol=1e-4)
    pitch = np.rad2deg(np.arctan2(made.xyz[0, 2], made.xyz[0, 0]))
    roll = np.rad2deg(np.arctan2(made.xyz[1, 2], made.xyz[1, 1]))
    assert abs(pitch) <= 2.01 and abs(roll) <= 2.01
    assert abs(np.rad2deg(np.arctan2(made.xyz[0, 1], made.xyz[0, 0]))) < 0.1
    # The world stays: what the pose gives is where the points were.
    world = made.xyz @ made.pose[:3, :3].T + made.pose[:3, 3]
    assert np.allclose(world, corners, atol=1e-4)
