"""Light: days differ, the sky is bright above and pale below, lamps take over indoors."""

from __future__ import annotations

import numpy as np
import pytest
from sim_samples import plane_world

from pcseg.sim.light import Day, Lamplight, draw_day, light_of
from pcseg.sim.mesh import join
from pcseg.sim.shapes.primitives import box


@pytest.fixture(scope="module")
def days() -> list[Day]:
    return [draw_day(f"street {number}") for number in range(60)]


def test_days_differ_between_names_and_not_within_one(days: list[Day]) -> None:
    again = draw_day("street 5")
    np.testing.assert_array_equal(again.sources[0].toward, days[5].sources[0].toward)
    assert again.exposure == days[5].exposure
    bearings = [np.arctan2(*day.sources[0].toward[1::-1]) for day in days]
    assert np.histogram(bearings, 4, (-np.pi, np.pi))[0].min() > 3
    assert len({round(day.haze_m) for day in days}) > 50
    strength = [day.sources[0].power.mean() for day in days]
    assert min(strength) < 0.3 and max(strength) > 2  # from overcast to clear
    for day in days:
        assert np.linalg.norm(day.sources[0].toward) == pytest.approx(1)
        assert 0.4 < day.sources[0].toward[2] < 0.9  # no sun below the roofs


def test_the_sky(days: list[Day]) -> None:
    up = np.array([[0, 0, 1], [0.995, 0, 0.0998], [1, 0, -0.2]], np.float32)
    for day in days:
        color = day.sky(up, 0.0)
        assert np.isfinite(color).all() and (color > 0).all()
        if day.cover < 0.2:
            assert color[0, 2] > 1.3 * color[0, 0]  # blue overhead
            assert color[2].mean() < color[1].mean()  # hills are darker than the sky above them
    clear = min(days, key=lambda day: day.cover)
    sun = clear.sources[0].toward.astype(np.float32)
    away = np.array([sun, [-sun[0], -sun[1], sun[2]]], np.float32)
    bright = clear.sky(away, 0.0).mean(1)
    assert bright[0] > 2 * bright[1]


def test_hills_close_behind_the_camera(days: list[Day]) -> None:
    """Left and right of straight behind, the skyline is at the same height."""
    height = np.linspace(-0.02, 0.08, 200)
    beside = 1e-5 * np.array([[1.0], [-1.0]])
    for day in days[:12]:
        colors = [
            day.sky(np.stack([-np.ones(200), np.full(200, y[0]), height], 1).astype(np.float32), 0)
            for y in beside
        ]
        np.testing.assert_allclose(*colors, atol=0.02)


def test_clouds_drift_and_cover(days: list[Day]) -> None:
    rng = np.random.default_rng(0)
    directions = rng.normal(0, 1, (4000, 3)).astype(np.float32)
    directions[:, 2] = np.abs(directions[:, 2]) + 0.3
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    day = next(day for day in days if 0.35 < day.cover < 0.5)
    first, later = day.sky(directions, 0.0), day.sky(directions, 60.0)
    assert (np.abs(first - later).max(1) > 0.02).mean() > 0.1


def test_haze_takes_colours_to_the_horizon(days: list[Day]) -> None:
    day = days[0]
    color = np.zeros((4, 3), np.float32)
    seen = day.hazed(color, np.array([0, 50, 500, 1e5], np.float32))
    assert (np.diff(seen, axis=0) >= 0).all()
    np.testing.assert_allclose(seen[[0, -1]], [[0, 0, 0], day.horizon], atol=1e-4)


def test_upward_faces_get_more_of_the_sky(days: list[Day]) -> None:
    for day in days[:10]:
        falling = day.ambient(np.array([-1.0, 0.0, 1.0], np.float32))
        assert (np.diff(falling[:, 2]) > 0).all()


def test_lamps_light_a_scene_that_has_them() -> None:
    assert isinstance(light_of("x", plane_world().static), Day)
    lamps = [box((0.4, 0.4, 0.1), (x, 0, 2.5), "lamp_light") for x in (0, 3)]
    light = light_of("x", plane_world(lamps).static)
    assert isinstance(light, Lamplight) and light.through_windows
    places = sorted(source.place.round(3).tolist() for source in light.sources)
    assert places == [[0, 0, 2.5], [3, 0, 2.5]]
    source = light.sources[0]
    below = np.array([[0, 0, 1.5], [0, 0, 0.5], [0, 3, 2.5]], np.float32)
    below[:, 0] += source.place[0]
    directions, reach, power = source.seen_from(below)
    np.testing.assert_allclose(directions, [[0, 0, 1], [0, 0, 1], [0, -1, 0]], atol=1e-6)
    assert power[0, 0] == pytest.approx(4 * power[1, 0], rel=1e-5)  # the inverse square law
    assert (reach < [1, 2, 3]).all() and (reach > [0.6, 1.6, 2.6]).all()  # ends before the lamp


def test_many_lamps_are_few_sources_of_one_level() -> None:
    def level(count: int) -> tuple[int, float]:
        made = [
            box((0.3, 0.3, 0.05), (2.0 * k, 0, 2.6), "lamp_light").labelled(1, k + 1)
            for k in range(count)
        ]
        sources = light_of("x", join(made)).sources
        return len(sources), float(sum(source.power.sum() for source in sources))

    assert [level(k)[0] for k in (1, 4, 20)] == [1, 4, 6]
    assert level(20)[1] < 2 * level(1)[1]
