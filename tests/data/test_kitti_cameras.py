"""Cameras of the KITTI layouts: baselines, missing pictures, pixel labels, genuine geometry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scan_samples import TR

from pcseg.data.projection import project
from pcseg.data.readers.kitti.cameras import kitti_lens
from pcseg.data.readers.kitti.files import read_calib
from pcseg.data.readers.kitti.semantickitti import SemanticKITTI
from pcseg.data.scan import View
from pcseg.errors import ConfigError, DataError, LabelError
from pcseg.io.pictures import read_picture, read_pixel_ids

P2 = "7e1 0 6.0e1 4.5 0 7e1 1.8e1 -0.3 0 0 1 5e-3"
P3 = "7e1 0 6.0e1 -33.4 0 7e1 1.8e1 2.3 0 0 1 3e-3"
SIZE = (37, 121)  # height, width
Write = Callable[..., Path]


@pytest.fixture
def folder(write_sequence: Write) -> Path:
    """Sequence 00 of three frames; two have a left picture, one of them with labels."""
    folder = write_sequence()
    lines = (folder / "calib.txt").read_text().splitlines()
    lines[2:4] = [f"P2: {P2}", f"P3: {P3}"]
    (folder / "calib.txt").write_text("\n".join(lines) + "\n")
    for name in ("image_2", "image_2_labels"):
        (folder / name).mkdir()
    rng = np.random.default_rng(0)
    for frame in (0, 2):
        rgb = rng.integers(0, 256, (*SIZE, 3), np.uint8)
        Image.fromarray(rgb).save(folder / f"image_2/{frame:06d}.png")
    ids = rng.choice(np.array([10, 252, 40, 0], np.uint16), SIZE)
    Image.fromarray(ids).save(folder / "image_2_labels/000002.png")
    return folder


def open_all(folder: Path, **options: object) -> SemanticKITTI:
    return SemanticKITTI(folder.parents[1], "00", cameras=["all"], **options)  # type: ignore[arg-type]


def test_pictures_and_their_labels(folder: Path) -> None:
    data = open_all(folder)
    first, second, third = (scan.images for scan in data)
    assert second == ()  # no picture was taken
    assert first[0].labels is None and first[0].name == "image_2"
    assert first[0].time == pytest.approx(0.0) and third[0].time == pytest.approx(0.2)
    stored = np.asarray(Image.open(folder / "image_2/000002.png"))
    assert np.array_equal(third[0].rgb, stored)
    ids = np.asarray(Image.open(folder / "image_2_labels/000002.png"))
    expected = np.select([ids == 10, ids == 252, ids == 40], [0, 0, 8], -1)
    assert third[0].labels.dtype == np.int64 and np.array_equal(third[0].labels, expected)
    assert open_all(folder, labels="none")[2].images[0].labels is None
    assert SemanticKITTI(folder.parents[1], "00")[0].images == ()  # pictures cost time: not asked


def test_projection_is_p_times_tr(folder: Path) -> None:
    """The view's two matrices together give what KITTI's document writes as P · Tr · x."""
    view = open_all(folder)[0].images[0]
    tr = np.vstack([np.array(TR.split(), float).reshape(3, 4), [0, 0, 0, 1]])
    points = np.random.default_rng(1).uniform([5, -3, -1.5], [40, 3, 1], (50, 3))
    homogeneous = np.column_stack([points, np.ones(50)])
    expected = homogeneous @ tr.T @ np.array(P2.split(), float).reshape(3, 4).T
    found = project(view, points)
    np.testing.assert_allclose(found.uv, expected[:, :2] / expected[:, 2:], atol=1e-9)
    np.testing.assert_allclose(found.depth, expected[:, 2], atol=1e-9)
    assert view.K[0, 0] == 70 and view.K[0, 2] == 60
    rotation = view.camera_from_sensor[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)


def test_calib_of_the_reader_is_the_files(folder: Path) -> None:
    calib = read_calib(folder / "calib.txt")
    assert calib["P3"][0, 3] == -33.4 and calib["P3"].shape == (4, 4)
    lens = kitti_lens(calib, 3, folder / "calib.txt")
    # K · t = (-33.4, 2.3, 0.003): the camera sits 0.48 m to the right of camera 0.
    shift = (lens.camera_from_sensor @ np.linalg.inv(calib["Tr"]))[:3, 3]
    np.testing.assert_allclose(lens.K @ shift, [-33.4, 2.3, 0.003], atol=1e-12)


def test_required_pictures(folder: Path) -> None:
    with pytest.raises(DataError, match=r"image_2/000001\.png: missing, and pictures of image_2"):
        open_all(folder, require=("image_2",))
    assert len(SemanticKITTI(folder.parents[1], "00:0,2", require=("image_2",))) == 2
    with pytest.raises(ConfigError, match=r"no camera 'image_3'.*Cameras .* there: image_2"):
        SemanticKITTI(folder.parents[1], "00", cameras=["image_3"])
    with pytest.raises(ConfigError, match=r"require='image_9' is not possible"):
        open_all(folder, require=("image_9",))


def test_damaged_calibration(folder: Path) -> None:
    calib = (folder / "calib.txt").read_text()
    (folder / "calib.txt").write_text(calib.replace("P2:", "P9:"))
    with pytest.raises(DataError, match=r"calib\.txt: no line 'P2:'.*P0, P1, P9"):
        open_all(folder)
    (folder / "calib.txt").write_text(calib.replace(P2, TR))
    with pytest.raises(DataError, match=r"calib\.txt, P2: is no pinhole camera in pixels"):
        open_all(folder)
    (folder / "poses.txt").unlink()
    (folder / "calib.txt").unlink()
    with pytest.raises(DataError, match=r"calib\.txt: cannot be read"):
        open_all(folder)
    assert len(SemanticKITTI(folder.parents[1], "00")) == 3  # without cameras nobody needs it


def test_damaged_pictures(folder: Path) -> None:
    path = folder / "image_2/000000.png"
    good = path.read_bytes()
    for bad, message in (
        (good[: len(good) // 2], r"000000\.png: cannot be read \(.*truncated.*Copy the file"),
        (b"GIF89a" + good, r"000000\.png: neither PNG nor JPEG"),
        (b"", "neither PNG nor JPEG"),
        (_claiming(good, 60_000, 60_000), r"000000\.png: .*(60000 x 60000|exceeds limit)"),
    ):
        path.write_bytes(bad)
        with pytest.raises(DataError, match=message):
            open_all(folder)[0]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_sizes_are_checked_before_pixels_are_decoded(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a.png")
    good = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(_claiming(good, 11_000, 11_000))
    with pytest.raises(DataError, match=r"a\.png: claims 11000 x 11000 pixels"):
        read_picture(tmp_path / "a.png")


def test_damaged_pixel_labels(folder: Path) -> None:
    path = folder / "image_2_labels/000002.png"
    Image.fromarray(np.full(SIZE, 12, np.uint16)).save(path)
    with pytest.raises(LabelError, match=r"image_2_labels/000002\.png: raw label 12 \(4477 poin"):
        open_all(folder)[2]
    Image.fromarray(np.zeros((5, 7), np.uint16)).save(path)
    with pytest.raises(LabelError, match=r"000002\.png: 7 x 5 labels for a picture of 121 x 37"):
        open_all(folder)[2]
    Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(path)
    with pytest.raises(LabelError, match=r"000002\.png: holds colours \(mode RGB\).*label ids"):
        open_all(folder)[2]


def test_ids_of_any_whole_number_picture(tmp_path: Path) -> None:
    ids = np.array([[0, 3], [200, 40]])
    Image.fromarray(ids.astype(np.uint8)).save(tmp_path / "grey.png")
    palette = Image.fromarray(ids.astype(np.uint8), mode="P")
    palette.putpalette(list(range(256)) * 3)
    palette.save(tmp_path / "palette.png")
    Image.fromarray(ids.astype(np.uint16)).save(tmp_path / "wide.png")
    for path in tmp_path.iterdir():
        found = read_pixel_ids(path, (2, 2))
        assert found.dtype == np.int64 and np.array_equal(found, ids)
    grey = read_picture(tmp_path / "grey.png")
    assert grey.shape == (2, 2, 3) and (grey[1, 0] == 200).all()


@pytest.mark.realdata
def test_genuine_pedestrian_stands_where_its_box_says(realdata: Path) -> None:
    """Frame 000000 of KITTI's object set: points of the one 3D box fall into its 2D box."""
    folder = realdata / "kitti_object/training"
    calib = _object_calib(folder / "calib/000000.txt")
    lens = kitti_lens(calib, 2, folder / "calib/000000.txt")
    rgb = read_picture(folder / "image_2/000000.png")
    assert rgb.shape == (370, 1224, 3)
    view = View(rgb, lens.K, lens.camera_from_sensor)
    xyz = np.fromfile(folder / "velodyne/000000.bin", "<f4").reshape(-1, 4)[:, :3]
    found = project(view, xyz)
    assert 0.1 < found.inside.mean() < 0.25  # the camera sees 80 of 360 degrees
    words = (folder / "label_2/000000.txt").read_text().split()
    left, top, right, bottom, high, wide, long, x, y, z, turn = map(float, words[4:15])
    camera0 = xyz @ calib["Tr"][:3, :3].T + calib["Tr"][:3, 3] - (x, y, z)
    cosine, sine = np.cos(turn), np.sin(turn)
    along = cosine * camera0[:, 0] - sine * camera0[:, 2]
    across = sine * camera0[:, 0] + cosine * camera0[:, 2]
    in_box = (abs(along) < long / 2) & (abs(across) < wide / 2) & (camera0[:, 1] < 0)
    in_box &= camera0[:, 1] > -high
    assert in_box.sum() > 200
    u, v = found.uv[in_box].T
    near = (u > left - 2) & (u < right + 2) & (v > top - 2) & (v < bottom + 2)
    assert near.mean() > 0.99


def _object_calib(path: Path) -> dict[str, np.ndarray]:
    """KITTI's object layout: rectification and mount are separate lines; together they are Tr."""
    named = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
    numbers = {key: np.array(row.split(), float) for key, row in named.items()}
    calib = {}
    for key in ("P2", "Tr_velo_to_cam"):
        calib[key] = np.vstack([numbers[key].reshape(3, 4), [0, 0, 0, 1]])
    rectified = np.eye(4)
    rectified[:3, :3] = numbers["R0_rect"].reshape(3, 3)
    return {"P2": calib["P2"], "Tr": rectified @ calib["Tr_velo_to_cam"]}


def _claiming(png: bytes, width: int, height: int) -> bytes:
    """A PNG whose header claims another size, with the right checksum."""
    import zlib

    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + png[24:29]
    return png[:12] + header + zlib.crc32(header).to_bytes(4, "big") + png[33:]
