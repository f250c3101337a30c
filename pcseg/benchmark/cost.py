"""What a plan will cost: scans to go through, times what a scan has cost before."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from pcseg.benchmark.expand import Work
from pcseg.benchmark.specs import open_labelled
from pcseg.benchmark.store import Store
from pcseg.benchmark.units import KINDS, Unit
from pcseg.errors import DataError

UNMEASURED_S = {"simulate": 0.5, "train": 0.7, "predict": 0.4, "score": 0.15}
"""Seconds a scan, before anything was measured here: two cores, a small MinkUNet, 30 000 points.
The units that are done in a folder replace them."""


@dataclass(frozen=True)
class Cost:
    """The estimate of one kind of units.

    Attributes:
        kind: of the units.
        units: how many there are.
        done: how many of them are done.
        scans: that the others go through, each as often as it is gone through.
        unknown: units whose scans cannot be counted: recorded data that are not there.
        seconds: estimated, of one worker.
        measured: whether seconds a scan were measured here.
    """

    kind: str
    units: int
    done: int
    scans: int
    unknown: int
    seconds: float
    measured: bool


def estimate(work: Work, store: Store) -> list[Cost]:
    """The cost of what is left of a plan, kind by kind."""
    by_id = {unit.id: unit for unit in work.units}
    return [_of_kind(kind, by_id, store) for kind in KINDS]


def _of_kind(kind: str, by_id: dict[str, Unit], store: Store) -> Cost:
    units = [unit for unit in by_id.values() if unit.kind == kind]
    seconds, scans = 0.0, 0
    left, unknown = 0, 0
    for unit in units:
        count = _passes(unit, by_id, store)
        if store.is_done(unit):
            if count:
                seconds += store.record(unit.id)["made"]["seconds"]
                scans += count
        elif count is None:
            unknown += 1
        else:
            left += count
    each = seconds / scans if scans else UNMEASURED_S[kind]
    done = sum(map(store.is_done, units))
    return Cost(kind, len(units), done, left, unknown, left * each, scans > 0)


def _passes(unit: Unit, by_id: dict[str, Unit], store: Store) -> int | None:
    """Scans that a unit goes through, validation included; None if they cannot be counted."""
    spec = unit.spec
    if unit.kind == "simulate":
        return len(spec["sequences"]) * int(spec["frames"])
    if unit.kind != "train":
        return _count(spec["scans"], by_id, store)
    train = [_count(scans, by_id, store) for scans in spec["train"]]
    val = [_count(scans, by_id, store) for scans in spec["val"]]
    if None in train or None in val:
        return None
    settings: dict[str, Any] = spec["config"]["train"]
    share = spec["train"][0].get("choice", {}).get("amount", 1.0)
    validations = -(-settings["epochs"] // settings["validate_every"])
    passes = settings["epochs"] * share * sum(n or 0 for n in train)
    if settings["max_steps"] is not None:
        batch = spec["config"]["data"]["batch_size"] * settings["accumulate"]
        passes = min(passes, settings["max_steps"] * batch)
    return round(passes + validations * sum(n or 0 for n in val))


def _count(scans: dict[str, Any], by_id: dict[str, Unit], store: Store) -> int | None:
    made_by = scans["simulated_by"]
    if made_by is not None and not store.is_done(by_id[made_by]):
        return _planned(scans["split"], by_id[made_by].spec)
    try:
        return len(open_labelled({**scans, "choice": None}, store.out))
    except DataError:
        return None


def _planned(split: str, recipe: Any) -> int:
    """Frames of a split of drives that are not made yet; a named split is taken for a third."""
    found: defaultdict[str, int] = defaultdict(int)
    for part in split.replace(";", ",").split(","):
        found[part.partition(":")[0]] = int(recipe["frames"])
    known = [found[name] for name in recipe["sequences"] if name in found]
    if known:
        return sum(known)
    everything = len(recipe["sequences"]) * int(recipe["frames"])
    return everything if split == "all" else -(-everything // 3)
