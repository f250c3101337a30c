"""A simulated drive in KITTI-360's files: raw sweeps, accumulated windows, poses, calibration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pcseg.data import Scan
from pcseg.io import PointFile, write_points
from pcseg.sim import Lidar, World, sensor
from pcseg.sim import classes as sim
from pcseg.sim.mesh import join, pose
from pcseg.sim.path import STEP_M
from pcseg.sim.path import Path as Way
from pcseg.sim.shapes.primitives import box, quads
from pcseg.sim.world import Mover, Track

DRIVE = "2013_05_28_drive_0003_sync"
CAR, ROAD = 26, 7
IDS = sim.translation(
    {
        **dict.fromkeys(sim.GROUND, ROAD),
        **{sim.CAR: CAR, sim.TRUCK: 27, sim.BUS: 28, sim.OTHER_VEHICLE: 43},
        **{sim.BICYCLE: 33, sim.MOTORCYCLE: 32, sim.PERSON: 24},
        **dict.fromkeys((sim.BICYCLIST, sim.MOTORCYCLIST), 25),
        **{sim.BUILDING: 11, sim.FENCE: 13, sim.OTHER_STRUCTURE: 42, sim.VEGETATION: 21},
        **{sim.TRUNK: 21, sim.POLE: 17, sim.TRAFFIC_SIGN: 20, sim.OTHER_OBJECT: 44, 0: 0},
    }
)
MOVING_IDS = list(sim.MOVING.values())
BODY_FROM_CAMERA = pose((1.57, 0.24, -0.1)) @ np.array(
    [[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]]
)
BODY_FROM_SENSOR = pose((0.77, 0.30, 0.9), 0.01)
PERIOD_S = 0.1


@dataclass(frozen=True)
class Drive:
    """The folder, and what the simulator knows of its frames."""

    root: Path
    scans: dict[int, Scan]


def write_drive(root: Path) -> Drive:
    """Six sweeps, frames 10 to 15, accumulated in one window for training."""
    street = small_street()
    lidar = Lidar(street, sensor("hdl64e_s3").thinned(8))
    numbers = range(10, 16)
    times = [2.0 + PERIOD_S * number for number in numbers]
    rngs = [np.random.default_rng(number) for number in numbers]
    scans = dict(zip(numbers, lidar.drive(times, rngs), strict=True))
    _write_calibration(root / "calibration")
    raw = root / "data_3d_raw" / DRIVE / "velodyne_points" / "data"
    raw.mkdir(parents=True)
    ego, rows = street.ego, []
    for (number, scan), time in zip(scans.items(), times, strict=True):
        turning = ego.speed_mps * ego.path.bend(ego.travelled(time))
        xyz = as_measured(scan, ego.velocity(time), turning)
        cloud = np.column_stack([xyz, scan.attrs["intensity"]])
        cloud.astype("<f4").tofile(raw / f"{number:010d}.bin")
        body = scan.pose @ np.linalg.inv(BODY_FROM_SENSOR)
        rows.append(f"{number} " + " ".join(f"{v:.9f}" for v in body[:3].ravel()) + " \n")
    poses = root / "data_poses" / DRIVE
    poses.mkdir(parents=True)
    (poses / "poses.txt").write_text("".join(rows))
    stamps = [f"2013-05-28 08:46:{0.1 * i:012.9f}" for i in range(16)]
    (raw.parent / "timestamps.txt").write_text("\n".join(stamps) + "\n")
    write_window(root, scans, "0000000010_0000000015")
    return Drive(root, scans)


def small_street() -> World:
    """A road between blocks, poles and parked cars; one car overtakes the sensor's."""
    length = int(200.0 / STEP_M) + 1
    path = Way(np.arange(length)[:, None] * [STEP_M, 0, 0], np.zeros(length))
    corners = [[0, -60, 0], [200, -60, 0], [200, 60, 0], [0, 60, 0]]
    parts = [quads(np.array([corners], float), "asphalt").labelled(sim.ROAD)]
    for i in range(12):
        x, side = 12.0 + 16 * i, (-1) ** i
        block = box((9, 6, 8), (x, side * 14, 4), "plaster")
        parts.append(block.labelled(sim.BUILDING))
        parked = box((4.2, 1.8, 1.4), (x + 7, side * 6, 0.8), "plaster")
        parts.append(parked.labelled(sim.CAR, i + 1))
        parts.append(box((0.15, 0.15, 5), (x + 3, -side * 7, 2.5), "plaster").labelled(sim.POLE))
    body = box((4.2, 1.8, 1.4), (0, 0, 0.8), "plaster").labelled(sim.MOVING[sim.CAR], 40)
    ahead = Mover((body,), Track(path, 95.0, 12.0, 3.0), 1.0, 40)
    return World(join(parts), (ahead,), path, Track(path, 80.0, 9.0, 0.0))


