"""Damaged A2D2 files: every message names the file, the place and what to do."""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pcseg.data.readers.a2d2.reader import A2D2
from pcseg.errors import DataError, LabelError
from tests.data.a2d2_twin import SCENE, Twin, arrays_of, file_of, make_twin, write_npz


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    return make_twin(tmp_path_factory)


@pytest.fixture
def root(whole: Twin, tmp_path: Path) -> Path:
    """A data set of its own for each test to damage."""
    shutil.copytree(whole.root, tmp_path / "copy")
    return tmp_path / "copy"


def path_of(root: Path, kind: str, suffix: str) -> Path:
    return file_of(root / "camera_lidar_semantic" / SCENE, kind, suffix)


def read(root: Path, **options: Any) -> None:
    """Open the data set and read its first frame."""
    A2D2(root, "all", **options)[0]


def expect(error: type[DataError], *words: str) -> pytest.RaisesExc[DataError]:
    return pytest.raises(error, match="(?s)" + ".*".join(map(re.escape, words)))


def rewrite(path: Path, change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> None:
    write_npz(path, change(arrays_of(path)))


def reconfigure(root: Path, **changes: Any) -> None:
    path = root / "cams_lidars.json"
    config = json.loads(path.read_text())
    config["cameras"]["front_center"] |= changes
    path.write_text(json.dumps(config))


def test_points_cut_short_or_of_another_kind(root: Path) -> None:
    path = path_of(root, "lidar", ".npz")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with expect(DataError, path.name, "damaged or no .npz file", "Copy it again"):
        read(root)
    path.write_bytes(b"no archive")
    with expect(DataError, path.name, "damaged or no .npz file"):
        read(root)
    middle = len(data) // 3
    path.write_bytes(data[:middle] + bytes(64) + data[middle + 64 :])
    with expect(DataError, path.name, "damaged"):
        read(root)


def test_pickled_arrays_are_refused(root: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return Path.mkdir, (str(tmp_path / "was_run"),)

    path = path_of(root, "lidar", ".npz")
    write_npz(path, {**arrays_of(path), "row": np.array([Evil()], object)}, pickled=True)
    with expect(DataError, path.name, "pickled Python objects, which are refused"):
        read(root)
    assert not (tmp_path / "was_run").exists()


def test_arrays_missing_or_of_another_length(root: Path) -> None:
    path = path_of(root, "lidar", ".npz")
    original = path.read_bytes()
    rewrite(path, lambda arrays: {k: v for k, v in arrays.items() if k != "reflectance"})
    with expect(DataError, path.name, "no array 'pcloud_attr.reflectance' or 'reflectance'"):
        read(root)
    path.write_bytes(original)
    rewrite(path, lambda arrays: {**arrays, "col": arrays["col"][:-2]})
    with expect(DataError, path.name, "'col' of shape", "points", "Copy"):
        read(root)
    path.write_bytes(original)
    rewrite(path, lambda arrays: {**arrays, "points": arrays["points"][:, :2]})
    with expect(DataError, path.name, "points of shape", "not (N, 3) floats"):
        read(root)
    path.write_bytes(original)
    rewrite(path, lambda arrays: {k: v[:0] for k, v in arrays.items()})
    with expect(DataError, path.name, "empty scan"):
        read(root)
    path.write_bytes(original)
    rewrite(path, lambda a: {**a, "rectime": np.full(len(a["row"]), "noon")})
    with expect(DataError, path.name, "'rectime' is of type <U4, not numbers"):
        read(root)


def test_points_that_are_no_numbers(root: Path) -> None:
    def change(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        arrays["points"][5, 1] = np.nan
        return arrays

    rewrite(path_of(root, "lidar", ".npz"), change)
    with expect(DataError, ".npz: 1 points have NaN", "point 5", "data.invalid=ignore"):
        read(root)


def test_unknown_colours(root: Path) -> None:
    path = path_of(root, "label", ".png")
    with Image.open(path) as picture:
        colours = np.asarray(picture).copy()
    colours[colours[..., 0] > 0] = (1, 2, 3)
    Image.fromarray(colours).save(path)
    with expect(LabelError, path.name, "colour #010203", "pixels) is no class", "PNG files"):
        read(root)
    Image.fromarray(colours[::2, ::2]).save(path)
    with expect(LabelError, path.name, "240 x 151 pixels, but 480 x 302 in", "cams_lidars.json"):
        read(root)
    path.write_bytes(path.read_bytes()[:500])
    with expect(DataError, path.name, "cannot be read", "Copy"):
        read(root)
    path.unlink()
    assert A2D2(root, "all")[0].labels is None
    with expect(LabelError, "has no labels, and they are required"):
        A2D2(root, "all", labels="required")


def test_class_lists(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = root / "camera_lidar_semantic/class_list.json"
    names = json.loads(path.read_text())
    path.write_text(json.dumps({**names, "#ff0000": "Car 2"}))
    with expect(LabelError, "class_list.json: colour #ff0000 is 'Car 2' there, but 'Car 1' in"):
        read(root)
    path.write_text(json.dumps({**names, "#123456": "Boat"}))
    with expect(LabelError, "class_list.json: colour #123456 is 'Boat' there, but no class in"):
        read(root)
    path.write_text(json.dumps({**names, "red": "Car 1"}))
    with expect(DataError, "class_list.json: 'red' is no colour such as #ff0000"):
        read(root)
    path.write_text("{")
    with expect(DataError, "class_list.json: not valid JSON"):
        read(root)
    path.unlink()
    with caplog.at_level(logging.WARNING):
        read(root)
    assert "class_list.json: missing" in caplog.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"CamMatrix": [[1, 0, 0], [0, 1, 0]]}, "'CamMatrix' is [1.0, 0.0, 0.0, 0.0, 1.0, 0.0], n"),
        ({"CamMatrix": [[0, 0, 0], [0, 1, 0], [0, 0, 1]]}, "is no pinhole"),
        ({"CamMatrixOriginal": "none"}, "'CamMatrixOriginal' is missing or holds no numbers"),
        ({"Distortion": [[0.1, 0.2]]}, "'Distortion' is [0.1, 0.2], not 5 finite numbers"),
        ({"Lens": "Fisheye"}, "not 4 finite numbers"),
        ({"Resolution": [10**9, 10**9]}, "a resolution of 1000000000 x 1000000000 cannot be"),
        ({"view": {"origin": [0, 0, 0], "x-axis": [1, 0, 0]}}, "'y-axis' is missing"),
        (
            {"view": {"origin": [0, 0, 0], "x-axis": [1, 0, 0], "y-axis": [1, 0, 0]}},
            "do not span a plane",
        ),
    ],
)
def test_calibrations_that_cannot_be(root: Path, changes: dict[str, Any], said: str) -> None:
    reconfigure(root, **changes)
    with expect(DataError, "cams_lidars.json, camera 'front_center'", said):
        read(root)


