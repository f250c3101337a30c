"""The car of nuScenes: an HDL-32E on its roof, and six cameras as one of its calibrations has them.

Positions are in the frame of the car: the middle of the rear axle, on the ground.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pcseg.data.quaternions import quaternion_of, rotation_of
from pcseg.sim.mesh import pose
from pcseg.sim.rig import Camera, Mount, Rig
from pcseg.sim.sensors import Sensor
from pcseg.sim.sensors import sensor as device

LIDAR = "LIDAR_TOP"
KEY_RATE_HZ = 2.0
SWEEPS = 9
"""Between two key frames: 20 turns a second."""

CAR_FROM_BODY = pose((0.943713, 0.0, 0.0))
"""The simulator's body lies under the LiDAR, which sits so far ahead of the rear axle."""

CAR_FROM_LIDAR = np.array([[0.0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
"""Rotation of the LiDAR in the files, whose own axes are x right, y forward."""

WIDTH, HEIGHT = 1600, 900

# Focal length and centre in pixels, position in metres, orientation as quaternion w, x, y, z:
# calibrated_sensor.json of the log n015-2018-07-24-11-22-45+0800.
_CAMERAS = {
    "CAM_FRONT": (
        (1266.417203046554, 816.2670197447984, 491.50706579294757),
        (1.70079118954, 0.0159456324149, 1.51095763913),
        (0.4998015430569128, -0.5030316162024876, 0.4997798114386805, -0.49737083824542755),
    ),
    "CAM_FRONT_RIGHT": (
        (1260.8474446004698, 807.968244525554, 495.3344268742088),
        (1.5508477543, -0.493404796419, 1.49574800619),
        (0.2060347966337182, -0.2026940577919598, 0.6824507824531167, -0.6713610884174485),
    ),
    "CAM_BACK_RIGHT": (
        (1259.5137405846733, 807.2529053838625, 501.19579884916527),
        (1.0148780988, -0.480568219723, 1.56239545128),
        (0.12280980120078765, -0.132400842670559, -0.7004305821388234, 0.690496031265798),
    ),
    "CAM_BACK": (
        (809.2209905677063, 829.2196003259838, 481.77842384512485),
        (0.0283260309358, 0.00345136761476, 1.57910346144),
        (0.5037872666382278, -0.49740249788611096, -0.4941850223835201, 0.5045496097725578),
    ),
    "CAM_BACK_LEFT": (
        (1256.7414812095406, 792.1125740759628, 492.7757465151356),
        (1.03569100218, 0.484795032713, 1.59097014818),
        (0.6924185592174665, -0.7031619420114925, -0.11648342771943819, 0.11203317912370753),
    ),
    "CAM_FRONT_LEFT": (
        (1272.5979470598488, 826.6154927353808, 479.75165386361925),
        (1.52387798135, 0.494631336551, 1.50932822144),
        (0.6757265034669446, -0.6736266522251881, 0.21214015046209478, -0.21122827103904068),
    ),
}


def nuscenes_rig(sensor: str | None) -> Rig:
    """The rig; its LiDAR replaced by another device if one is named."""
    lidar = _starting_left(device(sensor or "nuscenes"))
    mount = Mount(LIDAR, lidar, pose((0.0, 0.0, lidar.mount_height_m)))
    cameras = tuple(_camera(name, *facts) for name, facts in _CAMERAS.items())
    return Rig((mount,), cameras, KEY_RATE_HZ, SWEEPS)


def quaternion(rotation: np.ndarray) -> list[float]:
    """w, x, y, z of a (3, 3) rotation as JSON has it, without -0."""
    return [float(value) + 0.0 for value in quaternion_of(rotation)]


def _starting_left(lidar: Sensor) -> Sensor:
    """The device with each turn beginning to the left of the car, as in the genuine files."""
    quarter = lidar.columns // 4 if lidar.kind == "spinning" else 0
    return replace(
        lidar,
        directions=np.roll(lidar.directions, -quarter, axis=1),
        origins=np.roll(lidar.origins, -quarter, axis=1),
    )


def _camera(
    name: str,
    lens: tuple[float, float, float],
    position: tuple[float, float, float],
    rotation: tuple[float, float, float, float],
) -> Camera:
    focal, across, down = lens
    car_from_camera = pose(position)
    car_from_camera[:3, :3] = rotation_of(np.array(rotation))
    K = np.array([[focal, 0, across], [0, focal, down], [0, 0, 1.0]])
    return Camera(name, WIDTH, HEIGHT, K, np.linalg.inv(CAR_FROM_BODY) @ car_from_camera)
