"""Training clusters: put together on the fly, they are those that the pass has cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pcseg.config.schema import LabelPropConfig
from pcseg.data import Scan
from pcseg.data.catalogue import open_dataset
from pcseg.data.dataset import FrameId
from pcseg.errors import DataError, LabelError
from pcseg.methods.labelprop.cluster_dataset import ClusterDataset
from pcseg.methods.labelprop.inputs import cluster_scans
from pcseg.methods.labelprop.stream import LabelProp
from tests.methods.labelprop import drives

SETTINGS = LabelPropConfig(reach=0.6, thin=0.1, num_clusters=4, min_points=5, window=4)


class Drive:
    """A drive in memory, with a stop in the middle."""

    name = "flat"
    label_set = drives.LABELS

    def __init__(self, scans: tuple[Scan, ...] | None = None) -> None:
        made = scans or drives.drive()
        self.scans = [*made[:5], *drives.at_rest(made[4], 3), *made[5:9]]
        self.frames = [FrameId("00", f"{k:06d}") for k in range(len(self.scans))]

    def __len__(self) -> int:
        return len(self.scans)

    def __getitem__(self, index: int) -> Scan:
        return self.scans[index]


def rows(scan: Scan) -> list[tuple[float, ...]]:
    columns = np.column_stack([scan.xyz.round(4), scan.labels, scan.attrs["current"]])
    return sorted(map(tuple, columns.tolist()))


@pytest.mark.parametrize("mode", ["described", "repository"])
@pytest.mark.parametrize("reach", [75.0, 14.0])
def test_clusters_are_those_of_the_stream(mode: str, reach: float) -> None:
    settings = SETTINGS.model_copy(update={"mode": mode, "train_range": reach, "map_range": 16.0})
    drive = Drive()
    made = ClusterDataset(drive, settings)  # type: ignore[arg-type]
    at = {str(frame): number for number, frame in enumerate(made.frames)}
    stream = LabelProp(settings, drives.LABELS)
    compared = 0
    for scan, frame in zip(drive.scans, drive.frames, strict=True):
        near = np.linalg.norm(scan.xyz.astype(np.float64), axis=1) < reach
        seen = scan.select(near)
        arrival = stream.past.receive(seen.xyz, seen.pose)
        left = np.flatnonzero(arrival.labels < 0)
        groups = stream.clusterer.assign(arrival.xyz[left, :2])
        clusters = stream.clusterer.members(stream.past.map.points, arrival.xyz, left, groups)
        matrix = stream.past.matrix(seen.pose)
        wanted = cluster_scans(
            clusters, stream.past.map, arrival.xyz, seen, matrix, settings, past_labels=True
        )
        for cluster, scan_of_it in zip(clusters, wanted, strict=True):
            number = at.get(f"00/{frame.frame}#{cluster.group:02d}")
            labelled = int((scan_of_it.labels >= 0).sum())
            assert (number is not None) == (labelled > settings.min_points)
            if number is not None:
                found = made[number]
                assert rows(found) == rows(scan_of_it)
                assert len(found) == made.point_counts()[number]
                counts = np.bincount(found.labels[found.labels >= 0], minlength=19)
                np.testing.assert_array_equal(counts, made.frame_classes()[number])
                compared += 1
        stream.past.keep(arrival, seen.labels, np.ones(len(seen)), seen.attrs["intensity"])
    assert compared == len(made) > 12


def test_rare_classes_are_drawn_as_often_as_others() -> None:
    made = ClusterDataset(Drive(), SETTINGS)  # type: ignore[arg-type]
    weights = made.balanced_weights()
    assert weights.sum() == pytest.approx(1.0)
    enough = made.frame_classes() > 10
    present = np.flatnonzero(enough.any(0))
    # Drawing a class, then a cluster that has it: each class is met with at least 1 / classes.
    met = np.array([weights[enough[:, k]].sum() for k in present])
    assert (met >= 1 / len(present) - 1e-9).all()


def test_too_few_and_too_many_labelled_points_are_left_out() -> None:
    narrow = SETTINGS.model_copy(update={"min_points": 100, "max_points": 400})
    made = ClusterDataset(Drive(), narrow)  # type: ignore[arg-type]
    labelled = made.frame_classes().sum(1)
    assert ((labelled > 100) & (labelled < 400)).all()
    none = SETTINGS.model_copy(update={"min_points": 10**7, "max_points": 10**8})
    with pytest.raises(DataError, match="min_points"):
        ClusterDataset(Drive(), none)  # type: ignore[arg-type]


def test_scans_without_labels_or_poses_are_refused() -> None:
    for field, error in (("labels", LabelError), ("pose", DataError)):
        scans = tuple(scan.replace(**{field: None}) for scan in drives.drive())
        with pytest.raises(error, match=field.removesuffix("s")):
            ClusterDataset(Drive(scans), SETTINGS.model_copy(update={"poses": "scan"}))  # type: ignore[arg-type]


def test_the_cut_is_kept_and_made_anew_when_poses_change(kitti: Path, tmp_path: Path) -> None:
    import shutil

    root = tmp_path / "kitti"
    shutil.copytree(kitti, root)
    calls: list[tuple[int, int]] = []

    def cut() -> ClusterDataset:
        calls.clear()
        scans = open_dataset("semantickitti", root, "00")
        return ClusterDataset(scans, SETTINGS, lambda *done: calls.append(done))

    first = cut()
    assert calls[-1] == (8, 8) and len(calls) == 9
    again = cut()
    assert calls == [(8, 8)]
    assert again.frames == first.frames
    for number in (0, len(first) - 1):
        np.testing.assert_array_equal(first[number].xyz, again[number].xyz)
    poses = root / "sequences" / "00" / "poses.txt"
    poses.write_text(poses.read_text().replace("1 0 0 7 ", "1 0 0 9 "))
    cut()
    assert len(calls) == 9
