"""PLY against plyfile, and what is peculiar to it: polygons, big endian, odd headers."""

from __future__ import annotations

import numpy as np
import plyfile
import pytest
from cloud_samples import full_cloud

from pcseg.errors import DataError
from pcseg.io import PointFile, read_points, write_points

SQUARE_AND_TRIANGLE = """ply
format ascii 1.0
comment made by hand
element vertex 5
property float x
property float y
property float z
property uchar red
property uchar green
property uchar blue
element face 3
property list uchar int vertex_indices
property uchar quality
end_header
0 0 0 255 0 0
1 0 0 0 255 0
1 1 0 0 0 255
0 1 0 0 0 0
2 2 0 255 255 255
4 0 1 2 3 9
3 1 4 2 8
2 0 1 7
"""


@pytest.mark.parametrize("byte_order", ["<", ">", "="])
@pytest.mark.parametrize("text", [False, True])
def test_plyfile_and_pcseg_read_each_other(tmp_path, byte_order, text):
    cloud = full_cloud(30)
    columns = {
        "x": cloud.xyz[:, 0], "y": cloud.xyz[:, 1], "z": cloud.xyz[:, 2],
        "red": np.arange(30, dtype="u1"), "green": np.arange(30, dtype="u1"),
        "blue": np.arange(30, dtype="u1"), "label": np.arange(30, dtype="i2"),
        "deep": np.linspace(0, 1, 30),
    }  # fmt: skip
    rows = np.empty(30, [(name, values.dtype) for name, values in columns.items()])
    for name, values in columns.items():
        rows[name] = values
    faces = np.empty(20, [("vertex_index", "i4", (3,))])
    faces["vertex_index"] = cloud.faces
    elements = [plyfile.PlyElement.describe(rows, "vertex"),
                plyfile.PlyElement.describe(faces, "face")]  # fmt: skip
    plyfile.PlyData(elements, text=text, byte_order=byte_order).write(str(tmp_path / "a.ply"))

    points = read_points(tmp_path / "a.ply")
    np.testing.assert_array_equal(points.xyz, cloud.xyz)
    np.testing.assert_array_equal(points.labels, np.arange(30))
    np.testing.assert_array_equal(points.attrs["deep"], columns["deep"])
    np.testing.assert_allclose(points.attrs["rgb"][:, 1] * 255, np.arange(30), rtol=1e-6)
    np.testing.assert_array_equal(points.faces, cloud.faces)

    write_points(tmp_path / "b.ply", points)
    back = plyfile.PlyData.read(str(tmp_path / "b.ply"))
    for name, values in columns.items():
        assert back["vertex"][name].dtype.str[1:] == values.dtype.str[1:]
        np.testing.assert_array_equal(back["vertex"][name], values)
    np.testing.assert_array_equal(np.stack(list(back["face"]["vertex_indices"])), cloud.faces)


@pytest.mark.parametrize("binary", [False, True])
def test_polygons_of_all_sizes_become_triangles(tmp_path, binary):
    path = tmp_path / "a.ply"
    path.write_text(SQUARE_AND_TRIANGLE)
    if binary:
        ply = plyfile.PlyData.read(str(path))
        ply.text, ply.byte_order = False, ">"
        ply.write(str(path))
    points = read_points(path)
    np.testing.assert_array_equal(points.faces, [[0, 1, 2], [0, 2, 3], [1, 4, 2]])
    np.testing.assert_array_equal(points.attrs["rgb"][:3], np.eye(3))


def test_elements_before_the_points_and_lists_in_them(tmp_path):
    path = tmp_path / "a.ply"
    path.write_text(
        "ply\nformat ascii 1.0\nelement camera 1\nproperty float focal\nelement vertex 2\n"
        "property double x\nproperty double y\nproperty double z\nproperty list uchar int seen\n"
        "property float scalar_Label\nend_header\n700\n1 2 3 2 8 9 4\n4 5 6 1 8 5\n"
    )
    points = read_points(path)
    np.testing.assert_array_equal(points.xyz, [[1, 2, 3], [4, 5, 6]])
    assert points.labels.tolist() == [4, 5]


def test_comments_float_colors_and_label_name_are_kept(tmp_path):
    path = tmp_path / "a.ply"
    path.write_text(
        "ply\nformat ascii 1.0\ncomment scanned in May\nelement vertex 2\nproperty float x\n"
        "property float y\nproperty float z\nproperty float red\nproperty float green\n"
        "property float blue\nproperty ushort sem class\nend_header\n1 2 3 0.1 0.2 0.3 7\n"
        "4 5 6 0 1 0.5 8\n".replace("sem class", "class")
    )
    points = read_points(path)
    write_points(tmp_path / "b.ply", points)
    assert (tmp_path / "b.ply").read_text().splitlines()[:4] == path.read_text().splitlines()[:4]
    assert "property ushort class" in (tmp_path / "b.ply").read_text()
    np.testing.assert_array_equal(read_points(tmp_path / "b.ply").attrs["rgb"], points.attrs["rgb"])


def test_colors_from_elsewhere_are_written_as_bytes(tmp_path):
    rgb = np.array([[0.1, 0.5, 1.0]], np.float32)
    write_points(tmp_path / "a.ply", PointFile(np.zeros((1, 3), np.float32), {"rgb": rgb}))
    row = plyfile.PlyData.read(str(tmp_path / "a.ply"))["vertex"].data[0]
    assert (row["red"], row["green"], row["blue"]) == (26, 128, 255)
    wrong = PointFile(np.zeros((1, 3), np.float32), {"rgb": rgb * 255})
    with pytest.raises(DataError, match=r"'rgb' must lie in 0\.\.1"):
        write_points(tmp_path / "a.ply", wrong)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("element vertex 5", "element vertex five", "line 4 of the header is not PLY"),
        ("property uchar quality", "property tiny quality", "line 13 of the header is not PLY"),
        ("format ascii 1.0\n", "", "does not say its format"),
        ("element vertex", "element point", "has no element 'vertex'"),
        ("property float z", "property float w", "no columns x, y and z; there is x, y, w"),
        ("3 1 4 2 8", "3 1 5 2 8", "triangle 2 has corners [1, 5, 2], but there are 5 points"),
        ("1 0 0 0 255 0", "1 0 0 0 256 0", "values of 'green' do not fit its type u1"),
        ("1 0 0 0 255 0", "1 0 0 0 255", "line 16 has 5 numbers where the first has 6"),
    ],
)
def test_faults_are_named(tmp_path, before, after, message):
    path = tmp_path / "a.ply"
    path.write_text(SQUARE_AND_TRIANGLE.replace(before, after))
    with pytest.raises(DataError) as error:
        read_points(path)
    assert message in str(error.value) and str(path) in str(error.value)
