"""Pictures in the SemanticKITTI twin: written, read back, calibrated, resumed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pcseg.data.projection import project
from pcseg.data.readers.kitti.semantickitti import SemanticKITTI
from pcseg.errors import ConfigError
from pcseg.sim import simulate
from pcseg.sim.classes import fine_to_semantickitti
from pcseg.sim.record import Recorder
from pcseg.sim.writers.semantickitti import LIDAR_TO_CAMERA, SemanticKittiWriter
from tests.streets import street

LIGHT = {"sensor": "vlp16", "columns_step": 4, "frames": 2, "frame_step": 4.0, "image_scale": 0.25}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    return simulate(folder, seed=3, cameras=["image_2", "image_3"], **LIGHT).root


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_the_reader_gets_what_the_camera_saw(root: Path) -> None:
    rig = SemanticKittiWriter.rig("vlp16").with_cameras(["image_2", "image_3"], 0.25).thinned(4, 1)
    recorder = Recorder(street([3, 0, 0]), rig)
    frame = recorder.record(0.5, [3, 0, 1, 1])
    scan = SemanticKITTI(root, "all", cameras=["all"])[1]
    assert [view.name for view in scan.images] == ["image_2", "image_3"]
    for view, picture in zip(scan.images, frame.pictures, strict=True):
        np.testing.assert_array_equal(view.rgb, picture.rgb)
        np.testing.assert_allclose(view.K, picture.camera.K, atol=1e-9)
        matrix = np.linalg.inv(picture.camera.body_from_camera) @ rig.main.body_from_sensor
        np.testing.assert_allclose(view.camera_from_sensor, matrix, atol=1e-9)
        raw = np.asarray(Image.open(root / f"sequences/00/{view.name}_labels/000001.png"))
        assert raw.dtype == np.uint16
        np.testing.assert_array_equal(raw, fine_to_semantickitti(picture.labels))


def test_points_have_the_class_of_their_pixel(root: Path) -> None:
    """Without a depth map: what only the LiDAR sees, past an edge, counts as a difference."""
    same = inside = 0
    for scan in SemanticKITTI(root, "all", cameras=["image_2"]):
        (view,) = scan.images
        found = project(view, scan.xyz)
        rows, columns = found.pixels()
        same += (view.labels[rows, columns] == scan.labels[found.inside]).sum()
        inside += found.inside.sum()
    assert inside > 300 and same / inside > 0.85


def test_calib_holds_the_cameras_of_the_rig(root: Path) -> None:
    rig = SemanticKittiWriter.rig(None)
    assert [(c.name, c.width, c.height) for c in rig.cameras] == [
        ("image_2", 1241, 376),
        ("image_3", 1241, 376),
    ]
    lines = (root / "sequences/00/calib.txt").read_text().splitlines()
    rows = {line.split(":")[0]: np.array(line.split()[1:], float).reshape(3, 4) for line in lines}
    np.testing.assert_allclose(rows["Tr"], LIDAR_TO_CAMERA[:3], atol=1e-12)
    K = rig.cameras[0].scaled(0.25).K
    for name, baseline in (("P0", 0.0), ("P1", 0.54), ("P2", -0.06), ("P3", 0.48)):
        np.testing.assert_allclose(rows[name][:, :3], K, atol=1e-9)
        np.testing.assert_allclose(rows[name][:, 3], [-K[0, 0] * baseline, 0, 0], atol=1e-9)


def test_full_size_calibration_without_pictures(tmp_path: Path) -> None:
    rig = SemanticKittiWriter.rig(None).with_cameras([])
    SemanticKittiWriter(tmp_path, rig).write_sequence("00", np.eye(4)[None], [0.0])
    folder = tmp_path / "sequences/00"
    assert not list(folder.glob("image_*"))
    assert "P2: 7.188560000000e+02 0.0" in (folder / "calib.txt").read_text()


def test_lost_pictures_are_taken_again_and_leftovers_removed(root: Path, tmp_path: Path) -> None:
    def run() -> int:
        return simulate(tmp_path, seed=3, cameras=["all"], **LIGHT).written

    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    assert run() == 0
    before = contents(root)
    folder = tmp_path / "sequences/00"
    (folder / "image_3/000001.png").unlink()
    assert run() == 1
    (folder / "image_2_labels/000000.png").unlink()
    (folder / "image_2/.000000.a8_b9xyz.png").write_bytes(b"half")
    assert run() == 1
    assert contents(tmp_path) == before


def test_a_camera_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no camera 'image_0'"):
        simulate(tmp_path, cameras=["image_0"], **LIGHT)
