"""ScanNet's frames as views of the scene: pixels, depths, poses and labels fall into place."""

from __future__ import annotations

from pathlib import Path

import indoor_samples as made
import numpy as np
import pytest
from PIL import Image

from pcseg.data.labels import label_set
from pcseg.data.projection import project, visible
from pcseg.data.readers.scannet.reader import ScanNet
from pcseg.errors import ConfigError, DataError

CLASSES = label_set("scannet")
"""Read once: the map lists 1,613 scenes."""
SQUARE = made.GRID * made.GRID


@pytest.mark.parametrize("form", ["sens", "folder"])
@pytest.mark.parametrize("grid", ["color", "depth"])
@pytest.mark.parametrize("align", [False, True])
def test_views_see_the_mesh(tmp_path: Path, form: str, grid: str, align: bool) -> None:
    scene = made.write_scene(tmp_path)
    if form == "sens":
        made.write_sens(scene / "scene0000_00.sens", num_frames=5)
    else:
        made.write_exported(scene, num_frames=5)
    data = ScanNet(tmp_path, "all", CLASSES, align=align)
    scan, views = data[0], list(data.views(0, every=2, grid=grid))
    assert [view.name for view in views] == ["0", "2", "4"]
    size = made.COLOR_SIZE if grid == "color" else made.DEPTH_SIZE
    # The made depth knows the wall and the floor, not the squares before them.
    background = scan.select(scan.raw_labels <= 2)
    for view in views:
        assert view.rgb.shape[:2] == view.depth.shape == size
        found = project(view, background.xyz)
        rows, columns = found.pixels()
        measured = view.depth[rows, columns] > 0
        assert measured.sum() > SQUARE / 2
        assert visible(view, found)[found.inside][measured].all()
    if form == "sens" and grid == "color":
        assert np.array_equal(views[1].rgb, made.room_rgb(2)) and views[1].time == 2.0
        assert np.array_equal(views[1].K, made.COLOR_K)
    if grid == "depth":
        assert np.array_equal(views[0].K, made.DEPTH_K)
        stored = made.room_depth(made.camera_pose(0)).astype(np.float32) / np.float32(1000)
        assert np.array_equal(views[0].depth, stored)


def test_frames_exported_smaller_get_smaller_intrinsics(tmp_path: Path) -> None:
    scene = made.write_exported(made.write_scene(tmp_path), num_frames=1)
    small = Image.fromarray(made.room_rgb()).resize((48, 36))
    small.save(scene / "color" / "0.jpg")
    view = next(ScanNet(tmp_path, "all", CLASSES).views(0))
    assert view.K[0, 0] == 30 and view.K[0, 2] == pytest.approx(23.5)


def test_lost_frames_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    scene = made.write_scene(tmp_path)
    made.write_sens(scene / "scene0000_00.sens", num_frames=4, lost=[1, 2])
    assert [view.name for view in ScanNet(tmp_path, "all", CLASSES).views(0, every=1)] == ["0", "3"]
    assert "2 frames were left out, their camera was lost (pose not finite): 1, 2" in caplog.text


def test_extrinsics_of_a_stream_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = made.write_sens(made.write_scene(tmp_path) / "scene0000_00.sens")
    data = ScanNet(tmp_path, "all", CLASSES)
    assert next(data.views(0)) is not None and not caplog.messages
    stream = bytearray(path.read_bytes())
    at = 12 + len(b"StructureSensor") + 64 + 12  # the shift along x of the colour camera
    stream[at : at + 4] = np.float32(0.03).tobytes()
    path.write_bytes(stream)
    assert next(data.views(0)) is not None
    assert "states extrinsics of its cameras, which are not applied" in caplog.text


def test_scenes_without_frames(tmp_path: Path) -> None:
    made.write_scene(tmp_path)
    with pytest.raises(DataError, match=r"scene0000_00\.sens: missing, and no folder.*SensReader"):
        next(ScanNet(tmp_path, "all", CLASSES).views(0))
    with pytest.raises(ConfigError, match="grid='small'"):
        next(ScanNet(tmp_path, "all", CLASSES).views(0, grid="small"))
    with pytest.raises(ConfigError, match="every=0"):
        next(ScanNet(tmp_path, "all", CLASSES).views(0, every=0))


