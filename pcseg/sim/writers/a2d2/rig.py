"""A2D2's car in the simulator: five tilted LiDARs, one camera, and the classes by colour."""

from __future__ import annotations

import numpy as np

from pcseg.data.readers.a2d2.cameras import rigid
from pcseg.sim import classes as sim
from pcseg.sim.mesh import pose
from pcseg.sim.rig import CAMERA_FROM_BODY, Camera, Mount, Rig, with_camera_axes
from pcseg.sim.sensors import sensor as device

CAMERA = "front_center"
FRAME_RATE_HZ = 10.0

BODY_FROM_VEHICLE = pose((-1.2, 0.0, 0.70))
"""The origin of the data set's vehicle frame; its height above the road is an estimate."""

_VIEW = {
    "origin": (1.711045726422736, -5.735179668849011e-09, 0.9431449279047172),
    "x-axis": (0.9997595802751106, 0.021372184646008877, -0.004900139956328717),
    "y-axis": (-0.021482638328964472, 0.9994877740097232, -0.02372100030596073),
}
_FOCAL_AND_CENTER = (1687.3369140625, 1783.428466796875, 965.4341405582381, 684.4193604186803)
_SIZE = (1920, 1208)
"""Of the front-centre camera: cams_lidars.json of the data set, undistorted pictures."""

_DOWN = np.radians(11.26)
_LIDARS = {
    "front_center": pose((1.7184, 0.0, 1.12014), pitch=-_DOWN),
    "front_left": pose((1.65, 0.60, 1.12), yaw=np.radians(60), pitch=-_DOWN),
    "front_right": pose((1.65, -0.60, 1.12), yaw=np.radians(-60), pitch=-_DOWN),
    "rear_left": pose((-0.30, 0.60, 1.12), yaw=np.radians(120), pitch=-_DOWN),
    "rear_right": pose((-0.30, -0.60, 1.12), yaw=np.radians(-120), pitch=-_DOWN),
}
"""Vehicle from LiDAR. The first is the data set's; the places of the others on the roof are
estimates, each tilted outwards and down as the first is forwards."""


def a2d2_rig(sensor: str | None) -> Rig:
    """Five VLP-16 (or five of another device) and the front-centre camera.

    The first LiDAR sits half a metre ahead of the body's origin, at the front edge of the roof.
    """
    lidar = device(sensor or "vlp16")
    mounts = tuple(
        Mount(name, lidar, BODY_FROM_VEHICLE @ placed) for name, placed in _LIDARS.items()
    )
    fx, fy, cx, cy = _FOCAL_AND_CENTER
    K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    view = rigid(*(np.array(_VIEW[key]) for key in ("origin", "x-axis", "y-axis")))
    placed = with_camera_axes(BODY_FROM_VEHICLE @ view)
    return Rig(mounts, (Camera(CAMERA, *_SIZE, K, placed),), FRAME_RATE_HZ)


def vehicle_from_view(camera: Camera) -> np.ndarray:
    """(4, 4): the camera's place with axes x forward, y left, z up, in the vehicle's frame."""
    placed = np.linalg.inv(BODY_FROM_VEHICLE) @ camera.body_from_camera
    placed[:3, :3] = placed[:3, :3] @ CAMERA_FROM_BODY
    return placed


def class_ids(labels: np.ndarray, instances: np.ndarray) -> np.ndarray:
    """Raw ids of A2D2 (uint8) for the simulator's ids, of the same shape.

    Neighbouring objects of a class have ids (colours) of their own in the data set: Car 1 to
    Car 4, for example. They are dealt out by instance.
    """
    first = _CLASS_OF[labels]
    return (first + instances % _VARIANTS[first]).astype(np.uint8)


_CLASS_OF = sim.translation(
    {
        0: 52,  # where a picture shows nothing, it shows the sky
        sim.CAR: 1,
        sim.BICYCLE: 5,
        sim.BICYCLIST: 5,
        sim.PERSON: 9,
        sim.TRUCK: 12,
        sim.PICKUP: 1,
        sim.MOTORCYCLE: 15,
        sim.MOTORCYCLIST: 15,
        sim.PERSONAL_MOBILITY: 15,
        sim.TRAFFIC_LIGHT: 18,
        sim.TRAFFIC_SIGN: 21,
        sim.BUS: 24,
        sim.OTHER_VEHICLE: 24,
        sim.CONCRETE_BARRIER: 26,
        sim.CURB: 28,
        sim.LANE_MARKING: 29,
        sim.TEMPORARY_BARRIER: 31,
        sim.ROAD_MARKING: 34,
        sim.OTHER_OBJECT: 35,
        sim.POLE: 36,
        sim.FENCE: 39,
        sim.VEGETATION: 44,
        sim.TRUNK: 44,
        sim.TERRAIN: 44,
        sim.PARKING: 45,
        sim.SIDEWALK: 46,
        sim.TRAFFIC_CONE: 49,
        sim.ROAD: 51,
        sim.BUILDING: 53,
        sim.OTHER_STRUCTURE: 53,
    }
)
_VARIANTS = np.ones(256, np.int64)
_VARIANTS[[1, 5, 9, 12, 15, 24]] = 4, 4, 3, 3, 3, 2
"""How many ids a class of objects has, from the first on."""
