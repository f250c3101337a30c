"""Mixes: every point comes from one of the two scans, with its own label, from where it should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scan_samples import assert_together, tagged_scan

from pcseg.data import Scan
from pcseg.data.mixing import MIXES, InstancePaste, LaserMix, Mix3D, PolarMix, make_mix
from pcseg.errors import ConfigError, LabelError

OTHER = 7000
"""Tags of the second scan start here (a multiple of 7 and of 10)."""

clouds = st.integers(0, 60).flatmap(
    lambda n: arrays(np.float32, (n, 3), elements=st.floats(-40, 40, width=32))
)
seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("name", MIXES)
@settings(max_examples=40, deadline=None)
@given(a=clouds, b=clouds, seed=seeds)
def test_labels_stay_with_their_points(name: str, a: np.ndarray, b: np.ndarray, seed: int) -> None:
    mixed = make_mix(name)(tagged_scan(a), tagged_scan(b, OTHER), np.random.default_rng(seed))
    assert_together(mixed)
    assert mixed.meta["path"] == "a"


def inclination(xyz: np.ndarray) -> np.ndarray:
    return np.rad2deg(np.arctan2(xyz[:, 2], np.hypot(xyz[:, 0], xyz[:, 1])))


def pair(rng: np.random.Generator, n: int = 4000) -> tuple[Scan, Scan]:
    angle, height = rng.uniform(-np.pi, np.pi, (2, n)), rng.uniform(-12, 3, (2, n))
    xyz = np.stack([20 * np.cos(angle), 20 * np.sin(angle), height], 2)
    return tagged_scan(xyz[0]), tagged_scan(xyz[1], OTHER, "b")


def test_lasermix_takes_bands_in_turn(rng: np.random.Generator) -> None:
    a, b = pair(rng)
    firsts = set()
    for seed in range(8):
        mixed = LaserMix(bands=[4])(a, b, np.random.default_rng(seed))
        # Four bands of 7 degrees from +3 to -25; what is lower belongs to the lowest.
        band = np.clip((3 - inclination(mixed.xyz)) // 7, 0, 3).astype(int)
        from_b = mixed.attrs["tag"] >= OTHER
        first = bool(from_b[band == 0][0])
        firsts.add(first)
        assert np.array_equal(from_b, (band % 2 == 1) != first)
        # Each point of a band that was chosen is there, once.
        whole = np.concatenate([a.attrs["tag"], b.attrs["tag"]])
        bands = np.clip((3 - inclination(np.concatenate([a.xyz, b.xyz]))) // 7, 0, 3).astype(int)
        wanted = whole[(whole >= OTHER) == ((bands % 2 == 1) != first)]
        assert np.array_equal(np.sort(mixed.attrs["tag"]), wanted)
    assert firsts == {False, True}


def test_polarmix_swaps_a_sector(rng: np.random.Generator) -> None:
    a, b = pair(rng)
    mixed = PolarMix(classes=(), swap=1.0, sector_deg=90)(a, b, np.random.default_rng(2))
    tags = mixed.attrs["tag"]
    assert len(np.unique(tags)) == len(tags)
    gone = ~np.isin(a.attrs["tag"], tags)
    came = np.isin(b.attrs["tag"], tags)
    start = np.random.default_rng(2).uniform(-np.pi, np.pi)
    for scan, chosen in ((a, gone), (b, came)):
        turned = (np.arctan2(scan.xyz[:, 1], scan.xyz[:, 0]) - start) % (2 * np.pi)
        assert np.array_equal(chosen, turned < np.pi / 2)


def test_polarmix_pastes_turned_objects(rng: np.random.Generator) -> None:
    a, b = pair(rng, 300)
    mixed = PolarMix(classes=(2, 3), swap=0.0)(a, b, rng)
    assert np.array_equal(mixed.xyz[:300], a.xyz)
    objects = b.xyz[np.isin(b.labels, [2, 3])]
    pasted = mixed.xyz[300:].reshape(3, len(objects), 3)
    assert np.array_equal(pasted[0], objects)
    angle = np.arctan2(pasted[..., 1], pasted[..., 0])
    turned = np.rad2deg((angle - angle[0]) % (2 * np.pi))
    assert np.allclose(turned[1:], turned[1:, :1], atol=1e-3)
    assert 0 <= turned[1, 0] <= 120 <= turned[2, 0] <= 240
    assert np.allclose(pasted[..., 2], objects[:, 2])
    assert set(np.unique(mixed.labels[300:])) == {2, 3}


def test_polarmix_pastes_the_things_of_the_label_set(rng: np.random.Generator) -> None:
    a, b = pair(rng, 300)
    mixed = PolarMix(swap=0.0)(a, b, rng)
    assert set(np.unique(mixed.labels[300:])) == {0, 1}
    only_swaps = PolarMix(classes=(), swap=0.0)(a, b, rng)
    assert np.array_equal(only_swaps.xyz, a.xyz)


def test_mix3d_is_the_union(rng: np.random.Generator) -> None:
    a, b = pair(rng, 50)
    mixed = Mix3D()(a, b, rng)
    assert np.array_equal(mixed.xyz, np.concatenate([a.xyz, b.xyz]))
    far = b.replace(xyz=b.xyz + np.float32(500))
    centred = Mix3D(center=True)(a, far, rng).xyz
    assert np.allclose(centred[:50].mean(0), 0, atol=1e-4)
    assert np.allclose(centred[50:].mean(0), 0, atol=1e-3)


def test_instances_of_two_scans_stay_apart(rng: np.random.Generator) -> None:
    a, b = pair(rng, 40)
    mixed = Mix3D()(a, b, rng)
    from_a, from_b = mixed.instances[:40], mixed.instances[40:]
    assert not set(from_a[from_a > 0]) & set(from_b[from_b > 0])
    assert np.array_equal(from_b == 0, b.instances == 0)


def street(bumps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ground on a grid at z = -1.7 + slope, with boxes of 2 m height; and the box of each point."""
    grid = np.stack(np.meshgrid(np.arange(-20, 20, 0.25), np.arange(-20, 20, 0.25)), -1)
    ground = np.hstack([grid.reshape(-1, 2), np.full((grid[..., 0].size, 1), -1.7)])
    rng = np.random.default_rng(0)
    boxes = [
        center + np.array([0, 0, -1.6]) + rng.uniform(0, 1, (60, 3)) * [1.5, 1.0, 1.5]
        for center in bumps
    ]
    number = np.concatenate(
        [np.zeros(len(ground)), *(np.full(60, i + 1) for i in range(len(boxes)))]
    )
    return np.concatenate([ground, *boxes]), number.astype(np.int64)