def write_window(root: Path, scans: dict[int, Scan], name: str, part: str = "train") -> None:
    """The accumulated cloud of some scans, in the properties of the dataset."""
    parts = [_world(number, scan) for number, scan in scans.items()]
    xyz, ids, instances, frames, moves = (np.concatenate(p) for p in zip(*parts, strict=True))
    for folder, rows in (("static", ~moves), ("dynamic", moves)):
        count = int(rows.sum())
        stored = ids[rows] * 1000 + np.where(instances[rows] > 0, instances[rows] % 1000, 0)
        attrs = {
            "rgb": np.full((count, 3), 0.5, np.float32),
            "instance": stored.astype(np.int32),
            "visible": np.ones(count, np.uint8),
            "confidence": np.ones(count, np.float32),
        }
        if folder == "dynamic":
            attrs["timestamp"] = frames[rows].astype(np.int32)
        points = PointFile(xyz[rows].astype(np.float32), attrs, ids[rows].astype(np.int64))
        path = root / "data_3d_semantics" / part / DRIVE / folder / f"{name}.ply"
        write_points(path, points)
        # The dataset calls its labels so; ours is the same file with another name in its header.
        path.write_bytes(path.read_bytes().replace(b" label\n", b" semantic\n", 1))


def as_measured(scan: Scan, velocity: np.ndarray, yaw_rate: float) -> np.ndarray:
    """The points of a sweep as the moving sensor met them: the motion put back."""
    time = scan.attrs["time"].astype(float)
    world = scan.xyz @ scan.pose[:3, :3].T
    seen = (world - time[:, None] * velocity) @ scan.pose[:3, :3]
    cosine, sine = np.cos(yaw_rate * time), np.sin(yaw_rate * time)
    x, y = seen[:, 0] * cosine + seen[:, 1] * sine, seen[:, 1] * cosine - seen[:, 0] * sine
    return np.column_stack([x, y, seen[:, 2]])


def _world(number: int, scan: Scan) -> tuple[np.ndarray, ...]:
    world = scan.xyz @ scan.pose[:3, :3].T + scan.pose[:3, 3]
    moves = np.isin(scan.raw_labels, MOVING_IDS)
    return world, IDS[scan.raw_labels], scan.instances, np.full(len(scan), number), moves


def _write_calibration(folder: Path) -> None:
    folder.mkdir(parents=True)

    def row(matrix: np.ndarray) -> str:
        return " ".join(f"{v:.10f}" for v in matrix[:3].ravel())

    shifted = BODY_FROM_CAMERA.copy()
    shifted[1, 3] -= 0.6
    lines = [f"image_00: {row(BODY_FROM_CAMERA)}", f"image_01: {row(shifted)}"]
    (folder / "calib_cam_to_pose.txt").write_text("\n".join(lines) + "\n")
    sensor_from_camera = np.linalg.inv(BODY_FROM_SENSOR) @ BODY_FROM_CAMERA
    (folder / "calib_cam_to_velo.txt").write_text(row(sensor_from_camera))
    identity = " ".join(f"{v:.6e}" for v in np.eye(3).ravel())
    P = "5.5e+01 0 7.0e+01 0 0 5.5e+01 2.3e+01 0 0 0 1 0"
    text = "calib_time: 28-May-2013\n" + "".join(
        f"S_rect_{n}: 141 47\nR_rect_{n}: {identity}\nP_rect_{n}: {P}\n" for n in ("00", "01")
    )
    (folder / "perspective.txt").write_text(text)
