"""Text tables: headers, columns by number, and the many ways a text can be wrong."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.errors import DataError, LabelError
from pcseg.io import PointFile, read_points, write_points


def read_text(tmp_path, text: str | bytes, name: str = "a.txt", **options) -> PointFile:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_points(path, **options)


@pytest.mark.parametrize(
    "header", ["x y z intensity label", "# X Y Z Intensity Label", "//X,Y,Z,scalar_Intensity,class",
               '"x";"y";"z";"reflectance";"semantic"', "\ufeffx\ty\tz\ti\tClassification"]
)  # fmt: skip
def test_headers(tmp_path, header):
    points = read_text(tmp_path, header + "\n1 2 3 0.5 7\n4 5 6 0.25 9\n")
    np.testing.assert_array_equal(points.xyz, [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(points.attrs["intensity"], [0.5, 0.25])
    np.testing.assert_array_equal(points.labels, [7, 9])


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("1 2 3", set()),
        ("1 2 3 0.5", {"intensity"}),
        ("1 2 3 0 0.6 0.8", {"normal"}),
        ("1 2 3 166 157 119", {"rgb"}),
        ("1 2 3 0.1 0.5 0.2", {"rgb"}),
        ("1 2 3 166 157 119 4", {"rgb", "labels"}),
        ("1 2 3 -1040 166 157 119", {"intensity", "rgb"}),
        ("1 2 3 0.5 166 157 119 4", {"intensity", "rgb", "labels"}),
        ("1 2 3 166 157 119 0 0.6 0.8", {"rgb", "normal"}),
        ("1 2 3 0 0.6 0.8 166 157 119", {"rgb", "normal"}),
    ],
)
def test_columns_by_their_number(tmp_path, row, found):
    points = read_text(tmp_path, f"{row}\n" * 3)
    assert points.contents() == found
    if "rgb" in found and "166" in row:
        np.testing.assert_allclose(points.attrs["rgb"][0], np.array([166, 157, 119]) / 255)
    if "labels" in found:
        assert points.labels.tolist() == [4, 4, 4]


@pytest.mark.parametrize("row", ["1 2", "1 2 3 4 5", "1 2 3 -5 300 7", "1 2 3 4.5 5 6 7.5"])
def test_columns_that_cannot_be_told_are_asked_for(tmp_path, row):
    with pytest.raises(DataError, match=r"a\.txt: cannot tell what its \d unnamed columns are"):
        read_text(tmp_path, f"{row}\n" * 3)


def test_named_columns(tmp_path):
    points = read_text(tmp_path, "7 1 2 3 99\n" * 2, columns="label x y z _")
    np.testing.assert_array_equal(points.xyz, [[1, 2, 3]] * 2)
    assert points.labels.tolist() == [7, 7] and not points.attrs


def test_a_leading_count_is_checked(tmp_path):
    assert len(read_text(tmp_path, "2\n1 2 3\n4 5 6\n")) == 2
    with pytest.raises(DataError, match="promises 3 rows of numbers, but 2 are there"):
        read_text(tmp_path, "3\n1 2 3\n4 5 6\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3\n4 5\n", "line 2 has 2 numbers where the first has 3"),
        ("x y z\n1 2 3\n4 5 oops\n", "line 3: 'oops' is not a number"),
        ("x,y,z,label\n1,2,3,\n", "the header names 4 columns"),
        ("1,2,3\n4,,6\n", "line 2 has an empty field"),
        ("1,5 2,5 3,5\n", "decimal commas ('1,5 2,5 3,5')"),
        ("1,5;2,5;3,5\n", "decimal commas"),
        ("# nothing\n", "holds no points"),
        ("x y z\n", "holds no points"),
        (b"\x00\x01\x02\x03" * 9, "is binary, not text"),
        ("a b c\n1 2 3\n", "line 1: 'a' is not a number"),
    ],
)
def test_faults_name_the_file_and_the_line(tmp_path, text, message):
    with pytest.raises(DataError) as error:
        read_text(tmp_path, text)
    assert message in str(error.value) and str(tmp_path / "a.txt") in str(error.value)


def test_labels_must_be_whole(tmp_path):
    with pytest.raises(LabelError, match=r"column 'label'.*1 values.*2\.5 of point 1"):
        read_text(tmp_path, "x y z label\n1 2 3 4\n1 2 3 2.5\n")


def test_double_precision_survives(tmp_path):
    xyz = np.random.default_rng(0).normal(size=(100, 3)) * 1e6
    write_points(tmp_path / "a.xyz", PointFile(xyz))
    np.testing.assert_array_equal(read_points(tmp_path / "a.xyz").xyz, xyz)


def test_black_and_nearly_black_colors_keep_their_scale(tmp_path):
    for level in (0, 1, 2, 255):
        rgb = np.full((4, 3), level, np.uint8)
        np.savez(tmp_path / "a.npz", xyz=np.ones((4, 3), np.float32), rgb=rgb)
        write_points(tmp_path / "a.txt", read_points(tmp_path / "a.npz"))
        got = read_points(tmp_path / "a.txt").attrs["rgb"]
        np.testing.assert_array_equal(got.astype(np.float32), np.float32(level / 255))


def test_other_tools_can_read_what_is_written(tmp_path):
    points = PointFile(np.ones((5, 3), np.float32), {"intensity": np.full(5, 0.5, np.float32)})
    write_points(tmp_path / "a.xyz", points)
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "a.xyz"), [[1, 1, 1, 0.5]] * 5)
    write_points(tmp_path / "a.csv", points)
    table = np.genfromtxt(tmp_path / "a.csv", delimiter=",", names=True)
    assert table.dtype.names == ("x", "y", "z", "intensity") and len(table) == 5
