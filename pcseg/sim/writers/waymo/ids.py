"""Waymo's ids for what the simulator builds: of LiDAR points, and of camera pixels."""

from __future__ import annotations

from pcseg.sim.classes import (
    BICYCLE,
    BICYCLIST,
    BUILDING,
    BUS,
    CAR,
    CONTAINER,
    CURB,
    DRIVEWAY,
    FENCE,
    LANE_MARKING,
    MOTORCYCLE,
    MOTORCYCLIST,
    OTHER_OBJECT,
    OTHER_STRUCTURE,
    OTHER_VEHICLE,
    PARKING,
    PERSON,
    PICKUP,
    POLE,
    REFUSE_BIN,
    ROAD,
    ROAD_MARKING,
    SIDEWALK,
    STOP_LINE,
    STROLLER,
    TEMPORARY_BARRIER,
    TERRAIN,
    TRAFFIC_CONE,
    TRAFFIC_LIGHT,
    TRAFFIC_SIGN,
    TRAILER,
    TRUCK,
    TRUNK,
    VEGETATION,
    translation,
)

LIDAR_IDS = translation(
    {
        0: 0,
        CAR: 1,
        PICKUP: 1,  # a car by the definition of camera labels; points have none of their own
        TRUCK: 2,
        BUS: 3,
        OTHER_VEHICLE: 4,
        MOTORCYCLIST: 5,
        BICYCLIST: 6,
        PERSON: 7,
        TRAFFIC_SIGN: 8,
        TRAFFIC_LIGHT: 9,
        POLE: 10,
        TRAFFIC_CONE: 11,
        BICYCLE: 12,
        MOTORCYCLE: 13,
        BUILDING: 14,
        VEGETATION: 15,
        TRUNK: 16,
        CURB: 17,
        # "Surface a vehicle could drive on", driveways over sidewalks included.
        ROAD: 18,
        PARKING: 18,
        DRIVEWAY: 18,
        LANE_MARKING: 19,
        # "Marking on the road other than lane markers".
        ROAD_MARKING: 20,
        STOP_LINE: 20,
        TERRAIN: 21,  # "walkable": not drivable, for example grass
        SIDEWALK: 22,
        # No class of segmentation.proto fits these.
        FENCE: 0,
        OTHER_STRUCTURE: 0,
        OTHER_OBJECT: 0,
    }
)
"""Ids of ``segmentation.proto`` by the simulator's."""

THINGS = (1, 2, 3, 4, 5, 6, 7, 11, 12, 13)
"""Classes of points that come as single objects: vehicles, people, cones and cycles."""

SKY = 25

CAMERA_IDS = translation(
    {
        0: 0,
        CAR: 2,
        PICKUP: 2,  # "small vehicle such as a sedan, SUV, pickup truck"
        TRUCK: 3,
        BUS: 4,
        OTHER_VEHICLE: 5,
        BICYCLE: 6,
        MOTORCYCLE: 7,
        TRAILER: 8,
        PERSON: 9,
        BICYCLIST: 10,
        MOTORCYCLIST: 11,
        TRAFFIC_CONE: 14,
        POLE: 15,
        STROLLER: 16,
        TRAFFIC_SIGN: 17,
        TRAFFIC_LIGHT: 18,
        BUILDING: 19,
        ROAD: 20,
        PARKING: 20,
        LANE_MARKING: 21,
        ROAD_MARKING: 22,
        STOP_LINE: 22,
        SIDEWALK: 23,
        VEGETATION: 24,
        TRUNK: 24,
        TERRAIN: 26,  # "other horizontal surfaces that are drivable or walkable"
        # "Not permanent in its current position".
        TEMPORARY_BARRIER: 27,
        REFUSE_BIN: 27,
        CONTAINER: 27,
        # "Permanent, and not of any of the other classes".
        FENCE: 28,
        OTHER_STRUCTURE: 28,
        OTHER_OBJECT: 28,
    }
)
"""Ids of ``camera_segmentation.proto`` by the simulator's; the sky is `SKY`."""
