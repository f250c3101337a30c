"""nuScenes' categories of what the simulator builds, its attributes, tokens and scene names."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np

from pcseg.data.labels import map_data
from pcseg.data.splits import splits
from pcseg.sim import classes as sim

LABEL_MAP = "nuscenes_lidarseg"
VERSION = "v1.0-mini"

CAR_ITSELF = 31
"""Label of returns from the car, and of rays without a return."""

THINGS = range(1, 24)
"""Categories of single objects: only these have boxes and instances."""

_CATEGORIES = {
    0: 0,
    sim.CAR: 17,
    sim.BICYCLE: 14,
    sim.BUS: 16,
    sim.MOTORCYCLE: 21,
    sim.TRUCK: 23,
    sim.OTHER_VEHICLE: 18,
    sim.PERSON: 2,
    sim.BICYCLIST: 14,  # who rides is part of the vehicle
    sim.MOTORCYCLIST: 21,
    sim.ROAD: 24,
    sim.PARKING: 24,
    sim.SIDEWALK: 26,
    sim.BUILDING: 28,
    sim.FENCE: 28,
    sim.OTHER_STRUCTURE: 28,
    sim.LANE_MARKING: 24,
    sim.VEGETATION: 30,
    sim.TRUNK: 30,
    sim.TERRAIN: 27,
    sim.POLE: 28,
    sim.TRAFFIC_SIGN: 28,
    sim.OTHER_OBJECT: 28,
    sim.TRAFFIC_CONE: 12,
    sim.TEMPORARY_BARRIER: 9,
    sim.CONCRETE_BARRIER: 9,
    sim.TRAILER: 22,
    sim.PERSONAL_MOBILITY: 5,
    sim.REFUSE_BIN: 11,
    sim.STROLLER: 7,
    sim.BICYCLE_RACK: 13,
    sim.CHILD: 3,
    sim.CONSTRUCTION_WORKER: 4,
}

ATTRIBUTES = {
    "vehicle.moving": "Vehicle is moving.",
    "vehicle.stopped": "Vehicle stands still in traffic, its driver in it.",
    "vehicle.parked": "Vehicle stands still for longer.",
    "cycle.with_rider": "There is a rider on the cycle.",
    "cycle.without_rider": "There is nobody on the cycle.",
    "pedestrian.sitting_lying_down": "The person sits or lies.",
    "pedestrian.standing": "The person stands.",
    "pedestrian.moving": "The person moves.",
}
VISIBILITY = {"1": "v0-40", "2": "v40-60", "3": "v60-80", "4": "v80-100"}


def categories(labels: np.ndarray) -> np.ndarray:
    """Category index of each of the simulator's raw ids."""
    return _table()[labels]


def category_names() -> dict[int, str]:
    """Name of each category index."""
    return {int(index): str(name) for index, name in map_data(LABEL_MAP)["raw_names"].items()}


def attribute(label: int) -> str | None:
    """The attribute of an object with one of the simulator's raw ids; None if it can have none."""
    moves = label in sim.MOVING.values()
    category = int(_table()[label])
    if category in (14, 21):
        ridden = moves or label in (sim.BICYCLIST, sim.MOTORCYCLIST)
        return "cycle.with_rider" if ridden else "cycle.without_rider"
    if category in (2, 3, 4, 6):
        return "pedestrian.moving" if moves else "pedestrian.standing"
    if category in (15, 16, 17, 18, 22, 23):
        return "vehicle.moving" if moves else "vehicle.parked"
    return None


def panoptic(category: np.ndarray, instance: np.ndarray) -> np.ndarray:
    """(N,) uint16 category · 1000 + number of the object, 0 for what is no single object.

    The format has room for 999 objects of a category; numbers beyond begin anew.
    """
    single = (instance > 0) & np.isin(category, THINGS)
    number = np.where(single, (instance - 1) % 999 + 1, 0)
    return (category * 1000 + number).astype(np.uint16)


def token(*parts: object) -> str:
    """32 hex digits that follow from what they stand for."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:32]


@lru_cache(maxsize=1)
def scene_names() -> tuple[str, ...]:
    """Of sequences 00 to 99: 08 and 09 belong to val (and mini_val), all others to train.

    00 to 05 belong to mini_train too; its other two scenes are of val.
    """
    official = splits(LABEL_MAP)["official"]
    both = [name for name in official["mini_train"] if name in official["train"]]
    train = [*both, *(name for name in official["train"] if name not in both)]
    return (*train[:8], *official["mini_val"], *train[8:98])


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    return sim.translation(_CATEGORIES)
