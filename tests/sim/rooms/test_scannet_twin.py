"""The simulated ScanNet: every file read by plain code and by the reader, against the room."""

from __future__ import annotations

import csv
import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from plyfile import PlyData
from scipy.spatial import cKDTree

from pcseg.data import label_set
from pcseg.data.projection import project, visible
from pcseg.data.readers.scannet.reader import ScanNet
from pcseg.data.splits import splits
from pcseg.errors import ConfigError
from pcseg.sim import Simulation
from pcseg.sim.rooms import Room, build_room
from pcseg.sim.rooms.kinds import nyu40_ids
from pcseg.sim.rooms.rgbd import RgbdFrame, record
from pcseg.sim.rooms.scannet import CAMERA, ScanNetWriter
from pcseg.sim.rooms.surface import tessellate


@pytest.fixture(scope="module")
def room() -> Room:
    return build_room([4, 0, 0], "office")


@pytest.fixture(scope="module")
def frames(room: Room) -> list[RgbdFrame]:
    """What the cameras saw."""
    return list(record(room, CAMERA.scaled(0.08), 12, 4 * 1_000_003))


@pytest.fixture(scope="module")
def alignment(scene: Path) -> np.ndarray:
    facts = dict(line.split(" = ") for line in Path(f"{scene}.txt").read_text().splitlines())
    return np.array(facts["axisAlignment"].split(), float).reshape(4, 4)


def plain_sens(path: Path) -> dict:
    """The stream, read field by field as its description lists them."""
    file = io.BytesIO(path.read_bytes())

    def take(code: str) -> tuple:
        return struct.unpack("<" + code, file.read(struct.calcsize("<" + code)))

    out: dict = {"version": take("I")[0]}
    out["name"] = file.read(take("Q")[0]).decode()
    for name in ("K_color", "E_color", "K_depth", "E_depth"):
        out[name] = np.array(take("16f")).reshape(4, 4)
    out["compressions"] = take("ii")
    out["sizes"] = take("IIII")
    out["shift"], count = take("fQ")
    out["frames"] = []
    for _ in range(count):
        pose = np.array(take("16f"), np.float32).reshape(4, 4)
        stamps = take("QQ")
        color, depth = take("QQ")
        rgb = np.asarray(Image.open(io.BytesIO(file.read(color))))
        raw = np.frombuffer(zlib.decompress(file.read(depth)), "<u2")
        out["frames"].append((pose, stamps, rgb, raw.reshape(out["sizes"][3], out["sizes"][2])))
    out["imu"] = take("Q")[0]
    assert not file.read()
    return out


