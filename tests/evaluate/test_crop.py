"""Crops: which points a published protocol counts, and where it moves the others."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.errors import ConfigError
from pcseg.evaluate import Crop, view

XYZ = np.array([[0, 0, 0], [60, 0, 0], [0, -49, 1.9], [30, 45, 0], [10, 10, 5]], np.float32)


def test_dglss_keeps_every_point_and_moves_far_ones_onto_the_walls() -> None:
    crop = view("dglss10/v1").crop
    assert crop.counted(XYZ).all()
    moved = crop.moved(XYZ)
    assert moved.dtype == np.float32
    np.testing.assert_array_equal(moved[1], [50, 0, 0])
    np.testing.assert_array_equal(moved[4], [10, 10, 2])
    np.testing.assert_array_equal(moved[[0, 2, 3]], XYZ[[0, 2, 3]])
    assert str(crop).endswith("points outside moved onto the walls")


def test_lidog_leaves_out_what_is_beyond_fifty_metres() -> None:
    crop = view("lidog7-b8/v1").crop
    assert crop.counted(XYZ).tolist() == [True, False, True, False, True]
    assert crop.moved(XYZ) is XYZ
    assert str(crop) == "within 50 m"


def test_a_box_leaves_out_what_is_outside() -> None:
    crop = Crop("box", low=(-50, -50, -4), high=(50, 50, 2))
    assert crop.counted(XYZ).tolist() == [True, False, True, True, False]


def test_cross_modal_views_count_what_the_camera_sees() -> None:
    crop = view("bevdg5/v1").crop
    seen = np.array([1, 0, 0, 1, 1])
    assert crop.counted(XYZ, seen).tolist() == [True, False, False, True, True]
    with pytest.raises(ConfigError, match=r"camera's picture only.*cameras="):
        crop.counted(XYZ)


@pytest.mark.parametrize(
    "crop",
    [Crop(), Crop("ball", radius_m=50.0), Crop("box", (0, 0, 0), (1, 1, 1), outside="clamped")],
)
def test_round_trip(crop: Crop) -> None:
    assert Crop.from_dict(crop.to_dict()) == crop


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"shape": "ball"}, "a crop to a ball needs 'radius_m'"),
        ({"shape": "box", "low": [0, 0, 0]}, "a crop to a box needs 'low' and 'high'"),
        ({"shape": "ball", "radius_m": 5, "outside": "clamped"}, "walls of a ball"),
        ({"radius": 5}, "a crop has no 'radius'. It has: shape, low, high, radius_m, outside"),
    ],
)
def test_a_crop_without_its_size_is_refused(data, message) -> None:
    with pytest.raises(ConfigError, match=message):
        Crop.from_dict(data)
