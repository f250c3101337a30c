"""Damaged PandaSet scenes: every message names the file, the place and what to do."""

from __future__ import annotations

import gzip
import json
import logging
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pcseg.data.readers.pandaset.reader import PandaSet
from pcseg.errors import DataError, LabelError
from tests.data.pandaset_twin import Twin, make_twin, rejson, retable

pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    return make_twin(tmp_path_factory)


@pytest.fixture
def scene(whole: Twin, tmp_path: Path) -> Path:
    """A scene of its own for each test to damage."""
    shutil.copytree(whole.root, tmp_path / "copy")
    return tmp_path / "copy/pandaset/004"


def read(scene: Path, **options: object) -> None:
    """Open the scene and read its first frame."""
    PandaSet(scene.parent, "all", **options)[0]  # type: ignore[arg-type]


def expect(error: type[DataError], *words: str) -> pytest.RaisesExc[DataError]:
    return pytest.raises(error, match="(?s)" + ".*".join(map(re.escape, words)))


class Anything:
    """An object that is no table."""


def damage_points(scene: Path, column: str, row: int, value: float) -> None:
    def change(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        columns[column] = columns[column].copy()
        columns[column][row] = value
        return columns

    retable(scene / "lidar/00.pkl.gz", change)


def test_points_packed_wrongly_or_cut_short(scene: Path) -> None:
    path = scene / "lidar/00.pkl.gz"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with expect(DataError, "lidar/00.pkl.gz: truncated", "Copy it again"):
        read(scene)
    path.write_bytes(b"\xfd7zXZ\x00" + bytes(50))
    with expect(DataError, "lidar/00.pkl.gz: is packed by xz, not by gzip", "Unpack it"):
        read(scene)
    path.write_bytes(gzip.compress(pickle.dumps(Anything())))
    with expect(DataError, "lidar/00.pkl.gz: asks for", "Anything", "refused", "Copy"):
        read(scene)
    path.write_bytes(b"")
    with expect(DataError, "lidar/00.pkl.gz: is no pickle"):
        read(scene)


def test_points_with_other_columns(scene: Path) -> None:
    path = scene / "lidar/00.pkl.gz"
    retable(path, lambda columns: {k: v for k, v in columns.items() if k != "i"})
    with expect(DataError, "lidar/00.pkl.gz: no column 'i', found x, y, z, t, d", "copy"):
        read(scene)
    retable(scene / "lidar/01.pkl.gz", lambda c: {**c, "x": c["x"].astype(str).astype(object)})
    with expect(DataError, "lidar/01.pkl.gz: column 'x' is of type object, not numbers"):
        PandaSet(scene.parent, "004:1")[0]


def test_a_third_lidar_and_an_empty_table(scene: Path) -> None:
    damage_points(scene, "d", 3, 2)
    with expect(DataError, "lidar/00.pkl.gz, row 3: LiDAR d = 2 does not exist"):
        read(scene)
    retable(scene / "lidar/00.pkl.gz", lambda columns: {k: v[:0] for k, v in columns.items()})
    with expect(DataError, "lidar/00.pkl.gz: empty scan"):
        read(scene)


def test_points_that_are_no_numbers(scene: Path) -> None:
    damage_points(scene, "y", 7, np.nan)
    with expect(DataError, "00.pkl.gz: 1 points have NaN", "point 7", "data.invalid=ignore"):
        read(scene)
    scan = PandaSet(scene.parent, "all", invalid="ignore")[0]
    assert scan.labels is not None and scan.labels[7] == -1 and not scan.attrs["valid"][7]


def test_a_frame_without_the_lidar_that_is_asked_for(scene: Path) -> None:
    retable(
        scene / "lidar/00.pkl.gz",
        lambda columns: {k: v[columns["d"] == 0] for k, v in columns.items()},
    )
    shutil.rmtree(scene / "annotations")
    with expect(DataError, "00.pkl.gz: no point of the pandargt", "lidar=both"):
        read(scene, lidar="pandargt")


def test_labels_of_another_length_order_or_type(scene: Path) -> None:
    path = scene / "annotations/semseg/00.pkl.gz"
    original = path.read_bytes()
    retable(path, lambda columns: {"class": columns["class"][:-1]})
    with expect(LabelError, "semseg/00.pkl.gz:", "labels for the", "lidar/00.pkl.gz", "copy both"):
        read(scene)
    path.write_bytes(original)
    retable(path, lambda c: {"class": c["class"], "index": np.arange(len(c["class"]))[::-1]})
    with expect(LabelError, "semseg/00.pkl.gz, row 0: its index is", "but 0 in", "copy both"):
        read(scene)
    path.write_bytes(original)
    retable(path, lambda columns: {"class": columns["class"] * 1.5})
    with expect(DataError, "semseg/00.pkl.gz: column 'class' is of type float64, not whole"):
        read(scene)
    path.write_bytes(original)
    retable(path, lambda columns: {"class": np.where(columns["class"] == 7, 77, columns["class"])})
    with expect(LabelError, "semseg/00.pkl.gz: raw label 77", "Known raw labels", "mend the file"):
        read(scene)


def test_class_names_missing_or_others(scene: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = scene / "annotations/semseg/classes.json"
    rejson(path, lambda names: {**names, "7": "Runway"})
    with expect(LabelError, "classes.json: id 7 is 'Runway' there, but 'Road' in the label map"):
        read(scene)
    path.write_text('{"1": "Smoke"')
    with expect(DataError, "classes.json: not valid JSON", "line 1"):
        read(scene)
    path.write_text('["Smoke"]')
    with expect(DataError, "classes.json: expected {id: name}, found a list"):
        read(scene)
    path.unlink()
    with caplog.at_level(logging.WARNING):
        read(scene)
    assert "classes.json: missing" in caplog.text and "Copy it" in caplog.text


@pytest.mark.parametrize("place", ["lidar", "camera/front_camera"])
def test_poses_and_times(scene: Path, place: str) -> None:
    poses, times = scene / place / "poses.json", scene / place / "timestamps.json"
    kept = poses.read_text(), times.read_text()

    def restore() -> None:
        poses.write_text(kept[0])
        times.write_text(kept[1])

    rejson(poses, lambda given: given[:1])
    with expect(DataError, f"{place}/poses.json: 1 poses, but 2 times in timestamps.json", "Copy"):
        read(scene, cameras=["all"])
    rejson(times, lambda given: given[:1])
    with expect(DataError, f"{place}/poses.json: 1 entries, but frame 004/01 needs entry 2"):
        read(scene, cameras=["all"])
    restore()
    rejson(poses, lambda given: [given[0], {**given[1], "heading": dict.fromkeys("wxyz", 0.7)}])
    with expect(DataError, "poses.json, entry 1: the heading is no unit quaternion", "1.4"):
        read(scene, cameras=["all"])
    restore()
    rejson(poses, lambda given: [{"position": given[0]["position"]}, given[1]])
    with expect(DataError, "poses.json, entry 0: expected a number 'w', found None"):
        read(scene, cameras=["all"])
    restore()
    times.write_text("[1.0, NaN]")
    with expect(DataError, "timestamps.json, entry 1: expected a number, found nan"):
        read(scene, cameras=["all"])
    times.write_text("[" * 100_000)
    with expect(DataError, "timestamps.json", "Copy"):
        read(scene, cameras=["all"])
    poses.unlink()
    with expect(DataError, f"{place}/poses.json: cannot be read", "complete?"):
        read(scene, cameras=["all"])


def test_intrinsics_that_cannot_be(scene: Path) -> None:
    path = scene / "camera/left_camera/intrinsics.json"
    path.write_text(json.dumps({"fx": 0.0, "fy": 900.0, "cx": 9.0, "cy": 9.0}))
    with expect(DataError, "left_camera/intrinsics.json: focal lengths 0.0, 900.0"):
        read(scene, cameras=["left_camera"])
    path.write_text(json.dumps({"fx": 900.0}))
    with expect(DataError, "intrinsics.json, entry 0: expected a number 'fy', found None"):
        read(scene, cameras=["left_camera"])
    read(scene, cameras=["front_camera"])  # the other cameras are not concerned


def test_pictures_damaged_or_of_another_size(scene: Path) -> None:
    picture = scene / "camera/front_camera/00.jpg"
    labels = scene / "camera/front_camera_labels/00.png"
    Image.new("I;16", (40, 30)).save(labels)
    with expect(LabelError, "front_camera_labels/00.png: 40 x 30 labels for a picture of 384 x"):
        read(scene, cameras=["front_camera"])
    Image.new("RGB", (384, 216)).save(labels)
    with expect(LabelError, "front_camera_labels/00.png: holds colours"):
        read(scene, cameras=["front_camera"])
    Image.fromarray(np.full((216, 384), 99, np.uint16)).save(labels)
    with expect(LabelError, "front_camera_labels/00.png: raw label 99"):
        read(scene, cameras=["front_camera"])
    picture.write_bytes(picture.read_bytes()[:2000])
    with expect(DataError, "front_camera/00.jpg: cannot be read"):
        read(scene, cameras=["front_camera"])
    picture.unlink()
    assert PandaSet(scene.parent, "all", cameras=["front_camera"])[0].images == ()


def test_cuboids_that_cannot_be(scene: Path) -> None:
    path = scene / "annotations/cuboids/00.pkl.gz"
    original = path.read_bytes()
    retable(path, lambda columns: {k: v for k, v in columns.items() if k != "dimensions.y"})
    with expect(DataError, "cuboids/00.pkl.gz: column 'dimensions.y' is missing"):
        read(scene, cuboids=True)
    path.write_bytes(original)
    retable(path, lambda columns: {**columns, "dimensions.x": -columns["dimensions.x"]})
    with expect(DataError, "cuboids/00.pkl.gz, row 0: a box of", "cannot be"):
        read(scene, cuboids=True)
    read(scene)  # who does not ask for cuboids does not meet them


def test_folders_that_are_no_pandaset(tmp_path: Path, scene: Path) -> None:
    with expect(DataError, "no NNN/lidar folder found", "Give the folder that holds the scenes"):
        PandaSet(tmp_path / "copy/pandaset/004/lidar", "all")
    (scene / "lidar/first.pkl.gz").write_bytes(b"")
    with expect(DataError, "lidar/first.pkl.gz: tables are named by number"):
        PandaSet(scene.parent, "all")
