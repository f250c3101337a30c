"""RGB-D folders: pixels become points and points find their pixels again."""

from __future__ import annotations

import logging
import pickle
import shutil
import zlib
from pathlib import Path

import indoor_samples as made
import numpy as np
import pytest
from PIL import Image

from pcseg.data.catalogue import open_dataset
from pcseg.data.dataset import FrameId
from pcseg.data.projection import project, visible
from pcseg.data.readers.rgbd.frames import exported_frames
from pcseg.data.readers.rgbd.images import nearest, scaled_intrinsics, smooth
from pcseg.data.readers.rgbd.reader import RGBD
from pcseg.errors import ConfigError, DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made.write_seven_scenes(tmp_path / "office")


def known(step: int) -> np.ndarray:
    """(H, W) bool: where the made depth is known."""
    there = made.room_depth(made.camera_pose(step)) > 0
    there[0, 1] = False
    return there


def test_points_are_the_pixels_of_known_depth(folder: Path) -> None:
    scan = RGBD(folder)[1]
    rows, columns = np.nonzero(known(1))
    assert scan.attrs["pixel"].tolist() == (rows * made.DEPTH_SIZE[1] + columns).tolist()
    depth = made.room_depth(made.camera_pose(1))[rows, columns] / 1000
    # x forward, y left, z up: the camera's z, -x, -y.
    left = -(columns - made.DEPTH_K[0, 2]) / made.DEPTH_K[0, 0] * depth
    up = -(rows - made.DEPTH_K[1, 2]) / made.DEPTH_K[1, 1] * depth
    assert np.allclose(scan.xyz, np.stack([depth, left, up], axis=1), atol=1e-5)
    colors = made.room_rgb(1)[rows, columns] / np.float32(255)
    assert np.array_equal(scan.attrs["rgb"], colors.astype(np.float32))
    assert scan.labels is None and scan.meta["path"].endswith("frame-000010.depth.png")


def test_pose_leads_into_the_world_of_the_files(folder: Path) -> None:
    scan = RGBD(folder)[2]
    world = scan.xyz @ scan.pose[:3, :3].T + scan.pose[:3, 3]
    on_wall, on_floor = np.abs(world[:, 0] - 3) < 2e-3, np.abs(world[:, 2]) < 2e-3
    assert (on_wall | on_floor).all() and on_wall.any() and on_floor.any()


def test_each_point_projects_into_its_own_pixel(folder: Path) -> None:
    scan = RGBD(folder)[0]
    (view,) = scan.images
    found = project(view, scan.xyz)
    rows, columns = found.pixels()
    assert found.inside.all() and visible(view, found).all()
    assert np.array_equal(rows * made.DEPTH_SIZE[1] + columns, scan.attrs["pixel"])
    assert np.array_equal(view.rgb[rows, columns], np.rint(scan.attrs["rgb"] * 255))


def test_points_of_one_frame_are_seen_by_another(folder: Path) -> None:
    data = RGBD(folder)
    first, last = data[0], data[3]
    motion = np.linalg.inv(last.pose) @ first.pose
    moved = (first.xyz @ motion[:3, :3].T + motion[:3, 3]).astype(np.float32)
    found = project(last.images[0], moved)
    assert visible(last.images[0], found)[found.inside].mean() > 0.99


def test_frames_by_number_and_every(folder: Path) -> None:
    assert [f.frame for f in RGBD(folder, every=2).frames] == ["000000", "000020"]
    assert RGBD(folder, "office:10-20").frames == [
        FrameId("office", "000010"),
        FrameId("office", "000020"),
    ]


