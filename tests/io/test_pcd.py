"""PCD: fields of any type and count, packed colours, organised clouds; against Open3D if there."""

from __future__ import annotations

import ctypes
import importlib.util

import numpy as np
import pytest
from cloud_samples import full_cloud, only

from pcseg.errors import DataError
from pcseg.io import PointFile, read_points, write_points

ENCODINGS = ("ascii", "binary", "binary_compressed")


def hand_made(data: str, body: bytes, **changes: str) -> bytes:
    entries = {
        "VERSION": "0.7", "FIELDS": "label x y z _ rgba descriptor stamp",
        "SIZE": "2 4 4 4 1 4 2 8", "TYPE": "U F F F U U I F", "COUNT": "1 1 1 1 3 1 2 1",
        "WIDTH": "2", "HEIGHT": "1", "VIEWPOINT": "0 0 1 1 0 0 0", "POINTS": "2",
    }  # fmt: skip
    entries.update(changes)
    head = "".join(f"{key} {value}\n" for key, value in entries.items() if value)
    return f"# .PCD v0.7\n{head}DATA {data}\n".encode() + body


ROW = np.dtype(
    [("label", "<u2"), ("xyz", "<f4", 3), ("pad", "u1", 3), ("rgba", "<u4"),
     ("descriptor", "<i2", 2), ("stamp", "<f8")]
)  # fmt: skip
ROWS = np.array(
    [(300, (1, 2, 3), (9, 9, 9), 0x80FF8000, (-5, 6), 1e9 + 0.25),
     (7, (4, np.nan, 6), (9, 9, 9), 0x01020304, (7, -8), 0.5)], ROW
)  # fmt: skip
TEXT = b"300 1 2 3 9 9 9 2164228096 -5 6 1000000000.25\n7 4 nan 6 9 9 9 16909060 7 -8 0.5\n"


@pytest.mark.parametrize("data", ["ascii", "binary"])
def test_fields_of_every_type_size_and_count(tmp_path, data):
    path = tmp_path / "a.pcd"
    path.write_bytes(hand_made(data, TEXT if data == "ascii" else ROWS.tobytes()))
    points = read_points(path)
    np.testing.assert_array_equal(points.xyz, [[1, 2, 3], [4, np.nan, 6]])
    assert points.labels.tolist() == [300, 7]
    np.testing.assert_array_equal(
        points.attrs["rgb"], np.float32([[255, 128, 0], [2, 3, 4]]) / np.float32(255)
    )
    assert points.attrs["alpha"].tolist() == [0x80, 1]
    assert points.attrs["descriptor"].dtype == np.int16
    np.testing.assert_array_equal(points.attrs["descriptor"], [[-5, 6], [7, -8]])
    assert points.attrs["stamp"].tolist() == [1e9 + 0.25, 0.5]
    assert points.meta["pcd"]["viewpoint"] == "0 0 1 1 0 0 0"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_color_packed_as_float_bits(tmp_path, encoding):
    """PCL's favourite: the bytes of the colour are called a float."""
    body = np.zeros(2, [("xyz", "<f4", 3), ("rgb", "<u4")])
    body["rgb"] = [0x00FF8000, 0x00010203]
    header = {"FIELDS": "x y z rgb", "SIZE": "4 4 4 4", "TYPE": "F F F F", "COUNT": "1 1 1 1"}
    path = tmp_path / "a.pcd"
    path.write_bytes(hand_made("binary", body.tobytes(), **header))
    points = read_points(path)
    np.testing.assert_array_equal(np.rint(points.attrs["rgb"] * 255), [[255, 128, 0], [1, 2, 3]])
    write_points(tmp_path / "b.pcd", points, encoding=encoding)
    again = read_points(tmp_path / "b.pcd")
    np.testing.assert_array_equal(again.attrs["rgb"], points.attrs["rgb"])
    # In text the float may be written as such, or as the integer that its bits are.
    bits = np.array([0x00FF8000], "<u4")
    for word in (b"%.9g" % bits.view("<f4")[0], b"%d" % bits[0]):
        text = b"1 2 3 " + word + b"\n1 2 3 0\n"
        path.write_bytes(hand_made("ascii", text, **header))
        rgb = np.rint(read_points(path).attrs["rgb"] * 255)
        np.testing.assert_array_equal(rgb, [[255, 128, 0], [0, 0, 0]])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_organised_clouds_keep_their_shape(tmp_path, encoding):
    xyz = np.arange(36, dtype=np.float32).reshape(12, 3)
    xyz[5] = np.nan
    meta = {"pcd": {"width": 4, "height": 3, "viewpoint": "1 2 3 1 0 0 0"}}
    write_points(tmp_path / "a.pcd", PointFile(xyz, meta=meta), encoding=encoding)
    points = read_points(tmp_path / "a.pcd")
    np.testing.assert_array_equal(points.xyz, xyz)
    assert (points.meta["pcd"]["width"], points.meta["pcd"]["height"]) == (4, 3)
    assert points.meta["pcd"]["viewpoint"] == "1 2 3 1 0 0 0"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"POINTS": "3"}, "WIDTH 2 times HEIGHT 1 is not POINTS 3"),
        ({"WIDTH": "-2", "POINTS": "-2"}, "is not POINTS"),
        ({"TYPE": "U F F F U U I"}, "lacks or contradicts something"),
        ({"COUNT": "1 1 1"}, "lacks or contradicts something"),
        ({"SIZE": "3 4 4 4 1 4 2 8"}, "lacks or contradicts something"),
        ({"FIELDS": ""}, "lacks or contradicts something"),
        ({"FIELDS": "label x y w _ rgba descriptor stamp"}, "no columns x, y and z"),
        ({"FIELDS": "label x y x _ rgba descriptor stamp"}, "lacks or contradicts something"),
        ({"NONSENSE": "1"}, "line 11 is not of a PCD header"),
        ({"WIDTH": "200", "POINTS": "200"}, "truncated: 200 points need at least"),
    ],
)
def test_faults_are_named(tmp_path, changes, message):
    path = tmp_path / "a.pcd"
    path.write_bytes(hand_made("binary", ROWS.tobytes(), **changes))
    with pytest.raises(DataError) as error:
        read_points(path)
    assert message in str(error.value) and str(path) in str(error.value)


