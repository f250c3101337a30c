"""PointFile, the list of files, and the way to a Scan and back."""

from __future__ import annotations

import logging
import subprocess
import sys

import numpy as np
import pytest
from cloud_samples import assert_same, full_cloud

from pcseg.errors import DataError, LabelError
from pcseg.io import (
    FORMATS,
    PointFile,
    from_scan,
    point_files,
    read_points,
    supported_suffixes,
    to_scan,
)

XYZ = np.zeros((4, 3), np.float32)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"xyz": np.zeros((4, 2), np.float32)}, DataError),
        ({"xyz": np.zeros((4, 3), np.int32)}, DataError),
        ({"xyz": XYZ, "attrs": {"ring": np.zeros(3)}}, DataError),
        ({"xyz": XYZ, "labels": np.zeros(5, np.int64)}, LabelError),
        ({"xyz": XYZ, "labels": np.zeros(4, np.int32)}, LabelError),
        ({"xyz": XYZ, "faces": np.zeros((2, 4), np.int64)}, DataError),
    ],
)
def test_what_does_not_fit_together_is_refused(fields, error):
    with pytest.raises(error):
        PointFile(**fields)


def test_files_of_a_folder_in_natural_order(tmp_path):
    for name in ("10.bin", "9.BIN", "a2.ply", "a10.ply", "notes.md", ".hidden.ply", "b.laz"):
        (tmp_path / name).touch()
    (tmp_path / "folder.ply").mkdir()
    names = [path.name for path in point_files(tmp_path)]
    assert names == ["9.BIN", "10.bin", "a2.ply", "a10.ply", "b.laz"]
    with pytest.raises(DataError, match="is not a folder"):
        point_files(tmp_path / "none")


def test_formats_are_a_table_whose_entries_exist():
    assert supported_suffixes() == tuple(FORMATS)
    code = (
        "import sys, pcseg.io; print([m for m in ('laspy','numba','plyfile') if m in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"  # the heavy libraries only when a file wants them


def test_a_scan_and_back():
    points = full_cloud().replace(faces=None)
    scan = to_scan(points, path="a.ply", frame=3)
    np.testing.assert_array_equal(scan.xyz, points.xyz)
    np.testing.assert_array_equal(scan.raw_labels, points.labels)
    np.testing.assert_array_equal(scan.instances, points.attrs["instance"])
    assert scan.labels is None and scan.meta == {"path": "a.ply", "frame": 3}
    assert_same(from_scan(scan), points, types=False)


def test_large_coordinates_are_shifted_by_whole_metres_and_back():
    xyz = np.array([[273357.145, 5274357.1415, 788.993], [273642.856, 5274642.85, 829.75]])
    scan = to_scan(PointFile(xyz))
    offset = np.array(scan.meta["offset"])
    assert scan.xyz.dtype == np.float32 and np.abs(scan.xyz[:, :2]).max() < 200
    assert offset.tolist() == np.floor(offset).tolist() and offset[2] == 0
    restored = from_scan(scan)
    assert restored.xyz.dtype == np.float64
    np.testing.assert_allclose(restored.xyz, xyz, rtol=0, atol=2e-5 * 2)
    assert "offset" not in to_scan(PointFile(xyz * 1e-3)).meta
    assert "offset" not in to_scan(PointFile(xyz.astype(np.float32))).meta  # nothing left to save


def test_nan_points_do_not_spoil_the_offset():
    xyz = np.array([[5e5, 1, 2], [np.nan, 0, 0], [np.inf, 0, 0]])
    scan = to_scan(PointFile(xyz))
    assert scan.meta["offset"] == [5e5, 0, 0]
    assert np.isfinite(scan.xyz).all(axis=1).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("largest", "given", "divisor"),
    [(1.0, None, None), (255, None, 255), (4000, None, 65535), (100, 100, 100), (0.5, 1, None)],
)
def test_intensities_come_into_unit_range(largest, given, divisor):
    intensity = np.array([0, largest / 4, largest])
    points = PointFile(XYZ[:3], {"intensity": intensity})
    scan = to_scan(points, intensity_max=given)
    assert scan.meta.get("intensity_max") == divisor
    assert scan.attrs["intensity"].dtype == np.float32
    np.testing.assert_allclose(scan.attrs["intensity"], intensity / (divisor or 1), rtol=1e-6)
    np.testing.assert_allclose(from_scan(scan).attrs["intensity"], intensity, rtol=1e-6)


def test_intensities_of_no_known_range_are_told(caplog):
    points = PointFile(XYZ[:2], {"intensity": np.array([-1040.0, 12.0])})
    with caplog.at_level(logging.WARNING):
        scan = to_scan(points, path="semantic3d.txt")
    assert "semantic3d.txt: intensities run from -1040 to 12" in caplog.text
    np.testing.assert_array_equal(scan.attrs["intensity"], np.float32([-1040, 12]))


NPZ = [
    ({"points": np.ones((5, 4), np.float32)}, {"intensity"}),
    ({"coords": np.ones((5, 3)), "label": np.ones((5, 1), np.uint8)}, {"labels"}),
    ({"xyz": np.ones((5, 3)), "colors": np.full((5, 3), 7, np.uint8)}, {"rgb"}),
    ({"x": np.ones(5), "y": np.ones(5), "z": np.ones(5), "semantic": np.arange(5)}, {"labels"}),
    ({"xyz": np.ones((5, 3)), "K": np.eye(3), "name": np.array("a")}, set()),
]


@pytest.mark.parametrize(("arrays", "found"), NPZ)
def test_npz_keys_in_use(tmp_path, arrays, found):
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    points = read_points(tmp_path / "a.npz")
    np.testing.assert_array_equal(points.xyz, np.ones((5, 3)))
    assert points.contents() == found
    assert set(points.meta.get("npz", {})) == {"K", "name"} & set(arrays)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"cloud": np.ones((5, 3))}, "no coordinates. Expected one of xyz, points"),
        ({"xyz": np.ones((5, 2))}, "cannot be points"),
        ({"xyz": np.ones((5, 3)), "labels": np.ones(4)}, "'labels' of shape (4,) for 5 points"),
        ({"xyz": np.ones((5, 3)), "faces": np.full((1, 3), 5)}, "faces name points 5 to 5 of 5"),
    ],
)
def test_npz_faults(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError) as error:
        read_points(tmp_path / "a.npz")
    assert message in str(error.value) and "a.npz" in str(error.value)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [">f4", "<f8", "<i4"])
def test_npy_of_any_order_and_type(tmp_path, order, dtype):
    values = np.asarray(np.arange(60).reshape(20, 3), dtype, order=order)
    np.save(tmp_path / "a.npy", values)
    np.testing.assert_array_equal(read_points(tmp_path / "a.npy").xyz, values)
