"""Simulated nuScenes: the way back through the reader, and through the data set's own devkit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pcseg.data.projection import project, visible
from pcseg.data.readers.nuscenes.reader import OUTSIDE, NuScenes
from pcseg.data.scan import Scan
from pcseg.data.splits import splits
from pcseg.errors import DataError, LabelError
from pcseg.sim import Simulation, World, sensor, simulate
from pcseg.sim import classes as sim
from pcseg.sim.record import Frame, Recorder
from pcseg.sim.rig import Camera
from pcseg.sim.writers.nuscenes.ids import (
    CAR_ITSELF,
    THINGS,
    attribute,
    categories,
    panoptic,
    scene_names,
)
from pcseg.sim.writers.nuscenes.rig import nuscenes_rig, quaternion
from pcseg.sim.writers.nuscenes.writer import NuScenesWriter, flat


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Simulation, list[Frame]]:
    """A tiny data set, and the frames as they came from the world."""
    frames: list[Frame] = []
    write = NuScenesWriter.write_frame

    def spy(self: NuScenesWriter, sequence: str, number: int, frame: Frame) -> None:
        frames.append(frame)
        write(self, sequence, number, frame)

    root = tmp_path_factory.mktemp("nuscenes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NuScenesWriter, "write_frame", spy)
        light = {"columns_step": 8, "image_scale": 0.1, "frames": 2, "seed": 3}
        made = simulate(root, layout="nuscenes", sequences=("08",), **light)
    return made, frames


@pytest.fixture(scope="module")
def twin(simulated: tuple[Simulation, list[Frame]]) -> Simulation:
    return simulated[0]


@pytest.fixture(scope="module")
def recorded(simulated: tuple[Simulation, list[Frame]]) -> list[Frame]:
    return simulated[1]


@pytest.fixture(scope="module")
def scans(twin: Simulation) -> list[Scan]:
    return list(NuScenes(twin.root, "val", cameras=["all"], labels="required"))


def rows(twin: Simulation, table: str) -> list[dict[str, Any]]:
    return _table(twin.root, table)


def sorted_rows(*columns: np.ndarray) -> np.ndarray:
    table = np.column_stack(columns)
    return table[np.lexsort(table.T)]


def test_points_and_labels_come_back(scans: list[Scan], recorded: list[Frame]) -> None:
    assert len(scans) == len(recorded) == 2
    for scan, frame in zip(scans, recorded, strict=True):
        truth = frame.scans[0]
        seen = scan.select(scan.raw_labels != CAR_ITSELF)
        assert len(seen) == len(truth) > 2000
        assert len(scan) == 32 * -(-1085 // 8)  # every ray is a point
        category = categories(truth.raw_labels)
        object_of = np.where(np.isin(category, THINGS), truth.instances, 0)
        np.testing.assert_array_equal(
            sorted_rows(seen.xyz, seen.raw_labels, seen.instances % 1000, seen.attrs["ring"]),
            sorted_rows(truth.xyz, category, object_of, 31 - truth.attrs["ring"]),
        )
        bright = [np.sort(part.attrs["intensity"]) for part in (seen, truth)]
        np.testing.assert_allclose(*bright, atol=0.5 / 255 + 1e-6)
        # Rays without a return lie where the sensor was: 8 m/s times 1/40 s at most.
        lost = scan.xyz[scan.raw_labels == CAR_ITSELF]
        assert 0.1 < len(lost) / len(scan) < 0.5
        assert 0.1 < np.abs(lost[:, 0]).max() < 0.21 and np.abs(lost[:, 1:]).max() < 0.02


def test_order_of_the_file(scans: list[Scan]) -> None:
    for scan in scans:
        ring = scan.attrs["ring"].reshape(-1, 32)
        assert (ring == np.arange(32)).all()  # columns from the lowest beam up
        seen = (scan.raw_labels != CAR_ITSELF).reshape(-1, 32)
        angle = np.arctan2(scan.xyz[:, 1], scan.xyz[:, 0]).reshape(-1, 32)
        column = [np.median(angle[k][seen[k]]) for k in range(len(ring)) if seen[k].sum() > 8]
        # From the left clockwise, once around.
        turned = np.unwrap(np.pi / 2 - np.array(column))
        assert abs(turned[0]) < 0.3 and turned[-1] - turned[0] == pytest.approx(2 * np.pi, abs=0.3)
        assert (np.diff(turned) > 0).mean() > 0.98


def test_poses_times_and_names(scans: list[Scan], recorded: list[Frame], twin: Simulation) -> None:
    for number, (scan, frame) in enumerate(zip(scans, recorded, strict=True)):
        truth = flat(frame.body) @ np.linalg.inv(frame.body) @ frame.scans[0].pose
        np.testing.assert_allclose(scan.pose, truth, atol=1e-9)
        assert (scan.meta["sequence"], scan.meta["frame"]) == ("scene-0103", f"{number:02d}")
        assert scan.meta["time"] - scans[0].meta["time"] == pytest.approx(frame.time, abs=1e-6)
        assert scan.meta["simulated"] is True
    assert {row["translation"][2] for row in rows(twin, "ego_pose")} == {0.0}


def test_sweeps_come_back(twin: Simulation, recorded: list[Frame]) -> None:
    data = NuScenes(twin.root, "val", sweeps=9)
    assert [scan.meta["sweeps"] for scan in data] == [0, 9]
    scan, key = data[1], recorded[1].scans[0]
    assert len(recorded[1].sweeps) == 9
    for back, truth in enumerate(reversed(recorded[1].sweeps), 1):
        part = scan.select(scan.attrs["sweep"] == back)
        np.testing.assert_allclose(part.attrs["time"], -back / 20, atol=1e-5)
        assert (part.labels == -1).all()
        # The flat localisation loses only the slope of the road.
        into = np.linalg.inv(key.pose) @ truth.pose
        back_again = (part.xyz - into[:3, 3]) @ into[:3, :3]
        returned = np.linalg.norm(back_again, axis=1) > 0.9
        assert returned.sum() == len(truth)
        ours, ring = back_again[returned], part.attrs["ring"][returned]
        np.testing.assert_allclose(
            ours[_around(ours, ring)], truth.xyz[_around(truth.xyz, 31 - truth.attrs["ring"])],
            atol=0.1,
        )  # fmt: skip


def _around(xyz: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """Order by ring, and by azimuth within a ring."""
    return np.lexsort((np.arctan2(xyz[:, 1], xyz[:, 0]), ring))


def test_pictures_come_back(scans: list[Scan], recorded: list[Frame]) -> None:
    for scan, frame in zip(scans, recorded, strict=True):
        truth_of = {picture.camera.name: picture for picture in frame.pictures}
        assert len(scan.images) == 6
        for view in scan.images:
            truth = truth_of[view.name]
            np.testing.assert_allclose(view.K, truth.camera.K)
            np.testing.assert_allclose(
                view.camera_from_sensor,
                np.linalg.inv(truth.pose) @ frame.scans[0].pose,
                atol=1e-9,
            )
            assert view.rgb.shape == truth.rgb.shape == (90, 160, 3)
            assert np.abs(view.rgb.astype(float) - truth.rgb).mean() < 4  # JPEG
            np.testing.assert_array_equal(view.labels < 0, view.labels == -1)
            np.testing.assert_allclose(view.depth, truth.depth, atol=1 / 500)
            assert view.time == pytest.approx(scan.meta["time"])


def test_pixels_show_the_classes_of_their_points(scans: list[Scan]) -> None:
    same = total = 0
    for scan in scans:
        for view in scan.images:
            found = project(view, scan.xyz)
            row, column = found.pixels()
            labels = scan.labels[found.inside]
            counted = visible(view, found)[found.inside] & (labels >= 0)
            same += (view.labels[row, column] == labels)[counted].sum()
            total += counted.sum()
    assert total > 1500 and same / total >= 0.95


def test_boxes_hold_their_objects(twin: Simulation, recorded: list[Frame]) -> None:
    seg = NuScenes(twin.root, "val")
    boxes = NuScenes(twin.root, "val", labels_from="boxes")
    inside = total = 0
    for painted, scan in zip(boxes, seg, strict=True):
        things = np.isin(scan.raw_labels, THINGS)
        inside += (painted.raw_labels[things] == scan.raw_labels[things]).sum()
        total += things.sum()
        assert (painted.raw_labels[scan.raw_labels == 30] == OUTSIDE).mean() > 0.98  # plants
    assert total > 100 and inside / total > 0.95
    counts = [row["num_lidar_pts"] for row in rows(twin, "sample_annotation")]
    assert min(counts) >= 1
    by_instance = {row["token"]: row for row in rows(twin, "instance")}
    assert sum(row["nbr_annotations"] for row in by_instance.values()) == len(counts)


def test_links_of_every_table(twin: Simulation) -> None:
    """No token without a row, no chain with a gap; every file of the tables is there."""
    tokens = {
        path.stem: {row["token"] for row in json.loads(path.read_text())}
        for path in (twin.root / "v1.0-mini").iterdir()
    }
    assert set(tokens) == {
        *("attribute", "calibrated_sensor", "category", "ego_pose", "instance", "lidarseg", "log"),
        *("map", "panoptic", "sample", "sample_annotation", "sample_data", "scene", "sensor"),
        "visibility",
    }
    for table, found in tokens.items():
        assert len(found) == len(rows(twin, table))
        for row in rows(twin, table):
            assert len(row["token"]) == 32 or table == "visibility"
            for key, value in row.items():
                if key in ("next", "prev") and value:
                    other = next(r for r in rows(twin, table) if r["token"] == value)
                    assert other["prev" if key == "next" else "next"] == row["token"]
                elif key.endswith("_token") and value:
                    short = key.removesuffix("_token").removeprefix("first_").removeprefix("last_")
                    target = "sample_annotation" if short == "annotation" else short
                    assert value in tokens[target], (table, key)
                elif key.endswith("_tokens"):
                    assert set(value) <= tokens[key.removesuffix("_tokens")]
                elif key == "filename":
                    assert (twin.root / value).is_file()


def test_same_bytes_after_an_interruption(recorded: list[Frame], tmp_path: Path) -> None:
    """In any order, some frames twice, with the leftovers of a killed process in between."""
    rig = nuscenes_rig(None).thinned(8, 1).with_cameras([c.name for c in _cameras(recorded)], 0.1)
    first = NuScenesWriter(tmp_path / "first", rig)
    for sequence, number in (("00", 0), ("00", 1), ("01", 0), ("01", 1)):
        first.write_frame(sequence, number, recorded[number])
    first.finish(["00", "01"], 2)
    root = tmp_path / "second"
    second = NuScenesWriter(root, rig)
    second.write_frame("01", 1, recorded[1])
    second.write_frame("00", 0, recorded[0])
    second.write_frame("00", 1, recorded[1])
    second.finish(["00"], 2)
    # What is not whole is in no table.
    assert [row["name"] for row in _table(root, "scene")] == [scene_names()[0]]
    assert second.has_frame("00", 0) and not second.has_frame("01", 0)
    (picture, *_) = root.glob("samples/CAM_BACK/sim00*")
    picture.write_bytes(picture.read_bytes()[:-1])
    assert [second.has_frame("00", number) for number in (0, 1)].count(False) == 1
    picture.unlink()
    assert [second.has_frame("00", number) for number in (0, 1)].count(False) == 1
    (root / "moments/00/000001.json").write_text("{")
    assert not second.has_frame("00", 1)
    for path in (picture, *root.glob("lidarseg/*/*"), root / "v1.0-mini/scene.json"):
        path.with_name(f".{path.stem}.a1b2c3d4{path.suffix}").write_text("half")
    second.remove_leftovers("00")
    for sequence, number in (("00", 0), ("00", 1), ("01", 0)):
        second.write_frame(sequence, number, recorded[number])
    second.finish(["00", "01"], 2)
    assert contents(root) == contents(tmp_path / "first")
    table = root / "v1.0-mini/scene.json"
    before = table.stat().st_mtime_ns
    second.finish(["00", "01"], 2)
    assert table.stat().st_mtime_ns == before  # and the reader's index stays good
    assert len(NuScenes(root, "mini_train")) == 4


def _cameras(recorded: list[Frame]) -> list[Camera]:
    return [picture.camera for picture in recorded[0].pictures]


def _table(root: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((root / f"v1.0-mini/{name}.json").read_text())
    return found


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_damaged_pictures(twin: Simulation, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(twin.root, root)
    (picture, *_) = sorted((root / "samples/CAM_BACK").iterdir())
    labels = root / "samples/CAM_BACK_labels" / f"{picture.stem}.png"
    other = next((root / "samples/CAM_FRONT").iterdir())

    def read() -> Scan:
        return NuScenes(root, "val", cameras=["CAM_BACK"])[0]

    whole = labels.read_bytes()
    labels.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"_labels.*\.png"):
        read()
    labels.write_bytes(other.read_bytes())  # a picture in colours
    with pytest.raises(LabelError, match="colours"):
        read()
    labels.write_bytes(whole)
    picture.write_bytes(whole)
    table = root / "v1.0-mini/sample_data.json"
    table.write_text(table.read_text().replace('"width": 160', '"width": 1600'))
    with pytest.raises(DataError, match=r"160 x 90 pixels, but sample_data\.json says 1600 x 90"):
        read()
    picture.unlink()
    with pytest.raises(DataError, match=r"CAM_BACK.*\.jpg"):
        read()


def test_every_kind_has_a_category() -> None:
    kinds = [0, *sim.COARSE, *sim.MOVING, *sim.MOVING.values()]
    found = categories(np.array(kinds))
    assert found.min() >= 0 and found.max() < 31
    assert categories(np.array([sim.PICKUP, sim.CONSTRUCTION_VEHICLE])).tolist() == [23, 18]


def test_attributes() -> None:
    assert attribute(sim.MOVING[sim.CAR]) == "vehicle.moving"
    assert attribute(sim.CAR) == "vehicle.parked"
    assert attribute(sim.BICYCLE) == "cycle.without_rider"
    assert attribute(sim.MOVING[sim.BICYCLIST]) == "cycle.with_rider"
    assert attribute(sim.MOVING[sim.PERSON]) == "pedestrian.moving"
    assert attribute(sim.PERSON) == "pedestrian.standing"
    assert attribute(sim.TRAFFIC_CONE) is None


def test_panoptic_numbers() -> None:
    category, instance = np.array([17, 17, 24, 17, 2]), np.array([0, 5, 7, 1000, 999])
    assert panoptic(category, instance).tolist() == [17000, 17005, 24000, 17001, 2999]


def test_scene_names_follow_the_splits() -> None:
    official = splits("nuscenes_lidarseg")["official"]
    names = scene_names()
    assert len(set(names)) == 100
    assert {names[8], names[9]} == set(official["mini_val"]) < set(official["val"])
    assert set(names[:6]) < set(official["mini_train"])
    assert set(names) - {names[8], names[9]} < set(official["train"])


def test_another_sensor(street: World, tmp_path: Path) -> None:
    rig = nuscenes_rig("vlp16").thinned(16, 1).with_cameras(["CAM_BACK"], 0.02)
    writer = NuScenesWriter(tmp_path, rig)
    writer.write_frame("00", 0, Recorder(street, rig).record(1.0, [0]))
    writer.finish(["00"], 1)
    (scan,) = NuScenes(tmp_path, "all", cameras=["all"])
    assert len(scan) == 16 * -(-sensor("vlp16").columns // 16)
    assert [view.name for view in scan.images] == ["CAM_BACK"]
    assert scan.images[0].rgb.shape == (18, 32, 3)
    assert set(scan.attrs["ring"].tolist()) == set(range(16))


def test_rings_of_a_thinned_sensor_keep_their_numbers(tmp_path: Path) -> None:
    """Every third beam from the top, which is ring 31."""
    light = {"columns_step": 40, "rows_step": 3, "frames": 1, "seed": 3, "cameras": []}
    simulate(tmp_path, layout="nuscenes", sequences=("00",), **light)
    (scan,) = NuScenes(tmp_path, "all")
    assert sorted(set(scan.attrs["ring"].tolist())) == list(range(1, 32, 3))


def test_quaternions_as_json_has_them() -> None:
    assert quaternion(np.eye(3)) == [1.0, 0.0, 0.0, 0.0]
    assert all(str(value) != "-0.0" for value in quaternion(np.diag([-1.0, -1.0, 1.0])))


# The data set's own devkit (PyPI: nuscenes-devkit) reads what was written and agrees with us.


@pytest.fixture(scope="module")
def devkit(twin: Simulation) -> Any:
    module = pytest.importorskip("nuscenes.nuscenes", reason="nuscenes-devkit is not installed")
    return module.NuScenes(version="v1.0-mini", dataroot=str(twin.root), verbose=False)


def samples(devkit: Any) -> Iterator[dict[str, Any]]:
    token = devkit.scene[0]["first_sample_token"]
    while token:
        sample = devkit.get("sample", token)
        yield sample
        token = sample["next"]


def lidar_axes(xyz: np.ndarray) -> np.ndarray:
    """(N, 3) of a scan in the axes of the file."""
    return np.stack([-xyz[:, 1], xyz[:, 0], xyz[:, 2]], 1)


def test_devkit_splits_are_ours(devkit: Any) -> None:
    from nuscenes.utils.splits import create_splits_scenes

    theirs = create_splits_scenes()
    for name, scenes in splits("nuscenes_lidarseg")["official"].items():
        assert scenes == theirs[name], name


def test_devkit_reads_points_labels_and_poses(devkit: Any, scans: list[Scan]) -> None:
    from nuscenes.utils.data_classes import LidarPointCloud
    from nuscenes.utils.data_io import load_bin_file
    from pyquaternion import Quaternion

    for sample, scan in zip(samples(devkit), scans, strict=True):
        token = sample["data"]["LIDAR_TOP"]
        assert (sample["token"], token) == (scan.meta["token"], scan.meta["sweep_token"])
        cloud = LidarPointCloud.from_file(devkit.get_sample_data_path(token))
        np.testing.assert_array_equal(cloud.points[:3].T, lidar_axes(scan.xyz))
        np.testing.assert_allclose(cloud.points[3], 255 * scan.attrs["intensity"], atol=1e-4)
        row = devkit.get("sample_data", token)
        for table in ("calibrated_sensor", "ego_pose"):
            place = devkit.get(table, row[f"{table}_token"])
            cloud.rotate(Quaternion(place["rotation"]).rotation_matrix)
            cloud.translate(np.array(place["translation"]))
        ours = scan.xyz @ scan.pose[:3, :3].T + scan.pose[:3, 3]
        np.testing.assert_allclose(cloud.points[:3].T, ours, atol=1e-4)
        for task, stored in (("lidarseg", scan.raw_labels), ("panoptic", scan.instances)):
            path = Path(devkit.dataroot) / devkit.get(task, token)["filename"]
            theirs = load_bin_file(str(path), task).astype(np.int64)
            single = theirs % 1000 > 0
            expected = theirs if task == "lidarseg" else np.where(single, theirs, 0)
            np.testing.assert_array_equal(stored, expected)


def test_devkit_joins_sweeps_as_we_do(devkit: Any, twin: Simulation) -> None:
    from nuscenes.utils.data_classes import LidarPointCloud

    *_, sample = samples(devkit)
    cloud, ages = LidarPointCloud.from_file_multisweep(
        devkit, sample, "LIDAR_TOP", "LIDAR_TOP", nsweeps=5, min_distance=0.0
    )
    scan = NuScenes(twin.root, "val", sweeps=4)[1]
    np.testing.assert_allclose(cloud.points[:3].T, lidar_axes(scan.xyz), atol=1e-4)
    np.testing.assert_allclose(ages[0], -scan.attrs["time"], atol=1e-5)


def test_devkit_projects_as_we_do(devkit: Any, scans: list[Scan]) -> None:
    for sample, scan in zip(samples(devkit), scans, strict=True):
        for view in scan.images:
            theirs, depth, _ = devkit.explorer.map_pointcloud_to_image(
                sample["data"]["LIDAR_TOP"], sample["data"][view.name], min_dist=1.0
            )
            found = project(view, scan.xyz)
            height, width = view.rgb.shape[:2]
            kept = (found.depth > 1.0) & (found.uv > 1).all(1)
            kept &= (found.uv[:, 0] < width - 1) & (found.uv[:, 1] < height - 1)
            np.testing.assert_allclose(theirs[:2].T, found.uv[kept], atol=2e-3)
            np.testing.assert_allclose(depth, found.depth[kept], atol=1e-4)


def test_devkit_counts_points_in_boxes_as_the_tables_say(
    devkit: Any, scans: list[Scan], twin: Simulation
) -> None:
    """And points painted by its boxes, in xMUDA's way, are the reader's labels from boxes."""
    from nuscenes.eval.detection.utils import category_to_detection_name
    from nuscenes.utils.geometry_utils import points_in_box

    ours = NuScenes(twin.root, "val", labels_from="boxes")
    for sample, scan, boxed in zip(samples(devkit), scans, ours, strict=True):
        _, boxes, _ = devkit.get_sample_data(sample["data"]["LIDAR_TOP"])
        points = lidar_axes(scan.xyz).T
        painted = np.full(len(scan), OUTSIDE)
        assert len(boxes) > 5
        off = 0
        for box in boxes:
            inside = points_in_box(box, points)
            off += abs(
                int(inside.sum()) - devkit.get("sample_annotation", box.token)["num_lidar_pts"]
            )
            if category_to_detection_name(box.name) is not None:
                painted[inside] = devkit.lidarseg_name2idx_mapping[box.name]
        assert off == 0
        detected = np.isin(painted, np.unique(painted)) & (painted != OUTSIDE)
        assert (boxed.raw_labels[detected] == painted[detected]).all()
        assert detected.sum() > 20