def test_joined_frames_lie_in_the_frame_of_the_first(folder: Path) -> None:
    data = RGBD(folder, join=3)
    assert [frame.frame for frame in data.frames] == ["000000", "000030"]
    assert [len(d.point_counts()) for d in (RGBD(folder), data)] == [len(RGBD(folder)), 2]
    scan, single = data[0], [RGBD(folder)[i] for i in range(3)]
    assert len(scan) == sum(map(len, single)) and len(scan.images) == 3
    assert np.bincount(scan.attrs["frame"]).tolist() == [len(s) for s in single]
    assert np.array_equal(scan.pose, single[0].pose)
    world = scan.xyz @ scan.pose[:3, :3].T + scan.pose[:3, 3]
    parts = [s.xyz @ s.pose[:3, :3].T + s.pose[:3, 3] for s in single]
    assert np.allclose(world, np.concatenate(parts), atol=1e-5)
    for number, view in enumerate(scan.images):
        mine = scan.select(scan.attrs["frame"] == number)
        assert visible(view, project(view, mine.xyz)).all()
    assert "frame" not in single[0].attrs


def test_without_pictures(folder: Path) -> None:
    scan = RGBD(folder, cameras=[])[0]
    assert scan.images == () and "rgb" in scan.attrs
    with pytest.raises(ConfigError, match=r"no camera 'depth'.*Cameras of rgbd there: color"):
        RGBD(folder, cameras=["depth"])


def test_seven_scenes_with_sequences_and_its_lists(tmp_path: Path) -> None:
    for scene, sequences in (("chess", (1, 2)), ("fire", (1,))):
        for number in sequences:
            made.write_seven_scenes(tmp_path / scene / f"seq-{number:02d}", 2, intrinsics=False)
        (tmp_path / scene / "TrainSplit.txt").write_text("sequence1\n")
    (tmp_path / "chess" / "TestSplit.txt").write_text("sequence2\r\n")
    np.savetxt(tmp_path / "camera-intrinsics.txt", made.DEPTH_K)
    assert len(RGBD(tmp_path)) == 6
    train = RGBD(tmp_path, "train")
    assert {frame.sequence for frame in train.frames} == {"chess/seq-01", "fire/seq-01"}
    assert {frame.sequence for frame in RGBD(tmp_path / "chess", "test").frames} == {"seq-02"}
    assert len(train[0]) == known(0).sum()  # intrinsics are found above the frames
    assert len(RGBD(tmp_path, "chess/seq-02:0-0")) == 1
    with pytest.raises(ConfigError, match="'val' is not a split"):
        RGBD(tmp_path, "val")


def test_given_intrinsics(tmp_path: Path) -> None:
    folder = made.write_seven_scenes(tmp_path / "x", intrinsics=False)
    given = [*made.DEPTH_K[[0, 1], [0, 1]], *made.DEPTH_K[:2, 2]]
    scan = RGBD(folder, intrinsics=given)[0]
    np.savetxt(folder / "camera-intrinsics.txt", made.DEPTH_K)
    assert np.array_equal(scan.xyz, RGBD(folder)[0].xyz)


def test_given_intrinsics_are_the_depth_cameras(tmp_path: Path) -> None:
    given = [*made.DEPTH_K[[0, 1], [0, 1]], *made.DEPTH_K[:2, 2]]
    exported = made.write_exported(tmp_path / "scene", 1)
    shutil.rmtree(exported / "intrinsic")
    scan = RGBD(exported, intrinsics=given)[0]
    rows, columns = np.nonzero(made.room_depth(made.camera_pose()))
    assert scan.attrs["pixel"].tolist() == (rows * made.DEPTH_SIZE[1] + columns).tolist()
    # Pictures twice as large show the same: the middle of two by two pixels.
    folder = made.write_seven_scenes(tmp_path / "x", 1)
    small = RGBD(folder)[0]
    path = folder / "frame-000000.color.png"
    with Image.open(path) as image:
        image.resize((96, 72), Image.Resampling.NEAREST).save(path)
    large = RGBD(folder)[0]
    assert large.images[0].rgb.shape == (36, 48, 3)
    assert np.array_equal(large.attrs["rgb"], small.attrs["rgb"])


