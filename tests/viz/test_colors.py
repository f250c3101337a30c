"""Colours: steady, in range, and told apart."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.viz.colors import (
    COLORMAPS,
    IGNORED,
    RIGHT,
    WRONG,
    colormap,
    instance_colors,
    visible,
)


@pytest.mark.parametrize("name", COLORMAPS)
def test_colour_maps_are_smooth(name: str) -> None:
    table = colormap(name).astype(int)
    assert table.shape == (256, 3)
    assert np.abs(np.diff(table, axis=0)).max() <= 14


def test_viridis_grows_lighter_all_the_way() -> None:
    lightness = colormap("viridis") @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > -0.5).all() and lightness[-1] > lightness[0] + 150


def test_instance_colours_stay_with_the_id_and_differ_from_neighbours() -> None:
    together = instance_colors(np.arange(100))
    np.testing.assert_array_equal(instance_colors(np.array([42]))[0], together[42])
    assert tuple(together[0]) == IGNORED
    distance = np.abs(np.diff(together[1:].astype(int), axis=0)).sum(axis=1)
    assert distance.min() > 60


def test_right_and_wrong_differ_for_the_colour_blind() -> None:
    # Without green (deuteranopia) red and green merge, so blue and lightness must tell.
    right, wrong = np.array(RIGHT), np.array(WRONG)
    assert abs(int(right[2]) - int(wrong[2])) > 80


def test_visible_lifts_only_dark_colours() -> None:
    given = np.array([[0, 0, 0], [75, 0, 75], [255, 0, 10], [0, 130, 0]], np.uint8)
    assert visible(given).tolist() == [[125, 125, 125], [125, 0, 125], [255, 0, 10], [0, 130, 0]]
