"""Genuine files of others: counts and classes as their sources state them, and unchanged bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cloud_samples import assert_same

from pcseg.errors import DataError
from pcseg.io import PointFile, read_points, to_scan, write_points

pytestmark = pytest.mark.realdata


def the_file(realdata: Path, pattern: str) -> Path:
    found = sorted(realdata.glob(pattern))
    if not found:
        pytest.skip(f"no {pattern} among the genuine data")
    return found[0]


def back_and_forth(tmp_path: Path, path: Path) -> PointFile:
    """Read, write, read: nothing may change. Gives the points and leaves the file written."""
    points = read_points(path)
    write_points(tmp_path / path.name, points)
    assert_same(read_points(tmp_path / path.name), points)
    return points


def test_kinect_pcd_compressed_by_pcl(realdata, tmp_path):
    path = the_file(realdata, "mosd/learn/learn33.pcd")
    points = back_and_forth(tmp_path, path)
    assert len(points) == 640 * 480
    valid = np.isfinite(points.xyz).all(axis=1)
    assert valid.sum() == 179_131
    np.testing.assert_array_equal(valid, points.labels > 0)
    assert points.attrs["rgb"].mean() > 0.1
    assert (tmp_path / path.name).stat().st_size < 1.05 * path.stat().st_size


def test_cgal_ply_with_double_coordinates(realdata, tmp_path):
    path = the_file(realdata, "aerial/cgal_b9_training.ply")
    points = back_and_forth(tmp_path, path)
    ids, counts = np.unique(points.labels, return_counts=True)
    assert dict(zip(ids, counts, strict=True)) == {-1: 19_853, 0: 1_567, 1: 314, 2: 566}
    assert (tmp_path / path.name).read_bytes() == path.read_bytes()
    scan = to_scan(points)
    restored = scan.xyz.astype(np.float64) + scan.meta["offset"]
    np.testing.assert_allclose(restored, points.xyz, rtol=0, atol=1e-4)


def test_airborne_laz(realdata, tmp_path):
    path = the_file(realdata, "aerial/Topography.laz")
    points = back_and_forth(tmp_path, path)
    ids, counts = np.unique(points.labels, return_counts=True)
    assert dict(zip(ids, counts, strict=True)) == {1: 61_347, 2: 8_159, 9: 3_897}
    assert points.attrs["intensity"].max() == np.float32(2438 / 65535)


@pytest.mark.parametrize("kind", ["_clean_2.ply", ".labels.ply"])
def test_scannet_ply(realdata, tmp_path, kind):
    path = the_file(realdata, f"scannet/scans/*/*{kind}")
    points = back_and_forth(tmp_path, path)
    assert (len(points), len(points.faces)) == (40_684, 77_118)
    assert (points.labels is not None) == ("labels" in kind)
    assert (tmp_path / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("pattern", "vertices", "faces"),
    [("meshes/bunny.off", 3485, 6966), ("meshes/spot.obj", 2930, 5856),
     ("meshes/teapot.obj", 3644, 6320), ("psb/off/74.off", 5044, 10084)]
)  # fmt: skip
def test_meshes(realdata, tmp_path, pattern, vertices, faces):
    points = back_and_forth(tmp_path, the_file(realdata, pattern))
    assert (len(points), len(points.faces)) == (vertices, faces)


def test_s3dis_text(realdata):
    points = read_points(the_file(realdata, "s3dis/*/*/*/office_*.txt"))
    assert points.contents() == {"rgb"} and points.attrs["rgb"].dtype == np.float32
    assert 0.3 < points.attrs["rgb"].mean() < 0.8


@pytest.mark.parametrize(
    ("pattern", "count", "columns"),
    [("semantickitti_seq00_genuine/**/000000.bin", 124_668, None),
     ("nuscenes_sample/*.pcd.bin", 34_688, None), ("rellis3d/000104.bin", 131_072, None),
     ("mmdet3d_tiny/s3dis/points/*.bin", 100, "x y z red green blue")]
)  # fmt: skip
def test_raw_scans(realdata, pattern, count, columns):
    points = read_points(the_file(realdata, pattern), columns=columns)
    assert len(points) == count
    assert np.abs(points.xyz).max() < 200


@pytest.mark.parametrize(
    "pattern", ["nuscenes_sample/*.pcd.bin", "mmdet3d_tiny/scannet/points/*.bin"]
)
def test_raw_scans_of_other_columns_are_not_misread(realdata, tmp_path, pattern):
    """With a name that tells nothing, these files would pass for KITTI scans by their size."""
    path = the_file(realdata, pattern)
    (tmp_path / "scan.bin").write_bytes(path.read_bytes())
    with pytest.raises(DataError, match=r"looks like rows of [56] columns, not 4"):
        read_points(tmp_path / "scan.bin")
