"""PandaSet's car in the simulator: where its sensors sit, and what its classes are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pcseg.data.quaternions import rotation_of
from pcseg.sim import classes as sim
from pcseg.sim.mesh import pose
from pcseg.sim.rig import Camera, Mount, Rig
from pcseg.sim.sensors import sensor as device

EGO_HEIGHT_M, BEHIND_M = 0.16, 0.82
"""Of the ego frame's origin above the road and behind the Pandar64, measured in frame 001/00."""

LIDAR_HEIGHT_M = EGO_HEIGHT_M + 1.856
"""Of the Pandar64 above the road: from the calibration and the front camera's place, 001/00."""

FRAME_RATE_HZ = 10.0

BODY_FROM_EGO = pose((-BEHIND_M, 0.0, EGO_HEIGHT_M), -np.pi / 2)
"""The ego frame is x right, y forward, z up."""

CAMERA_NUMBERS = (
    *("front_left_camera", "front_camera", "front_right_camera"),
    *("right_camera", "back_camera", "left_camera"),
)
"""By what ``camera_used`` of the cuboids says, told by where the boxes of each number lie."""

_BODY_FROM_LIDAR = pose((0.0, 0.0, LIDAR_HEIGHT_M), np.pi / 2)
"""The Pandar64's own axes: x left, y backward, z up, as the calibration has them."""

_SIZE = (1920, 1080)
_CAMERAS = {
    "front_camera": (
        (1970.0131, 1970.0091, 970.0002, 483.2988),
        (0.016213200031, 0.003057889938, 0.711472180042, -0.702520546661),
        (0.00025858, -0.03907777, -0.04401258),
    ),
    "front_left_camera": (
        (929.8429, 930.0592, 972.1794, 508.0057),
        (0.335400226070, 0.327749146961, -0.628348665148, 0.620697301448),
        (-0.25842241, -0.30706543, -0.92442457),
    ),
    "front_right_camera": (
        (930.0407, 930.0324, 965.0525, 463.4161),
        (0.353763387973, 0.349317958527, 0.612031464108, -0.615017004742),
        (0.25469357, -0.24929450, -0.86865973),
    ),
    "left_camera": (
        (930.4514, 930.0891, 991.6883, 541.6057),
        (0.505039191800, 0.492530731528, -0.498926550108, 0.503409565706),
        (0.23864835, -0.28014483, -0.53767960),
    ),
    "right_camera": (
        (922.5465, 922.4229, 945.057, 517.575),
        (0.508744840208, 0.494752098165, 0.497782995307, -0.498609204193),
        (-0.23097163, -0.30843497, -0.68504412),
    ),
    "back_camera": (
        (933.4667, 934.6754, 896.4692, 507.3557),
        (0.713789231076, 0.700358553094, -0.001595758695, -0.000533031153),
        (-0.00042176, -0.21683145, -1.05534455),
    ),
}
"""fx fy cx cy, and camera from Pandar64 as quaternion w x y z and metres: the development kit's
static_extrinsic_calibration.yaml, with the intrinsics of the data set."""


def pandaset_rig(sensor: str | None) -> Rig:
    """Pandar64 above, PandarGT ahead of it, six cameras.

    The PandarGT's place (0.6 m ahead of the Pandar64, 0.3 m lower) follows the calibration file
    read as "Pandar64 from PandarGT": the other reading would put it above.
    """
    main = replace(device(sensor or "pandar64"), mount_height_m=LIDAR_HEIGHT_M)
    place = (0.606, 0.0, LIDAR_HEIGHT_M - 0.302)
    ahead = replace(device("pandar_gt"), mount_height_m=place[2])
    lidars = (
        Mount("pandar64", main, pose((0.0, 0.0, LIDAR_HEIGHT_M))),
        Mount("pandargt", ahead, pose(place)),
    )
    return Rig(lidars, tuple(_camera(name) for name in _CAMERAS), FRAME_RATE_HZ)


def _camera(name: str) -> Camera:
    (fx, fy, cx, cy), turn, shift = _CAMERAS[name]
    camera_from_lidar = np.eye(4)
    camera_from_lidar[:3, :3] = rotation_of(np.array(turn))
    camera_from_lidar[:3, 3] = shift
    K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    return Camera(name, *_SIZE, K, _BODY_FROM_LIDAR @ np.linalg.inv(camera_from_lidar))


CLASS_OF = sim.translation(
    {
        0: 0,
        sim.CAR: 13,
        sim.PICKUP: 14,
        sim.TRUCK: 15,
        sim.TRAILER: 17,
        sim.MOTORCYCLE: 18,
        sim.MOTORCYCLIST: 18,  # riders belong to what they ride
        sim.CONSTRUCTION_VEHICLE: 19,
        sim.OTHER_VEHICLE: 20,
        sim.BUS: 23,
        sim.PERSONAL_MOBILITY: 24,
        sim.BICYCLE: 26,
        sim.BICYCLIST: 26,
        sim.PERSON: 30,
        sim.ROAD: 7,
        sim.LANE_MARKING: 8,
        sim.STOP_LINE: 9,
        sim.ROAD_MARKING: 10,
        sim.SIDEWALK: 11,
        sim.PARKING: 12,
        sim.TERRAIN: 6,
        sim.VEGETATION: 5,
        sim.TRUNK: 5,
        sim.BUILDING: 41,
        sim.FENCE: 42,
        sim.OTHER_STRUCTURE: 42,
        sim.POLE: 42,
        sim.OTHER_OBJECT: 42,
        sim.TRAFFIC_SIGN: 36,
        sim.TRAFFIC_CONE: 37,
        sim.CONSTRUCTION_SIGN: 38,
        sim.TEMPORARY_BARRIER: 39,
        sim.CONCRETE_BARRIER: 35,
        sim.REFUSE_BIN: 40,
    }
)
"""PandaSet's id of each of the simulator's."""
