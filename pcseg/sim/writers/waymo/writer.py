"""Waymo Open v2: parquet components with range images, poses per pixel, labels and pictures."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from pcseg.errors import ConfigError
from pcseg.sim.mesh import pose
from pcseg.sim.record import Frame
from pcseg.sim.rig import Rig, above, looking
from pcseg.sim.sensors import Sensor
from pcseg.sim.sensors import sensor as device
from pcseg.sim.writers.waymo import rows
from pcseg.sim.writers.waymo.images import Grid, range_images
from pcseg.sim.writers.waymo.parts import PARTS, GrowingFile, row_count, table_of, write_table

VALIDATION = ("08",)
"""Sequences that go to ``validation``; the others to ``training``."""

LABEL_RATE_HZ = 2.0
START_MICROS = 1_550_000_000_000_000
"""Time of the first frame of sequence 00; every sequence begins an hour after the one before."""

AXLE_M = 1.43
"""The vehicle frame begins under the rear axle, this far behind the LiDAR."""
TOP_YAW = 2.584
"""The LiDAR's own x points backwards to the left (148 degrees), as on the published vehicles."""

_FOCAL_PX = 2055.0
_CAMERAS = (  # name, height in pixels, place in the vehicle frame (m), yaw (degrees)
    ("FRONT", 1280, (1.54, -0.02, 2.115), 0.0),
    ("FRONT_LEFT", 1280, (1.50, 0.09, 2.115), 45.0),
    ("FRONT_RIGHT", 1280, (1.49, -0.09, 2.115), -45.0),
    ("SIDE_LEFT", 886, (1.43, 0.115, 2.115), 90.0),
    ("SIDE_RIGHT", 886, (1.43, -0.115, 2.115), -90.0),
)


