"""ScanNet scenes: vertices, labels of both conventions, objects, faces and views."""

from __future__ import annotations

import json
import logging
import pickle
import re
from pathlib import Path

import indoor_samples as made
import numpy as np
import pytest
import trimesh

from pcseg.data.catalogue import open_dataset
from pcseg.data.dataset import FrameId
from pcseg.data.labels import label_set
from pcseg.data.readers.scannet.mesh import faces_of, vertex_normals
from pcseg.data.readers.scannet.reader import ScanNet
from pcseg.data.scan import concatenate
from pcseg.data.splits import splits
from pcseg.errors import ConfigError, DataError

CLASSES = label_set("scannet")
"""Read once: the map lists 1,613 scenes."""
SQUARE = made.GRID * made.GRID
NYU40 = np.repeat([1, 2, 5, 24], SQUARE)
TRAIN = np.repeat([0, 1, 4, 14], SQUARE)


@pytest.mark.parametrize("ids", ["nyu40", "raw"])
def test_scene_of_either_convention(
    tmp_path: Path, ids: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene = made.write_scene(tmp_path, ids=ids)
    with caplog.at_level(logging.INFO):
        data = ScanNet(tmp_path)
        scan = data[0]
        assert np.array_equal(data[0].raw_labels, scan.raw_labels)
    xyz, rgb, faces = made.scene_mesh()
    assert data.frames == [FrameId("scene0000_00", "mesh")]
    assert np.array_equal(scan.xyz, xyz)
    assert np.array_equal(scan.attrs["rgb"], (rgb / 255).astype(np.float32))
    assert np.array_equal(scan.attrs["segment"], made.segment_ids())
    assert np.array_equal(scan.meta["faces"], faces)
    assert np.array_equal(scan.raw_labels, NYU40) and np.array_equal(scan.labels, TRAIN)
    assert scan.meta["label_ids"] == ids and scan.meta["room"] == "Kitchen"
    assert scan.meta["path"] == str(scene / "scene0000_00_vh_clean_2.ply")
    # What was found out is said, once, with what it rests on: walls have one id in both.
    said = [r.getMessage() for r in caplog.records if "taken as" in r.getMessage()]
    count = 3 * SQUARE
    assert len(said) == 1 and f"taken as {ids} ids (of {count} vertices that tell" in said[0]


def test_instances_count_from_one(tmp_path: Path) -> None:
    made.write_scene(tmp_path)
    instances = ScanNet(tmp_path, "all", CLASSES)[0].instances
    half = made.segment_ids()[:SQUARE] == 0
    assert np.array_equal(instances[:SQUARE], np.where(half, 1, 0))
    assert np.array_equal(instances[SQUARE:], np.repeat([2, 3, 4], SQUARE))


def test_labels_from_the_objects(tmp_path: Path) -> None:
    made.write_scene(tmp_path, ids="nyu40")
    scan = ScanNet(tmp_path, "all", CLASSES, labels_from="aggregation")[0]
    half = made.segment_ids()[:SQUARE] == 0
    assert np.array_equal(scan.raw_labels[:SQUARE], np.where(half, 1, 0))
    assert np.array_equal(scan.raw_labels[SQUARE:], NYU40[SQUARE:])
    assert "label_ids" not in scan.meta


def test_convention_may_be_said(tmp_path: Path) -> None:
    made.write_scene(tmp_path, ids="raw")
    scan = ScanNet(tmp_path, "all", CLASSES, label_ids="nyu40")[0]  # wrong, but asked for
    assert scan.raw_labels[SQUARE] == 3 and scan.meta["label_ids"] == "nyu40"
    assert np.array_equal(ScanNet(tmp_path, "all", CLASSES, label_ids="raw")[0].raw_labels, NYU40)


def test_ids_alone_tell_raw_ones_where_there_are_no_objects(tmp_path: Path) -> None:
    scene = made.write_scene(tmp_path, ids="raw")
    (scene / "scene0000_00.aggregation.json").unlink()
    data = ScanNet(tmp_path, "all", CLASSES)
    assert data[0].meta["label_ids"] == "nyu40"  # ids below 41 do not tell
    assert data[0].instances is None
    table = tmp_path / "scannetv2-labels.combined.tsv"
    table.write_text(table.read_text() + "1163\tstand\tstand\t1\t39\t7\t\totherfurniture\n")
    xyz, rgb, faces = made.scene_mesh()
    labels = made.vertex_ids("raw")
    labels[-SQUARE:] = 1163
    made.write_ply(scene / "scene0000_00_vh_clean_2.labels.ply", xyz, rgb, faces, labels)
    scan = ScanNet(tmp_path, "all", CLASSES)[0]
    assert scan.meta["label_ids"] == "raw" and (scan.raw_labels[-SQUARE:] == 39).all()


def test_nothing_tells_and_that_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made.write_scene(tmp_path, table=False)
    with caplog.at_level(logging.INFO):
        assert ScanNet(tmp_path, "all", CLASSES)[0].meta["label_ids"] == "nyu40"
    assert "taken as nyu40 ids (nothing tells: no objects or no label table)" in caplog.text


def test_stray_ids_are_ignored_with_a_notice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scene = made.write_scene(tmp_path, "scene0270_00")
    xyz, rgb, faces = made.scene_mesh()
    labels = made.vertex_ids("nyu40")
    labels[:2], labels[2] = 50, 149
    made.write_ply(scene / "scene0270_00_vh_clean_2.labels.ply", xyz, rgb, faces, labels)
    scan = ScanNet(tmp_path, "all", CLASSES)[0]
    assert scan.raw_labels[:4].tolist() == [0, 0, 0, 1] and scan.labels[:4].tolist() == [-1] * 3 + [
        0
    ]
    assert (
        "ids that are not in the label table are ignored: 50 (2 vertices), 149 (1 " in caplog.text
    )


def test_repeated_objects_count_once(tmp_path: Path) -> None:
    scene = made.write_scene(tmp_path, "scene0217_00")
    again = [{**g, "id": 31 + g["id"], "objectId": 31 + g["objectId"]} for g in made.groups()]  # type: ignore[operator]
    made.write_objects(scene / "scene0217_00.aggregation.json", [*made.groups(), *again])
    assert np.unique(ScanNet(tmp_path, "all", CLASSES)[0].instances).tolist() == [0, 1, 2, 3, 4]


def test_the_later_of_two_objects_has_what_both_claim(tmp_path: Path) -> None:
    scene = made.write_scene(tmp_path)
    claim = {"objectId": 8, "segments": [107, 200], "label": "chair"}
    made.write_objects(scene / "scene0000_00.aggregation.json", [*made.groups(), claim])
    segments, instances = made.segment_ids(), ScanNet(tmp_path, "all", CLASSES)[0].instances
    assert (instances[np.isin(segments, [107, 200])] == 9).all()
    assert (instances[segments == 100] == 2).all() and (instances[segments == 207] == 3).all()


def test_normals_point_out_of_their_faces(tmp_path: Path) -> None:
    made.write_scene(tmp_path)
    normal = ScanNet(tmp_path, "all", CLASSES)[0].attrs["normal"].reshape(4, SQUARE, 3)
    assert np.allclose(np.abs(normal[0] @ [1, 0, 0]), 1, atol=1e-5)
    assert np.allclose(np.abs(normal[1] @ [0, 0, 1]), 1, atol=1e-5)


def test_normals_are_weighted_by_area() -> None:
    # A large face with normal z and a small one with normal x share an edge at the origin.
    xyz = np.array([[0, 0, 0], [0, 1, 0], [-3, 0, 0], [0, 0, -1], [9, 9, 9]], np.float32)
    normals = vertex_normals(xyz, np.array([[0, 1, 2], [0, 3, 1]]))
    assert np.allclose(normals[0], np.array([1, 0, 3]) / np.sqrt(10))
    assert np.allclose(normals[2], [0, 0, 1]) and np.allclose(normals[3], [1, 0, 0])
    assert (normals[4] == 0).all()  # no face
    with pytest.raises(IndexError, match="vertices 0 to 5 of 5"):
        vertex_normals(xyz, np.array([[0, 1, 5]]))


def test_normals_are_those_of_trimesh(rng: np.random.Generator) -> None:
    mesh = trimesh.creation.icosphere(2)
    mesh.vertices += rng.normal(0, 0.02, mesh.vertices.shape)
    normals = vertex_normals(mesh.vertices, mesh.faces)
    corners = np.zeros_like(mesh.vertices)
    weighted = mesh.face_normals * mesh.area_faces[:, None]
    for corner in range(3):
        np.add.at(corners, mesh.faces[:, corner], weighted)
    corners /= np.linalg.norm(corners, axis=1, keepdims=True)
    assert np.allclose(normals, corners, atol=1e-5)


def test_faces_follow_chosen_and_reordered_points(tmp_path: Path, rng: np.random.Generator) -> None:
    made.write_scene(tmp_path)
    scan = ScanNet(tmp_path, "all", CLASSES)[0]
    faces = made.scene_mesh()[2]
    assert np.array_equal(faces_of(scan), faces)
    shuffled = scan.select(rng.permutation(len(scan)))
    assert np.array_equal(shuffled.xyz[faces_of(shuffled)], scan.xyz[faces])
    floor = scan.select(scan.raw_labels == 2)
    assert len(floor) == SQUARE and len(faces_of(floor)) == len(faces) // 4
    assert (floor.xyz[faces_of(floor)][..., 2] == 0).all()
    few = scan.select(np.arange(made.GRID + 2))  # two cells' worth of corners: one whole cell
    assert len(faces_of(few)) == 2
    assert faces_of(concatenate([scan, scan])) is None
    assert faces_of(scan.replace(meta={})) is None
    assert len(faces_of(scan.select(np.empty(0, np.int64)))) == 0


def test_alignment_on_request(tmp_path: Path) -> None:
    made.write_scene(tmp_path)
    plain, aligned = (
        ScanNet(tmp_path, "all", CLASSES)[0],
        ScanNet(tmp_path, "all", CLASSES, align=True)[0],
    )
    matrix = np.array([float(word) for word in made.ALIGNMENT.split()]).reshape(4, 4)
    assert plain.meta["axis_alignment"] == aligned.meta["axis_alignment"] == matrix.tolist()
    assert np.allclose(aligned.xyz, plain.xyz @ matrix[:3, :3].T + matrix[:3, 3], atol=1e-6)
    turned = plain.attrs["normal"] @ matrix[:3, :3].T
    assert np.allclose(aligned.attrs["normal"], turned, atol=1e-5)


def test_test_scenes_have_no_labels(tmp_path: Path) -> None:
    made.write_scene(tmp_path)
    made.write_scene(tmp_path, "scene0707_00", ids=None, folder="scans_test")
    test = ScanNet(tmp_path, "test", CLASSES)
    assert test.frames[0].sequence == "scene0707_00" and test[0].labels is None
    assert "segment" not in test[0].attrs and test[0].instances is None
    assert len(ScanNet(tmp_path, "all", CLASSES)) == 2
    assert len(ScanNet(tmp_path, "all", CLASSES, labels="only")) == 1
    with pytest.raises(DataError, match=r"scene0707_00/mesh has no labels"):
        ScanNet(tmp_path, "all", CLASSES, labels="required")


def test_official_splits() -> None:
    table = splits("scannet")["official"]
    assert {name: len(scenes) for name, scenes in table.items()} == {
        "train": 1201, "val": 312, "test": 100,
    }  # fmt: skip
    every = [scene for scenes in table.values() for scene in scenes]
    assert len(set(every)) == 1613
    assert all(re.fullmatch(r"scene\d{4}_\d\d", scene) for scene in every)
    # No place is in two splits, and the scans of a place are numbered from 0 without a gap.
    places = {split: {scene[:9] for scene in scenes} for split, scenes in table.items()}
    assert not places["train"] & places["val"] and not places["test"] & places["val"]
    for place in places["train"] | places["val"] | places["test"]:
        numbers = sorted(int(scene[-2:]) for scene in every if scene[:9] == place)
        assert numbers == list(range(len(numbers)))
    assert "scene0000_00" in table["train"] and "scene0568_00" in table["val"]


@pytest.mark.parametrize("up", [0, 1, 2])
def test_root_may_be_any_of_three_folders(tmp_path: Path, up: int) -> None:
    scene = made.write_scene(tmp_path)
    root = (scene, *scene.parents)[up]
    scan = ScanNet(root, "scene0000_00", CLASSES, label_ids="raw")[0]  # needs the table
    assert len(scan) == len(NYU40)


def test_open_by_name_pickle_and_counts(tmp_path: Path) -> None:
    made.write_scene(tmp_path)
    data = open_dataset("scannet", tmp_path, "train", align=True)
    again = pickle.loads(pickle.dumps(data))
    assert np.array_equal(again[0].xyz, data[0].xyz)
    assert data.point_counts().tolist() == [4 * SQUARE]
    assert data.class_counts()[[0, 1, 4, 14]].tolist() == [SQUARE] * 4
    with pytest.raises(ConfigError, match=r"label_ids='nyu' is not possible"):
        open_dataset("scannet", tmp_path, "train", label_ids="nyu")


@pytest.mark.realdata
def test_genuine_scene(realdata: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        scan = ScanNet(realdata / "scannet", "all")[0]
    assert len(scan) == 40684 and scan.meta["faces"].shape == (77118, 3)
    # An early release: ids of raw categories. All vertices that tell say so.
    assert scan.meta["label_ids"] == "raw" and "100.0% the id of the raw category" in caplog.text
    assert "ignored: 12 (150 vertices)" in caplog.text  # trashcan has no row
    by_object = ScanNet(realdata / "scannet", "all", labels_from="aggregation")[0]
    assert np.array_equal(by_object.raw_labels, scan.raw_labels)
    assert len(np.unique(scan.instances)) == 33 + 1
    floor = scan.select(scan.raw_labels == 2)
    assert np.median(floor.attrs["normal"][:, 2]) > 0.95  # floors look up
    assert np.percentile(floor.xyz[:, 2], 95) - np.percentile(floor.xyz[:, 2], 5) < 0.2
    table = json.loads((realdata / "scannet/scans/scene9000_00/scene9000_00.aggregation.json")
                       .read_text())  # fmt: skip
    beds = [group["objectId"] + 1 for group in table["segGroups"] if group["label"] == "bed"]
    assert set(np.unique(scan.instances[scan.raw_labels == 4])) == set(beds)
    found = faces_of(scan.select(scan.raw_labels == 4))
    assert len(found) > 3000