def test_compressed_size_must_fit_the_header(tmp_path):
    write_points(tmp_path / "a.pcd", only(full_cloud(), "ring"), encoding="binary_compressed")
    data = (tmp_path / "a.pcd").read_bytes().replace(b"57\n", b"56\n")
    (tmp_path / "a.pcd").write_bytes(data)
    with pytest.raises(DataError, match="unpack to 798 bytes, but 56 points of 14 bytes need 784"):
        read_points(tmp_path / "a.pcd")


@pytest.fixture(scope="module")
def open3d():
    if importlib.util.find_spec("open3d") is None:
        pytest.skip("open3d is not installed")
    try:
        import libusb_package

        ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)
    except (ImportError, OSError):
        pass
    return pytest.importorskip("open3d", exc_type=(ImportError, OSError))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_open3d_and_pcseg_read_each_other(tmp_path, open3d, encoding):
    cloud = only(full_cloud(500), "rgb", "normal")
    write_points(tmp_path / "a.pcd", cloud, encoding=encoding)
    theirs = open3d.io.read_point_cloud(str(tmp_path / "a.pcd"))
    np.testing.assert_array_equal(np.asarray(theirs.points, np.float32), cloud.xyz)
    np.testing.assert_allclose(np.asarray(theirs.colors), cloud.attrs["rgb"], atol=1e-6)
    np.testing.assert_allclose(np.asarray(theirs.normals), cloud.attrs["normal"], atol=1e-6)

    open3d.io.write_point_cloud(
        str(tmp_path / "b.pcd"), theirs,
        write_ascii=encoding == "ascii", compressed=encoding == "binary_compressed",
    )  # fmt: skip
    ours = read_points(tmp_path / "b.pcd")
    np.testing.assert_allclose(ours.xyz, cloud.xyz, rtol=1e-6)
    np.testing.assert_allclose(ours.attrs["rgb"], cloud.attrs["rgb"], atol=1e-6)