class WaymoWriter:
    """Writes ``<split>/<component>/<segment>.parquet``, with a row for each labelled frame.

    Frames wait in a hidden folder until a segment is complete. The vehicle frame lies on the ground
    under the rear axle, behind the body's origin.
    """

    entries: ClassVar[tuple[str, ...]] = ("training", "validation", PARTS)
    own: ClassVar[str] = (
        rf"({re.escape(PARTS)}|training|validation)/.*"
        r"90{16}(?P<sequence>\d\d)_000_000_020_000(/.*|(\.[^/]*)?\.parquet)"
    )
    pictures: ClassVar[bool] = True

    def __init__(self, root: Path, rig: Rig) -> None:
        self.root, self._rig = root, rig
        self._grid = Grid(rig.main.sensor)
        height = float(rig.main.body_from_sensor[2, 3])
        self._vehicle_from_sensor = pose((AXLE_M, 0.0, height))
        self._vehicle_from_lidar = pose((AXLE_M, 0.0, height), TOP_YAW)
        self._body_from_vehicle = pose((-AXLE_M, 0.0, 0.0))

    @classmethod
    def rig(cls, sensor: str | None) -> Rig:
        """The rig of Waymo's vehicles: TOP and five cameras; another LiDAR may take TOP's place.

        Raises:
            ConfigError: for a LiDAR that range images cannot hold.
        """
        lidar = device(sensor or "waymo")
        _demand_rows(lidar)
        cameras = tuple(
            looking(name, (1920, height), _FOCAL_PX, (x - AXLE_M, y, z), np.radians(yaw))
            for name, height, (x, y, z), yaw in _CAMERAS
        )
        return Rig((above("TOP", lidar),), cameras, LABEL_RATE_HZ)

    def remove_leftovers(self, sequence: str) -> None:
        """Remove the half-written files of a process that was killed."""
        for file in self._files(sequence).values():
            file.remove_leftovers()

    def has_frame(self, sequence: str, frame: int) -> bool:
        """Whether all components of a frame are there, in the segment's files or as parts."""
        return all(file.has(frame) for file in self._files(sequence).values())

    def write_frame(self, sequence: str, number: int, frame: Frame) -> None:
        """Store one moment as one part for each component."""
        segment, micros = segment_name(sequence), time_micros(sequence, frame.time)
        vehicle, scan = frame.body @ self._body_from_vehicle, frame.scans[0]
        # A frame's chance is its own: it does not matter which frames were made before it.
        rng = np.random.default_rng([int(sequence), number])
        images = range_images(scan, self._grid, self._vehicle_from_sensor, rng)
        made = rows.lidar_components(segment, micros, images)
        made["vehicle_pose"] = rows.vehicle_pose(segment, micros, vehicle)
        if frame.pictures:
            motion = scan.meta["motion"]
            made["camera_image"] = rows.camera_images(
                segment, micros, frame.pictures, vehicle, motion["velocity"], motion["yaw_rate"]
            )
            made["camera_segmentation"] = rows.camera_labels(segment, micros, frame.pictures)
        for component, file in self._files(sequence).items():
            file.add(number, table_of(made[component]))

    def has_sequence(self, sequence: str, frames: int) -> bool:
        """Whether the calibrations of a segment are there."""
        wanted = {"lidar_calibration": 1}
        if self._rig.cameras:
            wanted["camera_calibration"] = len(self._rig.cameras)
        return all(row_count(self._path(sequence, k)) == n for k, n in wanted.items())

    def write_sequence(self, sequence: str, bodies: np.ndarray, times: Sequence[float]) -> None:
        """Write the calibrations."""
        segment, inclination = segment_name(sequence), self._grid.inclination
        lidar = rows.lidar_calibration(segment, self._vehicle_from_lidar, inclination)
        write_table(self._path(sequence, "lidar_calibration"), [table_of(lidar)])
        if self._rig.cameras:
            vehicle_from_body = np.linalg.inv(self._body_from_vehicle)
            camera = rows.camera_calibration(segment, self._rig.cameras, vehicle_from_body)
            write_table(self._path(sequence, "camera_calibration"), [table_of(camera)])

    def finish(self, sequences: Sequence[str], frames: int) -> None:
        """Join the parts of every segment."""
        for sequence in sequences:
            files = self._files(sequence).values()
            for file in files:
                if not file.joined(frames):
                    file.join(frames)
            for file in files:  # only now: half of a segment's parts would not be a frame
                file.forget_parts()
            _remove_empty(self.root / PARTS / segment_name(sequence))
        _remove_empty(self.root / PARTS)

    def _files(self, sequence: str) -> dict[str, GrowingFile]:
        each = {"lidar": 1, "lidar_segmentation": 1, "lidar_pose": 1, "vehicle_pose": 1}
        if self._rig.cameras:
            each |= dict.fromkeys(("camera_image", "camera_segmentation"), len(self._rig.cameras))
        waiting = self.root / PARTS / segment_name(sequence)
        return {k: GrowingFile(self._path(sequence, k), waiting / k, n) for k, n in each.items()}

    def _path(self, sequence: str, component: str) -> Path:
        split = "validation" if sequence in VALIDATION else "training"
        return self.root / split / component / f"{segment_name(sequence)}.parquet"


def segment_name(sequence: str) -> str:
    """A segment's context name, of the shape of Waymo's: a long number, then times."""
    return f"{9 * 10**18 + int(sequence)}_000_000_020_000"


def time_micros(sequence: str, time: float) -> int:
    """The frame's time stamp, from seconds since the sequence's beginning."""
    return START_MICROS + int(sequence) * 3_600_000_000 + round(time * 1e6)


def _demand_rows(lidar: Sensor) -> None:
    """A range image has one angle for a row and one for a column, and one origin."""
    azimuth = np.arctan2(lidar.directions[..., 1], lidar.directions[..., 0])
    columns = np.pi - (np.arange(lidar.columns) + 0.5) * 2 * np.pi / lidar.columns
    off = np.abs(np.sin((azimuth - columns) / 2)).max()
    if lidar.kind != "spinning" or off > 1e-4 or np.abs(lidar.origins).max() > 0:
        raise ConfigError(
            f"{lidar.name}: its beams do not leave one point, row by row and column by column, as "
            "Waymo's range images demand. Leave the sensor out, or use vlp16 or hdl32e; or "
            "another layout."
        )


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
