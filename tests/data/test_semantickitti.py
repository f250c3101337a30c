"""The SemanticKITTI family: every byte where it belongs, on made files and on genuine ones."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scan_samples import TR, make_frame

from pcseg.data.dataset import FrameId, ScanDataset
from pcseg.data.readers.kitti.semantickitti import SemanticKITTI
from pcseg.data.readers.kitti.semanticposs import SemanticPOSS
from pcseg.errors import ConfigError, DataError


def test_scan_holds_every_byte(write_sequence: Callable[..., Path]) -> None:
    root = write_sequence().parents[1]
    data = SemanticKITTI(root, "00")
    assert isinstance(data, ScanDataset) and len(data) == 3
    cloud, packed = make_frame(1, 7, (10, 40, 252, 0, 70))
    scan = data[1]
    assert np.array_equal(scan.xyz, cloud[:, :3].astype(np.float32))
    assert np.array_equal(scan.attrs["intensity"], cloud[:, 3].astype(np.float32))
    assert scan.raw_labels.tolist() == [10, 40, 252, 0, 70, 10, 40]
    assert scan.labels.tolist() == [0, 8, 0, -1, 14, 0, 8]
    assert scan.instances.tolist() == [0, 3, 0, 3, 0, 3, 0] == (packed >> 16).tolist()
    assert scan.meta["frame"] == "000001" and scan.meta["sequence"] == "00"
    assert scan.meta["things"] == tuple(range(8))
    assert scan.meta["time"] == pytest.approx(0.1)


def test_pose_is_the_sensors(write_sequence: Callable[..., Path]) -> None:
    scan = SemanticKITTI(write_sequence().parents[1], "00")[2]
    tr = np.vstack([np.array(TR.split(), float).reshape(3, 4), [0, 0, 0, 1]])
    camera = np.eye(4)
    camera[:3, 3] = [2.5, 0, 4]
    point = np.array([3.0, 1.0, -1.0, 1.0])
    # Through the camera: into camera 0, into the first camera 0, back to the first sensor.
    assert np.allclose(scan.pose @ point, np.linalg.solve(tr, camera @ (tr @ point)))
    # The sensor looks along x, the camera along its z: 4 m ahead of the camera is 4 m along x.
    assert scan.pose[:3, 3] == pytest.approx([4, -2.5, 0], abs=0.05)


@pytest.mark.parametrize("up", [0, 1, 2])
def test_root_may_be_any_of_the_three_folders(write_sequence: Callable[..., Path], up: int) -> None:
    assert len(SemanticKITTI(write_sequence().parents[up], "all")) == 3


def test_frames_and_sequences(write_sequence: Callable[..., Path]) -> None:
    root = write_sequence("00").parents[1]
    write_sequence("02", sizes=(4,))
    assert SemanticKITTI(root, "00:1-2;02").frames == [
        FrameId("00", "000001"),
        FrameId("00", "000002"),
        FrameId("02", "000000"),
    ]
    assert len(SemanticKITTI(root, "all", every=2)) == 2
    assert len(SemanticKITTI(root, "00:1-2;00")) == 3  # no frame comes twice
    assert SemanticKITTI(root, "train", sequences=["02"]).frames == [FrameId("02", "000000")]


def test_missing_sequences_of_a_split_are_said(
    write_sequence: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    root = write_sequence("00").parents[1]
    with caplog.at_level(logging.WARNING):
        data = SemanticKITTI(root, "train")
    assert data.missing == ["01", "02", "03", "04", "05", "06", "07", "09", "10"]
    assert "sequences 01, 02" in caplog.text
    with pytest.raises(DataError, match=r"split 'val' needs sequence 08.*Sequences there: 00"):
        SemanticKITTI(root, "val")
    with pytest.raises(DataError, match="needs sequence 03"):
        SemanticKITTI(root, "00,03")


def test_labels_may_be_missing(write_sequence: Callable[..., Path]) -> None:
    folder = write_sequence("11")
    root = folder.parents[1]
    (folder / "labels" / "000001.label").unlink()
    assert SemanticKITTI(root, "11")[1].labels is None
    assert [f.frame for f in SemanticKITTI(root, "11", labels="only").frames] == [
        "000000",
        "000002",
    ]
    assert SemanticKITTI(root, "11", labels="none")[0].labels is None
    with pytest.raises(DataError, match=r"000001\.label: missing, and labels are required"):
        SemanticKITTI(root, "11", require=("labels",))


def test_counts_are_exact_and_kept(write_sequence: Callable[..., Path]) -> None:
    folder = write_sequence()
    root = folder.parents[1]
    data = SemanticKITTI(root, "00")
    calls: list[tuple[int, int]] = []
    counts = data.frame_classes(lambda done, total: calls.append((done, total)))
    expected = [np.bincount(s.labels[s.labels >= 0], minlength=19) for s in data]
    assert np.array_equal(counts, expected) and calls == [(1, 3), (2, 3), (3, 3)]
    assert np.array_equal(data.class_counts(), counts.sum(0))
    assert data.point_counts().tolist() == [5, 7, 6]
    assert len(calls) == 3  # the second time nothing was read
    other = SemanticKITTI(root, "00", "semantic_kitti/sk25_multi")
    assert other.class_counts()[19] > 0  # another label set does not meet the first one's counts
    make_frame(1, 7, (81,))[1].tofile(folder / "labels" / "000001.label")
    assert data.frame_classes()[1].tolist() == [0] * 18 + [7]  # a changed file is counted anew


def test_balanced_weights_prefer_the_rare(write_sequence: Callable[..., Path]) -> None:
    folder = write_sequence(raw=(40,))
    make_frame(2, 6, (40, 30))[1].tofile(folder / "labels" / "000002.label")
    weights = SemanticKITTI(folder.parents[1], "00").balanced_weights()
    assert weights.tolist() == pytest.approx([1 / 6, 1 / 6, 2 / 3])


def test_datasets_travel_to_loader_processes(write_sequence: Callable[..., Path]) -> None:
    data = SemanticKITTI(write_sequence().parents[1], "00")
    copy = pickle.loads(pickle.dumps(data))
    assert np.array_equal(copy[0].xyz, data[0].xyz) and copy.frames == data.frames


def test_iteration_ends_and_negative_numbers_count_from_the_end(
    write_sequence: Callable[..., Path],
) -> None:
    data = SemanticKITTI(write_sequence().parents[1], "00")
    assert len(list(data)) == 3
    assert data[-1].meta["frame"] == "000002"
    assert data.index_of(FrameId("00", "000002")) == 2


def test_hidden_files_are_no_frames_and_hidden_folders_no_sequences(
    write_sequence: Callable[..., Path],
) -> None:
    folder = write_sequence()
    (folder / "velodyne" / ".000001.k3jx_0ab.bin").write_bytes(b"half")
    (folder.parent / ".trash" / "velodyne").mkdir(parents=True)
    data = SemanticKITTI(folder.parents[1], "all")
    assert [frame.frame for frame in data.frames] == ["000000", "000001", "000002"]


def test_simulated_scans_say_so(write_sequence: Callable[..., Path]) -> None:
    root = write_sequence().parents[1]
    assert "simulated" not in SemanticKITTI(root, "00")[0].meta
    (root / "simulation.json").write_text("{}")
    assert SemanticKITTI(root, "00")[0].meta["simulated"] is True


def test_semanticposs_intensity_and_pose(write_sequence: Callable[..., Path]) -> None:
    folder = write_sequence("03", raw=(7, 22, 4, 5, 0))
    cloud, _ = make_frame(0, 5, (0,))
    cloud[:, 3] *= 255
    cloud.astype("<f4").tofile(folder / "velodyne" / "000000.bin")
    scan = SemanticPOSS(folder.parents[1], "val")[0]
    assert np.allclose(scan.attrs["intensity"], cloud[:, 3] / 255, atol=1e-6)
    assert scan.labels.tolist() == [2, 12, 0, 0, -1]
    assert SemanticPOSS(folder.parents[1], "own:train")[1].pose[0, 3] == 1.5


def test_settings_that_do_not_exist(write_sequence: Callable[..., Path]) -> None:
    root = write_sequence().parents[1]
    with pytest.raises(ConfigError, match=r"labels='maybe' is not possible\. Use one of: optional"):
        SemanticKITTI(root, "00", labels="maybe")
    with pytest.raises(ConfigError, match="require='pose'"):
        SemanticKITTI(root, "00", require=("pose",))
    with pytest.raises(ConfigError, match="every=0"):
        SemanticKITTI(root, "00", every=0)


@pytest.mark.realdata
def test_genuine_scans(realdata: Path) -> None:
    data = SemanticKITTI(realdata / "semantickitti_seq00_genuine", "all", require=("poses",))
    assert data.point_counts().tolist() == [124_668, 124_605, 124_478]
    scan = data[0]
    assert len(scan) == 124_668
    assert 0 <= scan.attrs["intensity"].min() and scan.attrs["intensity"].max() <= 1
    things = np.unique(scan.instances[scan.raw_labels == 10])
    assert len(things) > 5 and np.isin(255, np.unique(scan.raw_labels))
    # The files say 255 (moving motorcyclist); the ego pose moves ahead by about 0.7 m a frame.
    assert data[1].pose[0, 3] == pytest.approx(0.69, abs=0.05)
    assert np.abs(data[1].pose[1:3, 3]).max() < 0.05


@pytest.mark.realdata
def test_genuine_poses_align_the_ground(realdata: Path) -> None:
    """With the right chain of transforms static points of two frames meet; else they do not."""
    from scipy.spatial import cKDTree

    data = SemanticKITTI(realdata / "semantickitti_seq00_genuine", "all")
    building = 12
    clouds = []
    for scan in (data[0], data[2]):
        near = (scan.labels == building) & (np.linalg.norm(scan.xyz, axis=1) < 30)
        clouds.append(scan.xyz[near] @ scan.pose[:3, :3].T + scan.pose[:3, 3])
    apart = cKDTree(clouds[0]).query(clouds[1][::20])[0]
    assert np.median(apart) < 0.08
    unmoved = data[2].xyz[(data[2].labels == building)][::20]
    assert np.median(apart) < 0.7 * np.median(cKDTree(clouds[0]).query(unmoved)[0])


@pytest.mark.realdata
def test_converted_scans_are_counted_as_their_source_says(realdata: Path) -> None:
    data = SemanticKITTI(realdata / "semantickitti_seq00", "all")
    counts = dict(zip(data.label_set.names, data.class_counts().tolist(), strict=True))
    assert counts["car"] == 28_039 and counts["road"] == 137_212 and counts["traffic-sign"] == 382
    assert data.point_counts().sum() == sum(len(scan) for scan in data)


@pytest.mark.realdata
def test_another_projects_cut_out_is_read_whole(realdata: Path) -> None:
    """Fifty points that mmdetection3d tests its own reader with."""
    scan = SemanticKITTI(realdata / "mmdet3d_tiny/semantickitti", "00", require=("labels",))[0]
    assert len(scan) == 50 and scan.pose is None and (scan.instances == 0).all()
    stored = realdata / "mmdet3d_tiny/semantickitti/sequences/00"
    cloud = np.fromfile(stored / "velodyne/000000.bin", "<f4").reshape(-1, 4)
    words = np.fromfile(stored / "labels/000000.label", "<u4")
    assert np.array_equal(scan.xyz, cloud[:, :3])
    assert np.array_equal(scan.raw_labels, words & 0xFFFF)
