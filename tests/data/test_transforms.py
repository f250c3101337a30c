"""Transforms: labels stay with their points, and each does what it says, no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scan_samples import assert_together, tagged_scan

from pcseg.data import Scan, View
from pcseg.data.transforms import (
    TRANSFORMS,
    Compose,
    CropBox,
    CropSphere,
    DropIntensity,
    DropPoints,
    EveryBeam,
    Flip,
    HeightFilter,
    Jitter,
    MaxPoints,
    RangeFilter,
    Rotate,
    Scale,
    Shift,
    ThinBeams,
)
from pcseg.errors import ConfigError

clouds = st.integers(0, 40).flatmap(
    lambda n: arrays(np.float32, (n, 3), elements=st.floats(-60, 60, width=32))
)
seeds = st.integers(0, 2**32 - 1)


def moved(scan: Scan, xyz: np.ndarray) -> np.ndarray:
    return xyz @ scan.pose[:3, :3].T + scan.pose[:3, 3]


@pytest.mark.parametrize("name", TRANSFORMS)
@settings(max_examples=30, deadline=None)
@given(xyz=clouds, seed=seeds)
def test_fields_stay_with_their_points(name: str, xyz: np.ndarray, seed: int) -> None:
    scan = tagged_scan(xyz)
    made = TRANSFORMS[name]()(scan, np.random.default_rng(seed))
    if name in ("drop_intensity", "selective_jitter"):  # which change this channel, and say how
        made = made.replace(attrs={**made.attrs, "intensity": scan.attrs["intensity"]})
    assert_together(made)
    # Nothing is invented, doubled or put into another order.
    tags = made.attrs["tag"]
    assert (np.diff(tags) > 0).all() and np.isin(tags, scan.attrs["tag"]).all()
    assert made.xyz.dtype == np.float32
    # The scan that was given is not touched.
    assert np.array_equal(scan.xyz, xyz) and len(scan) == len(xyz)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_same_generator_same_result(name: str, rng: np.random.Generator) -> None:
    scan = tagged_scan(rng.normal(0, 10, (500, 3)))
    first, second = (TRANSFORMS[name]()(scan, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first.xyz, second.xyz)


@pytest.mark.parametrize("transform", [Rotate(), Flip(), Shift(5.0), Scale(0.5, 2.0)])
@settings(max_examples=30, deadline=None)
@given(xyz=clouds, seed=seeds)
def test_world_coordinates_stay(transform: object, xyz: np.ndarray, seed: int) -> None:
    pose = np.eye(4)
    pose[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    pose[:3, 3] = [100, -50, 3]
    scan = tagged_scan(xyz).replace(pose=pose)
    made = transform(scan, np.random.default_rng(seed))  # type: ignore[operator]
    assert np.allclose(moved(made, made.xyz), moved(scan, scan.xyz), atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(xyz=clouds, seed=seeds)
def test_rotation_and_flip_keep_distances_and_heights(xyz: np.ndarray, seed: int) -> None:
    for transform in (Rotate(), Flip()):
        made = transform(tagged_scan(xyz), np.random.default_rng(seed))
        before = np.linalg.norm(xyz[:, None] - xyz[None], axis=2)
        after = np.linalg.norm(made.xyz[:, None] - made.xyz[None], axis=2)
        assert np.allclose(before, after, atol=1e-4)
        assert np.array_equal(made.xyz[:, 2], xyz[:, 2])


def test_rotation_reaches_the_full_circle(rng: np.random.Generator) -> None:
    scan = tagged_scan(np.array([[1.0, 0, 0]]))
    angles = [np.arctan2(*Rotate()(scan, rng).xyz[0, [1, 0]]) for _ in range(400)]
    assert np.histogram(angles, 8, (-np.pi, np.pi))[0].min() > 25
    narrow = [np.arctan2(*Rotate(10)(scan, rng).xyz[0, [1, 0]]) for _ in range(100)]
    assert np.abs(narrow).max() <= np.deg2rad(10)


def test_normals_turn_with_their_surface() -> None:
    # A slope along x with its normal; under any affine motion it stays perpendicular.
    plane = np.array([[0, 0, 0], [1, 0, 1], [0, 1, 0]], np.float32)
    normal = np.tile(np.array([-1, 0, 1], np.float32) / np.sqrt(2), (3, 1))
    for transform in (Rotate(), Flip(), Scale(0.5, 2.0)):
        scan = tagged_scan(plane)
        scan = scan.replace(attrs={**scan.attrs, "normal": normal})
        made = transform(scan, np.random.default_rng(1))
        edges = made.xyz[1:] - made.xyz[0]
        assert np.allclose(edges @ made.attrs["normal"][0], 0, atol=1e-6)
        assert np.allclose(np.linalg.norm(made.attrs["normal"], axis=1), 1)


def test_pixels_stay() -> None:
    view = View(np.zeros((4, 4, 3), np.uint8), np.eye(3), np.eye(4)[[1, 2, 0, 3]])
    scan = replace(tagged_scan(np.array([[5.0, 1, 2], [7, -3, 1]])), images=(view,))
    made = Compose(["rotate", "flip", "scale", "shift"])(scan, np.random.default_rng(0))
    for which in (scan, made):
        seen = which.xyz @ which.images[0].camera_from_sensor[:3, :3].T
        seen = seen + which.images[0].camera_from_sensor[:3, 3]
        assert np.allclose(seen[:, :2] / seen[:, 2:], [[0.2, 0.4], [-3 / 7, 1 / 7]], atol=1e-5)


def test_jitter_is_limited(rng: np.random.Generator) -> None:
    xyz = np.zeros((2000, 3), np.float32)
    noise = Jitter(0.02, 0.03)(tagged_scan(xyz), rng).xyz
    assert np.abs(noise).max() == pytest.approx(0.03) and 0.01 < noise.std() < 0.02


@settings(max_examples=50, deadline=None)
@given(xyz=clouds)
def test_filters_leave_out_exactly_what_they_say(xyz: np.ndarray) -> None:
    scan = tagged_scan(xyz)
    distance = np.linalg.norm(xyz, axis=1)
    for transform, kept in (
        (RangeFilter(2.0, 30.0), (distance >= 2) & (distance <= 30)),
        (HeightFilter(-2.0, 1.0), (xyz[:, 2] >= -2) & (xyz[:, 2] <= 1)),
        (CropBox((-5, -50, -3), (20, 0, 9)), inside(xyz, (-5, -50, -3), (20, 0, 9))),
    ):
        made = transform(scan)
        assert np.array_equal(made.attrs["tag"], np.flatnonzero(kept))
        assert np.array_equal(made.xyz, xyz[kept])  # nothing was moved onto a border


def inside(xyz: np.ndarray, low: tuple[float, ...], high: tuple[float, ...]) -> np.ndarray:
    return np.logical_and(xyz >= np.float32(low), xyz <= np.float32(high)).all(1)


def test_drop_points_drops_up_to_its_share(rng: np.random.Generator) -> None:
    scan = tagged_scan(rng.normal(size=(5000, 3)))
    left = [len(DropPoints(0.4)(scan, rng)) / 5000 for _ in range(30)]
    assert 0.57 < min(left) < 0.7 and max(left) > 0.9
    assert len(DropPoints(0.0)(scan, rng)) == 5000


def test_max_points(rng: np.random.Generator) -> None:
    scan = tagged_scan(rng.normal(size=(1000, 3)))
    assert MaxPoints(1000)(scan, rng) is scan
    assert len(MaxPoints(100)(scan, rng)) == 100
    near = MaxPoints(100, "nearest")(scan, np.random.default_rng(5))
    center = scan.xyz[np.random.default_rng(5).integers(1000)]
    radius = np.linalg.norm(near.xyz - center, axis=1).max()
    assert (np.linalg.norm(scan.xyz - center, axis=1) <= radius).sum() == 100


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (MaxPoints, {"how": "nearst"}, "how='nearst'"),
        (MaxPoints, {"count": 0}, "count=0"),
        (EveryBeam, {"step": 0}, "step=0"),
        (Flip, {"axes": "xq"}, "axes='xq'"),
    ],
)
def test_settings_that_cannot_be(kind: type, settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        kind(**settings)


def test_crop_sphere_is_a_ball_about_a_point(rng: np.random.Generator) -> None:
    scan = tagged_scan(rng.uniform(-10, 10, (1000, 3)))
    made = CropSphere(3.0)(scan, np.random.default_rng(5))
    center = scan.xyz[np.random.default_rng(5).integers(1000)]
    kept = np.linalg.norm(scan.xyz - center, axis=1) <= 3
    assert np.array_equal(made.attrs["tag"], np.flatnonzero(kept))


def test_beams_go_whole(rng: np.random.Generator) -> None:
    scan = tagged_scan(rng.normal(size=(6400, 3)))
    ring = rng.integers(0, 64, 6400)
    scan = scan.replace(attrs={**scan.attrs, "ring": ring})
    for seed in range(5):
        made = ThinBeams(0.3, 0.7)(scan, np.random.default_rng(seed))
        left = np.unique(made.attrs["ring"])
        assert 10 < len(left) < 54
        assert len(made) == np.isin(ring, left).sum()
    half = EveryBeam(2)(scan, rng)
    assert set(half.attrs["ring"] % 2) in ({0}, {1}) and len(np.unique(half.attrs["ring"])) == 32
    assert len(ThinBeams(1.0, 1.0)(scan, rng)) > 0  # the last beam stays


def test_blank_intensity_only() -> None:
    scan = tagged_scan(np.ones((5, 3)))
    made = DropIntensity()(scan)
    assert not made.attrs["intensity"].any() and scan.attrs["intensity"].any()
    assert DropIntensity("echo")(scan) is scan


def test_probability_of_a_step(rng: np.random.Generator) -> None:
    scan = tagged_scan(np.ones((3, 3)))
    step = Compose([{"drop_intensity": {"p": 0.3}}])
    blank = [not step(scan, rng).attrs["intensity"].any() for _ in range(500)]
    assert 0.2 < np.mean(blank) < 0.4


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("rotat", r"no transform 'rotat' \(did you mean rotate\?\)"),
        ({"rotate": {"degree": 3}}, r"no setting 'degree' \(did you mean degrees\?\)"),
        ({"rotate": {}, "flip": {}}, r"written as \{name: settings\}"),
    ],
)
def test_descriptions_that_mean_nothing(step: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Compose([step])  # type: ignore[list-item]
