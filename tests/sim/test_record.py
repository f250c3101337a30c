"""Recording: the sweeps between frames, and the boxes of a frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pcseg.sim import World, sensor
from pcseg.sim.boxes import objects
from pcseg.sim.record import Recorder
from pcseg.sim.rig import Rig, above


@pytest.fixture(scope="module")
def recorder(street: World) -> Recorder:
    lidar = sensor("hdl32e", 20.0).thinned(16, 4)
    return Recorder(street, Rig((above("top", lidar),), (), 2.0, sweeps=9))


def test_sweeps_between_frames(recorder: Recorder) -> None:
    frame = recorder.record(1.0, [5], since=0.5)
    times = [sweep.meta["time"] for sweep in frame.sweeps]
    np.testing.assert_allclose(times, np.arange(0.55, 0.99, 0.05))
    for sweep, time in zip(frame.sweeps, times, strict=True):
        expected = recorder.world.sensor_pose(time, recorder.rig.main.sensor.mount_height_m)
        np.testing.assert_allclose(sweep.pose, expected)
    again = recorder.record(1.0, [5], since=0.5).sweeps
    assert all(np.array_equal(a.xyz, b.xyz) for a, b in zip(frame.sweeps, again, strict=True))
    # Each has noise of its own: two sweeps of one moment would differ too.
    assert len({len(sweep) for sweep in frame.sweeps}) > 1


@pytest.mark.parametrize(("since", "count"), [(None, 0), (0.9, 1), (0.95, 0), (-4.0, 9)])
def test_only_sweeps_after_the_frame_before(
    recorder: Recorder, since: float | None, count: int
) -> None:
    assert len(recorder.record(1.0, [5], since).sweeps) == count


def test_a_rig_without_sweeps_keeps_none(recorder: Recorder, street: World) -> None:
    assert not Recorder(street, replace(recorder.rig, sweeps=0)).record(1.0, [5], 0.5).sweeps


def test_boxes_of_a_frame(recorder: Recorder, street: World) -> None:
    frame = recorder.record(1.0, [5])
    assert [box.instance for box in frame.boxes()] == [b.instance for b in objects(street, 1.0)]
