"""SemanticSTF, SynLiDAR and SimKITTI32: what their files have of their own, and how they break."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scan_samples import make_frame

from pcseg.data.readers.kitti.semanticstf import SemanticSTF
from pcseg.data.readers.kitti.simkitti32 import SimKITTI32
from pcseg.data.readers.kitti.synlidar import SynLiDAR
from pcseg.errors import ConfigError, DataError, LabelError

Write = Callable[..., Path]
WEATHER = {"a_00000": "snow", "a_00010": "rain", "b_00000": "snow", "b_00020": "dense_fog"}


@pytest.fixture
def stf(tmp_path: Path) -> Path:
    """Four clouds for validation and one for training, five columns each."""
    for split, names in (("val", list(WEATHER)), ("train", ["c_00000"])):
        for folder in ("velodyne", "labels"):
            (tmp_path / split / folder).mkdir(parents=True)
        for number, name in enumerate(names):
            cloud, _ = make_frame(number, 21, (0,))
            channel = np.arange(21)[:, None] % 64
            five = np.hstack([cloud * [1, 1, 1, 255], channel]).astype("<f4")
            five.tofile(tmp_path / split / "velodyne" / f"{name}.bin")
            np.arange(21, dtype="<u4").tofile(tmp_path / split / "labels" / f"{name}.label")
    lines = [f"{name},{weather}\n" for name, weather in WEATHER.items()]
    (tmp_path / "val/val.txt").write_text("".join(lines))
    return tmp_path


def test_stf_scans(stf: Path) -> None:
    data = SemanticSTF(stf, "val")
    assert [frame.frame for frame in data.frames] == list(WEATHER)
    scan = data[1]
    stored = np.fromfile(stf / "val/velodyne/a_00010.bin", "<f4").reshape(-1, 5)
    assert np.array_equal(scan.xyz, stored[:, :3])
    assert np.array_equal(scan.attrs["intensity"], stored[:, 3] / np.float32(255))
    assert scan.attrs["ring"].dtype == np.int16
    assert scan.attrs["ring"].tolist() == list(range(21))
    assert scan.labels.tolist() == [-1, *range(19), -1]  # its ids are the classes already
    assert scan.meta["weather"] == "rain" and scan.pose is None
    assert "weather" not in SemanticSTF(stf, "train")[0].meta  # there is no list
    assert data.point_counts().tolist() == [21] * 4


def test_stf_by_weather(stf: Path) -> None:
    snow = SemanticSTF(stf, "val:snow")
    assert [frame.frame for frame in snow.frames] == ["a_00000", "b_00000"]
    both = SemanticSTF(stf, "val", weather=("snow", "dense_fog"))
    assert [frame.frame for frame in both.frames] == ["a_00000", "b_00000", "b_00020"]
    assert (snow.split, both.split) == ("val:snow", "val:snow+dense_fog")
    assert len(SemanticSTF(stf, "val", weather="rain", labels="only")) == 1
    with pytest.raises(ConfigError, match=r"weather='hail' is not possible. Use one of: dense_f"):
        SemanticSTF(stf, "val", weather="hail")
    with pytest.raises(DataError, match=r"no velodyne/\*\.bin in split 'val'"):
        SemanticSTF(stf, "val", weather="light_fog")


def test_stf_lists(stf: Path) -> None:
    with pytest.raises(
        DataError, match=r"train/train\.txt: missing, or has no line for 1 of the 1"
    ):
        SemanticSTF(stf, "train:snow")
    path = stf / "val/val.txt"
    good = path.read_text()
    path.write_text(good.replace("a_00000,snow\n", "some/folder/a_00000.bin, snow\n\n"))
    assert SemanticSTF(stf, "val:snow")[0].meta["weather"] == "snow"
    path.write_text(good.replace("b_00020,", "b_00030,"))
    with pytest.raises(DataError, match=r"val\.txt: .*no line for 1 of the 4.*first is b_00020"):
        SemanticSTF(stf, "val:snow")
    for bad in ("a_00000 snow", "a_00000,hail"):
        path.write_text(good + bad)
        with pytest.raises(DataError, match=rf"val\.txt, line 5: '{bad}' is not 'name,weather'"):
            SemanticSTF(stf, "val:snow")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"val\.txt: not a text file"):
        SemanticSTF(stf, "val")[0]


def test_stf_damage(stf: Path) -> None:
    cloud = stf / "val/velodyne/a_00000.bin"
    good = cloud.read_bytes()
    cloud.write_bytes(good[:-4])
    message = r"a_00000\.bin: 416 bytes is not .* of 20 bytes \(x y z intensity and 1 more"
    with pytest.raises(DataError, match=message):
        SemanticSTF(stf, "val")[0]
    # Twenty points of four columns fit into sixteen of five: only the channel tells.
    np.frombuffer(good, "<f4").reshape(-1, 5)[:20, :4].tofile(cloud)
    (stf / "val/labels/a_00000.label").unlink()
    with pytest.raises(DataError, match=r"a_00000\.bin: point \d+ has channel .*no five columns"):
        SemanticSTF(stf, "val")[0]
    cloud.write_bytes(good)
    np.full(21, 21, "<u4").tofile(stf / "val/labels/a_00000.label")
    with pytest.raises(LabelError, match=r"a_00000\.label: raw label 21 \(21 points\)"):
        SemanticSTF(stf, "val")[0]
    with pytest.raises(
        DataError, match=r"no SS/velodyne.*Give the folder that holds the sequences"
    ):
        SemanticSTF(stf / "val", "val")


def test_synlidar(write_sequence: Write) -> None:
    folder = write_sequence("07", raw=(1, 2, 12, 20, 32), sides=False)
    for root in (folder.parent, folder.parents[1]):  # its archives have no folder 'sequences'
        data = SynLiDAR(root, "train")
        assert data.missing[:2] == ["00", "01"] and len(data) == 3
    names = [data.label_set.names[i] if i >= 0 else "" for i in data[0].labels]
    assert names == ["car", "truck", "person", "vegetation", ""]
    assert (
        data[0].pose is None and SynLiDAR(folder.parent, "07:1", "synlidar/full")[0].labels[1] == 1
    )
    np.full(5, 33, "<u4").tofile(folder / "labels/000000.label")
    with pytest.raises(LabelError, match=r"000000\.label: raw label 33"):
        SynLiDAR(folder.parent, "07")[0]


def test_simkitti32_has_no_intensity(write_sequence: Write) -> None:
    folder = write_sequence("08", sizes=(5, 5))
    path = folder / "velodyne/000000.bin"
    cloud = np.fromfile(path, "<f4").reshape(-1, 4)
    cloud[:, 3] = 0
    cloud.tofile(path)
    data = SimKITTI32(folder.parents[1], "test")
    assert data[0].attrs == {} and set(data[1].attrs) == {"intensity"}
    assert data[0].labels.tolist() == [0, 8, 0, -1, 14]
    assert data[1].pose[:3, 3] == pytest.approx([2, -1.5, 0], abs=0.05)  # camera poses, as 08 has
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"000000\.bin: 79 bytes is not a whole number of points"):
        data[0]
