"""Sensors: the beam tables become the rays that they state."""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.errors import ConfigError
from pcseg.sim.sensors import DEFAULT_MOUNT_HEIGHT_M, list_rigs, list_sensors, rig_facts, sensor


@pytest.mark.parametrize("name", list_sensors())
def test_every_device_gives_unit_rays(name: str) -> None:
    device = sensor(name)
    assert device.directions.shape == device.origins.shape == (device.rows, device.columns, 3)
    assert device.directions.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(device.directions, axis=2), 1.0, atol=1e-6)
    # One elevation per row, falling from row to row.
    elevation = np.arcsin(device.directions[..., 2])
    assert np.ptp(elevation, axis=1).max() < 1e-3
    assert (np.diff(elevation.mean(1)) < 0).all()
    assert (np.diff(device.column_time_s) > 0).all()
    assert abs(device.column_time_s.mean()) < 1e-9
    assert np.ptp(device.column_time_s) < 1.0 / device.frame_rate_hz
    assert 0 <= device.range_min_m < device.range_max_m


@pytest.mark.parametrize("name", list_rigs())
def test_every_rig_gives_its_sensor_and_mount(name: str) -> None:
    device, facts = sensor(name), rig_facts(name)
    assert device.name == facts["sensor"]
    published = facts.get("mount_height_m")
    assert device.mount_height_m == (DEFAULT_MOUNT_HEIGHT_M if published is None else published)


def test_hdl64_rows_are_those_of_the_calibration_file() -> None:
    device = sensor("hdl64e_s3")
    assert (device.rows, device.columns, device.mount_height_m) == (64, 2083, 1.73)
    elevation = np.degrees(np.arcsin(device.directions[:, 0, 2]))
    np.testing.assert_allclose(
        elevation[[0, 31, 32, 63]], [1.867, -8.528, -8.855, -24.816], atol=1e-3
    )
    # The upper block sits 0.20 to 0.22 m above the stated origin, the lower one at about 0.15 m.
    height = device.origins[:, 0, 2]
    assert 0.20 < height[:32].min() and height[:32].max() < 0.22
    assert 0.14 < height[32:].min() and height[32:].max() < 0.17
    assert device.range_quantum_m == 0.002


def test_heads_turn_clockwise_and_offsets_are_added() -> None:
    device = sensor("vlp16")  # no azimuth offsets: the middle of the sweep looks ahead
    azimuth = np.degrees(
        np.unwrap(np.arctan2(device.directions[0, :, 1], device.directions[0, :, 0]))
    )
    step = np.diff(azimuth)
    np.testing.assert_allclose(step, -360 / device.columns, atol=1e-3)
    assert abs((azimuth[device.columns // 2] + 180) % 360 - 180) < 0.3
    shifted = sensor("pandar64")  # row 0 is offset by -1.042 degrees, row 7 by +3.125
    rows = np.degrees(np.arctan2(shifted.directions[:, 900, 1], shifted.directions[:, 900, 0]))
    assert rows[0] - rows[7] == pytest.approx(3.125 + 1.042, abs=1e-3)


def test_solid_state_field_and_point_count() -> None:
    device = sensor("pandar_gt")
    assert device.rows * device.columns == 60600
    azimuth = np.degrees(np.arctan2(device.directions[..., 1], device.directions[..., 0]))
    assert (azimuth.min(), azimuth.max()) == (pytest.approx(-30), pytest.approx(30))


def test_frame_rates_choose_the_columns() -> None:
    assert sensor("hdl32e", 10.0).columns == 2170
    assert sensor("hdl32e", 20.0).columns == 1085
    assert sensor("nuscenes").columns == 1085  # the rig turns at 20 Hz
    with pytest.raises(
        ConfigError, match=r"hdl32e: no frame rate of 15\.0 Hz. Known: \[10\.0, 20\.0\]"
    ):
        sensor("hdl32e", 15.0)


def test_thinning_keeps_the_field() -> None:
    whole = sensor("hdl64e_s3")
    thin = whole.thinned(columns=4, rows=2)
    assert (thin.rows, thin.columns) == (32, 521)
    np.testing.assert_array_equal(thin.directions, whole.directions[::2, ::4])
    with pytest.raises(ConfigError, match="thinning must be 1 or more"):
        whole.thinned(columns=0)


def test_unknown_sensor_suggests() -> None:
    with pytest.raises(ConfigError, match=r"'hdl64' \(did you mean hdl64e_s\d\?\)") as caught:
        sensor("hdl64")
    assert "semantic_kitti" in str(caught.value)
    with pytest.raises(ConfigError, match="there is no rig"):
        rig_facts("hdl64e_s3")


def test_shared_tables_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="read-only"):
        sensor("vlp16").directions[0, 0, 0] = 0
