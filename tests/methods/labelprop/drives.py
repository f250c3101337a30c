"""A tiny world: a plane, a wall, a parked box, and one that overtakes; seen by a small sensor."""

from __future__ import annotations

from functools import cache

import numpy as np

from pcseg.data import Scan, label_set
from pcseg.sim import Lidar, Mover, Track, World, sensor
from pcseg.sim.mesh import Mesh, join
from pcseg.sim.path import Path
from pcseg.sim.shapes.primitives import box

ROAD, CAR, BUILDING, MOVING_CAR = 40, 10, 50, 252
LABELS = label_set("semantic_kitti/sk19")
PARKED, DRIVING = 1, 2
"""Instances of the two boxes."""


def flat_world(speed_mps: float = 8.0) -> World:
    along = np.arange(0.0, 201.0, 0.5)
    path = Path(np.stack([along, 0 * along, 0 * along], 1), 0 * along)
    static = join(
        [
            box((260, 60, 0.2), (80, 0, -0.1), "asphalt").labelled(ROAD, 0),
            box((260, 0.5, 6), (80, 12, 3), "brick").labelled(BUILDING, 0),
            box((4, 1.8, 1.5), (75, 4, 0.75), "car_paint").labelled(CAR, PARKED),
        ]
    )
    mesh: Mesh = box((4, 1.8, 1.5), (0, 0, 0.75), "car_paint").labelled(MOVING_CAR, DRIVING)
    mover = Mover((mesh,), Track(path, 50.0, speed_mps + 6.0, -4.0), 1.0, DRIVING)
    return World(static, (mover,), path, Track(path, 60.0, speed_mps, 0.0), "flat")


@cache
def drive(count: int = 12, speed_mps: float = 8.0, every_s: float = 0.1) -> tuple[Scan, ...]:
    """Scans with labels in SemanticKITTI's classes and poses, 0.1 s apart."""
    lidar = Lidar(flat_world(speed_mps), sensor("vlp16").thinned(4))
    times = [every_s * number for number in range(count)]
    scans = lidar.drive(times, [np.random.default_rng(number) for number in range(count)])
    return tuple(
        scan.replace(
            labels=LABELS.encode(scan.raw_labels),
            meta={"dataset": "flat", "sequence": "00", "frame": f"{number:06d}"},
        )
        for number, scan in enumerate(scans)
    )


def at_rest(scan: Scan, count: int) -> list[Scan]:
    """The scan again and again, from the same place."""
    return [scan.replace(meta={**scan.meta, "frame": f"{number:06d}"}) for number in range(count)]