def test_calibration_missing_or_broken(root: Path) -> None:
    path = root / "cams_lidars.json"
    path.write_text('{"cameras": {"rear_center": {}}}')
    with expect(DataError, "cams_lidars.json: no camera 'front_center' under 'cameras'"):
        read(root)
    path.write_text("[1, 2")
    with expect(DataError, "cams_lidars.json: not valid JSON"):
        read(root)
    path.unlink()
    with expect(DataError, "cams_lidars.json: cannot be read", "download of its own"):
        read(root)
    read(root, labels="none")  # points alone do not need it


def test_notes_without_a_time(root: Path) -> None:
    note = path_of(root, "camera", ".json")
    note.write_text('{"cam_tstamp": "noon"}')
    with expect(DataError, note.name, "'cam_tstamp' is 'noon', not microseconds"):
        read(root)
    note.unlink()
    scan = A2D2(root, "all")[0]
    assert "time" not in scan.meta and scan.attrs["time"].min() == 0


def test_folders_and_names(root: Path, tmp_path: Path) -> None:
    with expect(DataError, "no <scene>/lidar/cam_front_center folder found", "have no LiDAR"):
        A2D2(tmp_path, "all")
    points = path_of(root, "lidar", ".npz")
    other = points.with_name("20180101000007_lidar_frontcenter_000000000.npz")
    shutil.copy(points, other)
    with expect(DataError, other.name, "has the number of", points.name):
        read(root)
    other.rename(points.with_name("first.npz"))
    with expect(DataError, "first.npz: point files are named <date>_lidar_frontcenter_"):
        read(root)
