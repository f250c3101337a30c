"""OFF and OBJ: the dialects in use, polygons, and faults with their line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcseg.errors import DataError
from pcseg.io import read_points
from pcseg.io.polygons import fan

CORNERS = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
VERTICES = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n"


def read_text(tmp_path, name: str, text: str):
    (tmp_path / name).write_text(text)
    return read_points(tmp_path / name)


@pytest.mark.parametrize(
    "head", ["OFF\n4 1 0\n", "OFF 4 1 0\n", "OFF4 1 0\n", "# made by\nOFF # kind\n\n4 1\n",
             "OFF\r\n4 1 0\r\n"]
)  # fmt: skip
def test_off_dialects(tmp_path, head):
    points = read_text(tmp_path, "a.off", head + VERTICES + "4 0 1 2 3 255 0 0\n")
    np.testing.assert_array_equal(points.xyz, CORNERS)
    np.testing.assert_array_equal(points.faces, [[0, 1, 2], [0, 2, 3]])


def test_off_with_colors_and_normals(tmp_path):
    text = "CNOFF\n1 0 0\n1 2 3 0 0 1 255 0 51 255\n"
    points = read_text(tmp_path, "a.off", text)
    np.testing.assert_array_equal(points.attrs["normal"], [[0, 0, 1]])
    np.testing.assert_allclose(points.attrs["rgb"], [[1, 0, 0.2]])
    assert points.attrs["alpha"].tolist() == [255] and points.faces is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4 1 0\n" + VERTICES, "must begin with OFF"),
        ("OFF BINARY\n", "not a text OFF file"),
        ("OFF\n", "numbers of vertices and faces are missing"),
        ("OFF\n4.5 1 0\n" + VERTICES, "4.5 is no number of vertices"),
        ("OFF\n4 2 0\n" + VERTICES + "3 0 1 2\n", "promises 4 vertices and 2 faces, but 5 lines"),
        ("OFF\n4 1 0\n" + VERTICES + "4 0 1 2\n", "line 7 has fewer corners than it says"),
        ("OFF\n4 1 0\n" + VERTICES + "3 0 1 4\n", "corners [0, 1, 4], but there are 4 points"),
        ("OFF\n4 1 0\n" + VERTICES.replace("1 1 0", "1 1") + "3 0 1 2\n", "line 5 has 2 numbers"),
        ("OFF\n4 1 0\n" + VERTICES.replace("1 1 0", "1 1 x") + "3 0 1 2\n", "line 5: 'x' is not"),
    ],
)
def test_off_faults(tmp_path, text, message):
    with pytest.raises(DataError) as error:
        read_text(tmp_path, "a.off", text)
    assert message in str(error.value) and "a.off" in str(error.value)


OBJ = "mtllib a.mtl\no thing\n" + "".join(f"v {line}\n" for line in VERTICES.split("\n")[:-1])


@pytest.mark.parametrize(
    "faces",
    ["f 1 2 3 4", "f 1/7 2/8 3/9 4/1", "f 1//1 2//1 3//1 4//1", "f 1/1/1 2/2/1 3/3/1 4/4/1",
     "f -4 -3 -2 -1", "f 1 2 3\nusemtl red\nf 1 3 4", "f 1 2 \\\n3 4", "  f\t1 2 3 4 # square"]
)  # fmt: skip
def test_obj_faces(tmp_path, faces):
    points = read_text(tmp_path, "a.obj", f"{OBJ}vn 0 0 1\nvt 0 0\ns off\n{faces}\nv 9 9 9\n")
    np.testing.assert_array_equal(points.xyz, [*CORNERS, [9, 9, 9]])
    np.testing.assert_array_equal(points.faces, [[0, 1, 2], [0, 2, 3]])


def test_obj_colors_and_weights(tmp_path):
    points = read_text(tmp_path, "a.obj", "v 1 2 3 0.5 0.25 1\n")
    np.testing.assert_allclose(points.attrs["rgb"], [[0.5, 0.25, 1]])
    points = read_text(tmp_path, "a.obj", "v 1 2 3 1.0 0.5 0.25 1\n")
    np.testing.assert_allclose(points.attrs["rgb"], [[0.5, 0.25, 1]])
    assert points.attrs["w"].tolist() == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("v 1 2\n", "line 1 has 2 numbers; a vertex has 3, 4, 6 or 7"),
        ("v 1 2 3\n\nv 1 2 3 4\n", "line 3 has 4 numbers; a vertex has 3"),
        ("v 1 2 x\n", "line 1: 'x' is not a number"),
        ("v 1 2 3\nf 1 1 2\n", "corners [0, 0, 1], but there are 1 points"),
        ("v 1 2 3\nf 0 1 1\n", "no whole number from 1"),
        ("f 1 2 3\n", "no 'v' line"),
        ("v 1 2 3\0", "is binary"),
    ],
)
def test_obj_faults(tmp_path, text, message):
    with pytest.raises(DataError) as error:
        read_text(tmp_path, "a.obj", text)
    assert message in str(error.value) and "a.obj" in str(error.value)


@given(st.lists(st.integers(0, 7), max_size=12))
def test_fans(counts):
    """Against the definition, polygon by polygon."""
    corners = np.arange(sum(counts)) * 3 + 1
    want, at = [], 0
    for count in counts:
        polygon = corners[at : at + count]
        want += [[polygon[0], polygon[i], polygon[i + 1]] for i in range(1, count - 1)]
        at += count
    got = fan(corners, np.array(counts, np.int64))
    np.testing.assert_array_equal(got, np.array(want, np.int64).reshape(-1, 3))
