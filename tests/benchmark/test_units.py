"""Units: their names change with all that decides a result, and with nothing else."""

from __future__ import annotations

import copy

import pytest

from pcseg.benchmark import Plan, Work, expand
from pcseg.benchmark.units import Unit


def ids(data: dict, kind: str) -> list[str]:
    return [unit.id for unit in expand(Plan.model_validate(data)).units if unit.kind == kind]


def test_expansion(work: Work) -> None:
    """2 methods x 2 seeds on the source and 1 x 2 on the oracle; the oracle meets one target."""
    kinds = [unit.kind for unit in work.units]
    assert [kinds.count(k) for k in ("simulate", "train", "predict", "score")] == [0, 6, 10, 10]
    assert kinds == sorted(kinds, key=["simulate", "train", "predict", "score"].index)
    oracles = [cell for cell in work.cells if cell.oracle]
    assert {(c.method, c.source, c.target) for c in oracles} == {("with", "sp", "sp-all")}
    assert {cell.track for cell in work.cells if cell.method == "with"} == {"R"}
    assert {cell.track for cell in work.cells if cell.method == "without"} == {"G"}
    known = {unit.id for unit in work.units}
    assert len(known) == len(work.units)
    assert all(set(unit.needs) <= known for unit in work.units)


def test_only_views_that_fit_are_scored(work: Work) -> None:
    by_id = {unit.id: unit for unit in work.units}
    views = {c.target: set(by_id[c.score].spec["views"]) for c in work.cells if not c.oracle}
    assert views["sk-val"] - {"L3", "L2", "L1"} == {"3dlabelprop/sk-sk/v1"}
    assert views["sp-all"] - {"L3", "L2", "L1"} == {"3dlabelprop/sk-sp/v1"}


def test_names_of_people_are_no_part_of_a_unit(data: dict) -> None:
    renamed = copy.deepcopy(data)
    renamed["methods"] = {"a": data["methods"]["with"], "b": data["methods"]["without"]}
    renamed["title"] = "another"
    assert ids(renamed, "score") == ids(data, "score")
    assert Unit("train", {"a": 1}, label="x").id == Unit("train", {"a": 1}, label="y").id


@pytest.mark.parametrize(
    ("changed", "trains_again"),
    [
        (("seeds", [1, 3]), "some"),
        (("targets", "sk-val", "split", "08:0"), "none"),
        (("views", ["L3"]), "none"),
        (("sources", "sk", "val_split", "00:5"), "some"),
        (("data", "kitti", "root", "/elsewhere"), "some"),
        (("data", "kitti", "thin", True), "some"),
    ],
)
def test_only_what_depends_on_a_change_is_done_again(
    data: dict, changed: tuple, trains_again: str
) -> None:
    before = {kind: set(ids(data, kind)) for kind in ("train", "score")}
    place = data
    for key in changed[:-2]:
        place = place[key]
    place[changed[-2]] = changed[-1]
    assert set(ids(data, "score")) != before["score"]
    same = set(ids(data, "train")) & before["train"]
    assert same == before["train"] if trains_again == "none" else same < before["train"]


def test_settings_that_change_no_weights_change_no_name(data: dict) -> None:
    before = ids(data, "train")
    for free in ("data.workers=7", "train.log_every=3", "train.device=cpu", "data.root=/x"):
        data["methods"]["with"]["settings"] = [*data["methods"]["with"]["settings"], free]
    assert ids(data, "train") == before
    data["methods"]["with"]["settings"] += ["optim.lr=0.02"]
    assert ids(data, "train") != before


def test_a_union_trains_on_common_classes(data: dict) -> None:
    data["sources"]["both"] = {"union": ["sk", "sp"], "train_labels": "dg_l3"}
    data["targets"]["sp-all"]["oracle"] = None
    work = expand(Plan.model_validate(data))
    spec = next(u.spec for u in work.units if u.kind == "train" and " both " in u.label)
    assert [s["label_set"] for s in spec["train"]] == [
        "semantic_kitti/dg_l3",
        "semantic_poss/dg_l3",
    ]
    assert len(spec["val"]) == 1
