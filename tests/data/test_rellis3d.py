"""RELLIS-3D: rays without a return, lists of scans, the camera; the genuine frame."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pcseg.data.projection import project
from pcseg.data.readers.kitti.rellis3d import CAMERA, Rellis3D
from pcseg.errors import DataError, LabelError

CLOUDS, LABELS = "os1_cloud_node_kitti_bin", "os1_cloud_node_semantickitti_label_id"
# Camera 1 m ahead of the LiDAR, looking along its x: columns are the camera's axes.
TRANSFORMS = """\
os1_cloud_node-pylon_camera_node:
  q: {w: 0.5, x: -0.5, y: 0.5, z: -0.5}
  t: {x: 1.0, y: 0.0, z: 0.0}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Frames 0 to 3 of sequence 00000; the picture of frame 2, with labels."""
    sequence = tmp_path / "Rellis-3D" / "00000"
    for name in (CLOUDS, LABELS, CAMERA, f"{CAMERA}_label_id"):
        (sequence / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for frame in range(4):
        cloud = rng.uniform(-20, 20, (30, 4)).astype("<f4")
        cloud[:, 3] = rng.uniform(0, 0.012, 30)
        cloud[::3] = 0
        cloud.tofile(sequence / CLOUDS / f"{frame:06d}.bin")
        ids = np.resize(np.array([0, 3, 4], "<u4"), 30)
        ids.tofile(sequence / LABELS / f"{frame:06d}.label")
    stem = "frame000002-1581624663_149"
    Image.fromarray(rng.integers(0, 255, (20, 30, 3), np.uint8)).save(
        sequence / CAMERA / f"{stem}.jpg"
    )
    Image.fromarray(np.full((20, 30), 3, np.uint8)).save(sequence / f"{CAMERA}_label_id/{stem}.png")
    (sequence / "camera_info.txt").write_text("40.0 41.0 14.5 9.5")
    (sequence / "transforms.yaml").write_text(TRANSFORMS)
    rows = [f"1 0 0 {i} 0 1 0 0 0 0 1 0\n" for i in range(4)]
    (sequence / "poses.txt").write_text("".join(rows))
    return tmp_path


def test_rays_without_a_return_stay_and_are_marked(root: Path) -> None:
    for given in (root, root / "Rellis-3D"):
        scan = Rellis3D(given, "all")[1]
    assert len(scan) == 30 and scan.attrs["valid"].tolist() == [i % 3 > 0 for i in range(30)]
    assert (scan.labels[~scan.attrs["valid"]] == -1).all()
    assert scan.labels[1] == scan.meta.get("grass", 0) == 0 and scan.pose[0, 3] == 1
    path = root / "Rellis-3D/00000" / CLOUDS / "000001.bin"
    cloud = np.fromfile(path, "<f4").reshape(-1, 4)
    assert np.array_equal(scan.attrs["intensity"], cloud[:, 3])
    cloud[4, 1] = np.nan
    cloud.tofile(path)
    valid = Rellis3D(root, "all", invalid="ignore")[1].attrs["valid"]
    assert valid.tolist() == [i % 3 > 0 and i != 4 for i in range(30)]
    cloud[:, 0] = 1
    cloud[4, 1] = 1
    cloud.tofile(path)
    assert "valid" not in Rellis3D(root, "all")[1].attrs


def test_camera(root: Path) -> None:
    data = Rellis3D(root, "00000:0-3", cameras=[CAMERA])
    assert [len(scan.images) for scan in data] == [0, 0, 1, 0]
    view = data[2].images[0]
    assert view.time == pytest.approx(1581624663.149) and view.rgb.shape == (20, 30, 3)
    assert (view.labels == data.label_set.names.index("grass")).all()
    # 4 m ahead of the camera, 1 m to the left, 0.5 m up.
    found = project(view, np.array([[5.0, 1.0, 0.5]]))
    np.testing.assert_allclose(found.uv, [[14.5 - 10, 9.5 - 41 / 8]], atol=1e-9)
    with pytest.raises(DataError, match=r"frame000000-\*\.jpg: missing, and pictures of pylon"):
        Rellis3D(root, "all", require=(CAMERA,))


def test_splits_are_lists_of_scans(root: Path) -> None:
    def line(frame: int) -> str:
        return f"00000/{CLOUDS}/{frame:06d}.bin 00000/{LABELS}/{frame:06d}.label\n"

    (root / "Rellis-3D/pt_val.lst").write_text(line(3) + line(1) + "\n")
    assert [frame.frame for frame in Rellis3D(root, "val").frames] == ["000001", "000003"]
    (root / "pt_test.lst").write_text(line(0))  # beside the unpacked folder
    assert len(Rellis3D(root, "test")) == 1
    with pytest.raises(DataError, match=r"pt_train\.lst: missing.*archive of split files"):
        Rellis3D(root, "train")
    (root / "pt_test.lst").write_text(line(0) + line(9))
    with pytest.raises(DataError, match=r"1 scans of split 'test' are missing.*first is 000009"):
        Rellis3D(root, "test")
    (root / "pt_test.lst").write_text("../../etc/passwd x\n")
    with pytest.raises(DataError, match=r"pt_test\.lst, line 1: '\.\./\.\./etc"):
        Rellis3D(root, "test")
    (root / "pt_test.lst").write_text("\n")
    with pytest.raises(DataError, match=r"pt_test\.lst: an empty list"):
        Rellis3D(root, "test")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("camera_info.txt", "1 2 3", r"camera_info\.txt: expected four numbers, fx fy cx cy"),
        ("camera_info.txt", "40 nan 14 9", r"camera_info\.txt: a number is not finite"),
        ("camera_info.txt", "0 0 14 9", r"camera_info\.txt, fx fy: is no pinhole"),
        ("transforms.yaml", "os1: {", r"transforms\.yaml: expected 'os1_cloud_node-pylon_camera"),
        ("transforms.yaml", "other: 1", r"transforms\.yaml: expected .*KeyError"),
        ("transforms.yaml", TRANSFORMS.replace("w: 0.5", "w: 5"), "quaternion has length 5"),
        ("transforms.yaml", TRANSFORMS.replace("1.0", ".nan"), "translation is not finite"),
        ("transforms.yaml", "!!python/object/apply:os.getcwd []", "transforms.yaml: expected"),
        ("poses.txt", "1 0 0 0 0 1 0 0 0 0 1 0\n", r"poses\.txt: 1 lines, but frame 00000/000001"),
    ],
)
def test_damaged_small_files(root: Path, file: str, text: str, message: str) -> None:
    (root / "Rellis-3D/00000" / file).write_text(text)
    with pytest.raises(DataError, match=message):
        Rellis3D(root, "all", cameras=[CAMERA])


def test_missing_calibration_and_unknown_ids(root: Path) -> None:
    sequence = root / "Rellis-3D/00000"
    (sequence / "camera_info.txt").unlink()
    with pytest.raises(DataError, match=r"camera_info\.txt: cannot be read.*calibration"):
        Rellis3D(root, "all", cameras=[CAMERA])
    assert len(Rellis3D(root, "all")) == 4
    np.full(30, 2, "<u4").tofile(sequence / LABELS / "000000.label")
    with pytest.raises(LabelError, match=r"000000\.label: raw label 2 \(30 points\)"):
        Rellis3D(root, "all")[0]


@pytest.mark.realdata
def test_genuine_frame_agrees_with_its_picture_as_the_source_states(
    realdata: Path, tmp_path: Path
) -> None:
    """7,428 points fall into the picture, 77 % with the same id in both labels (SOURCE.md)."""
    sample, sequence = realdata / "rellis3d", tmp_path / "00000"
    picture = "frame000104-1581624663_149"
    for name, folder in (
        ("000104.bin", CLOUDS),
        ("000104.label", LABELS),
        (f"{picture}.jpg", CAMERA),
        (f"{picture}.png", f"{CAMERA}_label_id"),
        ("camera_info.txt", "."),
        ("transforms.yaml", "."),
    ):
        (sequence / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(sample / name, sequence / folder / name)
    scan = Rellis3D(tmp_path, "all", "rellis3d/full", cameras=["all"])[0]
    assert len(scan) == 131_072 and (~scan.attrs["valid"]).sum() == 53_364
    ids, counts = np.unique(scan.raw_labels[scan.attrs["valid"]], return_counts=True)
    assert ids.tolist() == [0, 3, 4, 17, 18, 19, 23, 31, 33] and counts[6] == 20_242
    view = scan.images[0]
    assert view.rgb.shape == (1200, 1920, 3)
    found = project(view, scan.xyz)
    assert found.inside.sum() == pytest.approx(7_428, abs=2)
    same = scan.labels[found.inside] == view.labels[found.pixels()]
    assert same.mean() == pytest.approx(0.77, abs=0.01)
