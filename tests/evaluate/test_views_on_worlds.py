"""A network that knows everything is right in every view: what the world is made of decides.

The simulator writes one world in the ids of several datasets, by tables that were made from the
datasets' own definitions. A perfect network of the source, met with the truth of the target, may
err only where a view is known to be unfair. This judges label maps and views by other people's
tables.
"""

from __future__ import annotations

import numpy as np
import pytest

from pcseg.data import IGNORE, label_set
from pcseg.evaluate import View, view
from pcseg.evaluate.house import LEVELS
from pcseg.sim import classes as sim
from pcseg.sim.writers.nuscenes.ids import categories
from pcseg.sim.writers.pandaset.rig import CLASS_OF
from pcseg.sim.writers.semanticposs import FROM_SIMULATOR
from pcseg.sim.writers.waymo.ids import LIDAR_IDS

NAMED = {value: name for name, value in vars(sim).items() if name.isupper() and type(value) is int}
WORLD = np.array(sorted({0, *NAMED, *sim.MOVING.values(), *sim.COARSE}))
"""Everything that the simulator can build."""

RAW = {
    "semantic_kitti": sim.fine_to_semantickitti(WORLD),
    "nuscenes_lidarseg": categories(WORLD),
    "semantic_poss": FROM_SIMULATOR[WORLD],
    "pandaset": CLASS_OF[WORLD],
    "waymo": LIDAR_IDS[WORLD],
}
"""Raw ids of the world in each dataset."""

SHORT = {
    "sk": "semantic_kitti",
    "ns": "nuscenes_lidarseg",
    "wo": "waymo",
    "sp": "semantic_poss",
    "ps": "pandaset",
}


def errors(one: View, source: str, target: str) -> set[str]:
    """The kinds of things that a perfect network gets wrong; ignored truth is no matter."""
    network = label_set(source).encode(RAW[source.partition("/")[0]])
    truth = label_set(target).encode(RAW[target.partition("/")[0]])
    wrong = set()
    for kind, pred, label in zip(WORLD, network, truth, strict=True):
        wanted = one.truth[int(label)] if label != IGNORE else IGNORE
        if wanted != IGNORE and pred != IGNORE and one.predicted[int(pred)] != wanted:
            wrong.add(NAMED.get(int(kind), f"moving {kind}"))
    return wrong


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("target", SHORT)
@pytest.mark.parametrize("source", ["sk", "ns", "wo"])
def test_the_house_benchmark_is_fair(source: str, target: str, level: str) -> None:
    one = view(f"pcseg-dg/1/{level}/{source}-{target}")
    unfair = set()
    if "wo" in (source, target):
        unfair |= {"PICKUP"}  # cars for Waymo's camera labels; its point labels do not say
    if target == "sp":
        unfair |= {"PERSONAL_MOBILITY"}  # the simulator calls them bikes there
    assert errors(one, one.sources[0], next(iter(one.targets))) <= unfair


@pytest.mark.parametrize("pair", ["sk-ns", "ns-sk", "ns-pandaset", "ns-sp"])
def test_most_pairs_of_3dlabelprop_are_fair(pair: str) -> None:
    one = view(f"3dlabelprop/{pair}/v1")
    assert errors(one, one.sources[0], next(iter(one.targets))) == set()


def test_3dlabelprop_on_pandaset_charges_poles_and_signs() -> None:
    one = view("3dlabelprop/sk-pandaset/v1")
    found = errors(one, one.sources[0], next(iter(one.targets)))
    assert found - {"PERSONAL_MOBILITY"} == {"POLE", "TRAFFIC_SIGN", "CONSTRUCTION_SIGN"}


@pytest.mark.parametrize("target", ["semantic_kitti", "nuscenes_lidarseg", "waymo"])
@pytest.mark.parametrize("source", ["semantic_kitti", "nuscenes_lidarseg", "waymo"])
def test_dglss_is_fair_but_for_pickups(source: str, target: str) -> None:
    one = view("dglss10/v1")
    assert errors(one, f"{source}/dglss_10", f"{target}/dglss_10") <= {"PICKUP"}


def test_dglss_on_poss_charges_whatever_is_coarser_there() -> None:
    one = view("dglss-poss5/v1")
    found = errors(one, "semantic_kitti/dglss_10", "semantic_poss/dglss_10")
    assert {"TRUCK", "BUS", "MOTORCYCLE", "SIDEWALK", "TERRAIN"} <= found
    assert not found & {"CAR", "BICYCLE", "PERSON", "ROAD", "VEGETATION", "TRUNK"}


def test_lidog_is_fair() -> None:
    one = view("lidog7-b8/v1")
    for source in one.sources[:2]:
        for target in one.targets:
            assert errors(one, source, target) == set()


def test_the_world_is_large_enough_to_mean_something() -> None:
    assert len(WORLD) > 40
    one = view("pcseg-dg/1/L1/sk-wo")
    scored = label_set("waymo/wo22").encode(RAW["waymo"])
    assert {one.truth[int(k)] for k in scored if k != IGNORE} >= set(range(len(one.names)))
