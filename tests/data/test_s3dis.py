"""S3DIS rooms: points, classes, objects; the known damages of the release and others."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import indoor_samples as made
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcseg.data.catalogue import open_dataset
from pcseg.data.dataset import FrameId
from pcseg.data.readers.s3dis.files import read_points
from pcseg.data.readers.s3dis.numbers import parse_points
from pcseg.data.readers.s3dis.reader import S3DIS
from pcseg.errors import ConfigError, DataError

OFFICE = {
    "chair_10": ["1.5 2.5 0.25 10 20 30"],
    "chair_2": ["-22.125 0.5 1.0 255 0 128", "-22.126 0.5 1.0 254 0 128"],
    "floor_1": ["0 0 0 1 2 3", "0.001 0 0 103.000000 2 3"],
    "stairs_1": ["3 3 3 9 9 9"],
}


def test_room(tmp_path: Path) -> None:
    made.write_room(tmp_path, OFFICE)
    scan = S3DIS(tmp_path, "all")[0]
    # Files by name, numbers by value: chair_2 before chair_10.
    expected = [[-22.125, 0.5, 1], [-22.126, 0.5, 1], [1.5, 2.5, 0.25], [0, 0, 0], [0.001, 0, 0],
                [3, 3, 3]]  # fmt: skip
    assert np.array_equal(scan.xyz, np.array(expected, np.float32))
    assert scan.raw_labels.tolist() == [8, 8, 8, 1, 1, 12]  # stairs are clutter
    assert np.array_equal(scan.labels, scan.raw_labels)
    assert scan.instances.tolist() == [1, 1, 2, 3, 3, 4]
    rgb = np.array([[255, 0, 128], [254, 0, 128], [10, 20, 30], [1, 2, 3], [103, 2, 3], [9, 9, 9]])
    assert np.array_equal(scan.attrs["rgb"], rgb.astype(np.float32) / np.float32(255))
    assert scan.meta["sequence"] == "Area_1" and scan.meta["frame"] == "office_1"
    assert scan.meta["room"] == "office" and scan.meta["path"].endswith("Area_1/office_1")


def test_order_of_the_rooms_own_file(tmp_path: Path) -> None:
    lines = [line for part in OFFICE.values() for line in part]
    objects = {**OFFICE, "wall_1": ["1.5 2.5 0.25 10 20 30"]}  # one point twice, in two objects
    order = [lines[i] for i in (5, 3, 0, 4, 2, 1)] + ["1.5 2.5 0.25 10 20 30"]
    made.write_room(tmp_path, objects, in_room=order)
    scan = S3DIS(tmp_path, "all", order="room")[0]
    assert scan.xyz[:, 0].tolist() == [float(np.float32(line.split()[0])) for line in order]
    assert scan.raw_labels.tolist() == [12, 1, 8, 1, 8, 8, 2]
    assert scan.instances.tolist() == [4, 3, 2, 3, 1, 1, 5]


def test_order_of_a_room_that_holds_other_points(tmp_path: Path) -> None:
    made.write_room(tmp_path, OFFICE, in_room=["1.5 2.5 0.25 10 20 30"] * 6)
    message = r"office_1\.txt: does not hold the points of .*Annotations \(6 and 6.*annotations"
    with pytest.raises(DataError, match=message):
        S3DIS(tmp_path, "all", order="room")[0]


def test_areas_rooms_and_splits(tmp_path: Path) -> None:
    for area, room in ((1, "office_1"), (1, "WC_2"), (5, "hallway_6"), (6, "copyRoom_1")):
        made.write_room(tmp_path, OFFICE, f"Area_{area}", room)
    release = tmp_path / "Stanford3dDataset_v1.2_Aligned_Version"
    (release / "Area_1" / "Area_1_alignmentAngle.txt").write_text("## Global alignment angle\n")
    (release / "Area_1" / "office_1" / "Annotations" / ".DS_Store").write_text("x")
    (release / "Area_1" / "office_1" / "Annotations" / "._floor_1.txt").write_text("x")
    train = S3DIS(tmp_path, "train")
    assert train.frames == [
        FrameId("Area_1", "WC_2"), FrameId("Area_1", "office_1"), FrameId("Area_6", "copyRoom_1"),
    ]  # fmt: skip
    assert len(train[1]) == 6
    assert train.missing == ["Area_2", "Area_3", "Area_4"]
    assert S3DIS(release, "val").frames == [FrameId("Area_5", "hallway_6")]
    assert S3DIS(release, "fold-6:val").frames == [FrameId("Area_6", "copyRoom_1")]
    assert len(S3DIS(release, "fold-1:train")) == 2
    assert len(open_dataset("s3dis", release, "Area_1")) == 2


def test_twelve_classes_leave_clutter_out(tmp_path: Path) -> None:
    made.write_room(tmp_path, OFFICE)
    data = S3DIS(tmp_path, "all", "s3dis/s3dis12")
    assert data[0].labels.tolist() == [8, 8, 8, 1, 1, -1]
    assert data.class_counts().tolist() == [0, 2, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]


def test_rooms_without_annotations(tmp_path: Path) -> None:
    folder = made.write_room(tmp_path, {}, in_room=["1 2 3 4 5 6", "7 8 9 10 11 12"])
    (folder / "Annotations").rmdir()
    (folder / "office_1.txt").rename(folder / "office-one.txt")  # Area_6 has such a name
    scan = S3DIS(tmp_path, "all")[0]
    assert len(scan) == 2 and scan.labels is None and scan.instances is None
    with pytest.raises(DataError, match="Area_1/office_1 has no labels"):
        S3DIS(tmp_path, "all", labels="required")


def test_labels_that_are_not_wanted(tmp_path: Path) -> None:
    made.write_room(tmp_path, OFFICE)
    scan = S3DIS(tmp_path, "all", labels="none")[0]
    assert len(scan) == 6 and scan.labels is None and scan.instances is None


def test_unknown_objects_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made.write_room(tmp_path, {"stairs_1": ["1 2 3 4 5 6"], "plant_3": ["1 2 3 4 5 6"]})
    with caplog.at_level(logging.WARNING):
        assert S3DIS(tmp_path, "all")[0].raw_labels.tolist() == [12, 12]
    assert "plant_3.txt: 'plant' is no class, its points count as clutter" in caplog.text
    assert "stairs" not in caplog.text  # known


@pytest.mark.parametrize(
    ("line", "read", "values"),
    [
        # The three of the release: a number split by a stray byte, NULs within a colour, and a
        # byte in place of a digit.
        (b"22.350 6.692 3.048 185\x10187 182", "185 187", [22.35, 6.692, 3.048, 185, 187, 182]),
        (b"1.0 2.0 3.0 10\x003.0\x0000 104 105", "103.000", [1, 2, 3, 103, 104, 105]),
        (b"19.302 -9.1\x100 1.785 146 137 106", "-9.10", [19.302, -9.1, 1.785, 146, 137, 106]),
        (b"1 2 3 4 5 6\xff", "5 6", [1, 2, 3, 4, 5, 6]),
        (b"1,2,3,4,5,6", "1 2 3", [1, 2, 3, 4, 5, 6]),
    ],
)
def test_known_damages_are_repaired(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    line: bytes,
    read: str,
    values: list[float],
) -> None:
    path = tmp_path / "ceiling_1.txt"
    good = b"0.5 0.5 0.5 1 2 3"
    path.write_bytes(b"\r\n".join([good, good, line, good]) + b"\r\n")
    rows = np.hstack(read_points(path))
    assert np.array_equal(rows[2], np.array(values, np.float32)) and np.array_equal(
        rows[[0, 1, 3]], rows[[0, 0, 0]]
    )
    (notice,) = caplog.messages
    assert "ceiling_1.txt, line 3: damaged" in notice and f"{read}" in notice


def test_several_damaged_lines_keep_their_numbers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "wall_1.txt"
    path.write_bytes(b"1 2 3 4 5 6\x00\n1 2 3 4 5 6\n\n1 2 3\x004\x005 6\n1 2 3 4 5 \x076")
    assert np.array_equal(np.hstack(read_points(path)), [[1, 2, 3, 4, 5, 6]] * 4)
    assert [message.split(": ")[0][-6:] for message in caplog.messages] == [
        "line 1", "line 4", "line 5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"1 2 3 4 5 6\n1 2 3 4 5\x00x 6 7\n", r"line 2: .*cannot be repaired.*Mend the line"),
        (b"1 2 3 4 5 6\n1 2\x00\n", r"line 2: .*cannot be repaired"),
        (b"1 2 3 4 5 6\n19.302 -9.1 0 1.785 1 1 1\n", r"line 2: 7 numbers, where x y z r g b"),
        (b"1 2 3 4 5 6\n1 2 3 4 5 6\n1 2 3", r"line 3: 3 numbers, .*truncated.*Mend the line"),
        (b"1 2 3 4 5 6\n1 2 3 4 5 256\n", r"line 2: colour \[4\.0, 5\.0, 256\.0\] is not three"),
        (b"1 2 3 4 5 6\n\n1 2 3 4 -5 6\n", r"line 3: colour \[4\.0, -5\.0, 6\.0\]"),
        (b"1 2 3 4.5 5 6\n", r"line 1: colour \[4\.5, 5\.0, 6\.0\] is not three whole numbers"),
        (b"1 2 3 4 5 6\n1.2.3 2 3 4 5 6\n", r"line 2: '1\.2\.3' is not a number"),
        (b"", r"has no points\. Copy the file again"),
        (b"\n \n", r"has no points"),
        (bytes(range(256)) * 200, r"(line 1: .*cannot be repaired|more than 100 lines)"),
        (b"1 2 3 4 5 6\x01\n" * 101, r"more than 100 lines hold bytes that no number has"),
    ],
)
def test_other_damages_name_the_line(tmp_path: Path, text: bytes, message: str) -> None:
    path = tmp_path / "wall_1.txt"
    path.write_bytes(text)
    with pytest.raises(DataError, match=rf"wall_1\.txt(,|:) {message}"):
        read_points(path)


def test_no_rooms(tmp_path: Path) -> None:
    (tmp_path / "Area_1" / "office_1").mkdir(parents=True)
    with pytest.raises(DataError, match=r"no rooms\. Expected Area_1/office_1/Annotations"):
        S3DIS(tmp_path)
    (tmp_path / "Area_1" / "office_1" / "Annotations").mkdir()
    with pytest.raises(DataError, match=r"office_1\.txt: missing, and no .*Copy the room again"):
        S3DIS(tmp_path, "all")[0]
    with pytest.raises(ConfigError, match="order='file'"):
        S3DIS(tmp_path, order="file")
    with pytest.raises(DataError, match=r"wall_1\.txt: cannot be read"):
        read_points(tmp_path / "wall_1.txt")


@given(
    st.lists(
        st.tuples(
            *[st.decimals(-999, 999, places=3)] * 3,
            *[st.integers(0, 255).map(str) | st.integers(0, 255).map(lambda c: f"{c}.000000")] * 3,
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(["\n", "\r\n", " \n", "\n\n"]),
    st.sampled_from([" ", "\t", "  "]),
)
def test_numbers_are_those_of_python(
    lines: list[tuple[object, ...]], ending: str, blank: str
) -> None:
    text = ending.join(blank.join(map(str, line)) for line in lines)
    xyz, rgb = parse_points(text.encode())  # type: ignore[misc]
    expected = np.array([[float(str(word)) for word in line] for line in lines])
    assert np.array_equal(xyz, expected[:, :3].astype(np.float32))
    assert np.array_equal(rgb, expected[:, 3:])


@pytest.mark.parametrize(
    "text",
    [
        "1 2 3 4 5", "1 2 3 4 5 6 7", "1 2 3 4 5 256", "1 2 3 4 5 -6", "1 2 3 4 5 6.5",
        "1 2 3 4 5\n6", "1e1 2 3 4 5 6", "+1 2 3 4 5 6", ". 2 3 4 5 6", "- 2 3 4 5 6",
        "1- 2 3 4 5 6", "1.2.3 2 3 4 5 6", "1,2,3,4,5,6", "1 2 3 4 5 6\x00", "nan 2 3 4 5 6",
        "1.0000000000000001 2 3 4 5 6", "1 2 3 4 5 6\r1 2 3 4 5 6",
        "1 2 3 4 5 99999999999999999999",
    ],
)  # fmt: skip
def test_unusual_lines_are_left_to_the_careful_reader(text: str) -> None:
    assert parse_points(f"1 2 3 4 5 6\n{text}\n1 2 3 4 5 6\n".encode()) is None


def test_unusual_numbers_are_still_read(tmp_path: Path) -> None:
    path = tmp_path / "wall_1.txt"
    path.write_bytes(b"1e1 +2 3 4 5 6\r1.00000000000000001 2 3 4 5 6e0")
    assert np.array_equal(np.hstack(read_points(path)), [[10, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]])


def test_reading_is_far_faster_than_loadtxt(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "wall_1.txt"
    xyz, rgb = rng.uniform(-20, 20, (50_000, 3)).round(3), rng.integers(0, 256, (50_000, 3))
    np.savetxt(path, np.hstack([xyz, rgb]), fmt="%.3f %.3f %.3f %d %d %d")
    read_points(path)  # compiles
    seconds, results = {}, {}
    for read in (read_points, np.loadtxt):
        seconds[read] = np.inf
        for _ in range(3):
            begin = time.process_time()
            results[read] = read(path)
            seconds[read] = min(seconds[read], time.process_time() - begin)
    assert np.array_equal(results[read_points][0], xyz.astype(np.float32))
    assert np.array_equal(results[read_points][1], results[np.loadtxt][:, 3:])
    assert seconds[read_points] < seconds[np.loadtxt] / 5


@pytest.mark.realdata
def test_genuine_room(realdata: Path) -> None:
    data = S3DIS(realdata / "s3dis", "all")
    assert data.frames == [FrameId("Area_9", "office_90")]
    scan, by_room = data[0], S3DIS(realdata / "s3dis", "all", order="room")[0]
    assert len(scan) == 20784
    assert {k: int((scan.raw_labels == k).sum()) for k in np.unique(scan.raw_labels)} == {
        1: 10742, 2: 258, 7: 4714, 8: 4722, 12: 348,
    }  # fmt: skip
    folder = data.room_folder(data.frames[0])
    stored = np.loadtxt(folder / "office_90.txt")
    assert np.array_equal(by_room.xyz, stored[:, :3].astype(np.float32))
    assert np.array_equal(np.rint(by_room.attrs["rgb"] * 255), stored[:, 3:])
    floor = by_room.xyz[by_room.raw_labels == 1]
    assert np.median(floor[:, 2]) == pytest.approx(0.02, abs=0.02)
    assert np.median(scan.xyz[scan.raw_labels == 7, 2]) > 0.6  # tables
