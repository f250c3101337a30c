"""Corruptions: each does what its parameters say, to the points it should, repeatably."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from beam_street import CAR, street

from pcseg.data import Scan
from pcseg.data.corruptions import CORRUPTIONS, EXTRA, SEVERITIES, SUITE, Corrupted, corrupt
from pcseg.data.corruptions.roles import ground_of, roles_of
from pcseg.data.corruptions.suite import draws
from pcseg.errors import ConfigError, LabelError

ALL = (*CORRUPTIONS, *EXTRA)


def same(a: Scan, b: Scan) -> bool:
    return np.array_equal(a.xyz, b.xyz) and all(
        np.array_equal(a.attrs[key], b.attrs[key]) for key in a.attrs
    )


@pytest.mark.parametrize("name", ALL)
def test_repeatable_and_each_stream_its_own(name: str) -> None:
    scan = street()
    made = corrupt(scan, name, "moderate")
    assert same(made, corrupt(scan, name, "moderate"))
    assert made.meta["corruption"] == {
        "suite": SUITE, "name": name, "severity": "moderate", "seed": 0,
    }  # fmt: skip
    # Where the file lies does not matter; which scan it is and the seed do, if anything is drawn.
    elsewhere = scan.replace(meta={**scan.meta, "path": "/other/place.bin"})
    assert same(made, corrupt(elsewhere, name, "moderate"))
    drawn = name not in ("wet_ground", "cross_sensor")
    others = [corrupt(street(frame=f"{i:06d}"), name, "moderate") for i in range(10, 14)]
    seeds = [corrupt(scan, name, "moderate", seed) for seed in range(1, 5)]
    assert any(not same(made, other) for other in others) == drawn
    assert any(not same(made, other) for other in seeds) == drawn
    assert same(scan, street())  # the scan that was given is untouched


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", ALL)
def test_fields_stay_with_their_points(name: str, severity: str) -> None:
    scan = street()
    made = corrupt(scan, name, severity)
    tags = made.attrs["tag"]
    assert len(np.unique(tags)) == len(tags) and len(made) > 0
    scored = made.labels >= 0
    assert np.array_equal(made.labels[scored], scan.labels[tags][scored])
    assert np.array_equal(made.raw_labels[scored], scan.raw_labels[tags][scored])
    assert np.isfinite(made.xyz).all() and made.xyz.dtype == np.float32
    assert made.attrs["intensity"].dtype == np.float32
    known = {"fog": 21, "snow": 22, "crosstalk": 23}
    assert set(made.raw_labels[~scored]) <= {known.get(name)}
    assert (made.instances[~scored] == 0).all()


def test_streams_are_frozen() -> None:
    # The suite's version promises these draws; if they change it has to.
    raw = draws(["a", 1]).bit_generator.random_raw(2)
    assert raw.tolist() == [14037350146842724255, 1132963809453912265]


def test_motion_blur_is_a_shift_and_a_jitter() -> None:
    scan = street()
    for severity, sigma in zip(SEVERITIES, (0.20, 0.25, 0.30), strict=True):
        shifts = []
        for seed in range(40):
            moved = corrupt(scan, "motion_blur", severity, seed).xyz - scan.xyz
            shifts.append(moved.mean(0))
            spread = moved.std(0)
            assert spread[:2] == pytest.approx([0.1 * sigma] * 2, rel=0.05)
            assert spread[2] == pytest.approx(0.05 * sigma, rel=0.05)
        assert np.std(shifts) == pytest.approx(sigma, rel=0.2)


def test_missing_beams_are_whole_and_never_the_outermost() -> None:
    scan = street()
    ring = np.arange(len(scan)) // 180
    for severity, most in zip(SEVERITIES, (16, 32, 48), strict=True):
        counts = set()
        for seed in range(20):
            tags = corrupt(scan, "beam_missing", severity, seed).attrs["tag"]
            gone = np.setdiff1d(ring, ring[tags])
            assert len(tags) == np.isin(ring, ring[tags]).sum()
            assert gone.min() >= 4 and gone.max() <= 58
            counts.add(len(gone))
        assert 0.5 * most < np.mean(list(counts)) < most  # drawn with replacement


def test_missing_beams_of_a_32_beam_sensor() -> None:
    scan = street("nuscenes")
    ring = np.arange(len(scan)) // 360
    scan = scan.replace(attrs={**scan.attrs, "ring": ring})
    gone = set()
    for seed in range(60):
        gone |= set(ring) - set(corrupt(scan, "beam_missing", "heavy", seed).attrs["ring"])
    assert gone == set(range(2, 29))


def test_other_sensors_in_the_same_layout() -> None:
    for beams in (16, 128):
        scan = street()
        ring = np.arange(len(scan)) * beams // len(scan)
        made = corrupt(scan.replace(attrs={**scan.attrs, "ring": ring}), "cross_sensor", "moderate")
        assert np.array_equal(np.unique(made.attrs["ring"]), np.arange(0, beams, 2))


@pytest.mark.parametrize(
    ("severity", "left"),
    [
        ("light", [r for r in range(64) if r % 4 != 1]),
        ("moderate", list(range(0, 64, 2))),
        ("heavy", [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60]),
    ],
)
def test_cross_sensor_keeps_the_published_rings(severity: str, left: list[int]) -> None:
    scan = street()
    tags = corrupt(scan, "cross_sensor", severity).attrs["tag"]
    rings = np.unique(tags // 180)
    expected = np.arange(1, 64, {"light": 4, "moderate": 2, "heavy": 1.33}[severity]).astype(int)
    assert np.array_equal(rings, np.setdiff1d(np.arange(64), expected))
    assert len(rings) == {"light": 48, "moderate": 32, "heavy": 16}[severity]
    if severity != "heavy":
        assert rings.tolist() == left
    whole = np.flatnonzero(np.isin(np.arange(len(scan)) // 180, rings))
    assert np.array_equal(tags, whole[::2])


def test_crosstalk_hits_a_share_that_is_not_scored() -> None:
    scan = street()
    for dataset, shares in (
        ("semantickitti", (0.006, 0.008, 0.01)),
        ("nuscenes", (0.03, 0.04, 0.05)),
    ):
        for severity, share in zip(SEVERITIES, shares, strict=True):
            given = street(dataset)
            made = corrupt(given, "crosstalk", severity)
            moved = (made.xyz != given.xyz).any(1)
            assert moved.sum() == int(share * len(given))
            assert (made.labels[moved] == -1).all() and (made.labels[~moved] >= 0).all()
    many = np.concatenate(
        [
            (made.xyz - scan.xyz)[made.labels == -1]
            for made in (corrupt(scan, "crosstalk", "heavy", seed) for seed in range(20))
        ]
    )
    assert many.std() == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize(
    ("severity", "share"), [("light", 0.75), ("moderate", 0.85), ("heavy", 0.95)]
)
def test_incomplete_echoes_of_objects_alone(severity: str, share: float) -> None:
    scan = street()
    made = corrupt(scan, "incomplete_echo", severity)
    before, after = (np.isin(s.raw_labels, [CAR, 252]).sum() for s in (scan, made))
    assert after == before - int(before * share)
    others = np.flatnonzero(scan.raw_labels != CAR)
    assert np.isin(others, made.attrs["tag"]).all()
    few = scan.select(np.concatenate([others, np.flatnonzero(scan.raw_labels == CAR)[:10]]))
    assert len(corrupt(few, "incomplete_echo", severity)) == len(few)


def test_sweep_motion_is_none_in_the_middle_and_rigid_elsewhere() -> None:
    scan = street()
    made = corrupt(scan, "sweep_motion", "heavy")
    azimuth = np.arctan2(scan.xyz[:, 1].astype(float), scan.xyz[:, 0])
    moved = np.linalg.norm(made.xyz - scan.xyz, axis=1)
    assert np.array_equal(made.xyz[:, 2], scan.xyz[:, 2])
    assert moved[np.abs(azimuth) < 0.05].max() < 0.1
    late = np.abs(azimuth + np.pi) < 0.1  # half a sweep of 0.1 s at 30 m/s, and a turn of 1 degree
    reach = np.linalg.norm(scan.xyz[late, :2], axis=1)
    assert moved[late].max() <= 1.5 + np.deg2rad(1.0) * reach.max() + 0.01
    near = late & (np.linalg.norm(scan.xyz, axis=1) < 6)
    assert moved[near].min() > 1.2
    timed = scan.replace(attrs={**scan.attrs, "time": np.linspace(0, 0.05, len(scan))})
    ends = np.linalg.norm(corrupt(timed, "sweep_motion", "heavy").xyz - scan.xyz, axis=1)
    assert ends[len(ends) // 2] < 0.01 < ends[0] and ends[-1] > 0.5


def test_datasets_are_wrapped_lazily() -> None:
    class Two:
        name, frames = "two", ["a", "b"]

        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> Scan:
            return street(frame=f"{index:06d}")

    data = Corrupted(Two(), "crosstalk", "light", seed=3)  # type: ignore[arg-type]
    assert len(data) == 2 and data.frames == ["a", "b"]
    assert same(data[1], corrupt(street(frame="000001"), "crosstalk", "light", 3))
    with pytest.raises(ConfigError, match=r"no corruption 'snows' \(did you mean snow\?\)"):
        Corrupted(Two(), "snows", "light")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no severity 'severe'"):
        corrupt(street(), "snow", "severe")
    with pytest.raises(AttributeError):
        _ = Corrupted.__new__(Corrupted)._dataset
    assert pickle.loads(pickle.dumps(draws(["x"]))).random() == draws(["x"]).random()


def test_scans_without_what_is_needed() -> None:
    bare = street().replace(raw_labels=None)
    for name in ("wet_ground", "snow", "incomplete_echo"):
        with pytest.raises(LabelError, match="by the labels, and there are none"):
            corrupt(bare, name, "light")
    assert (corrupt(bare, "crosstalk", "light").labels == -1).any()
    with pytest.raises(LabelError, match="not known for the dataset 'own'"):
        corrupt(street("own"), "wet_ground", "light")
    nothing = street().select(np.zeros(0, np.int64))
    dark = street().replace(attrs={})
    for name in ALL:
        assert len(corrupt(nothing, name, "heavy")) == 0
        assert np.isfinite(corrupt(dark, name, "heavy").xyz).all()
        assert "intensity" not in corrupt(dark, name, "heavy").attrs


def test_roles_of_other_datasets_come_from_the_label_tree() -> None:
    waymo = roles_of("waymo")
    assert set(waymo.ground) == {17, 18, 19, 20, 22} and (1,) in waymo.objects
    poss = roles_of("semanticposs")
    assert poss.ground == (22,) and poss.objects
    assert roles_of("s3dis").ground == () and roles_of("nothing").beams == 0
    scan = street("waymo").replace(raw_labels=np.full(len(street()), 18, np.int64))
    assert ground_of(scan, waymo).all()


@pytest.mark.realdata
@pytest.mark.parametrize("name", ALL)
def test_genuine_scans(realdata: Path, name: str) -> None:
    from pcseg.data import open_dataset

    scan = open_dataset("semantickitti", realdata / "semantickitti_seq00_genuine", "all")[0]
    made = corrupt(scan, name, "heavy")
    assert np.isfinite(made.xyz).all() and 0 < len(made) <= len(scan)
    if name in ("fog", "snow", "crosstalk"):
        share = (made.labels == -1).mean() - (scan.labels == -1).mean()
        assert 0.005 < share < 0.6
