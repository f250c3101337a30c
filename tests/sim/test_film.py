"""Film: sRGB there and back, exposure, noise."""

from __future__ import annotations

import numpy as np

from pcseg.sim.film import develop, linear_colors, linear_to_srgb, srgb_to_linear


def test_srgb_round_trip_and_known_values() -> None:
    values = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-6)
    np.testing.assert_allclose(
        srgb_to_linear(np.array([0.0, 0.5, 1.0])), [0, 0.21404, 1], atol=1e-5
    )
    np.testing.assert_allclose(
        linear_colors("#ffffff #bc0000"), [[1, 1, 1], [0.50289, 0, 0]], atol=1e-5
    )


def test_pictures_brighten_with_light_and_exposure_and_repeat() -> None:
    grey = np.full((40, 60, 3), 0.2, np.float32)
    first = develop(grey, 1.0, 7)
    assert first.shape == (40, 60, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, develop(grey, 1.0, 7))
    assert (first != develop(grey, 1.0, 8)).mean() > 0.3
    assert 0.5 < first[15:25, 25:35].astype(float).std() < 6  # noise, but not much
    means = [develop(grey * k, 1.0, 7).mean() for k in (0.1, 1, 5, 50)]
    assert means == sorted(means) and means[0] < 80 and means[-1] > 250
    assert abs(develop(grey, 3.0, 7).mean() - develop(grey * 3, 1.0, 7).mean()) < 0.5
    assert develop(grey, 1.0, 7)[20, 30].mean() > develop(grey, 1.0, 7)[:2, :2].mean()  # vignette


def test_darkness_is_black() -> None:
    assert develop(np.zeros((8, 8, 3), np.float32), 1.0, 0).max() < 25
