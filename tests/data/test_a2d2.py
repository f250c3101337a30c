"""A2D2: colours of the genuine label picture; world -> disk -> reader on a twin; lenses."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.spatial import cKDTree

from pcseg.data import open_dataset
from pcseg.data.projection import project, visible
from pcseg.data.readers.a2d2.colours import classes_of
from pcseg.data.readers.a2d2.reader import A2D2
from pcseg.errors import ConfigError
from pcseg.io.pictures import read_picture
from pcseg.sim.writers.a2d2.rig import BODY_FROM_VEHICLE, class_ids
from pcseg.sim.writers.a2d2.writer import A2D2Writer
from tests.data.a2d2_twin import SCENE, TIMES, Twin, arrays_of, file_of, make_twin, write_npz


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    return make_twin(tmp_path_factory)


@pytest.mark.realdata
def test_genuine_label_picture_has_known_colours_only(realdata: Path) -> None:
    (path,) = (realdata / "a2d2_2d/labels").glob("*.png")
    picture = read_picture(path)
    assert picture.shape == (1208, 1920, 3)
    ids, counts = np.unique(classes_of(picture, path), return_counts=True)
    found = dict(zip(ids.tolist(), counts.tolist(), strict=True))
    assert len(found) == 16 and counts.sum() == picture.shape[0] * picture.shape[1]
    assert found[52] == 1_016_752 and found[51] == 747_457  # sky, RD normal street
    assert 0 not in found


def test_points_come_back_in_the_frame_of_the_camera(twin: Twin) -> None:
    data = open_dataset("a2d2", twin.root, "all")
    assert data.name == "a2d2" and [frame.sequence for frame in data.frames] == [SCENE] * 2
    for number, frame in enumerate(twin.frames):
        scan, picture = data[number], frame.pictures[0]
        assert scan.pose is None and (scan.xyz[:, 0] > 0).all()
        body_from_sensor = BODY_FROM_VEHICLE @ scan.meta["vehicle_from_sensor"]
        world_from_sensor = frame.body @ body_from_sensor
        np.testing.assert_allclose(world_from_sensor[:3, 3], picture.pose[:3, 3], atol=1e-9)
        assert world_from_sensor[:3, 0] @ picture.pose[:3, 2] == pytest.approx(1)
        start = 0
        for lidar, original in enumerate(frame.scans):
            rows = np.flatnonzero(scan.attrs["lidar"] == lidar)
            assert rows.tolist() == list(range(start, start + len(rows)))
            start += len(rows)
            assert 0 < len(rows) < len(original)
            assert original.pose is not None
            was = original.xyz @ original.pose[:3, :3].T + original.pose[:3, 3]
            now = scan.xyz[rows].astype(float) @ world_from_sensor[:3, :3].T
            now += world_from_sensor[:3, 3]
            distance, index = cKDTree(was).query(now)
            assert distance.max() < 1e-4 and len(set(index.tolist())) == len(rows)
            bright = original.attrs["intensity"][index]
            np.testing.assert_allclose(scan.attrs["intensity"][rows], bright, atol=0.5 / 255 + 1e-6)
            time = original.attrs["time"][index]
            np.testing.assert_allclose(scan.attrs["time"][rows], time, atol=1e-6)
            ring = original.attrs["ring"][index]
            assert np.array_equal(scan.attrs["boundary"][rows], (ring == 0) | (ring == 15))
        assert start == len(scan)


def test_pixels_of_points_and_pictures(twin: Twin) -> None:
    data = A2D2(twin.root, "all", cameras=["all"])
    for number, frame in enumerate(twin.frames):
        scan, picture = data[number], frame.pictures[0]
        (view,) = scan.images
        assert np.array_equal(view.rgb, picture.rgb)  # PNG, and a lens without distortion
        raw = class_ids(picture.labels, picture.instances).astype(np.int64)
        assert view.labels is not None and scan.raw_labels is not None
        assert np.array_equal(view.labels.ravel(), data.label_set.encode(raw.ravel()))
        found = project(view, scan.xyz)
        assert found.inside.all()
        np.testing.assert_allclose(found.uv[:, ::-1], scan.attrs["pixel"], atol=1e-3)
        rows, columns = found.pixels()
        assert (raw[rows, columns] == scan.raw_labels).mean() > 0.999  # halves round either way
        assert scan.meta["time"] == view.time


def test_labels_of_visible_points_are_true(twin: Twin) -> None:
    """The picture's labels, given to points, against what the LiDAR's rays really met."""
    data = A2D2(twin.root, "all", cameras=["all"])
    true = seen = 0
    for number, frame in enumerate(twin.frames):
        scan, picture = data[number], frame.pictures[0]
        (view,) = scan.images
        with_depth = view.__class__(**{**vars(view), "depth": picture.depth})
        shown = visible(with_depth, project(with_depth, scan.xyz))
        world = picture.pose @ view.camera_from_sensor
        for lidar, original in enumerate(frame.scans):
            rows = np.flatnonzero(scan.attrs["lidar"] == lidar)
            now = scan.xyz[rows].astype(float) @ world[:3, :3].T + world[:3, 3]
            assert original.pose is not None and original.raw_labels is not None
            was = original.xyz @ original.pose[:3, :3].T + original.pose[:3, 3]
            index = cKDTree(was).query(now)[1]
            assert original.instances is not None
            wanted = class_ids(original.raw_labels[index], original.instances[index])
            train = data.label_set.encode(wanted.astype(np.int64))
            assert scan.labels is not None
            counted = shown[rows] & (scan.labels[rows] >= 0)
            true += int((train == scan.labels[rows])[counted].sum())
            seen += int(counted.sum())
    assert seen > 2000
    assert true / seen >= 0.95


def test_both_generations_of_names(twin: Twin, tmp_path: Path) -> None:
    shutil.copytree(twin.root, tmp_path, dirs_exist_ok=True)
    path = file_of(tmp_path / "camera_lidar_semantic" / SCENE, "lidar", ".npz")
    arrays = arrays_of(path)
    newer = {f"pcloud_attr.{key}": values for key, values in arrays.items() if key != "points"}
    write_npz(path, {"pcloud_points": arrays["points"], **newer})
    older, again = A2D2(twin.root, "all")[0], A2D2(tmp_path, "all")[0]
    assert np.array_equal(older.xyz, again.xyz) and np.array_equal(older.labels, again.labels)
    assert older.attrs.keys() == again.attrs.keys()


def test_frames_without_pixels_are_left_out(
    twin: Twin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(twin.root, tmp_path, dirs_exist_ok=True)
    path = file_of(tmp_path / "camera_lidar_semantic" / SCENE, "lidar", ".npz")
    arrays = arrays_of(path)
    write_npz(path, {key: values for key, values in arrays.items() if key not in ("row", "col")})
    with caplog.at_level(logging.WARNING):
        data = A2D2(tmp_path, "all")
    assert [frame.frame for frame in data.frames] == ["000000001"]
    assert f"1 of 2 point files have no 'row' and are left out, the first is {path.name}" in (
        caplog.text
    )


def test_points_that_do_not_count(twin: Twin, tmp_path: Path) -> None:
    shutil.copytree(twin.root, tmp_path, dirs_exist_ok=True)
    path = file_of(tmp_path / "camera_lidar_semantic" / SCENE, "lidar", ".npz")
    arrays = arrays_of(path)
    before = A2D2(tmp_path, "all")[0]
    labelled = np.flatnonzero(before.labels >= 0)
    arrays["row"][labelled[0]] = -3.0  # the data set has such places, outside the picture
    arrays["valid"][labelled[1]] = False
    write_npz(path, arrays)
    scan = A2D2(tmp_path, "all")[0]
    assert scan.raw_labels is not None
    changed = np.flatnonzero(scan.raw_labels != before.raw_labels)
    assert changed.tolist() == sorted(labelled[:2].tolist())
    assert (scan.raw_labels[changed] == 0).all() and (scan.labels[changed] == -1).all()
    assert np.flatnonzero(~scan.attrs["valid"]).tolist() == [labelled[1]]


def test_selection_by_scene_and_frame_and_by_split(twin: Twin, tmp_path: Path) -> None:
    assert len(A2D2(twin.root, f"{SCENE}:1")) == 1
    with pytest.raises(ConfigError, match="view='rear' is not possible"):
        A2D2(twin.root, "all", view="rear")
    named = tmp_path / "20180807_145028"
    shutil.copytree(twin.scene, named)
    for path in sorted(named.rglob("20180101000006_*")):
        path.rename(path.with_name(path.name.replace("20180101000006", "20180807145028")))
    shutil.copy(twin.root / "cams_lidars.json", tmp_path)
    assert len(A2D2(tmp_path, "xmuda:test")) == len(TIMES)


def test_numpy_and_pillow_read_our_files(twin: Twin) -> None:
    arrays = arrays_of(twin.path("lidar", ".npz"))
    assert {"points", "reflectance", "row", "col", "lidar_id", "rectime", "valid"} <= set(arrays)
    assert arrays["points"].dtype == np.float64 and arrays["rectime"].dtype == np.int64
    np.testing.assert_allclose(arrays["depth"], arrays["points"][:, 0])
    with Image.open(twin.path("label", ".png")) as picture:
        assert picture.mode == "RGB" and picture.size == (480, 302)
    note = json.loads(twin.path("camera", ".json").read_text())
    assert note["pcld_npz"] == twin.path("lidar", ".npz").name
    config = json.loads((twin.root / "cams_lidars.json").read_text())
    assert (
        len(config["lidars"]) == 5
        and note["pcld_view"] == (config["cameras"]["front_center"]["view"])
    )
    assert len(json.loads((twin.scene.parent / "class_list.json").read_text())) == 55


def test_without_its_camera_the_layout_cannot_be(tmp_path: Path) -> None:
    rig = A2D2Writer.rig(None)
    with pytest.raises(ConfigError, match="layout a2d2 needs its camera"):
        A2D2Writer(tmp_path, rig.with_cameras((), 1.0))
