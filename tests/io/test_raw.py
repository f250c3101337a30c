"""Raw scans: KITTI and nuScenes columns, and refusal of what cannot be told."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.errors import DataError
from pcseg.io import PointFile, read_points, write_points


def lidar(count: int, num_columns: int) -> np.ndarray:
    """Rings of points as a scanner stores them: angle, range, height, intensity, ring, time."""
    angle = np.linspace(0, 40 * np.pi, count)
    distance = 20 + 8 * np.sin(angle / 7)
    columns = [
        distance * np.cos(angle),
        distance * np.sin(angle),
        -2 + angle / 60,
        (np.sin(angle) + 1) / 3,
        np.floor(np.linspace(0, 31, count)),
        np.linspace(0, 0.1, count),
    ]
    return np.stack(columns[:num_columns], axis=1).astype("<f4")


@pytest.mark.parametrize("cut", [1, 4, 15])
def test_truncated(tmp_path, cut):
    path = tmp_path / "000000.bin"
    path.write_bytes(lidar(101, 4).tobytes()[:-cut])
    with pytest.raises(DataError) as error:
        read_points(path)
    message = str(error.value)
    assert "000000.bin: truncated" in message
    assert f"{101 * 16 - cut} bytes are 100 points" in message
    assert f"{16 - cut} bytes left over" in message and "Copy the file again" in message


def test_five_columns_by_name_and_by_request(tmp_path):
    rows = lidar(400, 5)
    rows.tofile(tmp_path / "a.pcd.bin")
    rows.tofile(tmp_path / "a.bin")
    for points in (
        read_points(tmp_path / "a.pcd.bin"),
        read_points(tmp_path / "a.bin", columns="x y z i laser_id"),
    ):
        np.testing.assert_array_equal(points.xyz, rows[:, :3])
        np.testing.assert_array_equal(points.attrs["intensity"], rows[:, 3])
        np.testing.assert_array_equal(points.attrs["ring"], rows[:, 4])


@pytest.mark.parametrize("num_columns", [3, 5, 6])
def test_other_row_lengths_are_refused_not_misread(tmp_path, num_columns):
    lidar(2000, num_columns).tofile(tmp_path / "a.bin")  # 2000 rows fit rows of 4, too
    with pytest.raises(DataError, match=f"looks like rows of {num_columns} columns, not 4"):
        read_points(tmp_path / "a.bin")
    names = "x y z intensity ring time".split()[:num_columns]
    assert len(read_points(tmp_path / "a.bin", columns=names)) == 2000


@pytest.mark.parametrize("count", [5, 15, 60, 2000, 30_000])
def test_true_kitti_rows_are_never_refused(tmp_path, count):
    rng = np.random.default_rng(count)
    for i, rows in enumerate((lidar(count, 4), rng.permutation(lidar(count, 4)),
                              rng.normal(size=(count, 4)), np.zeros((count, 4)))):  # fmt: skip
        path = tmp_path / f"{i}.bin"
        rows.astype("<f4").tofile(path)
        np.testing.assert_array_equal(read_points(path).xyz, rows[:, :3].astype("<f4"))


def test_skipped_columns(tmp_path):
    rows = lidar(50, 6)
    rows.tofile(tmp_path / "a.bin")
    points = read_points(tmp_path / "a.bin", columns="x y z _ _ time")
    assert set(points.attrs) == {"time"}


@pytest.mark.parametrize("columns", ["x y intensity", "x y z z", ["x"]])
def test_impossible_columns(tmp_path, columns):
    lidar(50, 4).tofile(tmp_path / "a.bin")
    with pytest.raises(DataError, match="must include x, y and z, each name once"):
        read_points(tmp_path / "a.bin", columns=columns)


def test_coordinates_too_large_for_float32_are_refused(tmp_path):
    xyz = np.array([[273357.145, 5274357.14, 788.99]])
    with pytest.raises(DataError, match=r"would move these points by up to 0\.\d+.*npz"):
        write_points(tmp_path / "a.bin", PointFile(xyz))


def test_attributes_of_other_names_are_refused_unless_lossy(tmp_path):
    points = PointFile(np.ones((3, 3), np.float32), {"ring": np.arange(3)}, np.zeros(3, np.int64))
    with pytest.raises(DataError, match="bin cannot hold labels, ring"):
        write_points(tmp_path / "a.bin", points)
    write_points(tmp_path / "a.bin", points, lossy=True)
    assert (tmp_path / "a.bin").stat().st_size == 48
