"""Every format gives back what it was given: each attribute alone, all together, each encoding."""

from __future__ import annotations

import numpy as np
import pytest
from cloud_samples import assert_same, full_cloud, only

from pcseg.errors import DataError
from pcseg.io import FORMATS, PointFile, read_points, write_points

TYPED = [
    (".npy", None),
    (".npz", None),
    (".ply", "ascii"),
    (".ply", "binary"),
    (".ply", "binary_big_endian"),
    (".pcd", "ascii"),
    (".pcd", "binary"),
    (".pcd", "binary_compressed"),
]
DATED_OR_UNTYPED = (".las", ".laz", ".obj", ".xyz", ".txt", ".csv")
"""Headers with a date; numbers without types (1 and 1.0)."""
ATTRIBUTES = sorted(full_cloud().contents() - {"faces"})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("suffix", "encoding"), TYPED)
def test_all_attributes_with_their_types(tmp_path, suffix, encoding, dtype):
    faces = suffix in (".npz", ".ply")
    cloud = full_cloud(dtype=dtype)
    cloud = cloud if faces else cloud.replace(faces=None)
    write_points(tmp_path / f"a{suffix}", cloud, encoding=encoding)
    assert_same(read_points(tmp_path / f"a{suffix}"), cloud)


@pytest.mark.parametrize("name", [*ATTRIBUTES, "nothing"])
@pytest.mark.parametrize(("suffix", "encoding"), TYPED)
def test_each_attribute_alone(tmp_path, suffix, encoding, name):
    cloud = only(full_cloud(), name)
    write_points(tmp_path / f"a{suffix}", cloud, encoding=encoding)
    assert_same(read_points(tmp_path / f"a{suffix}"), cloud)


@pytest.mark.parametrize("suffix", [".xyz", ".txt", ".csv"])
@pytest.mark.parametrize("name", [*ATTRIBUTES, "nothing", "all"])
def test_text_keeps_all_values(tmp_path, suffix, name):
    """Text has no types, but each number comes back as it was."""
    cloud = full_cloud().replace(faces=None) if name == "all" else only(full_cloud(), name)
    write_points(tmp_path / f"a{suffix}", cloud)
    got = read_points(tmp_path / f"a{suffix}")
    assert got.xyz.dtype == np.float64
    assert_same(got, cloud, types=False)


@pytest.mark.parametrize("suffix", [".las", ".laz"])
@pytest.mark.parametrize("name", [*ATTRIBUTES, "nothing", "all"])
def test_las_keeps_all_values_on_its_grid(tmp_path, suffix, name):
    cloud = full_cloud().replace(faces=None) if name == "all" else only(full_cloud(), name)
    write_points(tmp_path / f"a{suffix}", cloud)
    got = read_points(tmp_path / f"a{suffix}")
    assert got.xyz.dtype == np.float64
    np.testing.assert_allclose(got.xyz, cloud.xyz, rtol=0, atol=1e-6)
    if name == "confidence":  # LAS always has classes; beside a confidence, zeros are labels
        cloud = cloud.replace(labels=np.zeros(len(cloud), np.int64))
    assert_same(got.replace(xyz=cloud.xyz), cloud, types=False, extra=True)


@pytest.mark.parametrize("suffix", [".off", ".obj"])
@pytest.mark.parametrize("names", [(), ("faces",), ("rgb",), ("rgb", "faces")])
def test_meshes(tmp_path, suffix, names):
    cloud = only(full_cloud(), *names)
    write_points(tmp_path / f"a{suffix}", cloud)
    assert_same(read_points(tmp_path / f"a{suffix}"), cloud, types=False)


def test_off_keeps_normals_with_and_without_colors(tmp_path):
    for names in (("normal",), ("normal", "rgb", "faces")):
        cloud = only(full_cloud(), *names)
        write_points(tmp_path / "a.off", cloud)
        assert_same(read_points(tmp_path / "a.off"), cloud, types=False)


@pytest.mark.parametrize("name", ["a.bin", "a.pcd.bin"])
def test_raw_scans(tmp_path, name):
    names = ("intensity", "ring") if "pcd" in name else ("intensity",)
    cloud = only(full_cloud(), *names)
    write_points(tmp_path / name, cloud)
    assert (tmp_path / name).stat().st_size == len(cloud) * 4 * (3 + len(names))
    assert_same(read_points(tmp_path / name), cloud, types=False)


def test_raw_scan_with_named_columns_keeps_labels_and_colors(tmp_path):
    columns = "x y z red green blue label"
    cloud = only(full_cloud(), "rgb", "labels")
    write_points(tmp_path / "a.bin", cloud, columns=columns)
    assert_same(read_points(tmp_path / "a.bin", columns=columns), cloud)


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_a_second_trip_changes_nothing(tmp_path, suffix):
    """What a reader returns is written back as it stood: equal bytes, columns in order."""
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write_points(first, full_cloud(), lossy=True)
    write_points(second, read_points(first))
    if suffix in DATED_OR_UNTYPED:
        assert_same(read_points(second), read_points(first))
    else:
        assert second.read_bytes() == first.read_bytes()


@pytest.mark.parametrize("suffix", sorted(set(FORMATS) - {".npz", ".ply", ".off", ".obj"}))
def test_what_a_format_cannot_hold_is_refused_by_name(tmp_path, suffix):
    with pytest.raises(DataError, match=r"cannot hold .*faces"):
        write_points(tmp_path / f"a{suffix}", full_cloud())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", sorted(set(FORMATS) - {".las", ".laz"}))
def test_nan_points_stay_where_they_are(tmp_path, suffix):
    xyz = np.arange(30, dtype=np.float32).reshape(10, 3)
    xyz[3] = np.nan
    xyz[7, 1] = np.inf
    write_points(tmp_path / f"a{suffix}", PointFile(xyz))
    np.testing.assert_array_equal(read_points(tmp_path / f"a{suffix}").xyz, xyz)


def test_las_refuses_nan_points(tmp_path):
    xyz = np.full((3, 3), np.nan)
    with pytest.raises(DataError, match=r"a\.las: LAS cannot hold NaN"):
        write_points(tmp_path / "a.las", PointFile(xyz))


@pytest.mark.parametrize("target", [".npz", ".ply", ".pcd", ".laz", ".txt"])
@pytest.mark.parametrize("source", sorted(FORMATS))
def test_every_format_converts_to_every_rich_one(tmp_path, source, target):
    write_points(tmp_path / f"a{source}", full_cloud(), lossy=True)
    first = read_points(tmp_path / f"a{source}").replace(faces=None)
    write_points(tmp_path / f"b{target}", first)
    second = read_points(tmp_path / f"b{target}")
    np.testing.assert_allclose(second.xyz, first.xyz, rtol=0, atol=1e-6)
    for name in set(first.attrs) - {"rgb"}:
        np.testing.assert_allclose(second.attrs[name], first.attrs[name], rtol=1e-6, atol=1e-5)
    if "rgb" in first.attrs:
        np.testing.assert_allclose(second.attrs["rgb"], first.attrs["rgb"], atol=1e-6)
    if first.labels is not None:
        np.testing.assert_array_equal(second.labels, first.labels)
