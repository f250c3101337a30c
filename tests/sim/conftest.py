"""A small street and its scans, made once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from pcseg.data import Scan
from pcseg.sim import Lidar, World, sensor
from tests import streets


@pytest.fixture(scope="session", autouse=True)
def streets_are_built_once() -> Iterator[None]:
    with streets.shared():
        yield


@pytest.fixture(scope="session")
def street() -> World:
    return streets.street([0, 0, 0], 220.0)


@pytest.fixture(scope="session")
def full_scan(light: Lidar) -> Scan:
    """All rays of the 64-beam sensor."""
    return next(light.with_sensor(sensor("hdl64e_s3")).drive([3.0], [np.random.default_rng(0)]))


@pytest.fixture(scope="session")
def light(street: World) -> Lidar:
    return Lidar(streets.stage(street), sensor("hdl64e_s3").thinned(8))


@pytest.fixture(scope="session")
def drive(light: Lidar) -> list[Scan]:
    """Ten light scans, five metres apart."""
    times = [5.0 / 8.0 * number for number in range(10)]
    return list(light.drive(times, [np.random.default_rng(number) for number in range(10)]))
