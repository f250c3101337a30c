"""Raw SemanticKITTI ids of what the simulator builds; which of them move."""

from __future__ import annotations

CAR, BICYCLE, BUS, MOTORCYCLE, TRUCK, OTHER_VEHICLE = 10, 11, 13, 15, 18, 20
PERSON, BICYCLIST, MOTORCYCLIST = 30, 31, 32
ROAD, PARKING, SIDEWALK = 40, 44, 48
BUILDING, FENCE, OTHER_STRUCTURE, LANE_MARKING = 50, 51, 52, 60
VEGETATION, TRUNK, TERRAIN, POLE, TRAFFIC_SIGN, OTHER_OBJECT = 70, 71, 72, 80, 81, 99

MOVING = {
    CAR: 252,
    BICYCLIST: 253,
    PERSON: 254,
    MOTORCYCLIST: 255,
    BUS: 257,
    TRUCK: 258,
    OTHER_VEHICLE: 259,
}
"""The id that an object of a class carries while it moves."""

GROUND = (ROAD, PARKING, SIDEWALK, LANE_MARKING, TERRAIN)
