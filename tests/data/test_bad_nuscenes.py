"""Damaged nuScenes: every error names the table and row, or the file, and the remedy."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from nuscenes_samples import Tables, add_box, make_tables, token, write_clouds, write_tables

from pcseg.data.readers.nuscenes.reader import NuScenes
from pcseg.data.readers.nuscenes.rows import read_rows
from pcseg.errors import DataError, LabelError

FIRST = token("d", "scene-0061", 0)


@pytest.fixture
def tables() -> Tables:
    made = make_tables({"scene-0061": 3, "scene-0103": 1})
    add_box(made, "scene-0061", 0, 17, [110.94, 48.0, 0.1], [2.0, 4.0, 1.5])
    return made


@pytest.fixture
def root(tmp_path: Path, tables: Tables) -> Path:
    write_tables(tmp_path, tables)
    write_clouds(tmp_path, tables)
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        *("category", "sensor", "calibrated_sensor", "log", "sample", "sample_data", "ego_pose"),
        *("instance", "sample_annotation"),
    ],
)
def test_missing_table(root: Path, name: str) -> None:
    (root / f"v1.0-mini/{name}.json").unlink()
    with pytest.raises(DataError, match=rf"{name}\.json: this table is missing.*_meta\.tgz"):
        NuScenes(root, "all", labels_from="boxes")


def test_no_tables_at_all(root: Path, tmp_path: Path) -> None:
    (root / "v1.0-mini/scene.json").unlink()
    with pytest.raises(DataError, match=r"no tables of nuScenes.*it holds: lidarseg.*metadata"):
        NuScenes(root, "all")
    with pytest.raises(DataError, match="the folder is empty or missing"):
        NuScenes(tmp_path / "nowhere", "all")


LINKS = [
    ("scene", "log_token", "log"),
    ("scene", "first_sample_token", "sample"),
    ("sample", "next", "sample"),
    ("calibrated_sensor", "sensor_token", "sensor"),
    ("sample_data", "calibrated_sensor_token", "calibrated_sensor"),
    ("sample_data", "sample_token", "sample"),
    ("lidarseg", "sample_data_token", "sample_data"),
    ("panoptic", "sample_data_token", "sample_data"),
    ("instance", "category_token", "category"),
    ("sample_annotation", "sample_token", "sample"),
    ("sample_annotation", "instance_token", "instance"),
]


@pytest.mark.parametrize(("table", "key", "other"), LINKS)
def test_a_token_without_a_row(
    root: Path, tables: Tables, table: str, key: str, other: str
) -> None:
    tables[table][0][key] = "f" * 32
    write_tables(root, tables)
    pattern = rf"{table}\.json, row 1 \(token .*'{key}' is 'f+', which no row of {other}\.json has"
    with pytest.raises(DataError, match=rf"{pattern}.*unpack all of them again"):
        NuScenes(root, "all", labels_from="boxes")


def test_a_pose_without_a_row(root: Path, tables: Tables) -> None:
    del tables["ego_pose"][2:4]
    write_tables(root, tables)
    with pytest.raises(DataError, match=r"ego_pose\.json: no row with token .*\(2 such\).*unpack"):
        NuScenes(root, "all")


def test_a_missing_row_of_the_lidar(root: Path, tables: Tables) -> None:
    tables["sample_data"] = [row for row in tables["sample_data"] if row["token"] != FIRST]
    tables["sample_data"][0]["prev"] = ""
    write_tables(root, tables)
    with pytest.raises(DataError, match=r"no key frame of LIDAR_TOP for sample .*A row is missing"):
        NuScenes(root, "all")


def test_a_broken_chain_of_sweeps(root: Path, tables: Tables) -> None:
    tables["sample_data"][1]["prev"] = "e" * 32
    write_tables(root, tables)
    with pytest.raises(DataError, match=r"scene-0061_1.*has 'prev' 'e+', which no row"):
        NuScenes(root, "all")


@pytest.mark.parametrize("number", [0, 1])
def test_samples_in_a_circle(root: Path, tables: Tables, number: int) -> None:
    tables["sample"][1]["next"] = tables["sample"][number]["token"]
    write_tables(root, tables)
    pattern = rf"sample\.json, row {number + 1} .*links of scene-0061 come back to it, in a circle"
    with pytest.raises(DataError, match=pattern):
        NuScenes(root, "all")


def test_sweeps_in_a_circle(root: Path, tables: Tables) -> None:
    tables["sample_data"][0]["prev"] = tables["sample_data"][2]["token"]
    write_tables(root, tables)
    with pytest.raises(DataError, match=r"links 'prev' from .*_0\.pcd\.bin on run in a circle"):
        NuScenes(root, "all")
    tables["sample_data"][0]["prev"] = tables["sample_data"][0]["token"]
    write_tables(root, tables)
    with pytest.raises(DataError, match="in a circle"):
        NuScenes(root, "all")


@pytest.mark.parametrize(
    ("table", "key", "value", "message"),
    [
        ("scene", "nbr_samples", 2, "'nbr_samples' is 2, but another sample follows"),
        ("scene", "nbr_samples", 10**12, "'nbr_samples' is 1000000000000, but only 3 follow"),
        ("scene", "nbr_samples", "3", "'nbr_samples' is '3', not a whole number"),
        ("scene", "nbr_samples", True, "not a whole number"),
        ("scene", "name", "scene-0103", "the name 'scene-0103' is missing or another scene has it"),
        ("sample", "scene_token", "", "linked from scene scene-0061, which is not its own"),
        ("sample_data", "timestamp", 10**30, "not a whole number"),
        ("sample_data", "filename", "../../secret.bin", "no place in the data set"),
        ("sample_data", "filename", "samples/../../secret.bin", "no place in the data set"),
        ("sample_data", "filename", "/secret.bin", "no place in the data set"),
        ("sample_data", "filename", "C:\\secret.bin", "no place in the data set"),
        ("sample_data", "filename", "a\x00b", "no place in the data set"),
        ("sample_data", "filename", "", "no place in the data set"),
        ("sample_data", "filename", None, "'filename' is None, not a text"),
        ("sample_data", "filename", "x" * 300, "no place in the data set"),
        ("scene", "description", "\ud800", "not a text of a usual length"),
        ("scene", "description", "x" * 10_000, "not a text of a usual length"),
        ("lidarseg", "filename", "../x_lidarseg.bin", "no place in the data set"),
        ("panoptic", "filename", "../x_panoptic.npz", "no place in the data set"),
        ("ego_pose", "rotation", [2.0, 0.0, 0.0, 0.0], "not a quaternion of length 1"),
        ("ego_pose", "rotation", [1.0, 0.0, 0.0], "not 4 finite numbers"),
        ("ego_pose", "translation", [float("nan"), 0.0, 0.0], "not 3 finite numbers"),
        ("calibrated_sensor", "translation", "here", "not 3 finite numbers"),
        ("category", "index", 99, "has index 99, but the label map nuscenes_lidarseg gives it 0"),
        ("category", "name", "vehicle.tank", "'vehicle.tank' has index 0, .*gives it none"),
        ("sample_annotation", "size", [1.0, -2.0, 1.0], "a box of .* m cannot be"),
        ("sample_annotation", "size", [1.0, 1e9, 1.0], "a box of .* m cannot be"),
    ],
)
def test_impossible_values(
    root: Path, tables: Tables, table: str, key: str, value: object, message: str
) -> None:
    tables[table][0][key] = value
    write_tables(root, tables)
    with pytest.raises(DataError, match=f"{table}.json.*{message}.*(npack|correct)"):
        NuScenes(root, "all", labels_from="boxes")


def test_two_key_frames_of_one_sample(root: Path, tables: Tables) -> None:
    tables["sample_data"][1]["is_key_frame"] = True
    tables["sample_data"][1]["sample_token"] = tables["sample_data"][0]["sample_token"]
    write_tables(root, tables)
    with pytest.raises(DataError, match=r"row 2 .*its sample has two key frames of LIDAR_TOP"):
        NuScenes(root, "all")


def test_a_sample_that_no_scene_leads_to(root: Path, tables: Tables) -> None:
    del tables["scene"][1]
    write_tables(root, tables)
    with pytest.raises(DataError, match=r"row 4 .*no scene leads to this sample \(1 such\)"):
        NuScenes(root, "all")


@pytest.mark.parametrize("size", [(-1, 5), (0, 0), (10**9, 10**9)])
def test_impossible_pictures(root: Path, tables: Tables, size: tuple[int, int]) -> None:
    mount = {**tables["calibrated_sensor"][0], "token": "m", "sensor_token": "s"}
    mount["camera_intrinsic"] = np.eye(3).tolist()
    tables["calibrated_sensor"].append(mount)
    tables["sensor"].append({"token": "s", "channel": "CAM_BACK", "modality": "camera"})
    row = {**tables["sample_data"][0], "calibrated_sensor_token": "m", "token": "t"}
    tables["sample_data"].append({**row, "width": size[0], "height": size[1]})
    write_tables(root, tables)
    with pytest.raises(DataError, match=rf"a picture of {size[0]} x {size[1]} pixels cannot be"):
        NuScenes(root, "all")
    tables["sample_data"][-1] |= {"width": 16, "height": 9}
    mount["camera_intrinsic"] = [[1, 2, 3], [4, 5]]
    write_tables(root, tables)
    with pytest.raises(DataError, match=r"'camera_intrinsic' is not a 3x3 matrix"):
        NuScenes(root, "all")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"line 1: not a valid table \(expected '\[', found ''"),
        ('{"token": "a"}', r"line 1.*expected '\['"),
        ('[\n{"token": "a",\n"next": ', r"line 3.*Expecting value"),
        ('[\n{"token": "a"}\n{"token": "b"}]', r"line 3.*expected ',' or '\]', found '{'"),
        ('[{"token": "a"},]', r"line 1.*Expecting value"),
        ('[{"token": "a"}] more', r"line 1.*more after the closing"),
        ("[1, 2]", r"line 1.*row 1 is 1, not an object"),
        ("[" * 100_000, "RecursionError|not an object"),
        ('[{"token": ' + "9" * 5000 + "}]", "not a text|ValueError|Exceeds"),
    ],
)
def test_broken_json(root: Path, text: str, message: str) -> None:
    (root / "v1.0-mini/sample.json").write_text(text)
    with pytest.raises(DataError, match=f"sample.json.*({message})"):
        NuScenes(root, "all")


def test_a_table_that_is_no_text(root: Path) -> None:
    (root / "v1.0-mini/sample.json").write_bytes(b"[\xff\xfe\x00")
    with pytest.raises(DataError, match=r"sample\.json: not a text file.*Unpack"):
        NuScenes(root, "all")


def _cloud(root: Path) -> Path:
    return root / "samples/LIDAR_TOP/scene-0061_0.pcd.bin"


def _absurd(path: Path) -> None:
    path.write_bytes(b"")
    os.truncate(path, 40_000_000_000)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-7]), r"113 bytes.*after point 5.*Copy"),
        (lambda path: path.write_bytes(b""), "empty sweep"),
        (lambda path: path.unlink(), "cannot be read.*archives of the data set come in parts"),
        (_absurd, "2000000000 points, but a sweep has some 35,000"),
    ],
)
def test_damaged_sweeps(root: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(_cloud(root))
    data = NuScenes(root, "scene-0061", sweeps=1)
    for read in (lambda: data[0], lambda: data[1] and data[2] and data[0], data.point_counts):
        with pytest.raises(DataError, match=f"scene-0061_0.pcd.bin: {message}"):
            read()


def _seg(root: Path) -> Path:
    return root / f"lidarseg/v1.0-mini/{FIRST}_lidarseg.bin"


def test_labels_that_do_not_fit(root: Path) -> None:
    _seg(root).write_bytes(bytes(5))
    data = NuScenes(root, "scene-0061")
    for read in (lambda: data[0], data.frame_classes):
        with pytest.raises(
            LabelError, match=r"_lidarseg\.bin: 5 labels .*for the 6 points of .*_0"
        ):
            read()


def test_unknown_category(root: Path) -> None:
    _seg(root).write_bytes(bytes([24, 77, 77, 24, 24, 24]))
    with pytest.raises(LabelError, match=r"_lidarseg\.bin: raw label 77 \(2 points\).*Known raw"):
        NuScenes(root, "scene-0061")[0]


def test_missing_label_file(root: Path) -> None:
    _seg(root).unlink()
    with pytest.raises(DataError, match=r"_lidarseg\.bin: cannot be read.*come in parts"):
        NuScenes(root, "scene-0061")[0]


def _claims(path: Path, count: int) -> None:
    """An array of `count` labels that is not there."""
    header = f"{{'descr': '<u2', 'fortran_order': False, 'shape': ({count},)}}".ljust(117) + "\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.npy", b"\x93NUMPY\x01\x00\x76\x00" + header.encode())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: np.savez(path, data=np.zeros(5, np.uint16)), r"shape \(5,\).*6 points"),
        (lambda path: np.savez(path, data=np.zeros((6, 1), np.uint16)), r"shape \(6, 1\)"),
        (lambda path: np.savez(path, data=np.array([{}] * 6, object)), "type object"),
        (lambda path: np.savez(path, data=np.zeros(6)), "type float64"),
        (lambda path: np.savez(path, labels=np.zeros(6, np.uint16)), "damaged.*data.npy"),
        (lambda path: path.write_bytes(b"PK"), "damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-30]), "damaged"),
        (lambda path: _claims(path, 10**13), r"shape \(10000000000000,\)"),
        (lambda path: _claims(path, 6), "damaged.*buffer"),
    ],
)
def test_damaged_panoptic_labels(
    root: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(root / f"panoptic/v1.0-mini/{FIRST}_panoptic.npz")
    with pytest.raises(LabelError, match=re.compile(f"_panoptic.npz: .*{message}", re.DOTALL)):
        NuScenes(root, "scene-0061")[0]


def test_empty_tables(root: Path) -> None:
    for path in (root / "v1.0-mini").iterdir():
        path.write_text(json.dumps([]))
    with pytest.raises(DataError, match=r"split 'all' needs sequence.*Sequences there: none"):
        NuScenes(root, "all")


def test_no_missing_row_or_field_goes_unexplained(root: Path, tables: Tables) -> None:
    """Any row left out, any field left out or emptied: all is well, or a DataError says what."""
    refused = 0
    for name, rows in tables.items():
        for number in range(min(len(rows), 3)):
            damaged = {**tables, name: rows[:number] + rows[number + 1 :]}
            refused += _refused(root, name, damaged)
        for key in rows[0]:
            for change in ({}, {key: ""}, {key: []}):
                row = {k: v for k, v in rows[0].items() if k != key}
                refused += _refused(root, name, {**tables, name: [{**row, **change}, *rows[1:]]})
        write_tables(root, {name: rows})
    assert refused > 80


def _refused(root: Path, name: str, tables: Tables) -> bool:
    write_tables(root, {name: tables[name]})
    try:
        list(NuScenes(root, "all", labels_from="boxes"))
        NuScenes(root, "all")[0]
    except DataError as error:
        assert "json" in str(error) and re.search("npack|correct|Copy|holds", str(error)), error
        return True
    return False


def test_a_table_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sample.json"
    whole = json.dumps([{"token": "a\u00e9", "next": ""}, {"token": "b"}], indent=0)
    assert len(list(read_rows(_written(path, whole)))) == 2
    for length in range(len(whole)):
        with pytest.raises(DataError, match=r"sample\.json, line \d+: not a valid table"):
            list(read_rows(_written(path, whole[:length])))


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