def test_scenes_and_table_are_there(scannet: Simulation) -> None:
    assert scannet.sequences == ("scene0000_00", "scene0001_00")
    assert (scannet.frames, scannet.written) == (2, 2)
    manifest = json.loads((scannet.root / "simulation.json").read_text())
    assert manifest["label"] == "simulated" and manifest["recipe"]["layout"] == "scannet"
    with (scannet.root / "scannetv2-labels.combined.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    counted = {row["raw_category"]: int(row["count"]) for row in rows}
    assert counted["wall"] == 8 and counted["floor"] == 2 and counted["toilet"] == 0
    assert {row["nyu40class"] for row in rows if row["nyu40id"] == "24"} == {"refridgerator"}


def test_rooms_have_names_of_the_official_lists() -> None:
    lists = splits("scannet")["official"]
    names = [ScanNetWriter.room_name(number) for number in range(40)]
    assert len(set(names)) == 40
    parts = ["val" if name in lists["val"] else "train" for name in names]
    assert parts == ["train", "train", "train", "val"] * 10
    assert all(name in lists[part] for name, part in zip(names, parts, strict=True))
    with pytest.raises(ConfigError, match="no more than these"):
        ScanNetWriter.room_name(10_000)


def test_mesh_lies_on_the_room(scene: Path, room: Room, alignment: np.ndarray) -> None:
    ply = PlyData.read(f"{scene}_vh_clean_2.labels.ply")
    xyz = np.stack([ply["vertex"][axis] for axis in "xyz"], 1)
    plain = PlyData.read(f"{scene}_vh_clean_2.ply")
    assert [p.name for p in plain["vertex"].properties] == "x y z red green blue alpha".split()
    np.testing.assert_array_equal(np.stack([plain["vertex"][a] for a in "xyz"], 1), xyz)
    aligned = xyz @ alignment[:3, :3].T + alignment[:3, 3]
    surface = tessellate(room.static, 0.06 * 0.25 / 0.08)
    nyu40 = nyu40_ids()[surface.label].astype(int)
    truth = np.column_stack([surface.vertices, 10.0 * nyu40])
    away = cKDTree(truth).query(np.column_stack([aligned, 10.0 * ply["vertex"]["label"]]))[0]
    assert np.quantile(away, 0.5) < 0.004 and away.max() < 0.012
    area = room.static.areas().sum()
    a, b, c = (xyz[np.stack(ply["face"]["vertex_indices"])[:, k]] for k in range(3))
    seen = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()
    assert 0.25 * area < seen < area


def test_mesh_has_the_colours_of_the_pictures(
    scene: Path, alignment: np.ndarray, frames: list[RgbdFrame]
) -> None:
    ply = PlyData.read(f"{scene}_vh_clean_2.ply")["vertex"]
    xyz = np.stack([ply[axis] for axis in "xyz"], 1) @ alignment[:3, :3].T + alignment[:3, 3]
    rgb = np.stack([ply[name] for name in ("red", "green", "blue")], 1).astype(float)
    errors, others = [], []
    for frame in frames:
        local = (xyz - frame.pose[:3, 3]) @ frame.pose[:3, :3]
        camera = frame.picture.camera
        with np.errstate(all="ignore"):
            u, v = (local[:, :2] / local[:, 2:] * camera.K[0, 0] + camera.K[:2, 2]).T
        inside = (local[:, 2] > 0.3) & (u >= 0) & (v >= 0)
        inside &= (u < camera.width - 1) & (v < camera.height - 1)
        rows = np.flatnonzero(inside)
        u, v = np.rint(u[rows]).astype(int), np.rint(v[rows]).astype(int)
        near = np.abs(frame.picture.depth[v, u] - local[rows, 2]) < 0.03
        there = frame.picture.rgb[v[near], u[near]]
        errors.append(np.abs(rgb[rows[near]] - there).mean())
        others.append(np.abs(np.roll(rgb[rows[near]], 57, 0) - there).mean())
    assert np.mean(errors) < 20 < 0.8 * np.mean(others)


def test_objects_are_unions_of_segments(scene: Path) -> None:
    segments = np.array(
        json.loads(Path(f"{scene}_vh_clean_2.0.010000.segs.json").read_text())["segIndices"]
    )
    groups = json.loads(Path(f"{scene}.aggregation.json").read_text())["segGroups"]
    owner = {s: group for group in groups for s in group["segments"]}
    assert sum(len(group["segments"]) for group in groups) == len(owner)
    assert set(owner) == set(segments.tolist())
    assert len(owner) > 2 * len(groups) > 20
    with (scene.parents[2] / "scannetv2-labels.combined.tsv").open(newline="") as file:
        nyu40 = {
            row["raw_category"]: int(row["nyu40id"]) for row in csv.DictReader(file, delimiter="\t")
        }
    labels = PlyData.read(f"{scene}_vh_clean_2.labels.ply")["vertex"]["label"]
    by_object = np.array([nyu40[owner[segment]["label"]] for segment in segments.tolist()])
    np.testing.assert_array_equal(by_object, labels)


def test_stream_holds_what_the_cameras_saw(
    scene: Path, frames: list[RgbdFrame], alignment: np.ndarray
) -> None:
    stream = plain_sens(Path(f"{scene}.sens"))
    assert (stream["version"], stream["name"], stream["shift"]) == (4, "StructureSensor", 1000.0)
    assert stream["compressions"] == (2, 1) and stream["sizes"] == (104, 77, 51, 38)
    assert len(stream["frames"]) == len(frames) and stream["imu"] == 0
    camera = CAMERA.scaled(0.08)
    np.testing.assert_allclose(stream["K_color"][:3, :3], camera.color.K, rtol=1e-6)
    np.testing.assert_allclose(stream["K_depth"][:3, :3], camera.depth.K, rtol=1e-6)
    for (pose, stamps, rgb, depth), truth in zip(stream["frames"], frames, strict=True):
        np.testing.assert_allclose(alignment @ pose, truth.pose, atol=1e-4)
        assert stamps == (round(truth.time * 1e6),) * 2
        np.testing.assert_array_equal(depth, truth.depth_mm)
        assert np.abs(rgb.astype(int) - truth.picture.rgb).mean() < 5  # JPEG


def test_label_pictures_are_exact(scene: Path, frames: list[RgbdFrame]) -> None:
    for what, attribute in (("label", "labels"), ("instance", "instances")):
        with zipfile.ZipFile(f"{scene}_2d-{what}-filt.zip") as archive:
            for frame in frames[::5]:
                data = archive.read(f"{what}-filt/{frame.number}.png")
                pixels = np.asarray(Image.open(io.BytesIO(data)))
                np.testing.assert_array_equal(pixels, getattr(frame.picture, attribute))


def test_the_reader_gives_the_same_scene(scannet: Simulation, scene: Path) -> None:
    reader = ScanNet(scannet.root, "all")
    scan = reader[0]
    labels = PlyData.read(f"{scene}_vh_clean_2.labels.ply")["vertex"]["label"].astype(np.int64)
    np.testing.assert_array_equal(scan.raw_labels, labels)
    np.testing.assert_array_equal(scan.labels, label_set("scannet").encode(labels))
    assert scan.meta["label_ids"] == "nyu40"
    assert reader.simulated
    other = ScanNet(scannet.root, "all", labels_from="aggregation")[0]
    np.testing.assert_array_equal(other.labels, scan.labels)


def test_points_project_into_pixels_of_their_class(scannet: Simulation) -> None:
    reader = ScanNet(scannet.root, "all")
    scan, views = reader[0], list(reader.views(0, every=1))
    assert len(views) == 12
    right = total = 0
    for view in views:
        assert view.labels is not None
        found = project(view, scan.xyz)
        seen = visible(view, found)[found.inside]
        rows, columns = found.pixels()
        pixels = view.labels[rows[seen], columns[seen]]
        points = scan.labels[found.inside][seen]
        known = (pixels >= 0) & (points >= 0)
        right += int((pixels == points)[known].sum())
        total += int(known.sum())
    assert total > 2000
    assert right / total >= 0.95, right / total
