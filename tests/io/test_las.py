"""LAS and LAZ: classes, ranges and the integer grid; against laspy."""

from __future__ import annotations

import laspy
import numpy as np
import pytest

from pcseg.errors import DataError
from pcseg.io import PointFile, read_points, write_points


def survey(path, point_format: int = 3, extra: bool = False) -> laspy.LasData:
    """A file as a surveyor's program writes it: large coordinates, millimetre grid."""
    rng = np.random.default_rng(0)
    header = laspy.LasHeader(
        point_format=point_format, version="1.4" if point_format > 5 else "1.2"
    )
    header.scales, header.offsets = np.full(3, 0.001), np.array([273_000.0, 5_274_000.0, 0.0])
    header.system_identifier = "test flight"
    if extra:
        header.add_extra_dim(laspy.ExtraBytesParams("height above ground", "f4"))
        header.add_extra_dim(
            laspy.ExtraBytesParams("scaled", "i2", scales=np.array([0.5]), offsets=np.array([10.0]))
        )
    las = laspy.LasData(header)
    las.points = laspy.ScaleAwarePointRecord.zeros(40, header=header)
    las.X, las.Y, las.Z = rng.integers(-(10**8), 10**8, (3, 40))
    las.intensity = rng.integers(0, 65536, 40)
    las.classification = rng.integers(0, 20, 40)
    las.return_number = rng.integers(1, 4, 40)
    las.gps_time = rng.random(40) * 1e9
    las.red, las.green, las.blue = rng.integers(0, 65536, (3, 40))
    if extra:
        las["height above ground"] = rng.random(40)
        las["scaled"] = rng.integers(-5, 5, 40) * 0.5 + 10
    las.write(str(path))
    return las


@pytest.mark.parametrize("suffix", [".las", ".laz"])
@pytest.mark.parametrize(("point_format", "extra"), [(3, False), (7, False), (3, True), (7, True)])
def test_every_bit_of_every_record_is_written_back(tmp_path, suffix, point_format, extra):
    las = survey(tmp_path / f"a{suffix}", point_format, extra)
    points = read_points(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(points.xyz, las.xyz)
    np.testing.assert_array_equal(points.labels, las.classification)
    np.testing.assert_array_equal(points.attrs["gps_time"], las.gps_time)
    np.testing.assert_allclose(points.attrs["intensity"], las.intensity / 65535, rtol=1e-6)
    np.testing.assert_allclose(points.attrs["rgb"][:, 0], las.red / 65535, rtol=1e-6)
    for name in ("b", "c"):  # twice: what is read from a written file is the same again
        write_points(tmp_path / f"{name}{suffix}", points)
        again = laspy.read(tmp_path / f"{name}{suffix}")
        np.testing.assert_array_equal(again.points.array, las.points.array)
        assert again.header.system_identifier == "test flight"
        np.testing.assert_array_equal(again.header.offsets, las.header.offsets)
        points = read_points(tmp_path / f"{name}{suffix}")


@pytest.mark.parametrize("point_format", [3, 7])
def test_new_labels_in_an_old_file(tmp_path, point_format):
    """Predictions beside the untouched rest; ids above 31 need the newer point formats."""
    las = survey(tmp_path / "a.las", point_format)
    points = read_points(tmp_path / "a.las")
    for top, name in ((31, "classification"), (255, "classification"), (259, "label")):
        labels = np.arange(40, dtype=np.int64) * top // 39
        write_points(tmp_path / "b.las", points.replace(labels=labels))
        again = laspy.read(tmp_path / "b.las")
        np.testing.assert_array_equal(again[name], labels)
        np.testing.assert_array_equal(again.xyz, las.xyz)
        np.testing.assert_array_equal(again.intensity, las.intensity)
        np.testing.assert_array_equal(again.gps_time, las.gps_time)
        np.testing.assert_array_equal(read_points(tmp_path / "b.las").labels, labels)


def test_unclassified_files_have_no_labels_and_take_some(tmp_path):
    las = survey(tmp_path / "a.las")
    las.classification = np.zeros(40, np.uint8)
    las.write(str(tmp_path / "a.las"))
    points = read_points(tmp_path / "a.las")
    assert points.labels is None
    write_points(tmp_path / "b.las", points.replace(labels=np.full(40, 5)))
    assert set(laspy.read(tmp_path / "b.las").classification) == {5}


def test_zeros_with_a_confidence_are_labels(tmp_path):
    points = PointFile(
        np.zeros((4, 3)),
        {"confidence": np.ones(4, np.float32)},
        labels=np.zeros(4, np.int64),
    )
    write_points(tmp_path / "a.las", points)
    assert read_points(tmp_path / "a.las").labels.tolist() == [0, 0, 0, 0]


def test_eight_bit_colors_in_sixteen_bits(tmp_path):
    las = survey(tmp_path / "a.las")
    las.red, las.green, las.blue = (np.arange(40), np.arange(40), np.full(40, 255))
    las.write(str(tmp_path / "a.las"))
    points = read_points(tmp_path / "a.las")
    assert points.attrs["rgb"].max() == 1
    write_points(tmp_path / "b.las", points)
    np.testing.assert_array_equal(laspy.read(tmp_path / "b.las").red, np.arange(40))


def test_the_grid_is_as_fine_as_it_can_be(tmp_path):
    for extent, error in ((1.0, 5.1e-8), (100.0, 5.1e-8), (1e4, 5.1e-6), (1e7, 5.1e-3)):
        xyz = np.random.default_rng(0).uniform(-extent, extent, (100, 3)) + 5e5
        write_points(tmp_path / "a.laz", PointFile(xyz))
        got = read_points(tmp_path / "a.laz").xyz
        np.testing.assert_allclose(got, xyz, rtol=0, atol=error + 1e-9)


def test_points_outside_the_old_grid_are_refused(tmp_path):
    survey(tmp_path / "a.las")
    points = read_points(tmp_path / "a.las")
    with pytest.raises(DataError, match=r"b\.las: .*Divide or shift"):
        write_points(tmp_path / "b.las", points.replace(xyz=points.xyz * 1000))


@pytest.mark.parametrize("at", [100, 243])
def test_absurd_numbers_of_records_are_refused_at_once(tmp_path, at):
    survey(tmp_path / "a.las", point_format=7)
    data = bytearray((tmp_path / "a.las").read_bytes())
    data[at : at + 4] = b"\xff\xff\xff\x7f"
    (tmp_path / "a.las").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.las: .*promises .*2147483647"):
        read_points(tmp_path / "a.las")


def test_a_truncated_las_says_by_how_much(tmp_path):
    survey(tmp_path / "a.las")
    data = (tmp_path / "a.las").read_bytes()
    (tmp_path / "a.las").write_bytes(data[:-100])
    with pytest.raises(DataError, match=f"40 points need {len(data)} bytes, but it has"):
        read_points(tmp_path / "a.las")
