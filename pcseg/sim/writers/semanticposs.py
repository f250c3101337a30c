"""SemanticPOSS layout: clouds in the order of the sensor's grid, tags, its own ids, 8-bit grey."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from pcseg.data.readers.kitti.files import packed
from pcseg.data.readers.kitti.semanticposs import COLUMNS, ROWS
from pcseg.data.scan import Scan
from pcseg.errors import ConfigError
from pcseg.files import remove_leftovers, write_bytes
from pcseg.sim import classes as sim
from pcseg.sim.record import Frame
from pcseg.sim.rig import Rig, above
from pcseg.sim.sensors import Sensor
from pcseg.sim.sensors import sensor as device
from pcseg.sim.writers.odometry import has_sides, write_sides

PERSON, RIDER, CAR, TRUNK, PLANTS, SIGN = 4, 6, 7, 8, 9, 10
POLE, BIN, BUILDING, CONE, FENCE, BIKE, GROUND = 13, 14, 15, 16, 17, 21, 22
THINGS = (PERSON, RIDER, CAR, BIKE)
"""What the data set counts one by one."""

FROM_SIMULATOR = sim.translation(
    {
        0: 0,
        sim.CAR: CAR,
        sim.BUS: CAR,  # there are no other vehicles with four wheels or more
        sim.TRUCK: CAR,
        sim.OTHER_VEHICLE: CAR,
        sim.BICYCLE: BIKE,
        sim.MOTORCYCLE: BIKE,
        sim.PERSONAL_MOBILITY: BIKE,
        sim.PERSON: PERSON,
        sim.BICYCLIST: RIDER,
        sim.MOTORCYCLIST: RIDER,
        **dict.fromkeys(sim.GROUND, GROUND),
        sim.BUILDING: BUILDING,
        sim.FENCE: FENCE,
        sim.OTHER_STRUCTURE: 0,
        sim.VEGETATION: PLANTS,
        sim.TRUNK: TRUNK,
        sim.POLE: POLE,
        sim.TRAFFIC_SIGN: SIGN,
        sim.OTHER_OBJECT: 0,
        sim.REFUSE_BIN: BIN,
        sim.CONTAINER: BIN,
        sim.TRAFFIC_CONE: CONE,
    }
)
"""SemanticPOSS's id by the simulator's; 0 is unlabelled."""


class SemanticPossWriter:
    """Writes under ``root/sequences/SS``: velodyne, labels, tag, calib, poses and times.

    Columns of the grid are in order of firing, from straight behind and clockwise; where the
    genuine grid begins is not published. ``instances.txt``, whose format is not published either,
    is not written. The genuine calib.txt holds no chain from sensor to camera; here it holds
    identities, and poses are those of the sensor, from the first.
    """

    entries: ClassVar[tuple[str, ...]] = ("sequences",)
    own: ClassVar[str] = r"sequences/(?P<sequence>\d\d)/.*"
    pictures: ClassVar[bool] = False

    def __init__(self, root: Path, rig: Rig) -> None:
        self.root, self._rig = root, rig

    @classmethod
    def rig(cls, sensor: str | None) -> Rig:
        """Pandora's 40 beams, or another LiDAR whose rays the grid of the tags can hold.

        Raises:
            ConfigError: for a device with more beams or firings than the grid has.
        """
        lidar = device(sensor or "semantic_poss")
        if lidar.rows > ROWS or lidar.columns > COLUMNS:
            raise ConfigError(
                f"the tags of layout semanticposs are a grid of {ROWS} x {COLUMNS} rays; {sensor} "
                f"has {lidar.rows} x {lidar.columns}. Choose a lighter sensor, or another layout."
            )
        return Rig((above("pandora", lidar),), (), lidar.frame_rate_hz)

    def folder(self, sequence: str) -> Path:
        """Where a sequence lies."""
        return self.root / "sequences" / sequence

    def remove_leftovers(self, sequence: str) -> None:
        """Remove the half-written files of a process that was killed."""
        folder = self.folder(sequence)
        remove_leftovers(folder, "*.txt")
        for name, suffix in (("velodyne", "bin"), ("labels", "label"), ("tag", "tag")):
            remove_leftovers(folder / name, f"*.{suffix}")

    def has_frame(self, sequence: str, frame: int) -> bool:
        """Whether points, labels and tag of a frame are there and fit each other."""
        points, labels, tag = self._paths(sequence, frame)
        if not (points.is_file() and labels.is_file() and tag.is_file()):
            return False
        cells = np.fromfile(tag, np.uint8)
        size = points.stat().st_size
        fits = size == 4 * labels.stat().st_size == 16 * int(cells.sum())
        return fits and size > 0 and len(cells) == ROWS * COLUMNS

    def write_frame(self, sequence: str, number: int, frame: Frame) -> None:
        """Write one scan in the order of the grid.

        Points are float32 x y z and intensity of 0..255 in whole steps; labels are uint32
        instance << 16 | id.
        """
        scan, cells = in_grid_order(frame.scans[0], self._rig.main.sensor)
        assert scan.raw_labels is not None and scan.instances is not None
        points, labels, tag = self._paths(sequence, number)
        grey = np.rint(scan.attrs["intensity"] * np.float32(255))
        ids = FROM_SIMULATOR[scan.raw_labels]
        instances = np.where(np.isin(ids, THINGS), scan.instances, 0)
        filled = np.zeros(ROWS * COLUMNS, np.uint8)
        filled[cells] = 1
        write_bytes(tag, filled.tobytes())
        write_bytes(labels, packed(ids, instances))
        write_bytes(points, np.column_stack([scan.xyz, grey]).astype("<f4").tobytes())

    def has_sequence(self, sequence: str, frames: int) -> bool:
        """Whether calib, and a pose and a time for every frame, are there."""
        return has_sides(self.folder(sequence), frames)

    def write_sequence(self, sequence: str, bodies: np.ndarray, times: Sequence[float]) -> None:
        """Write calib, poses and times."""
        poses = bodies @ self._rig.main.body_from_sensor
        poses = np.linalg.inv(poses[0]) @ poses
        calib = dict.fromkeys(("P0", "P1", "P2", "P3", "Tr"), np.eye(4))
        write_sides(self.folder(sequence), calib, poses, times)

    def finish(self, sequences: Sequence[str], frames: int) -> None:
        """Nothing here spans sequences."""

    def _paths(self, sequence: str, frame: int) -> tuple[Path, Path, Path]:
        folder = self.folder(sequence)
        names = ("velodyne", "bin"), ("labels", "label"), ("tag", "tag")
        points, labels, tag = (folder / name / f"{frame:06d}.{suffix}" for name, suffix in names)
        return points, labels, tag


def in_grid_order(scan: Scan, sensor: Sensor) -> tuple[Scan, np.ndarray]:
    """A sweep in the order of SemanticPOSS's grid, row after row from the top.

    A thinned sensor's rays keep the cells that they have in the whole device.

    Args:
        scan: of the simulator, with ``ring`` and ``time``.
        sensor: that made it.

    Returns:
        The same points in order of their cells, and (N,) int64 numbers of these cells.
    """
    row = sensor.beams[scan.attrs["ring"]]
    column = sensor.firings[sensor.fired(scan.attrs["time"])]
    cells = row * COLUMNS + column
    order = np.argsort(cells)
    return scan.select(order), cells[order]
