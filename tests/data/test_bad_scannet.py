"""Damaged ScanNet scenes: each error names the file, the place and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import indoor_samples as made
import numpy as np
import pytest

from pcseg.data.labels import label_set
from pcseg.data.readers.scannet.reader import ScanNet
from pcseg.errors import DataError, LabelError

NAME = "scene0000_00"
CLASSES = label_set("scannet")
"""Read once: the map lists 1,613 scenes."""


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return made.write_scene(tmp_path)


def refused(
    scene: Path, message: str, kind: type[DataError] = DataError, **options: object
) -> None:
    with pytest.raises(kind, match=message):
        opened(scene, **options)[0]  # type: ignore[arg-type]


def opened(scene: Path, **options: object) -> ScanNet:
    return ScanNet(scene.parents[1], "all", CLASSES, **options)  # type: ignore[arg-type]


def edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def test_truncated_mesh(scene: Path) -> None:
    edit(scene / f"{NAME}_vh_clean_2.ply", lambda data: data[:-7])
    refused(scene, rf"{NAME}_vh_clean_2\.ply: .*truncated.*Copy the file again")


def test_mesh_whose_faces_name_no_vertex(scene: Path) -> None:
    xyz, rgb, faces = made.scene_mesh()
    made.write_ply(scene / f"{NAME}_vh_clean_2.ply", xyz, rgb, faces + 1)
    refused(
        scene, rf"_vh_clean_2\.ply: triangle \d+ has corners .* but there are {len(xyz)} points"
    )


def test_labels_of_another_mesh(scene: Path) -> None:
    xyz, rgb, faces = made.scene_mesh()
    labels, path = made.vertex_ids("nyu40"), scene / f"{NAME}_vh_clean_2.labels.ply"
    keep = (faces < len(xyz) - 5).all(1)
    made.write_ply(path, xyz[:-5], rgb[:-5], faces[keep], labels[:-5])
    refused(scene, r"labels\.ply: 319 labels for the 324 vertices of .*copy both again", LabelError)
    made.write_ply(path, xyz[::-1], rgb, faces, labels)
    refused(scene, r"labels\.ply: its vertices lie up to 2.1 m from .*copy both again", LabelError)
    made.write_ply(path, xyz, rgb, faces)
    refused(scene, r"labels\.ply: its vertices have no property 'label'", LabelError)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([0] * 5, r"segs\.json: 5 segment ids for 324 vertices.*_vh_clean\.segs\.json.*copy it"),
        ([0.5] * 324, r"segs\.json: 'segIndices' is not a list of whole numbers from 0"),
        ([-1] * 324, r"segs\.json: 'segIndices' is not a list of whole numbers from 0"),
        ([True] * 324, r"segs\.json: 'segIndices' is not a list of whole numbers from 0"),
        ([[1]] * 324, r"segs\.json: 'segIndices' is not a list of whole numbers from 0"),
        ([1, [2]] * 162, r"segs\.json: 'segIndices' is not a list of whole numbers from 0"),
        (["1"] * 324, r"segs\.json: 'segIndices' is not a list of whole numbers from 0"),
        ([1 << 70] * 324, r"segs\.json: 'segIndices' is not a list of whole numbers from 0"),
        ([], r"segs\.json: 0 segment ids for 324 vertices"),
        ([1 << 40] * 324, r"segs\.json: 'segIndices' is not a list of whole numbers from 0"),
        ({"a": 1}, r"segs\.json: 'segIndices' is not a list"),
    ],
)
def test_segments(scene: Path, ids: object, message: str) -> None:
    made.write_segments(scene / f"{NAME}_vh_clean_2.0.010000.segs.json", ids)
    refused(scene, message)


def test_broken_json(scene: Path) -> None:
    for ending in (".aggregation.json", "_vh_clean_2.0.010000.segs.json"):
        path = scene / f"{NAME}{ending}"
        kept = path.read_bytes()
        path.write_bytes(kept[:-40])
        refused(scene, rf"{path.name}: not valid JSON \(.*line 1.*\)")
        path.write_bytes(b"[1, 2]")
        refused(scene, rf"{path.name}: .*Copy the file again")
        path.write_bytes(kept)


def test_json_that_overwhelms_the_parser(scene: Path) -> None:
    path = scene / f"{NAME}.aggregation.json"
    for text in ("[" * 200_000, '{"segGroups": ' + "9" * 5000 + "}"):
        path.write_text(text)
        refused(
            scene, r"aggregation\.json: (nested too deep|not valid JSON).*|has no list 'segGrou"
        )


@pytest.mark.parametrize(
    "group",
    [
        {"objectId": 1, "segments": [1]},
        {"objectId": -1, "segments": [1], "label": "wall"},
        {"objectId": "1", "segments": [1], "label": "wall"},
        {"objectId": 1, "segments": 7, "label": "wall"},
        {"objectId": 1, "segments": [None], "label": "wall"},
        "wall",
    ],
)
def test_objects_without_what_makes_them(scene: Path, group: object) -> None:
    made.write_objects(scene / f"{NAME}.aggregation.json", [*made.groups(), group])
    refused(scene, r"aggregation\.json: group 4 needs 'objectId' .*Copy the file again")


def test_objects_of_another_mesh(scene: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = scene / f"{NAME}.aggregation.json"
    others = [{**group, "segments": [9000, 9001 + i]} for i, group in enumerate(made.groups())]
    made.write_objects(path, others)
    refused(scene, r"aggregation\.json: 5 of the 5 segments it names are not in .*copy both again")
    extra = {"objectId": 9, "segments": [9000], "label": "wall"}
    made.write_objects(path, [*made.groups(), extra])
    assert len(np.unique(opened(scene)[0].instances)) == 5
    assert "1 of 8 segments do not exist" in caplog.text


def test_label_table(scene: Path) -> None:
    table = scene.parents[1] / "scannetv2-labels.combined.tsv"
    text = table.read_text()
    for damaged, message in (
        (text.replace("\t24\t", "\tx\t"), r"combined\.tsv, line 5: needs the columns id, raw_c"),
        (text.replace("\t24\t", "\t41\t"), r"combined\.tsv, line 5: .*NYU40 has no id 41"),
        (text.replace("nyu40id", "nyu"), r"combined\.tsv, line 2: needs the columns .*KeyError"),
        (text.split("\n")[0] + "\n", r"combined\.tsv: has no lines"),
        ("", r"combined\.tsv: has no lines"),
    ):
        table.write_text(damaged)
        refused(scene, message)
    table.write_bytes(b"\xff\xfe\x00id")
    refused(scene, r"combined\.tsv: cannot be read as a table")
    table.unlink()
    message = r"needs ScanNet's label table.*Copy scannetv2-labels\.combined\.tsv into .*or.*table="
    refused(scene, message, LabelError, label_ids="raw")
    refused(scene, message, LabelError, labels_from="aggregation")
    refused(scene, r"other\.tsv: cannot be read as a table", table=scene / "other.tsv")


def test_objects_without_segments(scene: Path) -> None:
    (scene / f"{NAME}_vh_clean_2.0.010000.segs.json").unlink()
    assert opened(scene)[0].instances is None
    refused(scene, r"segs\.json: missing, so the objects .*labels_from=ply",
            labels_from="aggregation")  # fmt: skip


def test_categories_without_a_row_are_said(scene: Path, caplog: pytest.LogCaptureFixture) -> None:
    groups = made.groups()
    groups[2]["label"] = "trashcan"
    made.write_objects(scene / f"{NAME}.aggregation.json", groups)
    scan = opened(scene, labels_from="aggregation")[0]
    assert (scan.labels[scan.instances == 3] == -1).all()
    assert "categories without a row in the label table: trashcan" in caplog.text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1 0 0 0", r"axisAlignment is not 16 numbers"),
        ("a " * 16, r"axisAlignment is not 16 numbers"),
        ("2 0 0 0 0 2 0 0 0 0 2 0 0 0 0 1", r"axisAlignment is not a rotation"),
        ("nan " * 16, r"axisAlignment is not a rotation"),
    ],
)
def test_axis_alignment(scene: Path, value: str, message: str) -> None:
    (scene / f"{NAME}.txt").write_text(f"axisAlignment = {value}\n")
    refused(scene, rf"{NAME}\.txt: {message}.*Copy the file again")


def test_alignment_that_is_not_there_is_said(scene: Path, caplog: pytest.LogCaptureFixture) -> None:
    (scene / f"{NAME}.txt").write_text("no equals sign\n")
    scan = opened(scene, align=True)[0]
    assert np.array_equal(scan.xyz, made.scene_mesh()[0])
    assert "has no axisAlignment, so it stays as it is" in caplog.text


def test_folders_without_scenes(tmp_path: Path) -> None:
    (tmp_path / "scans" / "scene0000_00").mkdir(parents=True)
    with pytest.raises(DataError, match=r"no scenes\. Expected scans/scene0000_00/.*Give the fo"):
        ScanNet(tmp_path)
    with pytest.raises(DataError, match=r"nowhere: no scenes"):
        ScanNet(tmp_path / "nowhere")


def test_points_that_are_no_numbers(scene: Path) -> None:
    xyz, rgb, faces = made.scene_mesh()
    xyz[40] = np.nan
    for ending, labels in (("", None), (".labels", made.vertex_ids("nyu40"))):
        made.write_ply(scene / f"{NAME}_vh_clean_2{ending}.ply", xyz, rgb, faces, labels)
    refused(scene, r"_vh_clean_2\.ply: 1 points have NaN or infinite values, the first is point 40")
    data = opened(scene, invalid="ignore")
    assert np.flatnonzero(~data[0].attrs["valid"]).tolist() == [40]  # its neighbours have normals
    assert data[0].labels[40] == -1 and data.class_counts()[0] == made.GRID**2 - 1


def test_a_flood_of_unknown_ids_is_said_in_few_words(
    scene: Path, caplog: pytest.LogCaptureFixture
) -> None:
    xyz, rgb, faces = made.scene_mesh()
    labels = np.arange(1000, 1000 + len(xyz)).astype(np.uint16)
    made.write_ply(scene / f"{NAME}_vh_clean_2.labels.ply", xyz, rgb, faces, labels)
    assert (opened(scene, label_ids="nyu40")[0].raw_labels == 0).all()
    assert "1011 (1 vertices) and 312 more" in caplog.text