@pytest.mark.parametrize("grid", ["color", "depth"])
@pytest.mark.parametrize("packed", [False, True])
def test_pixels_have_the_labels_of_what_they_show(tmp_path: Path, packed: bool, grid: str) -> None:
    scene = made.write_scene(tmp_path, ids="nyu40")  # pictures hold raw ids even so
    made.write_sens(scene / "scene0000_00.sens")
    made.write_label_pictures(scene, [0, 2], packed)
    data = ScanNet(tmp_path, "all", CLASSES)
    views = list(data.views(0, every=1, grid=grid))
    assert [view.labels is None for view in views] == [False, True, False]
    for number in (0, 2):
        view = views[number]
        assert view.labels.shape == view.rgb.shape[:2]
        assert set(np.unique(view.labels)) == {-1, 0, 1}
        if grid == "color":
            stored = made.room_labels(made.camera_pose(number))
            assert np.array_equal(view.labels, np.select([stored == 1, stored == 3], [0, 1], -1))
        xyz, raw = data[0].xyz, data[0].raw_labels
        # Not at the foot of the wall, where a pixel shows both.
        clear = ((raw == 2) & (xyz[:, 0] < 2.8)) | ((raw == 1) & (xyz[:, 2] > 0.3))
        background = data[0].select(clear)
        found = project(view, background.xyz)
        seen = view.labels[found.pixels()]
        assert np.array_equal(seen[seen >= 0], background.labels[found.inside][seen >= 0])
        assert (seen >= 0).sum() > SQUARE / 2
    unlabelled = ScanNet(tmp_path, "all", CLASSES, labels="none")
    assert all(view.labels is None for view in unlabelled.views(0, every=1))


def test_label_pictures_of_smaller_colours(tmp_path: Path) -> None:
    scene = made.write_exported(made.write_scene(tmp_path), num_frames=1)
    Image.fromarray(made.room_rgb()).resize((48, 36)).save(scene / "color" / "0.jpg")
    made.write_label_pictures(scene, [0], packed=False)
    view = next(ScanNet(tmp_path, "all", CLASSES).views(0))
    stored = made.room_labels(made.camera_pose(0))
    wall = np.where(stored == 1, 0, np.where(stored == 3, 1, -1))
    assert view.labels.shape == (36, 48)
    # Each small pixel lies between two rows and shows one of them.
    assert ((view.labels == wall[::2, ::2]) | (view.labels == wall[1::2, ::2])).all()


def test_label_pictures_need_the_table(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    scene = made.write_scene(tmp_path, table=False)
    made.write_sens(scene / "scene0000_00.sens")
    made.write_label_pictures(scene, [0], packed=True)
    assert next(ScanNet(tmp_path, "all", CLASSES).views(0)).labels is None
    assert "pictures of labels are left out, because scannetv2-labels.combined.tsv" in caplog.text


def test_damaged_label_pictures(tmp_path: Path) -> None:
    scene = made.write_scene(tmp_path)
    made.write_sens(scene / "scene0000_00.sens")
    path = made.write_label_pictures(scene, [0], packed=True)
    data = bytearray(path.read_bytes())
    for start, message in (
        (60, r"_2d-label-filt\.zip, label-filt/0\.png: damaged .*Copy the archive again"),
        (len(data) - 20, r"_2d-label-filt\.zip, label-filt/0\.png: damaged .*not a zip file"),
    ):
        path.write_bytes(data[:start] + bytes(20) + data[start + 20 :])
        with pytest.raises(DataError, match=message):
            next(ScanNet(tmp_path, "all", CLASSES).views(0))
    path.unlink()
    folder = made.write_label_pictures(scene, [0], packed=False)
    Image.fromarray(made.room_rgb()).save(folder / "0.png")
    with pytest.raises(DataError, match=r"label-filt/0\.png: a picture of mode RGB"):
        next(ScanNet(tmp_path, "all", CLASSES).views(0))