def test_frames_as_sens_reader_exports_them(tmp_path: Path) -> None:
    made.write_exported(tmp_path / "scene", num_frames=11)
    data = RGBD(tmp_path / "scene")
    assert [frame.frame for frame in data.frames] == [str(i) for i in range(11)]  # 2 before 10
    scan = data[10]
    assert len(scan) == (made.room_depth(made.camera_pose(10)) > 0).sum()
    world = scan.xyz @ scan.pose[:3, :3].T + scan.pose[:3, 3]
    assert (np.minimum(np.abs(world[:, 0] - 3), np.abs(world[:, 2])) < 2e-3).all()
    # The picture has other pixels than the depth: red and green tell which were looked up.
    at = np.stack(np.divmod(scan.attrs["pixel"], made.DEPTH_SIZE[1]), axis=1)[:, ::-1]
    seen = np.hstack([at, np.ones((len(at), 1))]) @ np.linalg.inv(made.DEPTH_K).T @ made.COLOR_K.T
    width_height = np.array(made.COLOR_SIZE[::-1])
    there = (seen[:, :2] > 0).all(1) & (seen[:, :2] < width_height - 1).all(1)
    beyond = (seen[:, :2] < -1).any(1) | (seen[:, :2] > width_height).any(1)
    red_green = scan.attrs["rgb"][:, :2] * 255
    assert np.abs(red_green / [2, 3] - seen[:, :2])[there].max() < 3 and there.mean() > 0.8
    assert (red_green[beyond] == 0).all() and beyond.any()


def test_lost_frames_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made.write_exported(tmp_path / "s", num_frames=4, lost=[1, 3])
    data = RGBD(tmp_path / "s", join=2)
    assert "2 frames were left out, their camera was lost (pose not finite): 1, 3" in caplog.text
    assert [frame.frame for frame in data.frames] == ["0"]
    assert len(data[0].images) == 2 and [view.name for view in data[0].images] == ["0", "2"]
    with pytest.raises(DataError, match="camera was lost in every frame"):
        RGBD(tmp_path / "s", "s:3-3")


def test_open_by_name_pickle_and_count(folder: Path) -> None:
    data = open_dataset("rgbd", folder, "all", intrinsics=[28, 28, 23, 17.5])
    again = pickle.loads(pickle.dumps(data))
    assert np.array_equal(again[1].xyz, data[1].xyz)
    assert data.point_counts().tolist() == [int(known(i).sum()) for i in range(4)]
    assert data.label_set.num_classes == 20  # ScanNet's classes, for predictions


