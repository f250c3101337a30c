"""Expansion: from a plan to units of work, and to the cells of the table that they fill."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pcseg.benchmark.hunger import FULL, variants
from pcseg.benchmark.plan import Plan
from pcseg.benchmark.specs import finest_classes, members, scans_of, simulation
from pcseg.benchmark.units import Unit, in_order
from pcseg.benchmark.views import views_for
from pcseg.config import Config, load_config
from pcseg.methods.build import METHODS

_HERE = {
    "": ("out",),
    "data": (
        "name", "root", "split", "val_split", "label_set", "label_map", "options", "workers",
    ),
    "train": ("device", "tensorboard", "log_every"),
}  # fmt: skip
"""Settings that a unit takes from elsewhere or that change no result."""


@dataclass(frozen=True)
class Cell:
    """One figure of the table, and the units that make it.

    Attributes:
        method: name in the plan.
        source: name in the plan.
        target: name in the plan.
        seed: of the training.
        variant: how much of the source was trained on; ``full`` but for plans of the kind hunger.
        oracle: trained on data like the target's, to compare with.
        track: what the network was given: geometry (G), reflectivity (R), several scans (T).
        train: id of the training.
        predict: id of the prediction.
        score: id of the score.
    """

    method: str
    source: str
    target: str
    seed: int
    variant: str
    oracle: bool
    track: str
    train: str
    predict: str
    score: str


@dataclass(frozen=True)
class Work:
    """A plan, expanded.

    Attributes:
        units: each once, after those it needs.
        cells: the figures, in the order of the plan.
    """

    units: tuple[Unit, ...]
    cells: tuple[Cell, ...]


def expand(plan: Plan) -> Work:
    """Expand a plan.

    Raises:
        ConfigError: for a configuration, class table or view that does not exist.
    """
    units: list[Unit] = []
    cells: list[Cell] = []
    oracles = {t.oracle: name for name, t in plan.targets.items() if t.oracle is not None}
    for source in [*plan.chosen_sources, *(o for o in oracles if o not in plan.chosen_sources)]:
        is_oracle = source not in plan.chosen_sources
        methods = [plan.compared_with] if is_oracle else list(plan.chosen_methods)
        for method in methods:
            for variant, choice in variants(plan) if not is_oracle else ((FULL, None),):
                for seed in plan.chosen_seeds:
                    config = _config(plan, method, seed, choice)
                    train = _train_unit(plan, method, source, config, choice, variant)
                    units += [*_simulations(plan, source), train]
                    for target in plan.targets:
                        oracle = plan.targets[target].oracle == source
                        if is_oracle and not oracle:
                            continue
                        made, predict, score = _target_units(plan, source, target, train)
                        units += [*made, predict, score]
                        ids = (train.id, predict.id, score.id)
                        where = (method, source, target, seed, variant)
                        cells.append(Cell(*where, oracle, track(config), *ids))
    return Work(tuple(in_order(units)), tuple(cells))


def track(config: Config) -> str:
    """The input track of dg_benchmark: G geometry, R with reflectivity; T with several scans."""
    module, _, name = METHODS[config.method].partition(":")
    method = getattr(importlib.import_module(module), name)
    inputs = "R" if "intensity" in config.input.features else "G"
    return inputs + ("T" if getattr(method, "sequential", False) else "")


def _config(plan: Plan, method: str, seed: int, choice: Mapping[str, Any] | None) -> Config:
    entry = plan.chosen_methods[method]
    config = load_config(entry.config, [*entry.settings, f"train.seed={seed}"])
    if choice is None or plan.hunger is None or plan.hunger.budget == "epochs":
        return config
    # As many updates as with all frames: otherwise less data would also mean less training.
    epochs = math.ceil(config.train.epochs / choice["share"])
    return load_config(
        entry.config, [*entry.settings, f"train.seed={seed}", f"train.epochs={epochs}"]
    )


def _train_unit(
    plan: Plan,
    method: str,
    source: str,
    config: Config,
    choice: Mapping[str, Any] | None,
    variant: str,
) -> Unit:
    entry = plan.sources[source]
    classes = None if entry.train_labels == "source" else entry.train_labels
    parts = members(plan, entry)
    train = [scans_of(plan, str(part.data), part.split, classes) for part in parts]
    if choice is not None:
        train = [{**spec, "choice": dict(choice)} for spec in train]
    val = [
        scans_of(plan, str(part.data), part.val_split, classes)
        for part in parts
        if part.val_split is not None
    ]
    spec = {"config": decisive(config), "train": train, "val": val, "threads": plan.threads}
    needs = tuple(s["simulated_by"] for s in [*train, *val] if s["simulated_by"])
    words = ["train", method, "on", source, *([variant] if variant != FULL else [])]
    return Unit("train", spec, _once(needs), " ".join([*words, f"seed {config.train.seed}"]))


def _target_units(
    plan: Plan, source: str, target: str, train: Unit
) -> tuple[list[Unit], Unit, Unit]:
    entry = plan.targets[target]
    scans = scans_of(plan, entry.data, entry.split)
    made = simulation(plan, entry.data)
    about = f"{train.label.removeprefix('train ')}: {target}"
    needs = [train.id, *([made.id] if made else [])]
    asked = {"train": train.id, "scans": scans, "threads": plan.threads}
    predict = Unit("predict", asked, tuple(needs), f"predict {about}")
    network = train.spec["train"][0]["label_set"]
    views = views_for(plan.views, network, finest_classes(plan, entry.data))
    score = Unit(
        "score",
        {"predict": predict.id, "train": train.id, "scans": scans, "views": views},
        (predict.id, *needs),
        f"score {about}",
    )
    return [made] if made else [], predict, score


def decisive(config: Config) -> dict[str, Any]:
    """The settings that decide the weights, as plain data; the scans are said elsewhere."""
    others = set(METHODS) - {config.method}
    table = config.model_dump(mode="json", exclude=others)  # sections of other methods
    for section, keys in _HERE.items():
        inner = table[section] if section else table
        for key in keys:
            inner.pop(key, None)
    return table


def _simulations(plan: Plan, source: str) -> list[Unit]:
    parts = members(plan, plan.sources[source])
    made = [simulation(plan, str(part.data)) for part in parts]
    return [unit for unit in made if unit is not None]


def _once(ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids))
