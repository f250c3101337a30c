"""Fog, wet ground and snow: their physics against quadrature, conservation laws and plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from beam_street import CAR, ROAD, street
from scipy.integrate import quad

from pcseg.data import Scan
from pcseg.data.corruptions import SEVERITIES, corrupt
from pcseg.data.corruptions import fog as fog_module
from pcseg.data.corruptions.echoes import _PULSE_M, _STEP_M, strongest_echoes
from pcseg.data.corruptions.flakes import (
    FOCAL_DISTANCE_CM,
    FOCAL_SLOPE,
    RADIUS_M,
    occupancy,
    planes,
    rainfall_rate,
)
from pcseg.data.corruptions.fog import soft_echo
from pcseg.data.corruptions.laser import estimate
from pcseg.data.corruptions.wet_ground import _fresnel, transmitted


def fog_response(at: float, alpha: float) -> float:
    """The fog's response at one distance, by adaptive quadrature of the paper's integrand."""
    tau, light = 2e-8, 299_792_458.0

    def integrand(t: float) -> float:
        behind = at - light * t / 2
        seen = min(max((behind - 0.9) / 0.1, 0.0), 1.0)
        if seen == 0.0:
            return 0.0
        return (
            math.sin(math.pi * t / (2 * tau)) ** 2
            * math.exp(-2 * alpha * behind)
            * (seen / behind**2)
        )

    kinks = [2 * (at - edge) / light for edge in (0.9, 1.0) if 0 < 2 * (at - edge) / light < 4e-8]
    return quad(integrand, 0, 4e-8, points=kinks or None, limit=400, epsabs=0, epsrel=1e-9)[0]


@pytest.mark.parametrize("alpha", [0.0, 0.06])
def test_the_fogs_echo_is_the_largest_before_the_target(alpha: float) -> None:
    places, responses = soft_echo(alpha)
    assert len(places) == len(responses) == 2001
    assert places[5] == 0.0 and responses[5] == 0.0  # the receiver sees nothing nearer than 0.9 m
    grid = np.linspace(0.0, 200.0, 2000)
    for row in (15, 25, 38, 60, 500, 2000):
        target = row * 0.1
        candidates = grid[(grid <= target + 1e-9) & (grid < 12)]
        exact = np.array([fog_response(at, alpha) for at in candidates])
        assert responses[row] == pytest.approx(exact.max(), rel=1e-3)
        assert places[row] == pytest.approx(candidates[exact.argmax()], abs=0.11)
    assert (np.diff(responses) >= 0).all() and (np.diff(places) >= 0).all()


def test_fog_attenuates_or_swallows(monkeypatch: pytest.MonkeyPatch) -> None:
    scan = street()
    distance = np.linalg.norm(scan.xyz, axis=1)
    for severity in SEVERITIES:
        made = corrupt(scan, "fog", severity)
        moved = (made.labels == -1) & (scan.labels >= 0)
        ratio = made.attrs["intensity"][~moved] / scan.attrs["intensity"][~moved]
        log = -np.log(ratio) / (2 * distance[~moved])
        assert np.allclose(log, np.median(log), atol=1e-5)  # one alpha for the whole scan
        assert np.isclose(np.median(log), [0, 0.005, 0.01, 0.02, 0.03, 0.06], atol=1e-5).any()
        assert np.array_equal(made.xyz[~moved], scan.xyz[~moved])
        cross = np.cross(made.xyz[moved], scan.xyz[moved] / distance[moved, None])
        assert np.abs(cross).max(initial=0) < 1e-3  # along the ray
    monkeypatch.setattr(fog_module, "_ATTENUATION", (0.06,))
    shares = [(corrupt(scan, "fog", s).labels == -1).mean() for s in SEVERITIES]
    assert shares[0] <= shares[1] < shares[2]  # more backscatter, more fog
    assert shares[2] > 0.05


def test_power_is_conserved_at_the_surface() -> None:
    angle = np.deg2rad(np.linspace(0, 89, 50))
    inside = np.arcsin(np.sin(angle) * 1.0003 / 1.33)
    for swapped in (False, True):
        for near, far, a, b in ((angle, inside, 1.0003, 1.33), (inside, angle, 1.33, 1.0003)):
            passed, reflected = _fresnel(near, far, a, b, swapped)
            assert np.allclose(passed + reflected, 1.0)
    # Face on, ((n1 - n2) / (n1 + n2))² is reflected; at Brewster's angle nothing of one kind.
    assert _fresnel(angle[:1], inside[:1], 1.0003, 1.33, True)[1] == pytest.approx(0.02, abs=2e-4)
    brewster = np.array([math.atan(1.33 / 1.0003)])
    other = np.arcsin(np.sin(brewster) * 1.0003 / 1.33)
    assert _fresnel(brewster, other, 1.0003, 1.33, True)[1] == pytest.approx(0.0, abs=1e-12)
    back = transmitted(angle, np.full(50, 0.3))
    assert (back > 0).all() and (back < 0.3).all() and back[0] > back[-1]


def test_wet_ground_loses_ground_and_nothing_else() -> None:
    scan = street()
    left = []
    for severity in SEVERITIES:
        made = corrupt(scan, "wet_ground", severity)
        ground = made.raw_labels == ROAD
        first = int(ground.argmax()) if ground.any() else len(made)
        assert ground[first:].all() and not ground[:first].any()  # the ground comes last
        others = np.flatnonzero(scan.raw_labels != ROAD)
        assert np.array_equal(made.attrs["tag"][:first], others)
        assert np.array_equal(made.attrs["intensity"][:first], scan.attrs["intensity"][others])
        dry = scan.attrs["intensity"][made.attrs["tag"][first:]]
        assert (made.attrs["intensity"][first:] <= dry + 1e-6).all()
        assert (made.labels >= 0).all()
        left.append(int(ground.sum()))
    before = int((scan.raw_labels == ROAD).sum())
    assert before > left[0] > left[1] >= left[2]


def test_little_ground_stays_dry() -> None:
    scan = street()
    ground = np.flatnonzero(scan.raw_labels == ROAD)
    few = scan.select(np.concatenate([np.flatnonzero(scan.raw_labels == CAR), ground[:999]]))
    assert corrupt(few, "wet_ground", "heavy").xyz is few.xyz


def test_the_laser_is_fitted_as_published() -> None:
    rng = np.random.default_rng(0)
    distance = rng.uniform(5, 60, 4000)
    xyz = np.stack([np.sqrt(distance**2 - 1.7**2), np.zeros(4000), np.full(4000, -1.7)], 1)
    ground = Scan(xyz.astype(np.float32))
    intensity = (2.0 + 0.05 * distance) * 1.7 / distance
    laser = estimate(ground, intensity, 0.5)
    assert laser is not None
    assert np.allclose(laser.cosine, 1.7 / distance, atol=1e-6)
    assert np.allclose(laser.power, 15 * (2.0 + 0.05 * distance), rtol=1e-4)
    # Never above 5: the line itself is the floor.
    assert np.allclose(laser.noise, 0.5 * (2.0 + 0.05 * distance), rtol=1e-4)
    strong = estimate(ground, (6.0 + rng.uniform(0, 3, 4000)) * 1.7 / distance, 0.5)
    assert strong is not None and np.allclose(strong.noise, 3.0, atol=0.2)  # half of the weakest
    assert estimate(ground.select(np.arange(2)), intensity[:2], 0.5) is None


def test_snowfall_in_numbers() -> None:
    assert occupancy(0.5, 2.0) == pytest.approx(6.944444444444445e-07)
    assert rainfall_rate(0.5, 2.0) == pytest.approx(2.2383844962893775)
    assert rainfall_rate(2.5, 1.6) == pytest.approx(34.97475775452152)
    assert rainfall_rate(1.0, 1.6) == pytest.approx(8.847991609353935)
    assert FOCAL_DISTANCE_CM.shape == FOCAL_SLOPE.shape == (64,)


def test_planes_hold_the_snow_they_should() -> None:
    made = planes(2.5, 1.6)
    for plane in (0, 63):
        discs = made.far[made.far_starts[plane] : made.far_starts[plane + 1]]
        assert (np.diff(discs[:, 0]) >= 0).all()
        once = discs[(discs[:, 0] >= 0) & (discs[:, 0] < 2 * np.pi)]
        assert len(discs) > len(once)  # those at the ends stand there twice
        near = made.near[made.near_starts[plane] : made.near_starts[plane + 1]]
        once = np.concatenate([once, near])
        radius = once[:, 1] * np.sin(once[:, 2])
        share = (radius**2).sum() / RADIUS_M**2
        assert share == pytest.approx(occupancy(2.5, 1.6), rel=0.01)
        assert (once[:, 1] ** 2).mean() == pytest.approx(RADIUS_M**2 / 2, rel=0.05)
        assert 2 * radius.max() <= 0.02
    assert planes(2.5, 1.6) is made


def looped_echo(angle: float, distance: float, discs: np.ndarray, half: float) -> tuple | None:
    """The strongest echo as the scripts find it: elementary intervals, nearest flake first."""
    inside = []
    away = np.abs((discs[:, 0] - angle + np.pi) % (2 * np.pi) - np.pi)
    for at, flake, width in discs[away < 2 * half + discs[:, 2]].tolist():
        middle = (at - angle + np.pi) % (2 * np.pi) - np.pi
        if flake < distance and middle - width < half and middle + width > -half:
            inside.append((flake, max(middle - width, -half), min(middle + width, half)))
    if not inside:
        return None
    ends = sorted({-half, half, *(e for _, left, right in inside for e in (left, right))})
    owner = [-1] * (len(ends) - 1)
    for number, (_, left, right) in enumerate(sorted(inside)):
        for k in range(len(owner)):
            if owner[k] == -1 and left <= ends[k] and ends[k + 1] <= right:
                owner[k] = number
    ordered = [*(flake for flake, _, _ in sorted(inside)), distance]
    wave = np.zeros(int((distance + 4) * 10))
    for number, at in enumerate(ordered):
        wanted = number if number < len(inside) else -1
        share = sum(ends[k + 1] - ends[k] for k in range(len(owner)) if owner[k] == wanted)
        share /= 2 * half
        seen = min(max((at - 0.9) / 0.1, 0.0), 1.0)
        for k in range(math.ceil(at * 10), math.floor((at + _PULSE_M) * 10) + 1):
            sample = math.floor(k * _STEP_M * 100 + 0.5) / 100
            wave[k] += share * seen / at**2 * math.sin(math.pi * (sample - at) / _PULSE_M) ** 2
    return wave.argmax() / 10 - _PULSE_M / 2, wave.max()


def test_echoes_equal_the_loops(rng: np.random.Generator) -> None:
    half = 0.0015
    discs = [
        np.stack(
            [
                rng.uniform(0, 2 * np.pi, 30_000), 60 * np.sqrt(rng.random(30_000)) + 0.01,
                rng.exponential(3e-4, 30_000).clip(0, 0.008),
            ], 1,
        )
        for _ in range(2)
    ]  # fmt: skip
    far, near = [], []
    for plane in discs:
        inner = plane[plane[:, 1] < 1.0]
        outer = plane[plane[:, 1] >= 1.0]
        low, high = outer[outer[:, 0] < 0.05], outer[outer[:, 0] > 2 * np.pi - 0.05]
        turn = np.array([2 * np.pi, 0, 0])
        around = np.concatenate([outer, low + turn, high - turn])
        far.append(around[np.argsort(around[:, 0])])
        near.append(inner)
    angle = np.concatenate([rng.uniform(0, 2 * np.pi, 60), [0.0, 0.0005, 2 * np.pi - 1e-4]])
    distance = rng.uniform(2, 70, len(angle))
    plane = rng.integers(0, 2, len(angle))
    place, power = strongest_echoes(
        angle, distance, plane,
        np.concatenate(far), np.cumsum([0, *map(len, far)]), np.array([f[:, 2].max() for f in far]),
        np.concatenate(near), np.cumsum([0, *map(len, near)]), half,
    )  # fmt: skip
    touched = 0
    for i in range(len(angle)):
        expected = looped_echo(angle[i], distance[i], discs[plane[i]], half)
        if expected is None:
            assert np.isnan(place[i])
            continue
        touched += 1
        assert place[i] == pytest.approx(expected[0], abs=1e-9)
        assert power[i] == pytest.approx(expected[1], rel=1e-9)
    assert touched > 30 and np.isfinite(place[-3:]).any()


def test_snow_moves_points_to_flakes_and_drops_weak_ones() -> None:
    scan = street()
    distance = np.linalg.norm(scan.xyz, axis=1)
    for severity in SEVERITIES:
        made = corrupt(scan, "snow", severity)
        tags = made.attrs["tag"]
        flake = (made.labels == -1) & (scan.labels[tags] >= 0)
        now = np.linalg.norm(made.xyz, axis=1)
        assert 0.001 < flake.mean() < 0.3
        assert (now[flake] <= distance[tags][flake] - 0.15).all() and now[flake].min() > 0.5
        cross = np.cross(made.xyz[flake], scan.xyz[tags][flake] / distance[tags][flake, None])
        assert np.abs(cross).max() < 1e-3
        assert np.array_equal(made.xyz[~flake], scan.xyz[tags][~flake])
        assert 0 <= made.attrs["intensity"].min() and made.attrs["intensity"].max() <= 1
        assert now[flake].mean() < 0.5 * distance[tags][flake].mean()  # clutter near the sensor
