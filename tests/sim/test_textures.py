"""Textures: smooth, bounded, fixed in place, and gone where a pixel is too wide for them."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.sim.materials import TABLE
from pcseg.sim.textures import PATTERNS, scattered, smooth_noise, surface_coordinates, texture


def spots(count: int, rng: np.random.Generator, footprint: float) -> tuple[np.ndarray, ...]:
    u, v = rng.uniform(-40, 40, (2, count)).astype(np.float32)
    return u, v, np.full(count, footprint, np.float32)


def test_noise_is_smooth_bounded_and_repeats(rng: np.random.Generator) -> None:
    u, v = rng.uniform(-300, 300, (2, 20_000))
    noise = smooth_noise(u, v)
    assert -1 <= noise.min() < -0.8 and 0.8 < noise.max() <= 1
    assert abs(noise.mean()) < 0.02
    assert np.abs(smooth_noise(u + 1e-4, v) - noise).max() < 1e-3
    np.testing.assert_allclose(smooth_noise(u + 256, v - 512), noise, atol=1e-6)


def test_scattered_numbers_fill_their_range_and_depend_on_key_and_salt() -> None:
    keys = np.arange(40_000)
    first, second = scattered(keys), scattered(keys, 1)
    np.testing.assert_array_equal(first, scattered(keys))
    counts = np.histogram(first, 16, (0, 1))[0]
    assert counts.min() > 0.9 * len(keys) / 16
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.02


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_change_colours_around_their_mean(name: str, rng: np.random.Generator) -> None:
    u, v, near = spots(30_000, rng, 0.002)
    factor = texture(PATTERNS[name], u, v, near)
    assert factor.shape in ((30_000, 1), (30_000, 3)) and factor.dtype == np.float32
    assert 0.75 < factor.mean() < 1.2 and factor.min() > 0
    assert factor.std() > 0.01
    np.testing.assert_array_equal(texture(PATTERNS[name], u, v, near), factor)
    some = np.arange(0, 30_000, 7)  # a spot does not depend on what else is in the picture
    np.testing.assert_allclose(
        texture(PATTERNS[name], u[some], v[some], near[some]), factor[some], rtol=2e-6
    )


@pytest.mark.parametrize("name", PATTERNS)
def test_detail_finer_than_a_pixel_is_left_out(name: str, rng: np.random.Generator) -> None:
    u, v, far = spots(5000, rng, 30.0)
    assert texture(PATTERNS[name], u, v, far).std() < 1e-6


def test_courses_have_joints_where_they_should_be() -> None:
    brick = PATTERNS["brick"]
    length, height = brick.course
    u = np.linspace(0, length, 400, dtype=np.float32)
    middle, joint = np.full(400, 0.5 * height, np.float32), np.full(400, 1e-4, np.float32)
    fine = np.full(400, 1e-3, np.float32)
    bed = texture(brick, u, joint, fine).mean()
    stone = np.median(texture(brick, u, middle, fine))
    assert bed > 1.2 * stone  # mortar is brighter than brick
    # The next course is shifted by half a brick: upright joints do not line up.
    first = texture(brick, u, middle, fine)[:, 0]
    second = texture(brick, u, middle + np.float32(height), fine)[:, 0]
    assert abs(int(first[100:300].argmax()) - int(second[100:300].argmax())) > 50 or (
        np.argmax(first) != np.argmax(second)
    )


def test_surface_coordinates_measure_metres_on_walls_ground_and_slopes() -> None:
    turn = np.array([np.cos(0.7), np.sin(0.7), 0.0])
    wall = np.tile(turn, (3, 1)).astype(np.float32)
    along = np.array([-turn[1], turn[0], 0.0])
    places = np.array([[0, 0, 0], 2 * along, 2 * along + [0, 0, 1.5]], np.float32)
    for normal in (wall, -wall):  # both sides agree up to the direction of u
        u, v = surface_coordinates(places, normal)
        np.testing.assert_allclose(np.abs(np.diff(u)), [2, 0], atol=1e-5)
        np.testing.assert_allclose(np.diff(v), [0, 1.5], atol=1e-5)
    flat = np.tile(np.array([0.02, 0.01, 1.0], np.float32), (3, 1))
    u, v = surface_coordinates(places, flat)
    np.testing.assert_allclose(np.stack([u, v], 1), places[:, :2])
    roof = np.array([[0, -np.sin(0.8), np.cos(0.8)]] * 2, np.float32)
    up = np.array([[1, 0, 0], [1, np.cos(0.8), np.sin(0.8)]], np.float32)  # one metre up the slope
    u, v = surface_coordinates(up, roof)
    np.testing.assert_allclose([np.diff(u)[0], np.diff(v)[0]], [0, 1], atol=1e-5)


def test_every_material_has_a_pattern_and_colours() -> None:
    for name, of in TABLE.items():
        assert of.pattern in PATTERNS, name
        assert of.colors.split() and all(len(c) == 7 and c[0] == "#" for c in of.colors.split())
        assert 0 <= of.gloss < 1 and 0 <= of.translucent < 1
