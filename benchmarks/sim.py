"""Simulated 64-beam scans per second, against the floor of casting the same rays and no more.

python benchmarks/sim.py [--quick] [--scans 20] [--sensor hdl64e_s3] [--json FILE]
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time

import numpy as np
from _run import options, record

from pcseg.files import write_json
from pcseg.sim import Lidar, build_street, sensor, simulate
from pcseg.sim.raycast import caster
from pcseg.sim.rays import sweep_rays


def main() -> None:
    """Measure and print."""
    parser = options(__doc__, quick="five scans, to see that it runs")
    parser.add_argument("--sensor", default="hdl64e_s3")
    parser.add_argument("--scans", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    scans_wanted = 5 if given.quick else given.scans
    device = sensor(given.sensor)
    began = time.perf_counter()
    world = build_street([0, 0, 0], 300.0)
    built = time.perf_counter()
    lidar = Lidar(world, device)
    next(lidar.drive([0.0], [np.random.default_rng(0)]))
    ready = time.perf_counter()
    scans, floor = _interleaved(lidar, scans_wanted)
    row = {
        "sensor": given.sensor,
        "rays_per_scan": device.rows * device.columns,
        "triangles": len(world.static),
        "movers": len(world.movers),
        "street_s": round(built - began, 3),
        "first_scan_s": round(ready - built, 3),
        "scan_ms": round(1000 * statistics.median(scans), 2),
        "cast_only_ms": round(1000 * statistics.median(floor), 2),
        "scans_per_s_one_process": round(1 / statistics.median(scans), 2),
        "to_disk": _to_disk(given.sensor, scans_wanted, given.workers),
    }
    load = round(os.getloadavg()[0], 2)
    result = record([row], cores=os.cpu_count(), load=load)
    print(json.dumps(result, indent=2))
    if given.json:
        write_json(given.json, result)


def _interleaved(lidar: Lidar, count: int) -> tuple[list[float], list[float]]:
    """Seconds of whole scans and of bare casts of the same rays, in turn so that load hits both."""
    device, world = lidar.sensor, lidar.world
    static = caster(world.static)
    reach = np.full(device.rows * device.columns, device.range_max_m, np.float32)
    scans, floor = [], []
    for number in range(count):
        at = 0.1 * number
        began = time.perf_counter()
        next(lidar.drive([at], [np.random.default_rng(number)]))
        scans.append(time.perf_counter() - began)
        pose = world.sensor_pose(at, device.mount_height_m)
        rays = sweep_rays(device, pose, 0.0, world.ego.velocity(at), 0.0)
        began = time.perf_counter()
        static.cast(rays.origins, rays.directions, reach)
        floor.append(time.perf_counter() - began)
    return scans, floor


def _to_disk(name: str, count: int, workers: int) -> dict[str, float]:
    """Scans a second with files written: from the first file on, and with streets and start-up."""
    with tempfile.TemporaryDirectory() as folder:
        marks: list[float] = []
        names = [f"{number:02d}" for number in range(workers)]
        began = time.perf_counter()
        simulate(
            folder,
            sensor=name,
            sequences=names,
            frames=count,
            workers=workers,
            progress=lambda *_: marks.append(time.perf_counter()),
        )
        total = time.perf_counter() - began
    # All workers have built their streets once each has written a frame.
    steady = marks[workers - 1 :]
    return {
        "workers": workers,
        "scans": len(marks),
        "scans_per_s_steady": round((len(steady) - 1) / (steady[-1] - steady[0]), 2),
        "scans_per_s_with_start": round(len(marks) / total, 2),
    }


if __name__ == "__main__":
    main()
