"""Ids of what the simulator builds: SemanticKITTI's raw ids, and finer kinds that it merges."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

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

# Kinds that SemanticKITTI does not tell apart, but other data sets do. Their ids begin at 300 and
# are the simulator's own; they stand in worlds and frames, never in a file.
TRAFFIC_CONE, TEMPORARY_BARRIER, CONCRETE_BARRIER, CONSTRUCTION_SIGN = 300, 301, 302, 303
TRAFFIC_LIGHT, CURB, ROAD_MARKING, STOP_LINE, DRIVEWAY = 304, 305, 306, 307, 308
TRAILER, CONSTRUCTION_VEHICLE, PICKUP, PERSONAL_MOBILITY = 309, 310, 311, 312
REFUSE_BIN, CONTAINER, STROLLER, BICYCLE_RACK = 313, 314, 315, 316
CHILD, CONSTRUCTION_WORKER = 317, 318

COARSE = {
    TRAFFIC_CONE: OTHER_OBJECT,
    TEMPORARY_BARRIER: FENCE,  # boards and mesh panels around roadworks
    CONCRETE_BARRIER: FENCE,  # a "jersey" profile
    CONSTRUCTION_SIGN: TRAFFIC_SIGN,  # the plate; its post is a pole
    TRAFFIC_LIGHT: OTHER_OBJECT,  # the heads; the mast is a pole
    CURB: SIDEWALK,  # the upright face of a kerb
    ROAD_MARKING: LANE_MARKING,  # crosswalks; lines between lanes stay lane markings
    STOP_LINE: LANE_MARKING,
    DRIVEWAY: PARKING,
    TRAILER: OTHER_VEHICLE,
    CONSTRUCTION_VEHICLE: OTHER_VEHICLE,
    PICKUP: TRUCK,
    PERSONAL_MOBILITY: OTHER_VEHICLE,  # a parked kick scooter
    REFUSE_BIN: OTHER_OBJECT,  # on wheels
    CONTAINER: OTHER_OBJECT,  # a skip
    STROLLER: OTHER_OBJECT,
    BICYCLE_RACK: OTHER_OBJECT,  # the hoops without the bicycles
    CHILD: PERSON,
    CONSTRUCTION_WORKER: PERSON,
}
"""The SemanticKITTI id of every finer kind."""

THINGS = (
    *(CAR, BICYCLE, BUS, MOTORCYCLE, TRUCK, OTHER_VEHICLE, PERSON, BICYCLIST, MOTORCYCLIST),
    *MOVING.values(),
)
"""What SemanticKITTI counts one by one; the simulator also numbers cones, barriers and the like."""

GROUND = (ROAD, PARKING, SIDEWALK, LANE_MARKING, TERRAIN)
"""What is driven and walked on, in SemanticKITTI's ids."""


def fine_to_semantickitti(ids: np.ndarray) -> np.ndarray:
    """The same array with every finer kind as the SemanticKITTI id it belongs to."""
    return _COARSE_OF[ids].astype(ids.dtype)


def translation(table: Mapping[int, int]) -> np.ndarray:
    """A lookup table from the simulator's ids to those of a data set: ``translation(t)[ids]``.

    What the data set does not tell apart need not be listed: a finer kind without an entry takes
    that of its SemanticKITTI id, an id of a moving object that of the same object at rest.

    Args:
        table: data-set id of each simulator id; 0, every class at rest and whatever else differs.

    Returns:
        (319,) int64 by simulator id; ids that the simulator does not have are -1.

    Raises:
        ValueError: if a class has no entry.
    """
    at_rest = {moving: still for still, moving in MOVING.items()}
    found = np.full(len(_COARSE_OF), -1, np.int64)
    for kind in (0, *_CLASSES, *at_rest, *COARSE):
        coarser = (kind, at_rest.get(kind, kind), COARSE.get(kind, kind))
        known = [k for k in coarser if k in table]
        if not known:
            raise ValueError(f"the translation has no entry for the simulator's id {kind}")
        found[kind] = table[known[0]]
    return found


_CLASSES = (
    *(CAR, BICYCLE, BUS, MOTORCYCLE, TRUCK, OTHER_VEHICLE, PERSON, BICYCLIST, MOTORCYCLIST),
    *(ROAD, PARKING, SIDEWALK, BUILDING, FENCE, OTHER_STRUCTURE, LANE_MARKING),
    *(VEGETATION, TRUNK, TERRAIN, POLE, TRAFFIC_SIGN, OTHER_OBJECT),
)
_COARSE_OF = np.arange(max(COARSE) + 1)
_COARSE_OF[list(COARSE)] = list(COARSE.values())
