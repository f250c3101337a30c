"""SemanticKITTI-C: Robo3D's folders, one corruption and severity at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scan_samples import make_frame

from pcseg.data import open_dataset
from pcseg.data.readers.kitti.robo3d import SemanticKITTIC
from pcseg.errors import ConfigError, DataError


@pytest.fixture
def corrupted(tmp_path: Path) -> Path:
    """Three frames of fog and snow in the layout of the archives."""
    for below, added in (("fog/light", 21), ("fog/heavy", 21), ("snow/light", 22)):
        for name in ("velodyne", "labels"):
            (tmp_path / "SemanticKITTI-C" / below / name).mkdir(parents=True)
        for frame in range(3):
            cloud, _ = make_frame(frame, 12, (10,))
            folder = tmp_path / "SemanticKITTI-C" / below
            cloud.astype("<f4").tofile(folder / "velodyne" / f"{frame:06d}.bin")
            raw = np.array([10, 40, added] * 4, "<u4")
            raw.tofile(folder / "labels" / f"{frame:06d}.label")
    return tmp_path


def test_frames_of_one_corruption(corrupted: Path) -> None:
    for root in (corrupted, corrupted / "SemanticKITTI-C"):
        data = open_dataset("semantickitti_c", root, "test", corruption="fog", severity="heavy")
        assert [str(frame) for frame in data.frames] == ["08/000000", "08/000001", "08/000002"]
    scan = data[1]
    stored = np.fromfile(
        corrupted / "SemanticKITTI-C/fog/heavy/velodyne/000001.bin", "<f4"
    ).reshape(-1, 4)
    assert np.array_equal(scan.xyz, stored[:, :3])
    assert np.array_equal(scan.attrs["intensity"], stored[:, 3])
    assert scan.labels.tolist() == [0, 8, -1] * 4  # fog is not scored
    assert scan.meta["corruption"] == {"suite": "Robo3D", "name": "fog", "severity": "heavy"}
    assert scan.meta["sequence"] == "08" and scan.pose is None
    assert data.class_counts()[[0, 8]].tolist() == [12, 12]
    assert data.point_counts().tolist() == [12, 12, 12]
    one = SemanticKITTIC(corrupted, "08:0-1", corruption="snow", severity="light")
    assert len(one) == 2 and one[0].labels.tolist() == [0, 8, -1] * 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give one corruption"),
        ({"corruption": "fog"}, "one severity"),
        ({"corruption": "rain", "severity": "light"}, "corruption='rain' is not possible"),
        ({"corruption": "fog", "severity": "severe"}, "severity='severe' is not possible"),
    ],
)
def test_settings_that_cannot_be(corrupted: Path, options: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SemanticKITTIC(corrupted, **options)


def test_folders_that_are_not_there(corrupted: Path) -> None:
    with pytest.raises(DataError, match=r"has no snow.heavy.velodyne\. It holds: SemanticKITTI-C"):
        SemanticKITTIC(corrupted, corruption="snow", severity="heavy")
