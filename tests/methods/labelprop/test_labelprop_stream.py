"""The stream: network and past fused, step by step, from scans alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pcseg.config.schema import LabelPropConfig
from pcseg.data import IGNORE, Scan
from pcseg.errors import ConfigError, DataError
from pcseg.methods.labelprop.movable import movable_classes
from pcseg.methods.labelprop.stream import LabelProp, Step
from tests.methods.labelprop import drives

SETTINGS = LabelPropConfig(reach=0.6, thin=0.1, num_clusters=4)
CLASSES = drives.LABELS.num_classes
ROAD, FENCE = drives.LABELS.names.index("road"), drives.LABELS.names.index("fence")


class Says:
    """A network that is always this sure of one class, and remembers what it was shown."""

    def __init__(self, label: int, sure: float) -> None:
        self.chances = np.full(CLASSES, (1 - sure) / (CLASSES - 1), np.float32)
        self.chances[label] = sure
        self.shown: list[list[Scan]] = []

    def __call__(self, scans: Sequence[Scan]) -> list[np.ndarray]:
        self.shown.append(list(scans))
        return [np.tile(self.chances, (len(scan), 1)) for scan in scans]


def run(network: Says | None, **changes: object) -> tuple[LabelProp, list[Step]]:
    """The first scan taught, the others labelled."""
    stream = LabelProp(SETTINGS.model_copy(update=changes), drives.LABELS, network)
    scans = drives.drive()
    stream.teach(scans[0], scans[0].labels)
    return stream, [stream.step(scan) for scan in scans[1:]]


def test_a_sure_network_overrides_the_past() -> None:
    _, steps = run(Says(FENCE, 0.31))
    inside = ~steps[0].propagated
    assert (steps[0].labels[inside & (steps[0].confidence > 0)] == FENCE).all()
    assert (steps[0].confidence[steps[0].labels == FENCE] == np.float32(0.31)).all()


def test_an_unsure_network_fills_only_what_the_past_leaves() -> None:
    _, steps = run(Says(FENCE, 0.29))
    step = steps[0]
    assert step.propagated.any() and (step.labels == FENCE).any()
    assert not (step.propagated & (step.labels == FENCE)).any()
    road = drives.drive()[1].labels == ROAD
    assert (step.labels[road & step.propagated] == ROAD).mean() > 0.98  # walls begin somewhere
    assert (step.confidence[step.propagated] > 0.99).all()


def test_what_the_past_says_in_a_step_is_what_the_stream_says_next() -> None:
    """Without a network labels live on from scan to scan: the map is fed with them."""
    _, steps = run(None)
    road = drives.drive()[-1].labels == ROAD
    known = steps[-1].propagated & road
    assert known.sum() > 50
    assert (steps[-1].labels[known] == ROAD).mean() > 0.98
    assert (steps[-1].labels[~steps[-1].propagated] == IGNORE).all()


def test_all_clusters_come_in_one_batch_or_in_several_of_bounded_size() -> None:
    one, several = Says(FENCE, 0.5), Says(FENCE, 0.5)
    _, whole = run(one)
    _, cut = run(several, batch_points=1500)
    assert len(one.shown) == len(whole) and len(several.shown) > len(one.shown)
    assert all(len(b) == 1 or sum(map(len, b)) <= 1500 for b in several.shown)
    for a, b in zip(whole, cut, strict=True):
        np.testing.assert_array_equal(a.labels, b.labels)


def test_clusters_show_old_and_new_points_around_their_mean() -> None:
    network = Says(FENCE, 0.5)
    run(network)
    for scan in network.shown[0]:
        assert set(np.unique(scan.attrs["current"])) <= {-1.0, 1.0}
        assert len(scan.attrs["intensity"]) == len(scan)
        np.testing.assert_allclose(scan.xyz.mean(0), 0.0, atol=1e-3)
    assert any((scan.attrs["current"] < 0).any() for scan in network.shown[0])


def test_in_the_sensor_frame_new_points_lie_where_the_scan_has_them() -> None:
    network = Says(FENCE, 0.5)
    run(network, center="sensor")
    own = {tuple(p) for p in drives.drive()[1].xyz.round(3).tolist()}
    for scan in network.shown[0]:
        new = scan.xyz[scan.attrs["current"] > 0]
        near = [tuple(p) in own for p in new.round(3).tolist()]
        assert np.mean(near) > 0.95  # but for rounding


def test_a_plain_scan_can_be_shown_instead() -> None:
    network = Says(FENCE, 0.5)
    run(network, clusters="scan")
    assert network.shown[0][0] is drives.drive()[1]


def test_probabilities_of_overlapping_clusters_are_joined_by_their_maximum() -> None:
    """A point that one cluster is sure of keeps that, whatever the others say."""

    def network(scans: Sequence[Scan]) -> list[np.ndarray]:
        answers = []
        for k, scan in enumerate(scans):
            chances = np.full((len(scan), CLASSES), 0.01, np.float32)
            chances[:, k % CLASSES] = 0.9 - 0.1 * k
            answers.append(chances)
        return answers

    stream = LabelProp(SETTINGS, drives.LABELS, network)
    step = stream.step(drives.drive()[0])
    arrival = LabelProp(SETTINGS, drives.LABELS).past.receive(
        drives.drive()[0].xyz, drives.drive()[0].pose
    )
    xy = arrival.xyz[:, :2]
    groups = stream.clusterer.__class__(SETTINGS).assign(xy)
    nothing = np.zeros(0, stream.past.map.points.dtype)
    clusters = stream.clusterer.members(nothing, arrival.xyz, np.arange(len(xy)), groups)
    first = np.full(len(xy), len(clusters))
    for k, cluster in reversed(list(enumerate(clusters))):
        first[cluster.rows] = k
    overlap = np.bincount(np.concatenate([c.rows for c in clusters]), minlength=len(xy)) > 1
    assert overlap.any()
    np.testing.assert_array_equal(step.labels, first)


def test_points_without_a_place_get_no_label_and_leave_no_trace() -> None:
    scan = drives.drive()[1]
    valid = np.ones(len(scan), bool)
    valid[:40] = False
    broken = scan.replace(xyz=scan.xyz.copy(), attrs={**scan.attrs, "valid": valid})
    broken.xyz[60:80] = np.nan
    stream, _ = run(Says(FENCE, 0.5))
    step = stream.step(broken)
    out = np.r_[0:40, 60:80]
    assert (step.labels[out] == IGNORE).all() and (step.confidence[out] == 0).all()
    assert (step.labels[80:] != IGNORE).any()
    assert np.isfinite(stream.past.map.alive().xyz).all()


def test_the_same_drive_gives_the_same_bytes_and_reset_forgets() -> None:
    def labels() -> list[np.ndarray]:
        return [stream.step(scan).labels for scan in drives.drive()]

    stream = LabelProp(SETTINGS, drives.LABELS, Says(FENCE, 0.2))
    first = labels()
    stream.teach(drives.drive()[0], drives.drive()[0].labels)
    assert stream.step(drives.drive()[1]).propagated.any()
    stream.reset()
    again = labels()
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert stream.past.map.numbers()[-1] == len(again) - 1


def test_seconds_are_told_by_stage() -> None:
    _, steps = run(Says(FENCE, 0.5))
    assert set(steps[-1].seconds) == {"map", "propagate", "cluster", "network", "fuse"}
    assert all(value >= 0 for value in steps[-1].seconds.values())


def test_an_empty_scan_passes() -> None:
    stream, _ = run(Says(FENCE, 0.5))
    empty = drives.drive()[0].select(np.zeros(len(drives.drive()[0]), bool))
    assert len(stream.step(empty).labels) == 0
    assert (stream.step(drives.drive()[-1]).labels != IGNORE).any()


def test_a_scan_without_a_pose_is_refused_with_a_remedy() -> None:
    stream = LabelProp(SETTINGS.model_copy(update={"poses": "scan"}), drives.LABELS)
    with pytest.raises(DataError, match="odometry"):
        stream.step(drives.drive()[0].replace(pose=None))


@pytest.mark.parametrize(
    ("name", "movable"),
    [
        ("semantic_kitti/sk19", range(8)),
        ("nuscenes_lidarseg/ns16", [1, 2, 3, 4, 5, 6, 8, 9]),
    ],
)
def test_movable_classes_come_from_the_label_map(name: str, movable: Sequence[int]) -> None:
    from pcseg.data import label_set

    assert np.flatnonzero(movable_classes(label_set(name))).tolist() == list(movable)


def test_movable_classes_by_name() -> None:
    found = movable_classes(drives.LABELS, ["car", "fence"])
    assert np.flatnonzero(found).tolist() == [0, FENCE]
    with pytest.raises(ConfigError, match="did you mean fence"):
        movable_classes(drives.LABELS, ["fense"])