def test_pasted_objects_stand_free_on_the_ground() -> None:
    xyz_a, number_a = street(np.array([[8.0, 0, 0], [0, 8.0, 0]]))
    xyz_b, number_b = street(np.array([[-9.0, 3, 0], [5.0, -9, 0], [12.0, 2, 0]]))
    xyz_b[:, 2] -= 0.4  # the other sensor is mounted higher
    a, b = (
        tagged_scan(xyz, first).replace(instances=number, labels=np.where(number > 0, 0, 8))
        for xyz, number, first in ((xyz_a, number_a, 0), (xyz_b, number_b, OTHER))
    )
    mixed = InstancePaste()(a, b, np.random.default_rng(0))
    assert np.array_equal(mixed.xyz[: len(a)], a.xyz)
    pasted = mixed.select(np.arange(len(a), len(mixed)))
    ids = np.unique(pasted.instances)
    assert len(ids) == 3 and not set(ids) & set(number_a)
    for i in ids:
        item = pasted.select(pasted.instances == i)
        original = b.xyz[item.attrs["tag"] - OTHER]
        assert len(item) == 60
        # Rigid, and as far away as it was.
        before = np.linalg.norm(original - original[0], axis=1)
        assert np.allclose(before, np.linalg.norm(item.xyz - item.xyz[0], axis=1), atol=1e-4)
        reach = np.linalg.norm(original[:, :2], axis=1)
        assert np.allclose(reach, np.linalg.norm(item.xyz[:, :2], axis=1), atol=1e-4)
        # On this scan's ground, which is 0.4 m higher, and in nobody's way.
        assert item.xyz[:, 2].min() == pytest.approx(original[:, 2].min() + 0.4, abs=1e-3)
        low, high = item.xyz.min(0), item.xyz.max(0)
        assert not ((a.xyz >= low) & (a.xyz <= high)).all(1).any()


def test_paste_where_there_is_no_room_or_no_ground() -> None:
    xyz, number = street(np.array([[8.0, 0, 0]]))
    b = tagged_scan(xyz, OTHER).replace(instances=number, labels=np.where(number > 0, 0, 8))
    nothing = tagged_scan(np.array([[100.0, 0, 0]]))
    assert len(InstancePaste()(nothing, b, np.random.default_rng(0))) == 1
    wall = np.random.default_rng(0).uniform(-15, 15, (60_000, 3)) * [1, 1, 0.1]
    assert len(InstancePaste()(tagged_scan(wall), b, np.random.default_rng(0))) == 60_000
    assert len(InstancePaste(classes=(3,))(nothing, b, np.random.default_rng(0))) == 1


def test_mixes_that_lack_something(rng: np.random.Generator) -> None:
    a, b = pair(rng, 20)
    with pytest.raises(LabelError, match="b: has no labels, and cannot be mixed"):
        Mix3D()(a, b.replace(labels=None), rng)
    with pytest.raises(LabelError, match="instance paste needs labels and instance ids"):
        InstancePaste()(a, b.replace(instances=None), rng)
    with pytest.raises(LabelError, match=r"pastes by class.*things"):
        PolarMix()(a.replace(labels=None), b.replace(labels=None), rng)
    with pytest.raises(ConfigError, match=r"no mix 'laser_mix' \(did you mean laser\?\)"):
        make_mix("laser_mix")