def test_missing_and_damaged_files(folder: Path) -> None:
    depth, color = folder / "frame-000000.depth.png", folder / "frame-000000.color.png"
    pose = folder / "frame-000000.pose.txt"
    kept = {path: path.read_bytes() for path in (depth, color, pose)}
    for path in (depth, color):
        path.write_bytes(kept[path][: len(kept[path]) // 2])
        with pytest.raises(
            DataError, match=rf"{path.name}: (cannot be read|neither PNG).*Copy the file"
        ):
            RGBD(folder)[0]
        path.write_bytes(kept[path])
    Image.fromarray(made.room_rgb()).save(depth)
    with pytest.raises(DataError, match=r"depth\.png: a picture of mode RGB, where one channel"):
        RGBD(folder)[0]
    depth.write_bytes(kept[depth])
    for text, message in (
        ("1 2 3\n4 5 6\n", r"pose\.txt: 2 lines of \[3\] numbers"),
        ("1 0 0 0\n0 1 0 x\n", r"pose\.txt, line 2: could not convert.*Copy the file again"),
        ("2 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", r"pose\.txt: the pose is not a rigid transform"),
        ("", r"pose\.txt: 0 lines"),
    ):
        pose.write_text(text)
        with pytest.raises(DataError, match=message):
            RGBD(folder)[0]
    pose.unlink()
    with pytest.raises(DataError, match=r"pose\.txt: cannot be read .*Is the copy complete"):
        RGBD(folder)[0]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_absurd_pictures_are_refused_unread(folder: Path) -> None:
    path = folder / "frame-000000.color.png"
    data = bytearray(path.read_bytes())
    data[16:24] = (12000).to_bytes(4, "big") * 2  # width and height in the header of a PNG
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"12000 x 12000 pixels, more than any camera has"):
        RGBD(folder)[0]


def test_folders_that_hold_no_frames(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: no frames here.*7-Scenes.*SensReader"):
        RGBD(tmp_path / "empty")
    (folder / "camera-intrinsics.txt").unlink()
    with pytest.raises(DataError, match=r"camera-intrinsics\.txt: missing.*\[585, 585, 320, 240\]"):
        RGBD(folder)
    np.savetxt(folder / "camera-intrinsics.txt", np.eye(3) * -1)
    with pytest.raises(DataError, match=r"not the intrinsics of a pinhole camera"):
        RGBD(folder)
    made.write_exported(tmp_path / "scene")
    (tmp_path / "scene" / "intrinsic" / "intrinsic_depth.txt").unlink()
    with pytest.raises(DataError, match=r"intrinsic_depth\.txt: missing.*--export_intrinsics"):
        RGBD(tmp_path / "scene")


def test_settings_that_cannot_be(folder: Path) -> None:
    with pytest.raises(ConfigError, match="join=0"):
        RGBD(folder, join=0)
    with pytest.raises(ConfigError, match="give fx, fy, cx, cy"):
        RGBD(folder, intrinsics=[585])


def test_lost_poses_as_microsofts_compiler_writes_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = made.write_exported(tmp_path / "s", num_frames=2)
    (folder / "pose" / "1.txt").write_text("-1.#INF -1.#INF -1.#INF -1.#INF\n" * 4)
    with caplog.at_level(logging.WARNING):
        names = [frame.name for frame in exported_frames(folder).read()]
    assert names == ["0"] and "1 frames were left out, their camera was lost" in caplog.text


def test_one_cameras_picture_on_the_others_grid() -> None:
    rgb = made.room_rgb()
    same = smooth(rgb, made.COLOR_K, made.COLOR_K, made.COLOR_SIZE)
    assert np.array_equal(same, rgb)
    gray = rgb[..., 0]
    assert np.array_equal(nearest(gray, made.COLOR_K, made.COLOR_K, made.COLOR_SIZE), gray)
    small = nearest(gray, made.COLOR_K, made.DEPTH_K, made.DEPTH_SIZE)
    columns = (np.arange(48) - 23.0) / 28 * 60 + 47.5
    inside = (columns > 0) & (columns < 95)
    assert np.abs(small[18, inside] / 2 - columns[inside]).max() <= 0.5
    mixed = smooth(rgb, made.COLOR_K, made.DEPTH_K, made.DEPTH_SIZE)[..., 0]
    assert np.abs(mixed[18, inside] / 2 - columns[inside]).max() <= 0.5
    assert (small[:, ~inside] == 0).all() or inside.all()


def test_intrinsics_of_a_resized_picture() -> None:
    K = scaled_intrinsics(made.COLOR_K, made.COLOR_SIZE, (36, 48))
    # The middle of the picture stays the middle: (W - 1) / 2 where pixels are counted by centres.
    assert K[0, 2] == pytest.approx(23.5) and K[1, 2] == pytest.approx(17.5)
    assert K[0, 0] == K[1, 1] == 30


@pytest.mark.realdata
def test_genuine_frames_agree_on_their_depth(realdata: Path) -> None:
    data = RGBD(realdata / "rgbd_7scenes")
    assert len(data) == 10
    first, later = data[0], data[1]
    assert first.images[0].rgb.shape == (480, 640, 3)
    assert len(first) == (first.images[0].depth > 0).sum() > 250_000
    motion = np.linalg.inv(later.pose) @ first.pose
    moved = (first.xyz @ motion[:3, :3].T + motion[:3, 3]).astype(np.float32)
    (view,) = later.images
    found = project(view, moved)
    rows, columns = found.pixels()
    measured = view.depth[rows, columns] > 0
    assert found.inside.mean() > 0.9
    assert visible(view, found)[found.inside][measured].mean() > 0.98
